#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Logins over the wire, with a real store and a real mail server: password, PIN, app and mailed code,
# tickets, limits, who may verify whom, and what a refusal gives away. Every test has its own people.
import os
import time
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, STRANGER, Gateway, membership, person, service, user_name
from people import JUNK, add, add_organization, add_person, password

LIMIT = 5
REFUSED_TEXT = "The user name or the secret is wrong."
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway()
    gateway.start_mail()
    gateway.__enter__()
    add_organization(gateway, "globe")
    add(gateway, service("till-g", "globe"), ["applicationProcess", "usherService"], cn="till-g",
        userPassword="till-g-demo-password")
    gateway.caught_up()


def tearDownModule():
    gateway.stop("-demo-password")


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.local())

    def bound(self, dn, secret):
        return self.open(gateway.bound(dn, secret))

    def right(self, uid, factor=raw.PASSWORD, secret=None, **more):
        return self.verify((raw.SUCCESS, raw.COMPLETE), uid, factor, secret or password(uid), **more)

    def wrong(self, uid, factor=raw.PASSWORD, secret="wrong", **more):
        answer = self.verify((raw.WRONG, raw.REFUSED), uid, factor, secret, **more)
        self.assertEqual((answer.text, sorted(answer.fields), answer.fields[2]),
                         (REFUSED_TEXT, [0, 2], REFUSED_TEXT.encode()))
        return answer

    def denied(self, operation, link=None, code=raw.NO_ACCESS):
        return self.expect(code, operation, link=link)

    def count(self, uid, key):
        return gateway.failures(uid, key)[0]


class Passwords(Case):
    def test_right_and_wrong(self):
        add_person(gateway, "p1")
        for name in ("p1", "P1", person("p1"), "p1@example.org"):
            answer = self.right(name, secret=password("p1"))
            self.assertEqual(answer.fields[3], b"p1")
        for name in ("p1", person("p1"), "p1@example.org", "nobody-here", person("nobody-here"), "",
                     "uid=*,ou=people," + BASE, "*", "p1)(uid=*", "nobody@example.org"):
            self.wrong(name)
        self.assertEqual(self.count("p1", "password@local"), 3)
        self.right("p1")
        self.assertEqual(gateway.ledger("p1"), [])

    def test_junk_is_refused_and_not_counted(self):
        add_person(gateway, "p2")
        for junk in JUNK:
            for factor, more in ((raw.PASSWORD, {}), (raw.PIN, {"organization": "acme"}), (raw.CODE, {})):
                self.wrong("p2", factor, junk, **more)
        self.wrong("p2", secret=None)
        self.assertEqual(gateway.ledger("p2"), [])

    def test_limit_and_unlock(self):
        add_person(gateway, "p3")
        for _ in range(LIMIT + 2):
            self.wrong("p3")
        self.assertEqual(self.count("p3", "password@local"), LIMIT)
        self.wrong("p3", secret=password("p3"))
        self.wrong("p3@example.org", secret=password("p3"))
        self.assertEqual(self.count("p3", "password@local"), LIMIT)
        self.bound("p3", password("p3"))  # strangers from the network are counted apart
        gateway.ctl("unlock", "p3")
        self.assertEqual(gateway.ledger("p3"), [])
        self.right("p3")

    def test_network_and_local_are_counted_apart(self):
        add_person(gateway, "p4")
        link = self.open(gateway.ldap())
        for _ in range(LIMIT + 1):
            self.denied(raw.bind("p4", "wrong"), link, raw.WRONG)
        self.assertEqual(self.denied(raw.bind("p4", password("p4")), link, raw.WRONG).text, REFUSED_TEXT)
        self.assertEqual(self.count("p4", "password@net"), LIMIT)
        self.right("p4")
        self.assertEqual(self.count("p4", "password@net"), LIMIT)

    def test_unknown_names_are_limited_too(self):
        for _ in range(LIMIT + 2):
            self.wrong("unknown-person-7")
        found = [value for entry in self.ledger_entries() for value in entry]
        self.assertTrue(any(value.startswith("password@local %d " % LIMIT) for value in found), found)

    def test_unknown_services_are_limited_too(self):
        """And have no entries of their own in the ledger, which anybody could fill with them."""
        def owners():
            gateway.directory.search("ou=ledger," + BASE, "(cn=*)")
            return {entry.entry_dn for entry in gateway.directory.entries if "cn=unknown-" not in entry.entry_dn}

        link, before = self.open(gateway.ldap()), owners()
        for name in ["no-such-%d" % i for i in range(8)] + ["no-such-9"] * (LIMIT + 2):
            self.denied(raw.bind(service(name), "wrong"), link, raw.WRONG)
        self.assertEqual(owners(), before)
        found = [value for entry in self.ledger_entries() for value in entry]
        self.assertTrue(any(value.startswith("password@net %d " % LIMIT) for value in found), found)

    def ledger_entries(self):
        gateway.directory.search("ou=ledger," + BASE, "(cn=unknown-*)", attributes=["usherFailure"])
        return [list(entry.usherFailure.values) for entry in gateway.directory.entries
                if "usherFailure" in entry]

    def test_language_of_a_refusal(self):
        texts = [self.link.ask(raw.verify("nobody-here", raw.PASSWORD, "wrong", language=language)).text
                 for language in ("en", "da", "it", "da_DK", "xx", "")]
        self.assertEqual([texts[0], texts[1], texts[4], texts[5]],
                         [REFUSED_TEXT, texts[3], REFUSED_TEXT, REFUSED_TEXT])
        self.assertEqual(len(set(texts)), 3)

    def test_inactive(self):
        add_person(gateway, "p5", usherActive="FALSE")
        self.verify((raw.UNWILLING, raw.INACTIVE), "p5", raw.PASSWORD, password("p5"))
        self.wrong("p5")
        self.denied(raw.bind("p5", password("p5")), self.open(gateway.ldap()), raw.WRONG)
        self.verify((raw.UNWILLING, raw.INACTIVE), "p5", raw.NONE)

    def test_membership_and_permission(self):
        add_person(gateway, "p6")
        gateway.modify(membership("p6"), usherRole="cn=seller,ou=roles,o=acme," + BASE)
        gateway.caught_up()
        self.right("p6", organization="acme")
        self.right("p6", organization="ACME", permission="terminal:login")
        refused = raw.UNWILLING, raw.LACKS_PERMISSION
        self.verify(refused, "p6", raw.PASSWORD, password("p6"), organization="acme",
                    permission="backoffice:login")
        outside = raw.UNWILLING, raw.NOT_A_MEMBER
        for organization in ("globe", "nowhere", "no good name"):
            self.verify(outside, "p6", raw.PASSWORD, password("p6"), organization=organization)
            self.wrong("p6", organization=organization)
        answer = self.denied(raw.verify("p6", raw.PASSWORD, password("p6"), "acme", "fly:high"),
                             code=raw.NO_ATTRIBUTE)
        self.assertIn("fly:high", answer.text)
        self.denied(raw.verify("p6", raw.PASSWORD, password("p6"), permission="terminal:login"),
                    code=raw.UNWILLING)
        self.right("vera", organization="globe", permission="backoffice:login")
        for change in ({"usherActive": "FALSE"}, {"usherActive": "TRUE", "usherNotAfter": "20200101000000Z"},
                       {"usherNotAfter": None, "usherNotBefore": "29990101000000Z"},
                       {"usherNotBefore": None, "usherMember": person("ada")}):
            gateway.modify(membership("p6"), **change)
            self.verify(outside, "p6", raw.PASSWORD, password("p6"), organization="acme")

    def test_must_change(self):
        add_person(gateway, "p7", usherMustChange="TRUE")
        self.verify((raw.SUCCESS, raw.MUST_CHANGE), "p7", raw.PASSWORD, password("p7"))
        self.verify((raw.SUCCESS, raw.MUST_CHANGE), "p7", raw.NONE)
        link = self.bound("p7", password("p7"))
        self.denied(raw.compare(membership("p7"), "tickets:read"), link)
        self.denied(raw.password_modify(None, password("p7"), "another-good-one"), link, raw.SUCCESS)
        self.right("p7", secret="another-good-one")
        self.assertNotIn("ushermustchange", gateway.entry(person("p7")))
        self.wrong("p7", secret=password("p7"))

    def test_changed_by_the_person(self):
        add_person(gateway, "p8")
        link = self.bound("p8", password("p8"))
        change = raw.password_modify
        self.assertEqual(self.denied(change(None, "wrong", "brand-new-one"), link, raw.WRONG).text,
                         REFUSED_TEXT)
        self.assertEqual(self.count("p8", "password@net"), 1)
        self.assertIn("password", self.denied(change(None, password("p8"), "short"), link,
                                              raw.UNWILLING).text)
        self.denied(change(None, password("p8")), link, raw.UNWILLING)
        self.denied(change(None, None, "brand-new-one"), link, raw.UNWILLING)
        self.denied(change("ada", password("ada"), "brand-new-one"), link)
        self.right("p8")
        self.denied(change("p8", password("p8"), "brand-new-one"), link, raw.SUCCESS)
        self.wrong("p8", secret=password("p8"))
        self.right("p8", secret="brand-new-one")
        self.denied(change(None, "x", "brand-new-one"), self.open(gateway.ldap()))
        # A trusted peer (PAM) with the old one; an unknown name is a wrong one.
        self.denied(change("p8", "brand-new-one", "and-one-more"), code=raw.SUCCESS)
        self.denied(change("nobody-here", "brand-new-one", "and-one-more"), code=raw.WRONG)
        for _ in range(LIMIT):
            self.denied(change("p8", "wrong", "and-even-more"), code=raw.WRONG)
        self.denied(change("p8", "and-one-more", "and-even-more"), code=raw.WRONG)
        gateway.ctl("unlock", "p8")
        self.right("p8", secret="and-one-more")

    def test_reset_by_the_administrator(self):
        add_person(gateway, "p9")
        answer = gateway.ctl("password", "set", "--password-file", "-", "p9", text="short\n", check=False)
        self.assertEqual(answer.returncode, 2, answer)
        self.assertIn("password", answer.stderr)
        gateway.ctl("password", "set", "--password-file", "-", "p9", text="set-by-the-administrator\n")
        self.right("p9", secret="set-by-the-administrator")
        self.denied(raw.password_modify("p9", None, "not-by-a-local-peer"), code=raw.UNWILLING)


class LastLogin(Case):
    """The day of the last complete login is in the ledger; nothing less sets it."""

    def days(self, uid):
        return gateway.ledger(uid, "usherLastLogin")

    def until_midnight(self, login):
        """The day on which it succeeded; again should that have changed meanwhile."""
        while True:
            day = time.strftime("%Y%m%d000000Z", time.gmtime())
            login()
            if day == time.strftime("%Y%m%d000000Z", time.gmtime()):
                return [day]

    def test_only_a_complete_login(self):
        add_person(gateway, "l1", ("acme", "globe"))
        gateway.pin("acme", "l1", "4711")
        gateway.modify(membership("l1", "globe"), usherActive="FALSE")
        self.wrong("l1")
        self.wrong("l1", raw.PIN, "1111", organization="acme")
        self.verify((raw.UNWILLING, raw.NOT_A_MEMBER), "l1", raw.PASSWORD, password("l1"), organization="globe")
        gateway.modify(person("l1"), usherActive="FALSE")
        self.verify((raw.UNWILLING, raw.INACTIVE), "l1", raw.PIN, "4711", organization="acme")
        self.verify((raw.UNWILLING, raw.INACTIVE), "l1", raw.PASSWORD, password("l1"))
        gateway.modify(person("l1"), usherActive=None)
        self.verify((raw.SUCCESS, raw.COMPLETE), "l1", raw.NONE)
        self.assertEqual((self.days("l1"), gateway.ledger("l1")), ([], []))

    def test_each_way_in(self):
        add_person(gateway, "l2")
        gateway.pin("acme", "l2", "4711")
        owner = "cn=%s,ou=ledger,%s" % (gateway.entry(person("l2"))["usherid"][0].lower(), BASE)
        for way in (lambda: self.right("l2"),
                    lambda: self.right("l2", raw.PIN, "4711", organization="acme"),
                    lambda: self.right("l2@example.org", raw.PIN, "4711", organization="acme"),
                    lambda: self.bound("l2", password("l2"))):
            today = self.until_midnight(way)
            self.assertEqual((self.days("l2"), gateway.ledger("l2")), (today, []))
            gateway.modify(owner, usherLastLogin="20200229000000Z")
        self.wrong("l2")
        self.assertEqual(self.days("l2"), ["20200229000000Z"])


class WhoMayVerify(Case):
    def test_anonymous_and_people_from_the_network(self):
        add_person(gateway, "w1")
        for link in (self.open(gateway.ldap()), self.bound("w1", password("w1"))):
            for factor in (raw.NONE, raw.PASSWORD, raw.PIN, raw.CODE):
                self.denied(raw.verify("w1", factor, None if factor == raw.NONE else "1234", "acme"), link)
            for operation in (raw.challenge("w1"), raw.unlock("w1"), raw.set_pin("acme", "sue", "1234"),
                              raw.enroll(raw.RESET, "w1"), raw.enroll(raw.BEGIN, "sue")):
                self.denied(operation, link)
        self.assertEqual(gateway.ledger("w1"), [])

    def test_services(self):
        add_person(gateway, "w2", ("acme", "globe"))
        everywhere = self.bound(service("backoffice"), password("backoffice"))
        till = self.bound(service("till-g", "globe"), password("till-g"))
        self.right("w2", link=everywhere)
        self.right("w2", link=everywhere, organization="acme")
        self.right("w2", link=till, organization="globe")
        for more in ({}, {"organization": "acme"}):
            self.denied(raw.verify("w2", raw.PASSWORD, password("w2"), **more), till)
        self.denied(raw.unlock("w2"), everywhere)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be another peer")
    def test_a_local_user_verifies_only_themself(self):
        name = user_name(STRANGER)
        add_person(gateway, name)
        link = self.open(gateway.as_uid(STRANGER))
        self.right(name, link=link)
        self.wrong(name, link=link)
        for operation in (raw.verify("sue", raw.PASSWORD, password("sue")), raw.verify(name, raw.NONE),
                          raw.verify("nobody-here", raw.PASSWORD, "wrong"), raw.challenge(name),
                          raw.verify(name, raw.PIN, "1234", "acme"), raw.unlock(name)):
            self.denied(operation, link)
        self.assertEqual(gateway.ledger("sue"), [])


class Pins(Case):
    def pin(self, uid, pin, organization="acme", **more):
        return self.right(uid, raw.PIN, pin, organization=organization, **more)

    def not_pin(self, uid, pin, organization="acme", **more):
        return self.wrong(uid, raw.PIN, pin, organization=organization, **more)

    def test_a_pin_is_a_string_of_one_membership(self):
        add_person(gateway, "n1", ("acme", "globe"))
        gateway.pin("acme", "n1", "007")
        gateway.pin("globe", "n1", "12345678")
        self.pin("n1", "007")
        self.pin("n1@example.org", "007", "ACME")
        self.pin("n1", "12345678", "globe")
        for pin, organization in (("7", "acme"), ("0007", "acme"), ("12345678", "acme"),
                                  ("007", "globe"), ("007", "nowhere")):
            self.not_pin("n1", pin, organization)
        self.not_pin("nobody-here", "007")
        self.denied(raw.verify("n1", raw.PIN, "007"), code=raw.UNWILLING)
        sealed = [gateway.entry(membership("n1", o))["usherpin"][0] for o in ("acme", "globe")]
        gateway.modify(membership("n1", "globe"), usherPin=sealed[0])  # works nowhere else
        gateway.ctl("unlock", "n1")
        self.not_pin("n1", "007", "globe")
        self.not_pin("n1", "12345678", "globe")
        self.pin("n1", "007")
        gateway.ctl("pin", "remove", "acme", "n1")
        self.not_pin("n1", "007")

    def test_what_is_no_pin_is_not_counted(self):
        add_person(gateway, "n2")
        gateway.pin("acme", "n2", "4711")
        for text in ("", "4711x", "123456789", "-4711", " 4711", "٤٧١١", "4711\n"):
            self.not_pin("n2", text)
        self.assertEqual(gateway.ledger("n2"), [])

    def test_limit_and_unlock(self):
        add_person(gateway, "n3", ("acme", "globe"))
        gateway.pin("acme", "n3", "4711")
        gateway.pin("globe", "n3", "4712")
        for i in range(LIMIT):
            self.not_pin("n3", "000%d" % i)
        before = gateway.ledger("n3")
        for text in ("4711", "0000", "4711"):
            self.not_pin("n3", text)
        self.assertEqual(gateway.ledger("n3"), before)
        self.assertEqual(self.count("n3", "pin/acme"), LIMIT)
        self.pin("n3", "4712", "globe")  # of another membership
        self.right("n3")                 # another factor
        gateway.ctl("unlock", "n3", "globe")
        self.not_pin("n3", "4711")
        gateway.ctl("unlock", "n3", "acme")
        self.pin("n3", "4711")
        self.assertEqual(gateway.ledger("n3"), [])

    def test_names_of_no_organization_share_a_record(self):
        """Or else the ledger would have one for each name that somebody thinks of."""
        add_person(gateway, "p10")
        for i in range(LIMIT + 3):
            self.denied(raw.verify("p10", raw.PIN, "1111", "nowhere-%d" % i), code=raw.WRONG)
        self.assertEqual([value.split(" ")[:2] for value in gateway.ledger("p10")], [["pin", str(LIMIT)]])

    def test_only_tills_of_the_organization(self):
        add_person(gateway, "n4", ("acme", "globe"))
        gateway.pin("acme", "n4", "4711")
        till = self.bound(service("till-3", "acme"), password("till-3"))
        self.pin("n4", "4711", link=till)
        self.not_pin("n4", "1234", link=till)
        for link in (self.bound(service("till-g", "globe"), password("till-g")),
                     self.bound(service("backoffice"), password("backoffice")),
                     self.bound("n4", password("n4")), self.open(gateway.ldap())):
            self.denied(raw.verify("n4", raw.PIN, "4711", "acme"), link)
        self.denied(raw.verify("n4", raw.PIN, "4711", "globe"), till)

    def test_changed_with_the_old_one(self):
        add_person(gateway, "n5")
        gateway.pin("acme", "n5", "4711")
        self.denied(raw.set_pin("acme", "n5", "4712", "1111"), code=raw.WRONG)
        self.assertEqual(self.count("n5", "pin/acme"), 1)
        self.assertEqual(self.denied(raw.set_pin("acme", "n5", "4712")).text, "the old PIN has to be given")
        answer = self.denied(raw.verify("n5", raw.PIN, "4711", 'no"name'), code=raw.BAD_SYNTAX)
        self.assertEqual(answer.text, r'no name of an organization: "no\22name"')
        self.denied(raw.set_pin("acme", "n5", "47x2", "4711"), code=raw.BAD_SYNTAX)
        self.denied(raw.set_pin("acme", "n5", "4712", "4711"), code=raw.SUCCESS)
        self.pin("n5", "4712")
        till = self.bound(service("till-3", "acme"), password("till-3"))
        self.denied(raw.set_pin("acme", "n5", "4713", "4712"), till, raw.SUCCESS)
        self.denied(raw.set_pin("globe", "n5", "4713", "4712"), till)
        self.pin("n5", "4713")
        answer = gateway.ctl("pin", "set", "--pin-file", "-", "globe", "n5", text="4711\n", check=False)
        self.assertEqual((answer.returncode, "n5" in answer.stderr), (2, True), answer)

    def test_the_till_is_no_way_around_membership(self):
        add_person(gateway, "n6")
        gateway.pin("acme", "n6", "4711")
        gateway.modify(membership("n6"), usherActive="FALSE")
        self.verify((raw.UNWILLING, raw.NOT_A_MEMBER), "n6", raw.PIN, "4711", organization="acme")
        self.not_pin("n6", "4712")
        gateway.modify(person("n6"), usherActive="FALSE")
        self.verify((raw.UNWILLING, raw.INACTIVE), "n6", raw.PIN, "4711", organization="acme")


if __name__ == "__main__":
    unittest.main()
