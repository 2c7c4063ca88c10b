#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Mailed tokens, the whole way: an invitation and a forgotten password, from the mail to the login; what is
# refused and how, what a token proves and ends.
import os
import threading
import time
import unittest

import mailed
import raw_ldap as raw
from gateway import BASE, person, program, service, until
from mailed import REFUSED_TEXT, TOKEN, Case, mails, told
from people import add_organization, add_person, code, enrol, password, ticket
from test_two_gateways import Beside

POLICY = "cn=default,ou=policies," + BASE
gateway = None


def setUpModule():
    global gateway
    gateway = mailed.start()


def tearDownModule():
    mailed.stop()


class Activation(Case):
    def test_the_whole_way(self):
        add_person(gateway, "a1", usherMailVerified="FALSE", usherMustChange="TRUE", preferredLanguage="da",
                   displayName="Søren Æ")
        gateway.modify(person("a1"), userPassword=None)
        token = self.invited("a1")
        mail, = mails("a1")
        self.assertEqual(mail["subject"], "Din konto hos usher")
        self.assertIn("Hej Søren Æ,", mail.get_content())
        self.assertIn("usherctl password redeem", mail.get_content())
        self.assertRegex(mail.get_content(), r"indtil 20\d\d-\d\d-\d\d \d\d:\d\d UTC")
        answer = self.redeem(raw.SUCCESS, token, "first-password-a1")
        self.assertEqual(answer.fields, {0: b"a1"})
        self.lets_in("a1", "first-password-a1")
        entry = gateway.entry(person("a1"))
        self.assertEqual(entry["ushermailverified"], ["TRUE"])
        self.assertNotIn("ushermustchange", entry)
        self.assertNotIn("usherauthepoch", entry)
        until("the notice", lambda: mails("a1", "adgangskode"))
        self.refused(token)

    def test_usherctl(self):
        add_person(gateway, "a2", usherMailVerified="FALSE")
        token = self.invited("a2")
        told.add("typed-password-a2")
        typed = "-".join(token[i:i + 4] for i in range(0, 52, 4)).upper()
        answer = gateway.run(program("usherctl"), "--socket", gateway.ldapi, "password", "redeem",
                             text=typed + "\ntyped-password-a2\n")
        self.assertEqual(answer.stdout, "the password is set\n")
        self.lets_in("a2", "typed-password-a2")
        gateway.modify(person("a2"), preferredLanguage="it")
        gateway.ctl("password", "forgotten", "a2")
        token = self.mailed("a2", 2)
        self.assertIn("Ciao A2,", mails("a2")[-1].get_content())
        file = gateway.write("new-password", "from-a-file-a2\n")
        told.add("from-a-file-a2")
        gateway.run(program("usherctl"), "--socket", gateway.ldapi, "--password-file", file, "password",
                    "redeem", text=token + "\n")
        self.lets_in("a2", "from-a-file-a2")
        answer = gateway.run(program("usherctl"), "--socket", gateway.ldapi, "password", "redeem",
                             text=token + "\nanother\n", check=False)
        self.assertEqual((answer.returncode, answer.stderr), (1, "usherctl: %s\n" % REFUSED_TEXT))

    def test_who_may_be_invited(self):
        add_person(gateway, "a3", usherActive="FALSE")
        add_person(gateway, "a4")
        gateway.modify(person("a4"), mail=None)
        add_person(gateway, "a5", usherMailVerified="FALSE")
        for uid, text in (("a3", "not active"), ("a4", "no mail address"), ("nobody", "no such user")):
            self.assertIn(text, gateway.ctl("user", "invite", uid, check=False).stderr)
        self.assertIn("not verified", gateway.ctl("password", "forgotten", "a5", check=False).stderr)
        gateway.ctl("user", "invite", "a5")
        self.assertIn("less than a minute", gateway.ctl("user", "invite", "a5", check=False).stderr)

    def test_who_may_invite(self):
        add_person(gateway, "a6")
        for link in (gateway.local(), gateway.ldap(), gateway.backoffice(), gateway.bound(person("a6"), password("a6"))):
            self.assertEqual(self.open(link).ask(raw.invite("a6", raw.ACTIVATION)).code, raw.NO_ACCESS)
        for link in (gateway.ldap(), gateway.bound(person("a6"), password("a6"))):
            self.assertEqual(self.open(link).ask(raw.invite("a6", raw.FORGOTTEN)).code, raw.NO_ACCESS)
        if os.geteuid() == 0:
            self.assertEqual(self.open(gateway.as_uid(65534)).ask(raw.invite("a6", raw.FORGOTTEN)).code, raw.NO_ACCESS)
        self.assertEqual(gateway.ledger("a6", "usherToken"), [])

    def test_a_link(self):
        add_person(gateway, "a7")
        gateway.restart_daemon(**{"mail.link": "https://example.org/set?t=%s&x=%20#/", "login.issuer": "Globe"})
        self.addCleanup(gateway.restart_daemon, **{"mail.link": "", "login.issuer": "usher"})
        token = self.invited("a7")
        mail, = mails("a7")
        self.assertIn("\nhttps://example.org/set?t=%s&x=%%20#/\n" % token, mail.get_content())
        self.assertNotIn("usherctl", mail.get_content())
        self.assertEqual(mail["subject"], "Your account at Globe")
        self.redeem(raw.SUCCESS, token, "linked-password-a7")

    def test_links_that_are_none(self):
        gateway.restart_daemon(**{"mail.link": ""})
        for link in ("https://example.org/", "ftp://x/%s", "https://x/%s%s", "https://x/ %s", "%s"):
            conf = gateway.write("bad.conf", gateway.text("usher.conf").replace('\nlink = "";', '\nlink = "%s";' % link))
            answer = gateway.run(program("usherd"), "-f", conf, check=False)
            self.assertNotEqual(answer.returncode, 0)
            self.assertIn("mail.link", answer.stderr)


class Forgotten(Case):
    def test_the_whole_way(self):
        add_person(gateway, "f1", usherMustChange="TRUE", usherAuthEpoch="7")
        gateway.caught_up()
        link = self.open(gateway.bound(person("f1"), password("f1")))
        for _ in range(5):
            self.login("f1", "wrong")
        self.assertGreater(gateway.failures("f1", "password@local")[1], 0)
        token = self.forgotten("f1")
        self.redeem(raw.SUCCESS, token, "remembered-f1")
        entry = gateway.entry(person("f1"))
        self.assertEqual((entry["usherauthepoch"], entry["ushermailverified"]), (["8"], ["TRUE"]))
        self.assertNotIn("ushermustchange", entry)
        self.assertEqual(gateway.ledger("f1"), [])
        notice = link.receive()
        self.assertEqual((notice.id, notice.code, notice.name), (0, raw.STRONGER, raw.DISCONNECTION))
        self.lets_in("f1", "remembered-f1")
        until("the notice", lambda: mails("f1", "was changed"))

    def test_must_change_of_the_store(self):
        """Whoever resets a password makes the store ask for another one; its owner did this."""
        gateway.modify(POLICY, pwdMustChange="TRUE")
        self.addCleanup(gateway.modify, POLICY, pwdMustChange="FALSE")
        add_person(gateway, "f2")
        self.redeem(raw.SUCCESS, self.forgotten("f2"), "remembered-f2")
        self.lets_in("f2", "remembered-f2")

    def test_the_second_factor_stays(self):
        add_person(gateway, "f3")
        secret, step = enrol(gateway, "f3")
        with gateway.local() as link:
            held = ticket(link, "f3")
            self.redeem(raw.SUCCESS, self.forgotten("f3"), "remembered-f3")
            self.assertEqual(self.login("f3", "remembered-f3"), (raw.STRONGER, raw.FACTOR_DUE))
            self.assertEqual(link.ask(raw.verify("f3", raw.CODE, code(secret, step), ticket=held)).code, raw.WRONG)

    def test_nobody_is_told_apart(self):
        """The same answers in the same order for a person, for those who get no mail, and for nobody."""
        add_person(gateway, "f4")
        add_person(gateway, "f5", usherMailVerified="FALSE")
        add_person(gateway, "f6", usherActive="FALSE")
        answers = {}
        with gateway.local() as link:
            for uid in ("f4", "f5", "f6", "not-a-user", "not@example.org", person("no"), "x" * 255, "\\*(=)"):
                for again in range(2):
                    answer = link.ask(raw.invite(uid, raw.FORGOTTEN))
                    answers.setdefault((again, answer.code, answer.text, answer.value), []).append(uid)
        self.assertEqual(sorted(key[:2] for key in answers), [(0, raw.SUCCESS), (1, raw.BUSY)], answers)
        self.mailed("f4", 1)
        self.assertEqual([mails(uid) for uid in ("f5", "f6")], [[], []])
        self.assertTrue(all(gateway.ledger(uid, "usherToken") == [] for uid in ("f5", "f6")))

    def test_organizations_of_services(self):
        add_organization(gateway, "globe")
        add_person(gateway, "f7", ["globe"])
        add_person(gateway, "f8")
        gateway.change("dn: %s\nobjectClass: applicationProcess\nobjectClass: usherService\n"
                       "objectClass: simpleSecurityObject\ncn: desk\nuserPassword: desk-password\n"
                       % service("desk", "globe"))
        gateway.caught_up()
        link = self.open(gateway.bound(service("desk", "globe"), "desk-password"))
        for organization in (None, "acme", "platform"):
            self.assertEqual(link.ask(raw.invite("f7", raw.FORGOTTEN, organization)).code, raw.NO_ACCESS)
        for uid in ("f7", "f8", "nobody-at-globe"):
            self.assertEqual(link.ask(raw.invite(uid, raw.FORGOTTEN, "Globe")).code, raw.SUCCESS)
        self.assertIn("at\nglobe. To set", mails("f7")[0].get_content() if self.mailed("f7", 1) else "")
        self.assertEqual((mails("f8"), gateway.ledger("f8", "usherToken")), ([], []))


class Refused(Case):
    def test_wrong_expired_used_and_others(self):
        for uid in ("r1", "r2"):
            add_person(gateway, uid)
        mine, other = self.forgotten("r1"), self.forgotten("r2")
        for token in ("", "x", mine[:-1], mine + "a", mine[:26] + other[26:], other[:26] + mine[26:],
                      mine[:-2] + ("b" if mine[-2] == "a" else "a") + mine[-1], "a" * 52, "1" * 52, "\0" * 52,
                      mine.replace(mine[30], "é"), "z" * 60000):
            self.refused(token)
            gateway.ctl("unlock", "r1")
            gateway.ctl("unlock", "r2")
        self.redeem(raw.SUCCESS, mine, "remembered-r1")
        for _ in range(7):
            self.refused(mine)  # used: refused, and not counted
        self.assertEqual(gateway.failures("r1", "token"), (0, 0))
        self.redeem(raw.SUCCESS, other, "remembered-r2")

    def test_expired(self):
        add_person(gateway, "r3")
        gateway.restart_daemon(**{"mail.forgotten_lifetime": 1, "mail.activation_lifetime": 1})
        self.addCleanup(gateway.restart_daemon, **{"mail.forgotten_lifetime": 3600,
                                                   "mail.activation_lifetime": 604800})
        tokens = self.forgotten("r3"), self.invited("r3")
        end = time.monotonic() + 1.1  # the only way to be late
        until("a second has passed", lambda: time.monotonic() > end)
        for token in tokens:
            self.refused(token)
        self.lets_in("r3", password("r3"))

    def test_the_last_epoch(self):
        """Whose sessions cannot be ended any more gets no new password either."""
        add_person(gateway, "r9", usherAuthEpoch="999999999999")
        token = self.forgotten("r9")
        self.redeem(11, token, "never-set-r9")
        self.lets_in("r9", password("r9"))
        gateway.modify(person("r9"), usherAuthEpoch="5")
        self.refused(token)

    def test_a_new_one_ends_the_old_one(self):
        add_person(gateway, "r4")
        invitation, first = self.invited("r4"), self.forgotten("r4")
        owner = gateway.entry(person("r4"))["usherid"][0].lower()
        kept = [value for value in gateway.ledger("r4", "usherToken") if value.startswith("activation ")]
        gateway.modify("cn=%s,ou=ledger,%s" % (owner, BASE), usherToken=kept)  # a minute later
        second = self.forgotten("r4")
        self.refused(first)
        gateway.ctl("unlock", "r4")
        self.redeem(raw.SUCCESS, second, "remembered-r4")
        self.refused(invitation)  # another password was set since it was made
        self.lets_in("r4", "remembered-r4")

    def test_what_ends_them(self):
        def by_administrator(uid):
            told.add("set-by-admin-" + uid)
            gateway.ctl("password", "set", "--password-file", "-", uid, text="set-by-admin-" + uid + "\n")

        def by_owner(uid):
            told.add("by-its-owner-" + uid)
            self.ask(raw.SUCCESS, raw.password_modify(uid, password(uid), "by-its-owner-" + uid))

        def at_the_store(uid):
            self.assertNotIn("pwdchangedtime", gateway.entry(person(uid)))  # as it was added
            gateway.modify(person(uid), userPassword="at-the-store-" + uid)

        def logout(uid):
            gateway.ctl("user", "logout", uid)

        def address(uid):
            gateway.modify(person(uid), mail=uid + "-new@example.org")

        def inactive(uid):
            gateway.modify(person(uid), usherActive="FALSE")

        for number, change in enumerate((by_administrator, by_owner, at_the_store, logout, address, inactive)):
            uid = "e%d" % number
            with self.subTest(change.__name__):
                add_person(gateway, uid)
                tokens = self.forgotten(uid), self.invited(uid)
                change(uid)
                before = gateway.entry(person(uid))["entrycsn"]
                for token in tokens:
                    self.refused(token, "never-set-" + uid)
                self.assertEqual(gateway.entry(person(uid))["entrycsn"], before)

    def test_guesses_are_counted(self):
        add_person(gateway, "r5")
        token = self.forgotten("r5")
        wrong = token[:26] + TOKEN.search("a" * 52).group()[26:]
        for _ in range(5):
            self.refused(wrong)
        count, locked = gateway.failures("r5", "token")
        self.assertEqual(count, 5)
        self.assertGreater(locked, 0)
        self.refused(token)  # locked: the right one too
        self.assertEqual(gateway.failures("r5", "token")[0], 5)
        self.lets_in("r5", password("r5"))
        gateway.ctl("unlock", "r5")
        self.redeem(raw.SUCCESS, token, "remembered-r5")

    def test_not_before_the_fixed_time(self):
        """What is refused, and what may not tell whether there is such a person, is answered at a fixed time."""
        for uid in ("w1", "w2", "w3", "w4"):
            add_person(gateway, uid)
        gateway.modify(person("w4"), usherMailVerified="FALSE")
        mine, used = self.forgotten("w1"), self.forgotten("w2")
        self.redeem(raw.SUCCESS, used, "remembered-w2")
        gateway.restart_daemon(**{"login.refuse_after": 400})
        self.addCleanup(gateway.restart_daemon, **{"login.refuse_after": 10})
        with gateway.local() as link:
            for operation, code in ((raw.redeem("x", "y"), raw.WRONG), (raw.redeem("a" * 52, "y"), raw.WRONG),
                                    (raw.redeem(used, "y"), raw.WRONG),
                                    (raw.redeem(mine[:26] + used[26:], "y"), raw.WRONG),
                                    (raw.invite("w3", raw.FORGOTTEN), raw.SUCCESS),
                                    (raw.invite("w4", raw.FORGOTTEN), raw.SUCCESS),
                                    (raw.invite("nobody-at-all", raw.FORGOTTEN), raw.SUCCESS),
                                    (raw.invite("w3", raw.FORGOTTEN), raw.BUSY)):
                start = time.monotonic()
                self.assertEqual(link.ask(operation).code, code)
                self.assertGreaterEqual(time.monotonic() - start, 0.399)

    def test_a_refused_password_costs_nothing(self):
        add_person(gateway, "r6", usherMailVerified="FALSE", usherMustChange="TRUE")
        token = self.invited("r6")
        before = gateway.entry(person("r6"))["entrycsn"]
        asked = [raw.control(raw.POLICY)]
        answer = self.redeem(raw.UNWILLING, token, "short", asked)
        self.assertIn("too short", answer.text)
        self.assertEqual(answer.policy["error"], 6)
        for _ in range(6):
            answer = self.redeem(raw.UNWILLING, token, password("r6"), asked)  # in use: in the history
            self.assertIn("used before", answer.text)
        self.assertEqual(self.redeem(raw.UNWILLING, token, "").text,
                         "a new password has to be given: none is made up here")
        self.assertEqual(gateway.entry(person("r6"))["entrycsn"], before)
        self.assertEqual(gateway.ledger("r6"), [])
        self.redeem(raw.SUCCESS, token, "good-enough-r6")
        self.lets_in("r6", "good-enough-r6")

    def replayed(self, uid, token, gateways):
        """The codes of eight at once, each with a password of its own; the password of the one that won."""
        links = [self.open(gateways[i % len(gateways)].local()) for i in range(8)]
        codes, barrier = [None] * 8, threading.Barrier(8)

        def replay(i):
            barrier.wait()
            codes[i] = links[i].ask(raw.redeem(token, "password-of-%d-%s" % (i, uid)), timeout=120).code

        threads = [threading.Thread(target=replay, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told.update("password-of-%d-%s" % (i, uid) for i in range(8))
        self.assertEqual(codes.count(raw.SUCCESS), 1, codes)
        self.lets_in(uid, "password-of-%d-%s" % (codes.index(raw.SUCCESS), uid))
        return codes

    def test_replayed_from_eight_connections(self):
        add_person(gateway, "r7")
        codes = self.replayed("r7", self.forgotten("r7"), [gateway])
        self.assertEqual(codes.count(raw.WRONG), 7, codes)

    def test_replayed_at_two_gateways(self):
        with Beside(gateway, {"store.timeout": 20000}) as second:
            for uid in ("r10", "r11", "r12"):
                add_person(gateway, uid)
                codes = self.replayed(uid, self.forgotten(uid), [gateway, second])
                self.assertLessEqual(set(codes), {raw.SUCCESS, raw.WRONG, raw.BUSY})
                self.assertEqual(gateway.entry(person(uid))["usherauthepoch"], ["1"])

    def test_restricted_connections(self):
        """Who must change the password does that, and nothing else."""
        add_person(gateway, "r8", usherMustChange="TRUE")
        link = self.open(gateway.bound(person("r8"), password("r8")))
        self.assertEqual(link.ask(raw.redeem("a" * 52, "x")).code, raw.NO_ACCESS)

    def test_languages(self):
        self.assertEqual(self.ask(raw.WRONG, raw.redeem("x", "y", "da")).text,
                         "Linket eller koden fra mailen gælder ikke længere. Bed om en ny.")
        self.ask(11, raw.redeem("x", "y", "d" * 17))
        self.ask(11, raw.redeem("x", "y" * 2000))
        self.ask(raw.PROTOCOL_ERROR, raw.extended(raw.REDEEM, b"\x30\x00"))
        self.ask(raw.PROTOCOL_ERROR, raw.extended(raw.INVITE, raw.tlv(0x30, raw.octets("a", 0x80), raw.integer(2, 0x81))))


class Secrets(Case):
    """Last, by its name: what the tests above have used is in no log."""

    def test_z_no_token_in_any_log(self):
        add_person(gateway, "z1")
        token = self.forgotten("z1")
        self.redeem(raw.SUCCESS, token, "remembered-z1")
        log = gateway.text("usherd.log") + gateway.text("store.log")
        self.assertIn("z1", log)
        found = [secret for secret in told if len(secret) > 7 and secret in log]
        self.assertEqual(found, [])
        self.assertTrue(token in told and "remembered-z1" in told)
        with gateway.local() as link:
            self.assertNotIn(token.encode(), link.ask(raw.redeem(token, "again-z1")).raw)
        values = "".join(gateway.ledger("z1", "usherToken"))
        self.assertNotIn(token[26:], values)


if __name__ == "__main__":
    unittest.main()
