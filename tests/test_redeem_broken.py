#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Mailed tokens, and what remains of them when usherd, the store, the mail server or a key goes in the middle; and
# how often they may be asked for.
import signal
import unittest

import mailed
import raw_ldap as raw
from gateway import BASE, person, until
from mailed import OPTIONS, Case, mails, queued, told
from people import add_person

gateway = None


def setUpModule():
    global gateway
    gateway = mailed.start()


def tearDownModule():
    mailed.stop()


class Broken(Case):
    """What stops in the middle."""

    def record(self, uid):
        value, = [value for value in gateway.ledger(uid, "usherToken") if value.startswith("forgotten ")]
        return value

    def hurried(self):
        """Claims lapse soon. The store may be too slow for that at times: then it is asked again."""
        gateway.restart_daemon(**{"store.timeout": 1500})
        self.addCleanup(gateway.restart_daemon, **{"store.timeout": OPTIONS["store.timeout"]})

    def settled(self, operation, *codes):
        """The answer that is no "later"."""
        def answer():
            with gateway.local() as link:
                answer = link.ask(operation, timeout=60)
            self.assertIn(answer.code, (raw.BUSY, raw.UNAVAILABLE, *codes), answer)
            return answer if answer.code in codes else None
        return until("an answer of %s" % (codes,), answer, pause=0.1)

    def carried(self, uid, token, new):
        """All that follows from a redeemed token is there, and it works no more."""
        self.settled(raw.redeem(token, new), raw.WRONG)
        self.assertEqual(self.settled(raw.verify(uid, raw.PASSWORD, new), raw.SUCCESS).state, raw.COMPLETE)
        entry = gateway.entry(person(uid))
        self.assertEqual((entry["usherauthepoch"], entry["ushermailverified"]), (["1"], ["TRUE"]))
        self.assertNotIn("ushermustchange", entry)

    def test_killed_in_the_middle(self):
        """Killed while passwords are set: whatever moment that was, in the end the token has worked, once, and
        all that follows from it has been done."""
        tokens = {}
        for uid in ("k%d" % i for i in range(6)):
            add_person(gateway, uid, usherMustChange="TRUE")
            tokens[uid] = self.forgotten(uid)
        self.hurried()
        for number, (uid, token) in enumerate(tokens.items()):
            before, new = self.record(uid), "after-the-crash-" + uid
            told.add(new)
            with gateway.local() as link:
                link.post(raw.redeem(token, new))
                if number % 2 == 0:
                    until("it is claimed", lambda: self.record(uid) != before, pause=0.0002)
                else:
                    until("it is done", lambda: "usherauthepoch" in gateway.entry(person(uid)), pause=0.0002)
                gateway.end_daemon(signal.SIGKILL)
            gateway.start_daemon()
            self.settled(raw.redeem(token, new), raw.SUCCESS, raw.WRONG)
            self.carried(uid, token, new)

    def claimed(self, uid, token, new):
        """Redeems a token; the record while it was claimed, or None when that was not seen."""
        before = self.record(uid)
        told.add(new)
        with gateway.local() as link:
            link.post(raw.redeem(token, new))
            until("it is claimed", lambda: self.record(uid) != before, pause=0.0002)
            seen = self.record(uid)
            code = link.receive(60).code
        return seen if code == raw.SUCCESS and seen != self.record(uid) else None

    def test_carried_through(self):
        """As if usherd had died between the password and all that follows: once the claim has lapsed, that
        password carries the rest through, and no other one does."""
        tokens, record = {}, None
        for uid in ("t%d" % i for i in range(10)):
            add_person(gateway, uid, usherMustChange="TRUE")
            tokens[uid] = self.forgotten(uid)
        self.hurried()
        for uid, token in tokens.items():
            record = record or self.claimed(uid, token, "set-already-" + uid)
            if record:
                break
        owner = gateway.entry(person(uid))["usherid"][0].lower()
        gateway.modify("cn=%s,ou=ledger,%s" % (owner, BASE), usherToken=record)
        gateway.modify(person(uid), usherAuthEpoch=None, usherMustChange="TRUE", usherMailVerified="FALSE")
        self.settled(raw.redeem(token, "another-one-" + uid), raw.WRONG)
        self.assertNotIn("usherauthepoch", gateway.entry(person(uid)))
        self.assertGreaterEqual(gateway.failures(uid, "token")[0], 1)  # a guess at the password
        self.settled(raw.redeem(token, "set-already-" + uid), raw.SUCCESS)
        self.carried(uid, token, "set-already-" + uid)

    def test_a_claim(self):
        """Whoever comes with the token while somebody is at it is told so."""
        add_person(gateway, "t10")
        token, record = self.forgotten("t10"), None
        owner = gateway.entry(person("t10"))["usherid"][0].lower()
        record = self.claimed("t10", token, "set-already-t10")
        if record is None:
            self.skipTest("the claim was too short to be seen")
        gateway.modify("cn=%s,ou=ledger,%s" % (owner, BASE), usherToken=record)
        gateway.modify(person("t10"), usherAuthEpoch=None)
        self.assertIn("being used at the moment", self.redeem(raw.BUSY, token, "set-already-t10").text)
        self.assertEqual(gateway.ledger("t10"), [])

    def test_the_store_away(self):
        add_person(gateway, "s1", usherMustChange="TRUE")
        token = self.forgotten("s1")
        gateway.end_store()
        self.redeem(raw.UNAVAILABLE, token, "remembered-s1")
        self.ask(raw.UNAVAILABLE, raw.invite("s1", raw.FORGOTTEN))
        gateway.start_store()
        self.settled(raw.redeem(token, "remembered-s1"), raw.SUCCESS)
        self.carried("s1", token, "remembered-s1")

    def test_keys_rotate(self):
        add_person(gateway, "s2")
        add_person(gateway, "s3")
        tokens = self.forgotten("s2"), self.invited("s3")
        before = self.record("s2"), gateway.ledger("s3", "usherToken")
        gateway.ctl("code", "enroll", "s3")
        gateway.ctl("--timeout", "120", "key", "rotate", gateway.path("keys"))
        self.assertNotEqual((self.record("s2"), gateway.ledger("s3", "usherToken")[:1]), before)
        keys = {value.split(".")[1] for uid in ("s2", "s3") for value in gateway.ledger(uid, "usherToken")}
        self.assertEqual(len(keys), 1)
        self.assertEqual(len(gateway.ledger("s3", "usherToken")), 2)
        for token, uid in zip(tokens, ("s2", "s3")):
            self.redeem(raw.SUCCESS, token, "rotated-" + uid)
            self.lets_in(uid, "rotated-" + uid)

    def test_mail_server_down_and_killed(self):
        """Invitations and notices are delivered later, each exactly once."""
        names = ["d%d" % i for i in range(9)]
        for uid in names:
            add_person(gateway, uid)
        until("the queue is empty", lambda: not queued())
        gateway.end_mail()
        for number, uid in enumerate(names):
            if number % 3 == 0:
                gateway.ctl("user", "invite", uid)
            elif number % 3 == 1:
                self.ask(raw.SUCCESS, raw.invite(uid, raw.FORGOTTEN))
            else:
                told.add("set-by-admin-" + uid)
                gateway.ctl("password", "set", "--password-file", "-", uid, text="set-by-admin-" + uid + "\n")
            if number in (3, 7):
                gateway.end_daemon(signal.SIGKILL)
                gateway.start_daemon()
        self.assertEqual(len(queued()), len(names))
        gateway.end_daemon(signal.SIGKILL)
        gateway.start_mail()
        gateway.start_daemon()
        until("all are delivered", lambda: not queued())
        self.assertEqual([len(mails(uid)) for uid in names], [1] * len(names))
        for number, uid in enumerate(names):
            if number % 3 < 2:
                self.redeem(raw.SUCCESS, self.mailed(uid, 1), "at-last-" + uid)
        until("the notices are delivered", lambda: not queued())
        self.assertEqual([len(mails(uid, "was changed")) for uid in names], [1] * len(names))

    def test_no_mail_server_and_a_full_queue(self):
        add_person(gateway, "s4")
        until("the queue is empty", lambda: not queued())
        port, gateway.mail_port = gateway.mail_port, 0
        gateway.restart_daemon()
        for operation in (raw.invite("s4", raw.FORGOTTEN), raw.invite("nobody", raw.FORGOTTEN)):
            self.assertIn("sends no mail", self.ask(raw.UNWILLING, operation).text)
        self.assertIn("sends no mail", gateway.ctl("user", "invite", "s4", check=False).stderr)
        gateway.mail_port = port
        gateway.end_mail()
        gateway.restart_daemon(**{"mail.queue_count": 1})
        add_person(gateway, "s5")
        gateway.ctl("user", "invite", "s5")
        for operation in (raw.invite("s4", raw.FORGOTTEN), raw.invite("nobody", raw.FORGOTTEN)):
            self.assertIn("too many mails wait", self.ask(raw.BUSY, operation).text)
        self.assertEqual(gateway.ledger("s4", "usherToken"), [])
        gateway.start_mail()
        gateway.restart_daemon(**{"mail.queue_count": 10000})
        self.mailed("s5", 1)
        self.redeem(raw.SUCCESS, self.forgotten("s4"), "remembered-s4")

    def test_rates(self):
        add_person(gateway, "s6")
        gateway.restart_daemon(**{"limits.challenges_peer": 2})
        self.addCleanup(gateway.restart_daemon, **{"limits.challenges_peer": 3000})
        codes = [self.ask_code(raw.invite(name, raw.FORGOTTEN)) for name in ("q1", "s6", "q2", "q3")]
        self.assertEqual(codes, [raw.SUCCESS, raw.SUCCESS, raw.BUSY, raw.BUSY])
        gateway.modify(person("s6"), usherSecondFactor="email")
        self.ask(raw.SUCCESS, raw.challenge("s6"))  # what strangers ask for keeps no code from anybody
        gateway.ctl("user", "invite", "s6")

    def ask_code(self, operation):
        with gateway.local() as link:
            return link.ask(operation).code


if __name__ == "__main__":
    unittest.main()
