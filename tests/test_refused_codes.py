#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Codes, PINs and tickets that must not let anybody in, each by name, against a real gateway: all are
# refused with the same words, the same state and no ticket; and after each table what is right still
# gets in, so that nothing was refused for another reason than its name says.
import os
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import STRANGER, Gateway, person, program, user_name
from people import add_organization, add_person, code, enrol, password, ticket, wrong_code
from test_login import REFUSED_TEXT

LIFETIME_MS = 300000  # of tickets and of mailed codes
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"login.limit": 1000})
    gateway.start_mail()
    gateway.__enter__()
    add_organization(gateway, "globe")


def tearDownModule():
    gateway.stop()


def usher_id(uid):
    return gateway.entry(person(uid))["usherid"][0].lower()


def old_secrets(*words):
    return gateway.run(program("tests/old_secrets"), gateway.path("keys"), *map(str, words)).stdout.split("\n")


def old_ticket(uid, age_ms, organization="", peer=None):
    return old_secrets("ticket", usher_id(uid), organization, peer or "uid:%d" % os.geteuid(), age_ms)[0]


def flipped(held, bit):
    changed = bytearray(held)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.local())

    def refused(self, operation, link=None):
        answer = (link or self.link).ask(operation)
        self.assertEqual((answer.code, answer.state, answer.text, answer.ticket, sorted(answer.fields)),
                         (raw.WRONG, raw.REFUSED, REFUSED_TEXT, None, [0, 2]), answer)

    def right(self, operation, link=None):
        answer = (link or self.link).ask(operation)
        self.assertEqual((answer.code, answer.state), (raw.SUCCESS, raw.COMPLETE), answer)

    def many(self, operations, depth=60):
        """(code, text) of each; they may come in any order."""
        found = {}
        for at in range(0, len(operations), depth):
            numbers = [self.link.post(operation) for operation in operations[at:at + depth]]
            for _ in numbers:
                answer = self.link.receive()
                found[answer.id] = answer.code, answer.text
        return [found[number] for number in sorted(found)]

    def table(self, table):
        """name -> operation."""
        for name, operation in table.items():
            with self.subTest(name):
                self.refused(operation)

    def enrolled(self, *uids):
        """The step of now for the first, and the secret of each; the code of the step before is used up."""
        for uid in uids:
            add_person(gateway, uid, ("acme", "globe"))
        apps = {uid: enrol(gateway, uid) for uid in reversed(uids)}
        return apps[uids[0]][1], [apps[uid][0] for uid in uids]


class Codes(Case):
    def test_of_an_app(self):
        step, (mine, others) = self.enrolled("a1", "a2")
        held, full = ticket(self.link, "a1"), code(mine, step)
        elsewhere = ticket(self.link, "a1", organization="globe")
        codes = {
            "none": None, "empty": "", "wrong": wrong_code(mine), "five digits": full[:5],
            "seven digits": full + "0", "with a space": " " + full, "with a line": full + "\n",
            "letters": "abcdef", "a sign": "+" + full[1:], "other digits": "٠١٢٣٤٥", "very long": full * 20,
            "reused, that of the enrolment": code(mine, step - 1), "old, of two steps ago": code(mine, step - 2),
            "old, of an hour ago": code(mine, step - 120), "of the future": code(mine, step + 3),
            "another person's": code(others, step), "the password": password("a1"),
        }
        self.table({name: raw.verify("a1", raw.CODE, text, ticket=held) for name, text in codes.items()})
        self.table({
            "another organization's": raw.verify("a1", raw.CODE, full, ticket=elsewhere),
            "for another organization": raw.verify("a1", raw.CODE, full, "globe", ticket=held),
            "right, as somebody else": raw.verify("a2", raw.CODE, full, ticket=held),
            "right, as nobody": raw.verify("nobody-here", raw.CODE, full, ticket=held),
            "right, as a PIN": raw.verify("a1", raw.PIN, full, "acme", ticket=held),
            "right, as a password": raw.verify("a1", raw.PASSWORD, full),
            "right, without the password step": raw.verify("a1", raw.CODE, full),
        })
        self.right(raw.verify("a1", raw.CODE, full, ticket=held))
        self.table({"reused": raw.verify("a1", raw.CODE, full, ticket=held),
                    "reused, with another ticket": raw.verify("a1", raw.CODE, full,
                                                              ticket=ticket(self.link, "a1"))})
        self.right(raw.verify("a1", raw.CODE, code(mine, step + 1), "globe", ticket=elsewhere))

    def test_in_a_bind(self):
        step, (mine, others) = self.enrolled("a3", "a4")
        link, right = self.open(gateway.ldap()), password("a3") + code(mine, step)
        table = {
            "no code": password("a3"), "wrong": password("a3") + wrong_code(mine),
            "reused": password("a3") + code(mine, step - 1), "old": password("a3") + code(mine, step - 2),
            "another person's": password("a3") + code(others, step), "cut": right[:-1],
            "the code alone": code(mine, step), "before": code(mine, step) + password("a3"),
            "wrong password": "wrong" + code(mine, step),
        }
        looks = set()
        for name, secret in table.items():
            with self.subTest(name):
                answer = link.ask(raw.bind("a3", secret))
                looks.add((answer.code, answer.text))
                self.assertEqual(looks, {(raw.WRONG, REFUSED_TEXT)})
        self.assertEqual(link.ask(raw.bind("a3", right)).code, raw.SUCCESS)
        self.assertEqual(link.ask(raw.bind("a3", right)).code, raw.WRONG)

    def test_by_mail(self):
        for uid in ("a5", "a6"):
            add_person(gateway, uid, ("acme", "globe"), usherSecondFactor="email")
        held = ticket(self.link, "a5")
        owner = "cn=%s,ou=ledger,dc=example,dc=org" % usher_id("a5")
        others, others_record = old_secrets("code", usher_id("a6"), 0)[:2]
        ask = lambda text, **more: raw.verify("a5", raw.CODE, text, ticket=held, **more)
        self.table({"none was sent": ask("000000")})
        expired, record = old_secrets("code", usher_id("a5"), LIFETIME_MS + 1)[:2]
        gateway.modify(owner, usherChallenge=record)
        self.table({"expired": ask(expired)})
        gateway.modify(owner, usherChallenge=others_record)
        self.table({"another person's, with the record": ask(others)})
        late, record = old_secrets("code", usher_id("a5"), LIFETIME_MS - 60000)[:2]
        gateway.modify(owner, usherChallenge=record)
        self.table({"empty": ask(""), "wrong": ask("%06d" % ((int(late) + 1) % 1000000)), "cut": ask(late[:5]),
                    "one more": ask(late + "0"), "of the one before": ask(expired) if expired != late else ask(""),
                    "for another organization": ask(late, organization="globe")})
        self.right(ask(late))
        self.table({"reused": ask(late)})


class Pins(Case):
    def test_of_another(self):
        add_person(gateway, "n1", ("acme", "globe"))
        add_person(gateway, "n2")
        for organization, uid, pin in (("acme", "n1", "4711"), ("globe", "n1", "4712"), ("acme", "n2", "4713")):
            gateway.pin(organization, uid, pin)
        pins = {"none": None, "empty": "", "wrong": "0000", "cut": "471", "longer": "47110", "nine digits": "471100000",
                "another organization's": "4712", "another person's": "4713", "letters": "abcd"}
        self.table({name: raw.verify("n1", raw.PIN, pin, "acme") for name, pin in pins.items()})
        self.table({"right, elsewhere": raw.verify("n1", raw.PIN, "4711", "globe"),
                    "right, nowhere": raw.verify("n1", raw.PIN, "4711", "nowhere"),
                    "right, as somebody else": raw.verify("n2", raw.PIN, "4711", "acme")})
        self.right(raw.verify("n1", raw.PIN, "4711", "acme"))
        gateway.pin("acme", "n1", "4799")
        self.table({"the one before": raw.verify("n1", raw.PIN, "4711", "acme")})
        self.right(raw.verify("n1", raw.PIN, "4799", "acme"))


class Tickets(Case):
    def test_whose_they_are(self):
        step, (mine, others) = self.enrolled("k1", "k2")
        held, text = ticket(self.link, "k1"), code(mine, step)
        backoffice = self.open(gateway.backoffice())
        tickets = {
            "none": None, "empty": "", "garbage": "x" * 200, "cut by one": held[:-1], "cut in half": held[:len(held) // 2],
            "one byte": held[:1], "one more": held + b"A", "twice": held + held, "turned": held[::-1],
            "in other letters": held.swapcase(), "another person's": ticket(self.link, "k2"),
            "for an organization": ticket(self.link, "k1", organization="acme"),
            "of another peer": ticket(backoffice, "k1"),
            "of another peer, made here": old_ticket("k1", 0, peer="uid:4242"),
            "expired": old_ticket("k1", LIFETIME_MS), "expired long ago": old_ticket("k1", 86400000),
            "another person's, made here": old_ticket("k2", 0),
            "for another organization, made here": old_ticket("k1", 0, "globe"),
        }
        self.table({name: raw.verify("k1", raw.CODE, text, ticket=one) for name, one in tickets.items()})
        self.table({"in another organization": raw.verify("k1", raw.CODE, text, "acme", ticket=held),
                    "as somebody else": raw.verify("k2", raw.CODE, code(others, step), ticket=held)})
        self.refused(raw.verify("k1", raw.CODE, text, ticket=held), backoffice)
        self.assertEqual(gateway.ledger("k1"), [])  # no code was looked at
        self.right(raw.verify("k1", raw.CODE, text, ticket=old_ticket("k1", LIFETIME_MS - 60000)))
        self.right(raw.verify("k1", raw.CODE, code(mine, step + 1), ticket=held))

    def test_each_bit_counts(self):
        step, (mine,) = self.enrolled("k3")
        held, text = ticket(self.link, "k3"), code(mine, step)
        bits = range(8 * len(held))
        found = self.many([raw.verify("k3", raw.CODE, text, ticket=flipped(held, bit)) for bit in bits])
        refused = raw.WRONG, REFUSED_TEXT
        self.assertEqual([(bit, answer) for bit, answer in zip(bits, found) if answer != refused], [])
        self.assertEqual(len(found), len(bits))
        self.right(raw.verify("k3", raw.CODE, text, ticket=held))

    def test_each_length_counts(self):
        step, (mine,) = self.enrolled("k4")
        held, text = ticket(self.link, "k4"), code(mine, step)
        found = self.many([raw.verify("k4", raw.CODE, text, ticket=held[:length])
                           for length in range(len(held))])
        self.assertEqual((set(found), len(found)), ({(raw.WRONG, REFUSED_TEXT)}, len(held)))
        self.right(raw.verify("k4", raw.CODE, text, ticket=held))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be another peer")
    def test_of_another_uid(self):
        name = user_name(STRANGER)
        step, (mine,) = self.enrolled(name)
        stranger = self.open(gateway.as_uid(STRANGER))
        held = ticket(self.link, name)
        self.refused(raw.verify(name, raw.CODE, code(mine, step), ticket=held), stranger)
        own = ticket(stranger, name)
        self.refused(raw.verify(name, raw.CODE, code(mine, step), ticket=own))
        self.right(raw.verify(name, raw.CODE, code(mine, step), ticket=own), stranger)


if __name__ == "__main__":
    unittest.main()
