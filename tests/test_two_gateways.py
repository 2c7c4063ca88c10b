#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Two gateways on one store (DESIGN 2, 6): what one counts, uses up, locks or unlocks holds at the other
# at once, since it is in the ledger and nowhere else.
import os
import re
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, person
from people import add_person, code, enrol, fresh_step, password, ticket
from test_login import REFUSED_TEXT

LIMIT = 5
LOCK_MS = 600000
ATTEMPTS = 31
first = second = None


class Beside(Gateway):
    """Another usherd on the store of the first, with its keys, in a folder of its own."""

    def __init__(self, other, options):
        super().__init__(options)
        self.other = other
        self.store_socket, self.mail_port = other.store_socket, other.mail_port

    def start(self):
        os.chmod(self.folder, 0o711)
        os.mkdir(self.path("run"), 0o711)
        os.mkdir(self.path("run/admin"), 0o700)
        os.link(self.other.path("keys"), self.path("keys"))
        self.connect_store()
        self.start_daemon()
        return self

    def stop(self):
        try:
            self.directory.unbind()
            self.check_end(self.end_daemon())
        finally:
            self.discard()


def setUpModule():
    global first, second
    options = {"login.limit": LIMIT, "login.lock_first": LOCK_MS // 1000}
    first = Gateway(options)
    first.start_mail()
    first.__enter__()
    second = Beside(first, options).__enter__()


def tearDownModule():
    second.stop()
    first.stop()


class TwoGateways(Asking):
    def links(self, count, connect="local"):
        """Turn about at the first and at the second."""
        return [self.open(getattr((first, second)[i % 2], connect)()) for i in range(count)]

    def ask(self, expected, operation, link):
        return self.expect(expected, operation, link=link)

    def at_once(self, links, operations):
        """The codes of what is asked on all connections before any is answered."""
        for link, operation in zip(links, operations):
            link.post(operation)
        found = raw.answers(links)
        self.assertEqual({answer.text for answer in found if answer.code == raw.WRONG} - {REFUSED_TEXT}, set())
        return [answer.code for answer in found]

    def spread(self, uid, key, make, connect="local"):
        """31 wrong attempts, spread over both: no more than the limit is tried. What counts as tried
        is the reservation, without which nothing is checked."""
        links = self.links(ATTEMPTS, connect)
        codes = self.at_once(links, [make(i) for i in range(ATTEMPTS)])
        self.assertEqual(codes, [raw.WRONG] * ATTEMPTS)
        (record,) = [value for value in first.ledger(uid) if value.startswith(key + " ")]
        _, count, last, locked = record.split(" ")
        self.assertEqual((int(count), int(locked) - int(last)), (LIMIT, LOCK_MS))

    def test_31_pins(self):
        add_person(first, "g1")
        first.pin("acme", "g1", "4711")
        self.spread("g1", "pin/acme", lambda i: raw.verify("g1", raw.PIN, "%04d" % i, "acme"))
        for link in self.links(2):  # nor does the right one get in at either
            self.ask(raw.WRONG, raw.verify("g1", raw.PIN, "4711", "acme"), link)

    def test_31_passwords(self):
        add_person(first, "g2")
        self.spread("g2", "password@local", lambda i: raw.verify("g2", raw.PASSWORD, "wrong%d" % i))
        self.spread("g2", "password@net", lambda i: raw.bind("g2", "wrong%d" % i), "ldap")

    def test_31_passwords_are_checked_at_the_store_five_times(self):
        """The count of real checks: the binds as the person that the store has seen."""
        add_person(first, "g3")
        first.change("dn: cn=g3-policy,ou=policies,%s\nobjectClass: namedPolicy\nobjectClass: pwdPolicy\n"
                     "cn: g3-policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 1000\n" % BASE)
        first.modify(person("g3"), pwdPolicySubentry="cn=g3-policy,ou=policies," + BASE)
        self.spread("g3", "password@local", lambda i: raw.verify("g3", raw.PASSWORD, "wrong%d" % i))
        self.assertEqual(len(first.entry(person("g3"))["pwdfailuretime"]), LIMIT)

    def test_31_codes(self):
        add_person(first, "g4")
        secret, _ = enrol(first, "g4")
        held = ticket(self.links(1)[0], "g4")
        used = first.ledger("g4", "usherTotpStep")
        wrong = [text for text in ("%06d" % i for i in range(3 * ATTEMPTS))
                 if text not in [code(secret, fresh_step() + near) for near in range(-2, 3)]]
        self.spread("g4", "code", lambda i: raw.verify("g4", raw.CODE, wrong[i], ticket=held))
        self.assertEqual(first.ledger("g4", "usherTotpStep"), used)

    def test_one_code_of_an_app_once(self):
        add_person(first, "g5")
        secret, step = enrol(first, "g5")
        for instant in (step, step + 1):
            links = self.links(8)
            held = [ticket(link, "g5") for link in links]  # a ticket of one is good at the other
            codes = self.at_once(links, [raw.verify("g5", raw.CODE, code(secret, instant), ticket=one)
                                         for one in reversed(held)])
            self.assertEqual(sorted(codes), [raw.SUCCESS] + [raw.WRONG] * 7)
            self.assertEqual((first.ledger("g5"), first.ledger("g5", "usherTotpStep")), ([], [str(instant)]))

    def test_one_mailed_code_once(self):
        add_person(first, "g6", usherSecondFactor="email")
        links = self.links(8)
        held = ticket(links[1], "g6")
        self.ask(raw.SUCCESS, raw.challenge("g6", ticket=held), links[0])
        self.ask(raw.BUSY, raw.challenge("g6", ticket=held), links[1])  # one a minute, of both
        (text,) = [re.search(r"\b\d{6}\b", mail.split("\n\n", 1)[1]).group() for mail in first.mails()
                   if "g6@example.org" in mail]
        codes = self.at_once(links, [raw.verify("g6", raw.CODE, text, ticket=held)] * 8)
        self.assertEqual(sorted(codes), [raw.SUCCESS] + [raw.WRONG] * 7)
        self.assertEqual(first.ledger("g6"), [])
        for link in links:
            self.ask(raw.WRONG, raw.verify("g6", raw.CODE, text, ticket=held), link)

    def test_a_lock_of_one_holds_at_the_other_at_once(self):
        add_person(first, "g7")
        first.pin("acme", "g7", "4711")
        right = raw.verify("g7", raw.PIN, "4711", "acme")
        here, there = self.links(2)
        for ctl in (second.ctl, first.ctl):
            self.ask(raw.SUCCESS, right, there)
            for _ in range(LIMIT):
                self.ask(raw.WRONG, raw.verify("g7", raw.PIN, "1111", "acme"), here)
            self.ask(raw.WRONG, right, there)
            self.assertEqual(first.failures("g7", "pin/acme")[0], LIMIT)
            ctl("unlock", "g7", "acme")  # at one opens at both
            self.ask(raw.SUCCESS, right, here)
            self.ask(raw.SUCCESS, right, there)
            here, there = there, here
        self.assertEqual(first.ledger("g7"), [])

    def test_changed_at_one_holds_at_the_other_at_once(self):
        add_person(first, "g8")
        first.pin("acme", "g8", "4711")
        for link in self.links(2):
            self.ask(raw.SUCCESS, raw.verify("g8", raw.PIN, "4711", "acme"), link)
        here, there = self.links(2)
        self.ask(raw.SUCCESS, raw.set_pin("acme", "g8", "4712", "4711"), here)
        self.ask(raw.WRONG, raw.verify("g8", raw.PIN, "4711", "acme"), there)
        self.ask(raw.SUCCESS, raw.verify("g8", raw.PIN, "4712", "acme"), there)
        second.ctl("password", "set", "--password-file", "-", "g8", text="another-good-one\n")
        self.ask(raw.WRONG, raw.verify("g8", raw.PASSWORD, password("g8")), here)
        self.ask(raw.SUCCESS, raw.verify("g8", raw.PASSWORD, "another-good-one"), here)


if __name__ == "__main__":
    unittest.main()
