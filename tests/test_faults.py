#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Each login and each change of a secret, with a fault at each of its requests to the store in turn. Whatever
# happens in between: nobody is let in without the right secrets, what counts once counts once, nothing is half
# changed, the answer says nothing that is not so, and whoever tries again gets there.
# MODES=killed,done,late,stalled tries other faults than those of each run. Prints how many points there were.
import itertools
import os
import time
import unittest

import faults
import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, membership, person, service, until
from mailed import TOKEN
from people import STEP_S, add_person, code, enrol, fresh_step, mailed_code, password, ticket, wrong_code

LATER = (raw.BUSY, raw.UNAVAILABLE)
NEW = "a-brand-new-password"
KILLS = (faults.KILLED, faults.DONE)  # as AWAY and LOST to the store, but slow: not for each
MODES = os.environ["MODES"].split(",") if "MODES" in os.environ else list(faults.ENDS)
gateway = relay = None
points = {}


class Cheap(Gateway):
    """Whose store hashes passwords in no time."""

    def start_store(self):
        self.store_conf(r"argon2 m=\d+ t=\d+", "argon2 m=8 t=1")
        super().start_store()


def setUpModule():
    global gateway, relay
    gateway = Cheap({"mail.notices": True})
    gateway.start_mail()
    relay = faults.Faults(gateway)
    gateway.options["store.uri"] = relay.uri
    gateway.__enter__()


def tearDownModule():
    try:
        gateway.stop()
    finally:
        relay.stop()
        for name in points:
            print(name, points[name])
        points.clear()


def mails(uid, words=""):
    return [text for text in gateway.mails() if "X-Sink-To: %s@example.org" % uid in text and words in text]


def ledger_dn(uid):
    return "cn=%s,ou=ledger,%s" % (gateway.entry(person(uid))["usherid"][0].lower(), BASE)


class Case(Asking):
    numbers, uid = itertools.count(), None

    def ask(self, operation, open_link=None):
        """The answer, or None when usherd was killed meanwhile."""
        with (open_link or gateway.local)() as link:
            try:
                return link.ask(operation)
            except (raw.Closed, ConnectionError):
                return None

    def admin(self, operation):
        return self.ask(operation, gateway.admin)

    def told(self, outcome):
        """Whether usherd could know what has become of it."""
        return outcome is not None or self.mode in (faults.BEFORE, faults.AFTER)

    def outcome(self, answer):
        if answer is None or answer.code in LATER:
            return None
        return answer.code

    def person(self, **attributes):
        self.uid = "f%d" % next(Case.numbers)
        add_person(gateway, self.uid, **attributes)

    def faulted(self, mode, number, ask):
        slow = mode in (faults.LATE, faults.STALLED)
        if slow:
            gateway.reload_daemon(**{"store.timeout": 1000})
        with relay.at(mode, number) as fault:
            answer = ask()
        if slow:
            gateway.reload_daemon()
        if mode in (faults.KILLED, faults.DONE) and fault.happened:
            gateway.daemon = None
            gateway.start_daemon()
        self.assertTrue(gateway.daemon.poll() is None, "usherd is gone")
        return answer, fault.happened

    def each(self, prepare, ask, check, modes=None):
        """prepare() makes a person in a state, ask(state) is what the fault hits, check(state, outcome) sees to it
        that all is well and tries again; outcome None: later, or no answer."""
        name = self.id().split(".", 1)[1]
        for mode in modes or MODES:
            number, happened = 0, True
            while happened:
                state, self.mode = prepare(), mode
                answer, happened = self.faulted(mode, number, lambda: ask(state))
                with self.subTest(mode=mode, number=number, uid=self.uid, answer=answer):
                    if not happened and mode not in (faults.LATE, faults.STALLED):
                        self.assertIsNotNone(answer)
                        self.assertNotIn(answer.code, LATER)
                    check(state, self.outcome(answer))
                number += 1
            points.setdefault(name, {})[mode] = number - 1

    def notice(self, about, count=1):
        until("a notice", lambda: len(mails(self.uid, about)) >= count)
        self.assertEqual(len(mails(self.uid, about)), count)

    def counted(self, key="password@local"):
        return gateway.failures(self.uid, key)[0]

    def logs_in(self, text):
        return self.ask(raw.verify(self.uid, raw.PASSWORD, text))

    def lets_in(self, operation, open_link=None):
        answer = self.ask(operation, open_link)
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        return answer

    def refuses(self, operation, open_link=None):
        answer = self.ask(operation, open_link)
        self.assertEqual(answer.code, raw.WRONG, answer)
        return answer

    def clean(self):
        self.assertEqual(gateway.ledger(self.uid), [])


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
            self.lets_in(raw.bind(self.uid, password(self.uid)), gateway.ldap)
            self.clean()
        self.each(self.person, lambda _: self.ask(raw.bind(self.uid, password(self.uid)), gateway.ldap), check)

    def test_bind_wrong(self):
        def check(_, outcome):
            self.assertIn(outcome, (raw.WRONG, None))
            self.assertIn(self.counted("password@net"), (1,) if outcome else (0, 1))
            self.lets_in(raw.bind(self.uid, password(self.uid)), gateway.ldap)
            self.clean()
        self.each(self.person, lambda _: self.ask(raw.bind(self.uid, "wrong"), gateway.ldap), check)

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
                    self.assertNotIn("ushermustchange", gateway.entry(person(self.uid)))
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


class Codes(Case):
    def attempt(self, text):
        return raw.verify(self.uid, raw.CODE, text, ticket=self.held)

    def marks(self):
        return [gateway.ledger(self.uid, name) for name in ("usherTotpStep", "usherChallenge", "usherRecoveryCode")]

    def hold(self):
        self.marked = self.marks()
        with gateway.local() as link:
            self.held = ticket(link, self.uid)

    def app(self):
        """Confirmed, and no code used yet: all those of the test are good for half a minute at least."""
        self.starts()
        self.assertEqual(self.confirm().code, raw.SUCCESS)
        gateway.modify(ledger_dn(self.uid), usherTotpStep=None)
        self.hold()
        return code(self.secret, self.step)

    def sent(self):
        self.person(usherSecondFactor="email")
        self.lets_in(raw.challenge(self.uid))
        self.hold()
        return mailed_code(gateway, self.uid)

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
            self.once(text, outcome, raw.bind(self.uid, password(self.uid) + text), gateway.ldap)
            self.lets_in(raw.bind(self.uid, password(self.uid) + code(self.secret, self.step + 1)), gateway.ldap)
            self.clean()
        self.each(self.app, lambda text: self.ask(raw.bind(self.uid, password(self.uid) + text), gateway.ldap), check)

    def test_sent(self):
        def check(text, outcome):
            self.once(text, outcome, self.attempt(text))
            self.lets_in(raw.challenge(self.uid))
            self.lets_in(self.attempt(mailed_code(gateway, self.uid)))
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
            self.lets_in(self.attempt(mailed_code(gateway, self.uid)))
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
            entry = gateway.entry(person(self.uid))
            if outcome == raw.SUCCESS:
                self.assertNotIn("ushertotpsecret", entry)
            self.assertEqual(self.admin(raw.enroll(raw.RESET, self.uid)).code, raw.SUCCESS)
            self.assertNotIn("ushertotpsecret", gateway.entry(person(self.uid)))
            self.assertEqual(gateway.ledger(self.uid, "usherRecoveryCode"), [])
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
        return answer, len(gateway.entry(person(self.uid)).get("usherapppassword", []))

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
        return self.ask(raw.bind(self.uid, self.text), gateway.ldap)

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
            entry = gateway.entry(person(self.uid))
            self.assertEqual(entry["usherauthepoch"], ["1"])
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


class Keys(Case):
    """With a store of its own, since all that is sealed is sealed anew. The third field counts what is left."""

    def setUp(self):
        self.before = gateway, relay
        setUpModule()
        self.addCleanup(self.back)

    def back(self):
        tearDownModule()
        globals().update(gateway=self.before[0], relay=self.before[1])

    def rotates(self):
        for step in ("add", "use"):
            gateway.ctl("key", step, gateway.path("keys"))

    def test_sealed_anew(self):
        self.person()
        self.assertEqual(self.admin(raw.set_pin("acme", self.uid, "4711")).code, raw.SUCCESS)
        self.secret, self.step = enrol(gateway, self.uid)
        codes = iter(gateway.ctl("code", "recovery", self.uid).stdout.split())
        self.lets_in(raw.invite(self.uid, raw.FORGOTTEN))

        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            answer = self.admin(raw.reseal(1))
            self.assertEqual((answer.code, answer.fields[2]), (raw.SUCCESS, b"\0"), answer)
            self.assertEqual(self.admin(raw.reseal(1)).fields[1], b"\0")
            self.lets_in(raw.verify(self.uid, raw.PIN, "4711", organization="acme"))
        self.each(self.rotates, lambda _: self.admin(raw.reseal(1)), check)
        with gateway.local() as link:
            held = ticket(link, self.uid)
        self.lets_in(raw.verify(self.uid, raw.CODE, next(codes), ticket=held))
        self.lets_in(raw.verify(self.uid, raw.CODE, code(self.secret, fresh_step()), ticket=held))
        self.lets_in(raw.redeem(until("a mail", lambda: [TOKEN.search(mail) for mail in mails(self.uid)
                                                         if TOKEN.search(mail)])[0].group(), NEW))


class Others(Case):
    def test_a_service(self):
        def bind(_=None):
            return self.ask(raw.bind(service("backoffice"), "backoffice-demo-password"), gateway.ldap)

        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            self.assertEqual(bind().code, raw.SUCCESS)
        self.each(lambda: None, bind, check)

    def test_a_service_wrong(self):
        def bind(text):
            return self.ask(raw.bind(service("backoffice"), text), gateway.ldap)

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
            return int(gateway.entry(person(self.uid)).get("usherauthepoch", ["0"])[0])
        def check(_, outcome):
            self.assertIn(outcome, (raw.SUCCESS, None))
            if outcome is None:
                self.assertEqual(self.admin(raw.logout(self.uid)).code, raw.SUCCESS)
            self.assertGreaterEqual(epoch(), 1)
        self.each(self.person, lambda _: self.admin(raw.logout(self.uid)), check)


if __name__ == "__main__":
    unittest.main()
