#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Each compare-and-swap that is lost as often as the sources allow, and once less. At the bound the answer is busy
# and nothing has happened, or, behind the point where something has, what is left over stays and is told in the log.
import os
import re
import time
import unittest

import raw_ldap as raw
import rival
from asking import Asking
from gateway import BASE, ROOT, Gateway, membership, person, until
from mailed import TOKEN
from people import STEP_S, add, add_person, code, enrol, mailed_code, password, ticket

BUSY, RIGHT, DUE = (raw.BUSY, raw.REFUSED), (raw.SUCCESS, raw.COMPLETE), (raw.STRONGER, raw.FACTOR_DUE)
FAILED = "password@local 1 1700000000000 0"  # what the other one writes
WRITTEN = "password@local"                   # what we count
NEW = "a-brand-new-password"
gateway = relay = None


def setUpModule():
    global gateway, relay
    gateway = Gateway({"mail.notices": True})
    gateway.start_mail()
    relay = unittest.enterModuleContext(rival.Rival(gateway).started())


def tries(file, name):
    with open(os.path.join(ROOT, "src/rules", file)) as source:
        return int(re.search(r"(?m)^#define %s +(\d+)" % name, source.read()).group(1))


def ledger_dn(uid):
    return "cn=%s,ou=ledger,%s" % (gateway.entry(person(uid))["usherid"][0].lower(), BASE)


def mails(uid, words=""):
    return [text for text in gateway.mails() if "X-Sink-To: %s@example.org" % uid in text and words in text]


def logged(uid, words):
    who = gateway.entry(person(uid))["usherid"][0].lower()
    return [line for line in gateway.text("usherd.log").splitlines()
            if words in line and (uid in line or who in line.lower())]


class Case(Asking):
    def setUp(self):
        self.link, self.admin = self.open(gateway.local()), self.open(gateway.admin())

    def person(self, uid, **attributes):
        """With a ledger, so that no swap has to make it first."""
        add_person(gateway, uid, **attributes)
        add(gateway, ledger_dn(uid), ["usherLedger"], cn=gateway.entry(person(uid))["usherid"][0].lower())
        return uid

    def lose(self, count, ask, dn, attribute, first=0, more=0, **instead):
        """The answer to what loses exactly so many changes of the attribute; `more` follow those."""
        with relay.against(dn, attribute, count, first, **instead) as contest:
            answer = ask()
        codes = contest.codes
        self.assertEqual(codes[:first], [0] * first)
        self.assertEqual([code for code in codes if code in rival.LOST], codes[first:first + count], codes)
        self.assertEqual(codes[first + count:], [0] * more, codes)
        self.assertEqual(len(codes), first + count + more)
        return answer

    def is_left(self, uid, words):
        self.assertEqual(len(logged(uid, words)), 1, gateway.text("usherd.log")[-2000:])


class Logins(Case):
    TRIES = tries("ledger.c", "LEDGER_TRIES")

    def logs_in(self, uid):
        answer = self.link.ask(raw.verify(uid, raw.PASSWORD, password(uid)))
        return answer.code, answer.state

    def coded(self, uid, text, held):
        answer = self.link.ask(raw.verify(uid, raw.CODE, text, ticket=held))
        return answer.code, answer.state

    def recovering(self, uid):
        """A person with a mailed factor and recovery codes."""
        self.person(uid, usherSecondFactor="email")
        return gateway.ctl("code", "recovery", uid).stdout.split()

    def test_an_attempt_reserved(self):
        """Busy, and nothing counted: nothing was checked. The first try is made before anything is read."""
        uid = self.person("reserve")
        swap = ledger_dn(uid), "usherFailure"
        found = self.lose(self.TRIES + 1, lambda: self.logs_in(uid), *swap, instead=FAILED)
        self.assertEqual(found, BUSY)
        self.assertEqual(gateway.ledger(uid), [])
        self.assertEqual(gateway.ledger(uid, "usherLastLogin"), [])
        found = self.lose(self.TRIES, lambda: self.logs_in(uid), *swap, more=2, instead=FAILED)
        self.assertEqual(found, RIGHT)
        self.assertEqual(gateway.ledger(uid), [])

    def test_an_attempt_given_back(self):
        """A password was right, a code is due: busy, and the attempt stays counted till the next success."""
        uid = self.person("uncount", usherSecondFactor="email")
        swap = ledger_dn(uid), "usherFailure"
        self.assertEqual(self.lose(self.TRIES, lambda: self.logs_in(uid), *swap, first=1), BUSY)
        self.assertEqual(gateway.failures(uid, WRITTEN), (1, 0))
        uid = self.person("uncount2", usherSecondFactor="email")
        found = self.lose(self.TRIES - 1, lambda: self.logs_in(uid), ledger_dn(uid), swap[1], first=1, more=1)
        self.assertEqual(found, DUE)
        self.assertEqual(gateway.ledger(uid), [])

    def test_a_success(self):
        """Whoever proved who they are is let in, also when others keep the record from going."""
        uid = self.person("success")
        swap = ledger_dn(uid), "usherFailure"
        self.assertEqual(self.lose(self.TRIES + 1, lambda: self.logs_in(uid), *swap, first=1), RIGHT)
        self.assertEqual(gateway.failures(uid, WRITTEN), (1, 0))
        self.assertEqual(len(gateway.ledger(uid, "usherLastLogin")), 1)
        self.is_left(uid, "stay counted")
        uid = self.person("success2")
        found = self.lose(self.TRIES, lambda: self.logs_in(uid), ledger_dn(uid), swap[1], first=1, more=1)
        self.assertEqual(found, RIGHT)
        self.assertEqual((gateway.ledger(uid), len(gateway.ledger(uid, "usherLastLogin"))), ([], 1))

    def test_failures_after_a_code(self):
        """The code is used up, so the login does not fail for the failed passwords before it."""
        codes = self.recovering("forget")
        swap = ledger_dn("forget"), "usherFailure"
        self.verify((raw.WRONG, raw.REFUSED), "forget", raw.PASSWORD, "wrong")
        held = ticket(self.link, "forget")
        found = self.lose(self.TRIES, lambda: self.coded("forget", codes[0], held), *swap, first=1, more=1)
        self.assertEqual(found, RIGHT)
        self.assertEqual((gateway.failures("forget", WRITTEN), gateway.failures("forget", "code")), ((1, 0), (0, 0)))
        self.is_left("forget", "stay counted")
        found = self.lose(self.TRIES - 1, lambda: self.coded("forget", codes[1], held), *swap, first=1, more=2)
        self.assertEqual(found, RIGHT)
        self.assertEqual(gateway.ledger("forget"), [])

    def test_a_password_changed(self):
        """It is changed, so all else that goes with it is done, whatever becomes of the failed ones before."""
        for uid, count, more in (("change", self.TRIES, 0), ("change2", self.TRIES - 1, 1)):
            self.person(uid, usherMustChange="TRUE")
            change = raw.password_modify(uid, password(uid), NEW)
            answer = self.lose(count, lambda: self.link.ask(change), ledger_dn(uid), "usherFailure", first=1, more=more)
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.assertNotIn("ushermustchange", gateway.entry(person(uid)))
            self.assertEqual(gateway.failures(uid, WRITTEN), (1 - more, 0))
            until("a notice", lambda: mails(uid, "was changed"))
            self.verify(RIGHT, uid, raw.PASSWORD, NEW)

    def test_a_recovery_code(self):
        """Right, and not to be had: busy, neither used up nor counted."""
        count, codes = tries("recovery.c", "RECOVERY_TRIES"), self.recovering("recover")
        swap, held = (ledger_dn("recover"), "usherRecoveryCode"), ticket(self.link, "recover")
        before = gateway.ledger("recover", swap[1])
        self.assertEqual(self.lose(count, lambda: self.coded("recover", codes[0], held), *swap), BUSY)
        self.assertEqual(gateway.ledger("recover", swap[1]), before)
        self.assertEqual(gateway.ledger("recover"), [])
        self.assertEqual(self.lose(count - 1, lambda: self.coded("recover", codes[0], held), *swap, more=1), RIGHT)
        self.assertEqual(self.coded("recover", codes[0], held), (raw.WRONG, raw.REFUSED))

    def test_recovery_codes_dropped(self):
        """They go before the app: so both stay."""
        count, uid = tries("recovery.c", "RECOVERY_TRIES"), self.person("reset")
        enrol(gateway, uid)
        gateway.ctl("code", "recovery", uid)
        swap, reset = (ledger_dn(uid), "usherRecoveryCode"), raw.enroll(raw.RESET, uid)
        before = gateway.ledger(uid, swap[1])
        self.assertEqual(self.lose(count, lambda: self.admin.ask(reset), *swap).code, raw.BUSY)
        self.assertEqual(gateway.ledger(uid, swap[1]), before)
        self.assertIn("ushertotpsecret", gateway.entry(person(uid)))
        self.assertEqual(self.lose(count - 1, lambda: self.admin.ask(reset), *swap, more=1).code, raw.SUCCESS)
        self.assertEqual(gateway.ledger(uid, swap[1]), [])
        self.assertNotIn("ushertotpsecret", gateway.entry(person(uid)))


class Sent(Case):
    def test_a_code_to_send(self):
        """Busy, with a text that speaks of no code that was sent: there is none, nor a mail."""
        count, uid = tries("challenge.c", "CHALLENGE_TRIES"), self.person("challenge", usherSecondFactor="email")
        swap, ask = (ledger_dn(uid), "usherChallenge"), raw.challenge(uid, language="en")
        answer = self.lose(count, lambda: self.link.ask(ask), *swap, instead="used nothing")
        self.assertEqual(answer.code, raw.BUSY, answer)
        self.assertNotIn("was sent", answer.text)
        self.assertEqual((gateway.ledger(uid, swap[1]), mails(uid)), ([], []))
        answer = self.lose(count - 1, lambda: self.link.ask(ask), *swap, more=1, instead="used nothing")
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        self.verify(RIGHT, uid, raw.CODE, mailed_code(gateway, uid), ticket=ticket(self.link, uid))

    def test_a_sent_code(self):
        """Right, and not to be had: busy, neither used up nor counted, and good the next time."""
        count, uid = tries("complete.c", "CODE_TRIES"), self.person("sent", usherSecondFactor="email")
        self.expect(raw.SUCCESS, raw.challenge(uid))
        swap = ledger_dn(uid), "usherChallenge"
        attempt = raw.verify(uid, raw.CODE, mailed_code(gateway, uid), ticket=ticket(self.link, uid))
        before = gateway.ledger(uid, swap[1])
        answer = self.lose(count, lambda: self.link.ask(attempt), *swap)
        self.assertEqual((answer.code, answer.state), BUSY, answer)
        self.assertEqual((gateway.ledger(uid, swap[1]), gateway.ledger(uid)), (before, []))
        answer = self.lose(count - 1, lambda: self.link.ask(attempt), *swap, more=1)
        self.assertEqual((answer.code, answer.state), RIGHT, answer)
        self.verify((raw.WRONG, raw.REFUSED), uid, raw.CODE, mailed_code(gateway, uid), ticket=ticket(self.link, uid))

    def test_a_sent_code_in_a_bind(self):
        count, uid = tries("complete.c", "CODE_TRIES"), self.person("sentbind", usherSecondFactor="email")
        self.expect(raw.SUCCESS, raw.challenge(uid))
        swap = ledger_dn(uid), "usherChallenge"
        link, attempt = self.open(gateway.ldap()), raw.bind(uid, password(uid) + mailed_code(gateway, uid))
        self.assertEqual(self.lose(count, lambda: link.ask(attempt), *swap).code, raw.BUSY)
        self.assertEqual(gateway.ledger(uid), [])
        self.assertEqual(self.lose(count - 1, lambda: link.ask(attempt), *swap, more=1).code, raw.SUCCESS)


class Tokens(Case):
    TRIES = tries("redeem.c", "REDEEM_TRIES")

    def token(self, uid, kind=raw.FORGOTTEN):
        self.expect(raw.SUCCESS, raw.invite(uid, kind), link=self.admin)
        seen = set(getattr(self, "seen", ()))
        found = until("a token", lambda: {TOKEN.search(mail).group() for mail in mails(uid)
                                          if TOKEN.search(mail)} - seen)
        self.seen = seen | found
        return found.pop()

    def redeem(self, token, new=NEW):
        return lambda: self.link.ask(raw.redeem(token, new))

    def test_invited(self):
        count, uid = tries("invite.c", "INVITE_TRIES"), self.person("invite")
        swap, ask = (ledger_dn(uid), "usherToken"), raw.invite(uid, raw.FORGOTTEN)
        answer = self.lose(count, lambda: self.link.ask(ask), *swap, instead="forgotten nothing")
        self.assertEqual(answer.code, raw.BUSY, answer)
        self.assertEqual((gateway.ledger(uid, swap[1]), mails(uid)), ([], []))
        answer = self.lose(count - 1, lambda: self.link.ask(ask), *swap, more=1, instead="forgotten nothing")
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        until("a mail", lambda: mails(uid))

    def test_claimed(self):
        """Busy before the password is touched."""
        uid = self.person("claim")
        token, swap = self.token(uid), (ledger_dn(uid), "usherToken")
        before = gateway.ledger(uid, swap[1])
        self.assertEqual(self.lose(self.TRIES, self.redeem(token), *swap).code, raw.BUSY)
        self.assertEqual((gateway.ledger(uid, swap[1]), gateway.ledger(uid)), (before, []))
        self.verify(RIGHT, uid, raw.PASSWORD, password(uid))
        self.assertEqual(self.lose(self.TRIES - 1, self.redeem(token), *swap, more=2).code, raw.SUCCESS)
        self.verify(RIGHT, uid, raw.PASSWORD, NEW)

    def test_given_back(self):
        """The store's policy refuses the password, and the token stays claimed, or is good again."""
        uid = self.person("giveback")
        token, swap = self.token(uid), (ledger_dn(uid), "usherToken")
        found = self.lose(self.TRIES, self.redeem(token, "short"), *swap, first=1, more=1)
        self.assertEqual(found.code, raw.UNWILLING, found)
        self.assertEqual(self.lose(self.TRIES + 1, self.redeem(token, "short"), *swap, first=1).code, raw.UNWILLING)
        self.expect(raw.BUSY, raw.redeem(token, NEW), "being used")
        self.assertEqual(gateway.ledger(uid), [])
        self.verify(RIGHT, uid, raw.PASSWORD, password(uid))

    def test_settled(self):
        """The password is set, the rest is not: busy, and the same password carries it through, at once."""
        uid = self.person("settle", usherMustChange="TRUE")
        token, swap = self.token(uid), (person(uid), "usherAuthEpoch")
        self.assertEqual(self.lose(self.TRIES, self.redeem(token), *swap, instead="7").code, raw.BUSY)
        self.assertNotIn("usherauthepoch", gateway.entry(person(uid)))
        self.expect(raw.WRONG, raw.redeem(token, "quite-another-password"))
        self.assertEqual(self.lose(self.TRIES - 1, self.redeem(token), *swap, more=1, instead="7").code, raw.SUCCESS)
        entry = gateway.entry(person(uid))
        self.assertEqual(entry["usherauthepoch"], ["1"])
        self.assertNotIn("ushermustchange", entry)
        self.verify(RIGHT, uid, raw.PASSWORD, NEW)
        self.expect(raw.WRONG, raw.redeem(token, NEW))
        until("a notice", lambda: mails(uid, "was changed"))

    def test_ended(self):
        """All has happened. What stays of the token in the ledger is good for nothing."""
        for uid, count, more in (("end", self.TRIES + 1, 0), ("end2", self.TRIES, 1)):
            self.person(uid)
            token = self.token(uid)
            answer = self.lose(count, self.redeem(token), ledger_dn(uid), "usherToken", first=1, more=more)
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.expect(raw.WRONG, raw.redeem(token, NEW))
            self.verify(RIGHT, uid, raw.PASSWORD, NEW)
            until("a notice", lambda: mails(uid, "was changed"))
        self.is_left("end", "stays claimed")

    def test_others_ended(self):
        """The token of the other kind ends with it, or stays and is good for nothing."""
        for uid, count, more in (("other", self.TRIES, 0), ("other2", self.TRIES - 1, 1)):
            self.person(uid)
            other, token = self.token(uid, raw.ACTIVATION), self.token(uid)
            answer = self.lose(count, self.redeem(token), ledger_dn(uid), "usherToken", first=2, more=more)
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.assertEqual(len(gateway.ledger(uid, "usherToken")), 2 - more)
            self.expect(raw.WRONG, raw.redeem(other, "quite-another-password"))
        self.is_left("other", "stays in the ledger")


class Others(Case):
    def test_logout(self):
        count, uid = tries("logout.c", "EPOCH_TRIES"), self.person("logout")
        swap, ask = (person(uid), "usherAuthEpoch"), raw.logout(uid)
        self.assertEqual(self.lose(count, lambda: self.admin.ask(ask), *swap, instead="7").code, raw.BUSY)
        self.assertNotIn("usherauthepoch", gateway.entry(person(uid)))
        answer = self.lose(count - 1, lambda: self.admin.ask(ask), *swap, more=1, instead="7")
        self.assertEqual(answer.code, raw.SUCCESS)
        self.assertEqual(gateway.entry(person(uid))["usherauthepoch"], ["1"])

    def test_an_enrolment(self):
        count, uid = tries("secrets.c", "ENROLL_TRIES"), self.person("enroll")
        swap, begin = (ledger_dn(uid), "usherToken"), raw.enroll(raw.BEGIN, uid)
        answer = self.lose(count, lambda: self.admin.ask(begin), *swap, instead="enroll nothing")
        self.assertEqual((answer.code, answer.value), (raw.BUSY, None), answer)
        self.assertEqual(gateway.ledger(uid, swap[1]), [])
        answer = self.lose(count - 1, lambda: self.admin.ask(begin), *swap, more=1, instead="enroll nothing")
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        self.assertEqual(len(gateway.ledger(uid, swap[1])), 1)

    def test_an_enrolment_confirmed(self):
        """The app is the person's, and they are told, whatever becomes of the pending record."""
        count = tries("secrets.c", "ENROLL_TRIES")
        for uid, losses, more in (("confirm", count, 0), ("confirm2", count - 1, 1)):
            self.person(uid)
            secret = self.expect(raw.SUCCESS, raw.enroll(raw.BEGIN, uid), link=self.admin).secret
            step = int(time.time()) // STEP_S
            answer = self.lose(losses, lambda: self.admin.ask(raw.enroll(raw.CONFIRM, uid, code(secret, step))),
                               ledger_dn(uid), "usherToken", more=more)
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            self.assertEqual(len(gateway.ledger(uid, "usherToken")), 1 - more)
            until("a notice", lambda: mails(uid))
            self.verify(RIGHT, uid, raw.CODE, code(secret, step + 1), ticket=ticket(self.link, uid))
        self.is_left("confirm", "stays in the ledger")

    def test_application_passwords(self):
        count, uid = tries("app_password.c", "CHANGE_TRIES"), self.person("apps")
        swap = person(uid), "usherAppPassword"
        create = raw.app_password(raw.CREATE, uid, "acme", "ldap", "Mail")
        answer = self.lose(count, lambda: self.admin.ask(create), *swap, instead="nothing")
        self.assertEqual((answer.code, answer.value), (raw.BUSY, None), answer)
        self.assertNotIn("usherapppassword", gateway.entry(person(uid)))
        answer = self.lose(count - 1, lambda: self.admin.ask(create), *swap, more=1, instead="nothing")
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        before = gateway.entry(person(uid))["usherapppassword"]
        number = re.search(r'"id": *"(\w+)"', gateway.ctl("--json", "password", "app-list", uid).stdout).group(1)
        revoke = raw.app_password(raw.REVOKE, uid, number=number)
        self.assertEqual(self.lose(count, lambda: self.admin.ask(revoke), *swap).code, raw.BUSY)
        self.assertEqual(gateway.entry(person(uid))["usherapppassword"], before)
        self.assertEqual(self.lose(count - 1, lambda: self.admin.ask(revoke), *swap, more=1).code, raw.SUCCESS)
        self.assertNotIn("usherapppassword", gateway.entry(person(uid)))

    def test_sealed_anew(self):
        """One value is counted as left, with the old key, and the next pass seals it anew."""
        count, uid = tries("reseal.c", "RESEAL_TRIES"), self.person("reseal")
        gateway.pin("acme", uid, "4711")
        for step in ("add", "use"):
            gateway.ctl("key", step, gateway.path("keys"))
        before, swap = gateway.entry(membership(uid))["usherpin"], (membership(uid), "usherPin")
        answer = self.lose(count, lambda: self.admin.ask(raw.reseal(1)), *swap)
        self.assertEqual((answer.code, answer.fields[2]), (raw.SUCCESS, b"\1"), answer)
        self.assertEqual(gateway.entry(membership(uid))["usherpin"], before)
        answer = self.lose(count - 1, lambda: self.admin.ask(raw.reseal(1)), *swap, more=1)
        self.assertEqual((answer.code, answer.fields[1], answer.fields[2]), (raw.SUCCESS, b"\1", b"\0"), answer)
        self.assertNotEqual(gateway.entry(membership(uid))["usherpin"], before)
        self.verify(RIGHT, uid, raw.PIN, "4711", organization="acme")


if __name__ == "__main__":
    unittest.main()
