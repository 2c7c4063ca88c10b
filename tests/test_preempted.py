#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The writer of the rights table loses its processor in the middle of a change: what cannot be read from
# the table is answered from the state, right and soon, and holds up no other connection of the loop.
import unittest

import ldif
import raw_ldap as raw
from gateway import BASE, Gateway, membership, person, program
from people import password

CAN = "tickets:read"       # what sue may
CANNOT = "tickets:delete"  # and what not
READER = ldif.person("mona") + ldif.member("mona", "acme", usherRole="cn=usher.user-manager,ou=roles," + BASE)
QUESTIONS = [  # who is asked about, where, what, the code, and a word of the text
    ("sue", "acme", CAN, raw.COMPARE_TRUE, ""),
    ("sue", "acme", CANNOT, raw.COMPARE_FALSE, ""),
    ("sue", "acme", CANNOT + ";factor=totp", raw.COMPARE_FALSE, ""),
    ("sue", "acme", "no:such", raw.NO_ATTRIBUTE, "no:such"),
    ("sue", "acme", "tickets:read@event/none", raw.NO_OBJECT, "none"),
    ("sue", "acme", "not a query", raw.BAD_SYNTAX, "not a query"),
    ("sue", "nowhere", CAN, raw.NO_OBJECT, "nowhere"),
    ("nobody", "acme", CAN, raw.COMPARE_FALSE, ""),
]


class Preempted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(ldif=READER).__enter__()
        cls.addClassCleanup(cls.gateway.stop)

    def check(self, link, questions=QUESTIONS):
        for uid, organization, query, code, word in questions:
            answer = link.ask(raw.compare(membership(uid, organization), query))
            self.assertEqual(answer.code, code, (uid, organization, query, answer))
            self.assertIn(word, answer.text, query)

    def writer(self, *words):
        self.gateway.run(program("tests/preempt_writer"), self.gateway.path("cache/rights"), *words)
        if not words:
            self.addCleanup(self.writer, "undo")

    def test_same_answers(self):
        with self.gateway.local() as link:
            self.check(link)
            self.writer()
            self.check(link)

    def test_the_asker(self):
        """Whether a reader may ask hangs on a record too."""
        with self.gateway.bound(person("mona"), "mona-demo-password") as mona, \
                self.gateway.bound(person("sue"), password("sue")) as sue:
            self.writer()
            self.check(mona, [question for question in QUESTIONS if question[1] == "acme"])
            self.check(mona, [("sue", "nowhere", CAN, raw.NO_ACCESS, "may not ask")])
            refused = sue.ask(raw.compare(membership("mona"), CAN))
            self.assertEqual(refused.code, raw.NO_ACCESS, refused)
            self.assertEqual(sue.ask(raw.compare(membership("sue"), CAN)).code, raw.COMPARE_TRUE)

    def test_explain(self):
        with self.gateway.bound(person("mona"), "mona-demo-password") as mona:
            before = mona.ask(raw.explain("acme", "sue", CAN))
            self.assertEqual(before.code, raw.SUCCESS, before)
            self.writer()
            self.assertEqual(mona.ask(raw.explain("acme", "sue", CAN)).value, before.value)

    def test_many_at_once(self):
        """64 in flight, each answered; more than a connection may have under way are told so."""
        with self.gateway.local() as link:
            self.writer()
            link.send(*(raw.message(number, raw.compare(membership("sue"), CAN))
                        for number in range(1, 65)))
            codes = {link.receive().code for _ in range(64)}
            self.assertEqual(codes, {raw.COMPARE_TRUE})


if __name__ == "__main__":
    unittest.main(verbosity=2)
