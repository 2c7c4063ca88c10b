#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Codes, apps for codes, keys, services and the administrator's help, with a fault at each request to the store in
# turn. Whatever happens in between: nobody is let in without the right secrets, what counts once counts once,
# nothing is half changed, the answer says nothing that is not so, and whoever tries again gets there.
import time
import unittest

import fault_case as shared
import faults
import raw_ldap as raw
from fault_case import KILLS, MODES, NEW, Case, ledger_dn, mails
from gateway import person, service, until
from mailed import TOKEN
from people import STEP_S, code, enrol, fresh_step, mailed_code, password, ticket, wrong_code


def setUpModule():
    unittest.enterModuleContext(shared.started())


class Codes(Case):
    def attempt(self, text):
        return raw.verify(self.uid, raw.CODE, text, ticket=self.held)

    def marks(self):
        return [shared.gateway.ledger(self.uid, name)
                for name in ("usherTotpStep", "usherChallenge", "usherRecoveryCode")]

    def hold(self):
        self.marked = self.marks()
        with shared.gateway.local() as link:
            self.held = ticket(link, self.uid)

    def app(self):
        """Confirmed, and no code used yet: all those of the test are good for half a minute at least."""
        self.starts()
        self.assertEqual(self.confirm().code, raw.SUCCESS)
        shared.gateway.modify(ledger_dn(self.uid), usherTotpStep=None)
        self.hold()
        return code(self.secret, self.step)

    def sent(self):
        self.person(usherSecondFactor="email")
        self.lets_in(raw.challenge(self.uid))
        self.hold()
        return mailed_code(shared.gateway, self.uid)

    def recovering(self):
        self.person(usherSecondFactor="email")
        self.codes = self.admin(raw.recovery(self.uid)).codes
        self.hold()
        return self.codes[0]

    def once(self, text, outcome, operation, open_link=None):
        """It has worked or works now, and not again."""
        self.assertIn(outcome, (raw.SUCCESS, None))
        self.assertLessEqual(self.counted("code"), 1)
        if self.mode == faults.BEFORE and outcome is None and self.marks() == self.marked:
            self.assertEqual(self.counted("code"), 0)  # it was not checked
        again = self.ask(operation, open_link).code
        self.assertIn(again, (raw.WRONG,) if outcome == raw.SUCCESS else (raw.WRONG, raw.SUCCESS))
        self.refuses(operation, open_link)
        self.assertLessEqual(self.counted("code"), 3)

    def next_app(self):
        self.lets_in(self.attempt(code(self.secret, self.step + 1)))
        self.clean()

    def test_app(self):
        def check(text, outcome):
            self.once(text, outcome, self.attempt(text))
            self.next_app()
        self.each(self.app, lambda text: self.ask(self.attempt(text)), check)

    def test_app_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("code"), (1,) if outcome else (0, 1))
            self.next_app()
        self.each(self.app, lambda _: self.ask(self.attempt(wrong_code(self.secret))), check)

    def test_app_bind(self):
        def check(text, outcome):
            self.once(text, outcome, raw.bind(self.uid, password(self.uid) + text), shared.gateway.ldap)
            self.lets_in(raw.bind(self.uid, password(self.uid) + code(self.secret, self.step + 1)), shared.gateway.ldap)
            self.clean()
        self.each(self.app, lambda text: self.ask(raw.bind(self.uid, password(self.uid) + text),
                                                  shared.gateway.ldap), check)

    def test_sent(self):
        def check(text, outcome):
            self.once(text, outcome, self.attempt(text))
            self.lets_in(raw.challenge(self.uid))
            self.lets_in(self.attempt(mailed_code(shared.gateway, self.uid)))
            self.clean()
        self.each(self.sent, lambda text: self.ask(self.attempt(text)), check, [*MODES, faults.LATE])

    def test_sent_wrong(self):
        def check(text, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("code"), (1,) if outcome else (0, 1))
            self.lets_in(self.attempt(text))
            self.clean()
        self.each(self.sent, lambda text: self.ask(self.attempt("%06d" % ((int(text) + 1) % 1000000))), check)

    def test_recovery(self):
        def check(text, outcome):
            self.once(text, outcome, self.attempt(text))
            if self.told(outcome):
                self.notice("recovery code was used")
            self.lets_in(self.attempt(self.codes[1]))
            self.clean()
        self.each(self.recovering, lambda text: self.ask(self.attempt(text)), check, [*MODES, *KILLS])

    def test_recovery_wrong(self):
        def check(text, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("code"), (1,) if outcome else (0, 1))
            self.lets_in(self.attempt(text))
            self.clean()
        self.each(self.recovering, lambda _: self.ask(self.attempt("aaaaa-aaaaa")), check)

    def test_challenge(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                answer = self.ask(raw.challenge(self.uid, language="en"))
                if answer.code == raw.BUSY and not self.told(None):
                    self.assertIn("asked for", answer.text)
                    return
                self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.hold()
            self.lets_in(self.attempt(mailed_code(shared.gateway, self.uid)))
        self.each(lambda: self.person(usherSecondFactor="email"), lambda _: self.ask(raw.challenge(self.uid)), check)

    def test_enroll_begin(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.begun()
            self.assertEqual(self.confirm().code, raw.SUCCESS)
        self.each(self.person, lambda _: self.admin(raw.enroll(raw.BEGIN, self.uid)), check)

    def starts(self):
        self.person()
        self.begun()

    def begun(self):
        self.secret = self.admin(raw.enroll(raw.BEGIN, self.uid)).secret
        self.step = int(time.time()) // STEP_S

    def confirm(self):
        return self.admin(raw.enroll(raw.CONFIRM, self.uid, code(self.secret, self.step)))

    def test_enroll_confirm(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                answer = self.confirm()
                if answer.code != raw.NO_OBJECT or self.mode != faults.DONE:
                    self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.hold()
            self.refuses(self.attempt(code(self.secret, self.step)))
            self.next_app()
        self.each(self.starts, lambda _: self.confirm(), check)

    def test_enroll_confirm_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("code"), (1,) if outcome else (0, 1))
            self.assertEqual(self.confirm().code, raw.SUCCESS)
            self.hold()
            self.next_app()
        self.each(self.starts, lambda _: self.admin(raw.enroll(raw.CONFIRM, self.uid, wrong_code(self.secret))), check,
                  [*MODES, faults.LATE])

    def test_reset(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            entry = shared.gateway.entry(person(self.uid))
            if outcome == raw.SUCCESS:
                self.assertNotIn("ushertotpsecret", entry)
            self.assertEqual(self.admin(raw.enroll(raw.RESET, self.uid)).code, raw.SUCCESS)
            self.assertNotIn("ushertotpsecret", shared.gateway.entry(person(self.uid)))
            self.assertEqual(shared.gateway.ledger(self.uid, "usherRecoveryCode"), [])
        def prepare():
            self.app()
            self.assertEqual(self.admin(raw.recovery(self.uid)).code, raw.SUCCESS)
        self.each(prepare, lambda _: self.admin(raw.enroll(raw.RESET, self.uid)), check)

    def test_recovery_printed(self):
        def ask(_):
            answer = self.admin(raw.recovery(self.uid))
            if answer is not None and answer.code == raw.SUCCESS:
                self.codes = answer.codes
            return answer
        def check(text, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                self.assertEqual(ask(None).code, raw.SUCCESS)
            self.refuses(self.attempt(text))
            self.lets_in(self.attempt(self.codes[0]))
        self.each(self.recovering, ask, check)


class Keys(Case):
    """With a store of its own, since all that is sealed is sealed anew. The third field counts what is left."""

    def setUp(self):
        self.enterContext(shared.started())

    def rotates(self):
        for step in ("add", "use"):
            shared.gateway.ctl("key", step, shared.gateway.path("keys"))

    def test_sealed_anew(self):
        self.person()
        self.assertEqual(self.admin(raw.set_pin("acme", self.uid, "4711")).code, raw.SUCCESS)
        self.secret, self.step = enrol(shared.gateway, self.uid)
        codes = iter(shared.gateway.ctl("code", "recovery", self.uid).stdout.split())
        self.lets_in(raw.invite(self.uid, raw.FORGOTTEN))

        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            answer = self.admin(raw.reseal(1))
            self.assertEqual((answer.code, answer.fields[2]), (raw.SUCCESS, b"\0"), answer)
            self.assertEqual(self.admin(raw.reseal(1)).fields[1], b"\0")
            self.lets_in(raw.verify(self.uid, raw.PIN, "4711", organization="acme"))
        self.each(self.rotates, lambda _: self.admin(raw.reseal(1)), check)
        with shared.gateway.local() as link:
            held = ticket(link, self.uid)
        self.lets_in(raw.verify(self.uid, raw.CODE, next(codes), ticket=held))
        self.lets_in(raw.verify(self.uid, raw.CODE, code(self.secret, fresh_step()), ticket=held))
        self.lets_in(raw.redeem(until("a mail", lambda: [TOKEN.search(mail) for mail in mails(self.uid)
                                                         if TOKEN.search(mail)])[0].group(), NEW))


class Others(Case):
    def test_a_service(self):
        def bind(_=None):
            return self.ask(raw.bind(service("backoffice"), "backoffice-demo-password"), shared.gateway.ldap)

        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.assertEqual(bind().code, raw.SUCCESS)
        self.each(lambda: None, bind, check)

    def test_a_service_wrong(self):
        def bind(text):
            return self.ask(raw.bind(service("backoffice"), text), shared.gateway.ldap)

        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertEqual(bind("backoffice-demo-password").code, raw.SUCCESS)
        self.each(lambda: None, lambda _: bind("wrong"), check)

    def locked(self):
        self.person()
        for _ in range(5):
            self.refuses(raw.verify(self.uid, raw.PASSWORD, "wrong"))

    def test_unlock(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                self.assertEqual(self.admin(raw.unlock(self.uid)).code, raw.SUCCESS)
            self.lets_in(raw.verify(self.uid, raw.PASSWORD, password(self.uid)))
        self.each(self.locked, lambda _: self.admin(raw.unlock(self.uid)), check)

    def test_logout(self):
        def epoch():
            return int(shared.gateway.entry(person(self.uid)).get("usherauthepoch", ["0"])[0])
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                self.assertEqual(self.admin(raw.logout(self.uid)).code, raw.SUCCESS)
            self.assertGreaterEqual(epoch(), 1)
        self.each(self.person, lambda _: self.admin(raw.logout(self.uid)), check)


if __name__ == "__main__":
    unittest.main()
