#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Passwords that must be changed, expire, or were used before: the store's ppolicy seen through usherd,
# with its response control when it is asked for, and what such a connection may still do.
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, membership, person
from people import add_organization, add_person, code, enrol, fresh_step, password, wrong_code
from test_login import REFUSED_TEXT

POLICY = "cn=default,ou=policies," + BASE
EXPIRED, AFTER_RESET, TOO_SHORT, IN_HISTORY = 0, 2, 6, 8
ASKED = [raw.control(raw.POLICY)]
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()
    add_organization(gateway, "strict", usherRequireFactor="TRUE")


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.addCleanup(gateway.modify, POLICY, pwdMaxAge="0", pwdMustChange="FALSE", pwdInHistory="5",
                        pwdGraceAuthNLimit="10", pwdExpireWarning="1209600")

    def ask(self, expected, link, operation, controls=()):
        answer = link.ask(operation, controls)
        self.assertEqual(answer.code, expected, answer)
        return answer

    def bind(self, uid, text=None, expected=raw.SUCCESS, controls=ASKED):
        link = self.open(gateway.ldap())
        return link, self.ask(expected, link, raw.bind(uid, text or password(uid)), controls)

    def state(self, uid, secret=None):
        with gateway.local() as link:
            answer = link.ask(raw.verify(uid, raw.PASSWORD, secret or password(uid)))
        return answer.code, answer.state


class MustChange(Case):
    def refused_all(self, link, more=()):
        for operation in (raw.compare(membership("sue"), "tickets:read"), raw.search("", 0),
                          raw.search(BASE, 2), raw.enroll(raw.BEGIN), raw.set_pin("acme", new="1"),
                          raw.recovery(), raw.unlock("sue"), raw.explain("acme", "sue", "tickets:read"),
                          raw.verify("sue", raw.PASSWORD, "x"), raw.challenge("sue"), *more):
            answer = self.ask(raw.NO_ACCESS, link, operation)
            self.assertIn("nothing else is allowed", answer.text)

    def test_nothing_else_is_allowed(self):
        add_person(gateway, "c1", usherMustChange="TRUE")
        self.assertEqual(self.state("c1"), (raw.SUCCESS, raw.MUST_CHANGE))
        link, answer = self.bind("c1")
        self.assertEqual(answer.policy, {"error": AFTER_RESET})
        self.refused_all(link)
        self.ask(raw.SUCCESS, link, raw.extended(raw.WHOAMI))
        answer = self.ask(raw.UNWILLING, link, raw.password_modify(None, password("c1"), "short"), ASKED)
        self.assertEqual(answer.policy, {"error": TOO_SHORT})
        self.refused_all(link)
        answer = self.ask(raw.SUCCESS, link, raw.password_modify(None, password("c1"), "a-better-one"), ASKED)
        self.assertNotIn("error", answer.policy)
        self.ask(raw.COMPARE_FALSE, link, raw.compare(membership("c1"), "tickets:read"))
        self.assertEqual(self.bind("c1", "a-better-one")[1].policy, {})
        self.assertEqual(self.state("c1", "a-better-one"), (raw.SUCCESS, raw.COMPLETE))

    def test_only_when_asked_for(self):
        add_person(gateway, "c2", usherMustChange="TRUE")
        self.assertIsNone(self.bind("c2", controls=())[1].policy)
        critical = [raw.control(raw.POLICY, critical=True)]
        self.assertEqual(self.bind("c2", controls=critical)[1].policy, {"error": AFTER_RESET})
        self.assertIsNone(self.bind("c2", "wrong", raw.WRONG)[1].policy)
        self.assertIsNone(self.bind("nobody-here", "wrong", raw.WRONG)[1].policy)

    def test_after_a_reset_by_the_administrator(self):
        add_person(gateway, "c3")
        gateway.modify(POLICY, pwdMustChange="TRUE")
        gateway.ctl("password", "set", "--password-file", "-", "c3", text="set-by-the-admin\n")
        gateway.modify(person("c3"), pwdReset="TRUE")
        self.assertEqual(self.state("c3", "set-by-the-admin"), (raw.SUCCESS, raw.MUST_CHANGE))
        link, answer = self.bind("c3", "set-by-the-admin")
        self.assertEqual(answer.policy, {"error": AFTER_RESET})
        self.refused_all(link)
        self.ask(raw.SUCCESS, link, raw.password_modify(None, "set-by-the-admin", "chosen-by-myself"))
        self.assertEqual(self.state("c3", "chosen-by-myself"), (raw.SUCCESS, raw.COMPLETE))

    def test_with_a_factor(self):
        """The code first; what a wrong one is answered with says nothing of the password."""
        add_person(gateway, "c4")
        secret, step = enrol(gateway, "c4")
        gateway.modify(person("c4"), usherMustChange="TRUE")
        for text in (password("c4"), password("c4") + wrong_code(secret)):
            self.assertIsNone(self.bind("c4", text, raw.WRONG)[1].policy)
        link, answer = self.bind("c4", password("c4") + code(secret, step))
        self.assertEqual(answer.policy, {"error": AFTER_RESET})
        self.refused_all(link)

    def test_with_a_factor_to_enrol(self):
        """Both are left to do, in any order; one of them done opens nothing yet."""
        add_person(gateway, "c5", ("strict",), usherMustChange="TRUE")
        link, _ = self.bind("c5")
        question = raw.compare(membership("c5", "strict"), "tickets:read")
        self.ask(raw.NO_ACCESS, link, question)
        step = fresh_step()
        secret = self.ask(raw.SUCCESS, link, raw.enroll(raw.BEGIN)).secret
        self.ask(raw.SUCCESS, link, raw.enroll(raw.CONFIRM, code=code(secret, step)))
        self.ask(raw.NO_ACCESS, link, question)
        self.ask(raw.SUCCESS, link, raw.password_modify(None, password("c5"), "a-better-one"))
        self.ask(raw.COMPARE_FALSE, link, question)

    def test_somebody_elses_change_opens_nothing(self):
        add_person(gateway, "c6", usherMustChange="TRUE")
        link, _ = self.bind("c6")
        self.ask(raw.NO_ACCESS, link, raw.password_modify("sue", password("sue"), "a-better-one"))
        self.refused_all(link)


class History(Case):
    def test_used_before(self):
        add_person(gateway, "h1")
        link, _ = self.bind("h1")
        old = password("h1")
        texts = ["second-password", "third-password"]
        for text in texts:
            self.ask(raw.SUCCESS, link, raw.password_modify(None, old, text))
            old = text
        for text in (password("h1"), *texts):
            answer = self.ask(raw.UNWILLING, link, raw.password_modify(None, old, text), ASKED)
            self.assertEqual(answer.policy, {"error": IN_HISTORY})
            self.assertIn("used before", answer.text)
        self.assertEqual(self.state("h1", old), (raw.SUCCESS, raw.COMPLETE))
        self.assertEqual(gateway.failures("h1", "password@net"), (0, 0))


class Expiry(Case):
    def aged(self, uid, **policy):
        """Its password is an hour old, as far as the store knows."""
        add_person(gateway, uid)
        gateway.modify(POLICY, **policy)
        gateway.tool("ldapmodify", "-e", "relax", text="dn: %s\nchangetype: modify\nreplace: pwdChangedTime\n"
                     "pwdChangedTime: %s\n" % (person(uid), raw.hour_ago()))

    def test_soon(self):
        self.aged("x1", pwdMaxAge="7200", pwdExpireWarning="7000")
        _, answer = self.bind("x1")
        self.assertTrue(3000 < answer.policy["expires"] <= 3600, answer.policy)
        self.assertEqual(self.state("x1"), (raw.SUCCESS, raw.COMPLETE))

    def test_grace(self):
        self.aged("x2", pwdMaxAge="600", pwdGraceAuthNLimit="6")
        link, answer = self.bind("x2")
        self.assertEqual(answer.policy, {"grace": 5})
        self.ask(raw.NO_ACCESS, link, raw.compare(membership("x2"), "tickets:read"))
        self.assertEqual(self.state("x2"), (raw.SUCCESS, raw.MUST_CHANGE))
        self.ask(raw.SUCCESS, link, raw.password_modify(None, password("x2"), "a-fresh-password"))
        self.ask(raw.COMPARE_FALSE, link, raw.compare(membership("x2"), "tickets:read"))
        self.assertEqual(self.state("x2", "a-fresh-password"), (raw.SUCCESS, raw.COMPLETE))

    def test_no_grace(self):
        self.aged("x3", pwdMaxAge="600", pwdGraceAuthNLimit="0")
        _, answer = self.bind("x3", None, raw.WRONG)
        self.assertEqual((answer.text, answer.policy), (REFUSED_TEXT, {"error": EXPIRED}))
        self.assertIsNone(self.bind("x3", "wrong", raw.WRONG)[1].policy)
        self.assertIsNone(self.bind("x3", None, raw.WRONG, ())[1].policy)
        self.assertEqual(self.state("x3"), (raw.WRONG, raw.REFUSED))
        gateway.ctl("password", "set", "--password-file", "-", "x3", text="set-by-the-admin\n")
        self.assertEqual(self.state("x3", "set-by-the-admin"), (raw.SUCCESS, raw.COMPLETE))


class NoLockout(Case):
    def test_the_store_locks_nobody(self):
        """Failures are counted in the ledger alone: unlocked there is unlocked."""
        add_person(gateway, "l1")
        for _ in range(8):
            self.bind("l1", "wrong", raw.WRONG)
        gateway.ctl("unlock", "l1")
        self.bind("l1")
        self.assertFalse([name for name in gateway.entry(person("l1")) if name in (
            "pwdaccountlockedtime", "pwdfailuretime")])


if __name__ == "__main__":
    unittest.main()
