#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Passwords, PINs, application passwords and mailed tokens, each login with one and each change, with a fault at each
# request to the store in turn: as tests/test_faults.py.
import unittest

import fault_case as shared
import faults
import raw_ldap as raw
from fault_case import NEW, Case, mails
from gateway import person, until
from mailed import TOKEN
from people import password


def setUpModule():
    unittest.enterModuleContext(shared.started())


class Passwords(Case):
    def right(self, text=None):
        return raw.verify(self.uid, raw.PASSWORD, text or password(self.uid))

    def test_right(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.assertLessEqual(self.counted(), 1)
            self.lets_in(self.right())
            self.clean()
        self.each(self.person, lambda _: self.ask(self.right()), check)

    def test_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted(), (1,) if outcome else (0, 1))
            before = self.counted()
            self.refuses(self.right("wrong"))
            self.assertEqual(self.counted(), before + 1)
            self.lets_in(self.right())
            self.clean()
        self.each(self.person, lambda _: self.ask(self.right("wrong")), check)

    def test_bind(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.assertLessEqual(self.counted("password@net"), 1)
            self.lets_in(raw.bind(self.uid, password(self.uid)), shared.gateway.ldap)
            self.clean()
        self.each(self.person, lambda _: self.ask(raw.bind(self.uid, password(self.uid)), shared.gateway.ldap), check)

    def test_bind_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("password@net"), (1,) if outcome else (0, 1))
            self.lets_in(raw.bind(self.uid, password(self.uid)), shared.gateway.ldap)
            self.clean()
        self.each(self.person, lambda _: self.ask(raw.bind(self.uid, "wrong"), shared.gateway.ldap), check)

    def test_factor_due(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.STRONGER, None))
            self.assertLessEqual(self.counted(), 1)
            self.assertEqual(self.ask(self.right()).code, raw.STRONGER)
            self.assertLessEqual(self.counted(), 1)
        self.each(lambda: self.person(usherSecondFactor="email"), lambda _: self.ask(self.right()), check)

    def changes(self, prepare, ask):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            old, new = (self.logs_in(text).code == raw.SUCCESS for text in (password(self.uid), NEW))
            self.assertNotEqual(old, new)
            if outcome == raw.SUCCESS:
                self.assertTrue(new)
            if old:
                self.assertEqual(ask(None).code, raw.SUCCESS)
                self.assertEqual(self.logs_in(NEW).code, raw.SUCCESS)
                self.clean()
            elif self.told(outcome):
                if self.mode in (faults.BEFORE, faults.AFTER):  # else it is asked for once more
                    self.assertNotIn("ushermustchange", shared.gateway.entry(person(self.uid)))
                self.notice("password was changed")
        self.each(prepare, ask, check)

    def test_changed(self):
        self.changes(lambda: self.person(usherMustChange="TRUE"),
                     lambda _: self.ask(raw.password_modify(self.uid, password(self.uid), NEW)))

    def test_changed_with_a_wrong_one(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted(), (1,) if outcome else (0, 1))
            self.lets_in(self.right())
        self.each(self.person, lambda _: self.ask(raw.password_modify(self.uid, "wrong", NEW)), check)

    def test_reset(self):
        self.changes(self.person, lambda _: self.admin(raw.password_modify(self.uid, None, NEW)))


class Pins(Case):
    def pinned(self):
        self.person()
        self.assertEqual(self.admin(raw.set_pin("acme", self.uid, "4711")).code, raw.SUCCESS)

    def pin(self, text):
        return raw.verify(self.uid, raw.PIN, text, organization="acme")

    def test_right(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.assertLessEqual(self.counted("pin/acme"), 1)
            self.lets_in(self.pin("4711"))
            self.clean()
        self.each(self.pinned, lambda _: self.ask(self.pin("4711")), check)

    def test_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("pin/acme"), (1,) if outcome else (0, 1))
            self.lets_in(self.pin("4711"))
            self.clean()
        self.each(self.pinned, lambda _: self.ask(self.pin("4712")), check)

    def changes(self, ask):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            old, new = (self.ask(self.pin(text)).code == raw.SUCCESS for text in ("4711", "0815"))
            self.assertNotEqual(old, new)
            if outcome == raw.SUCCESS:
                self.assertTrue(new)
            if old:
                self.assertEqual(ask(None).code, raw.SUCCESS)
                self.lets_in(self.pin("0815"))
                self.clean()
            elif self.told(outcome):
                self.notice("PIN at", 2)  # the first came when it was set
        self.each(self.pinned, ask, check)

    def test_changed(self):
        self.changes(lambda _: self.ask(raw.set_pin("acme", self.uid, "0815", "4711")))

    def test_set(self):
        self.changes(lambda _: self.admin(raw.set_pin("acme", self.uid, "0815")))


class Apps(Case):
    def create(self):
        return self.admin(raw.app_password(raw.CREATE, self.uid, "acme", "ldap", "Mail"))

    def listed(self):
        answer = self.admin(raw.app_password(raw.LIST, self.uid))
        return answer, len(shared.gateway.entry(person(self.uid)).get("usherapppassword", []))

    def created(self):
        self.person()
        answer = self.create()
        self.text = answer.fields[0].decode()
        self.number = raw.elements(raw.elements(answer.fields[16])[0][1])[0][1].decode()

    def test_create(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            count = self.listed()[1]
            if self.told(outcome):
                self.assertEqual(count, 0 if outcome is None else 1)
            if outcome is None:
                self.assertEqual(self.create().code, raw.SUCCESS)
                self.assertEqual(self.listed()[1], count + 1)
        self.each(self.person, lambda _: self.create(), check)

    def revoke(self):
        return self.admin(raw.app_password(raw.REVOKE, self.uid, number=self.number))

    def bind(self):
        return self.ask(raw.bind(self.uid, self.text), shared.gateway.ldap)

    def test_revoke(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            works = self.bind().code == raw.SUCCESS
            self.assertFalse(works and outcome == raw.SUCCESS)
            self.assertEqual(self.revoke().code, raw.SUCCESS if works else raw.NO_OBJECT)
            self.assertEqual(self.bind().code, raw.WRONG)
        self.each(self.created, lambda _: self.revoke(), check)

    def test_login(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.clean()
            self.assertEqual(self.bind().code, raw.SUCCESS)
        self.each(self.created, lambda _: self.bind(), check)


class Tokens(Case):
    def tokens(self):
        return [TOKEN.search(mail).group() for mail in mails(self.uid) if TOKEN.search(mail)]

    def invites(self, prepare, ask):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                answer = ask(None)
                if answer.code == raw.BUSY and not self.told(None):
                    self.assertIn("asked for", answer.text)
                    return
                self.assertEqual(answer.code, raw.SUCCESS, answer)
            token = until("a mail", self.tokens)[-1]
            self.lets_in(raw.redeem(token, NEW))
        self.each(prepare, ask, check)

    def test_invite(self):
        self.invites(self.person, lambda _: self.admin(raw.invite(self.uid, raw.ACTIVATION)))

    def test_forgotten(self):
        self.invites(self.person, lambda _: self.ask(raw.invite(self.uid, raw.FORGOTTEN)))

    def mailed(self):
        self.person(usherMustChange="TRUE")
        self.lets_in(raw.invite(self.uid, raw.FORGOTTEN))
        return until("a mail", self.tokens)[0]

    def test_redeem(self):
        def check(token, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            old, new = (self.logs_in(text).code == raw.SUCCESS for text in (password(self.uid), NEW))
            self.assertNotEqual(old, new)
            if outcome == raw.SUCCESS:
                self.assertTrue(new)
            answer = self.ask(raw.redeem(token, NEW))
            if answer.code == raw.BUSY:
                self.assertIn("being used", answer.text)
                return
            self.assertIn(answer.code, (raw.SUCCESS, raw.WRONG))
            entry = shared.gateway.entry(person(self.uid))
            self.assertIn(entry["usherauthepoch"], (["1"], ["2"]))  # once more where nobody could tell
            self.assertNotIn("ushermustchange", entry)
            self.refuses(raw.redeem(token, "quite-another-password"))
        self.each(self.mailed, lambda token: self.ask(raw.redeem(token, NEW)), check)

    def test_redeem_wrong(self):
        def check(token, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("token"), (1,) if outcome else (0, 1))
            self.lets_in(raw.redeem(token, NEW))

        def another(token):  # of the same person: the last letter has one bit
            return token[:-1] + ("a" if token[-1] == "q" else "q")
        self.each(self.mailed, lambda token: self.ask(raw.redeem(another(token), NEW)), check)


if __name__ == "__main__":
    unittest.main()
