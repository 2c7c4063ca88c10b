#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Recovery codes over the wire: made by usherctl or by the person, shown once, each good once wherever a
# code is, also through PAM; wrong ones counted, used ones not; a fresh set ends the old one.
import json
import os
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import Gateway, module, person
from people import add_person, code, enrol, password, ticket, wrong_code
from test_login import LIMIT, REFUSED_TEXT

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()


def tearDownModule():
    gateway.stop(*Case.shown)


class Case(Asking):
    shown = set()

    def setUp(self):
        self.link = self.open(gateway.local())

    def codes(self, uid):
        found = gateway.ctl("code", "recovery", uid).stdout.split()
        Case.shown.update(found)
        return found

    def with_app(self, uid):
        add_person(gateway, uid)
        return enrol(gateway, uid)

    def complete(self, uid, text, held=None, **more):
        answer = self.link.ask(raw.verify(uid, raw.CODE, text, ticket=held or ticket(self.link, uid), **more))
        self.assertEqual((answer.code, answer.state), (raw.SUCCESS, raw.COMPLETE), answer)
        return answer.fields.get(2, b"").decode()

    def refused(self, uid, text, held=None):
        answer = self.link.ask(raw.verify(uid, raw.CODE, text, ticket=held or ticket(self.link, uid)))
        self.assertEqual((answer.code, answer.state, answer.text), (raw.WRONG, raw.REFUSED, REFUSED_TEXT))

    def counted(self, uid):
        return gateway.failures(uid, "code")[0]


class Codes(Case):
    def test_each_is_good_once(self):
        self.with_app("r1")
        codes = self.codes("r1")
        self.assertEqual((len(codes), len(set(codes))), (10, 10))
        for left, text in zip(range(9, -1, -1), codes):
            said = self.complete("r1", text, language="en")
            self.assertEqual(said, "Recovery codes left: %d" % left)
            self.refused("r1", text)
        self.assertEqual(self.counted("r1"), 0)  # used ones are not counted
        self.assertEqual(gateway.ledger("r1"), [])

    def test_what_people_type(self):
        self.with_app("r2")
        codes = self.codes("r2")
        for text in (codes[0].upper(), codes[1].replace("-", ""), " " + codes[2].replace("-", " ") + " ",
                     "-".join(codes[3].replace("-", ""))):
            self.complete("r2", text)
        self.refused("r2", codes[4][:-1])
        self.refused("r2", codes[4] + "a")

    def test_wrong_ones_lock(self):
        secret, step = self.with_app("r3")
        codes, held = self.codes("r3"), ticket(self.link, "r3")
        for _ in range(LIMIT):
            self.refused("r3", "aaaaa-aaaaa", held)
        self.assertEqual(self.counted("r3"), LIMIT)
        self.refused("r3", codes[0], held)  # right, and not told
        self.refused("r3", code(secret, step), held)
        gateway.ctl("unlock", "r3")
        self.complete("r3", codes[0], held)

    def test_a_fresh_set_ends_the_old_one(self):
        self.with_app("r4")
        old, new = self.codes("r4"), self.codes("r4")
        self.assertFalse(set(old) & set(new))
        self.refused("r4", old[0])
        self.complete("r4", new[0])
        self.assertEqual(len(gateway.ledger("r4", "usherRecoveryCode")), 1)

    def test_a_reset_forgets_them(self):
        self.with_app("r5")
        codes, held = self.codes("r5"), ticket(self.link, "r5")
        gateway.ctl("code", "reset", "r5")
        self.assertEqual(gateway.ledger("r5", "usherRecoveryCode"), [])
        self.refused("r5", codes[0], held)

    def test_nobody_elses(self):
        self.with_app("r6")
        self.with_app("r7")
        codes = self.codes("r6")
        self.refused("r7", codes[0])  # who has no set at all
        self.codes("r7")
        self.refused("r7", codes[0])
        self.refused("r7", codes[0], ticket(self.link, "r6"))
        self.complete("r6", codes[0])

    def test_kept_so_that_nobody_can_show_them(self):
        self.with_app("r8")
        codes = self.codes("r8")
        (record,) = gateway.ledger("r8", "usherRecoveryCode")
        self.assertTrue(record.startswith("usher1."))
        for text in codes:
            self.assertNotIn(text, record)
            self.assertNotIn(text.replace("-", ""), record)

    def test_one_code_at_the_same_time(self):
        """One code from eight connections: one login; eight codes: eight logins."""
        self.with_app("r9")
        codes, held = self.codes("r9"), ticket(self.link, "r9")
        for texts, wanted in (([codes[0]] * 8, 1), (codes[1:9], 8)):
            links = [self.open(gateway.local()) for _ in texts]
            for link, text in zip(links, texts):
                link.post(raw.verify("r9", raw.CODE, text, ticket=held))
            found = [link.receive().code for link in links]
            self.assertEqual(sorted(found), [raw.SUCCESS] * wanted + [raw.WRONG] * (8 - wanted))
        self.assertEqual(self.counted("r9"), 0)

    def test_not_behind_a_bind_password(self):
        self.with_app("r10")
        codes = self.codes("r10")
        link = self.open(gateway.ldap())
        for text in (codes[0], codes[0].replace("-", "")):
            self.assertEqual(link.ask(raw.bind("r10", password("r10") + text)).code, raw.WRONG)
        gateway.ctl("unlock", "r10")
        self.complete("r10", codes[0])


class Who(Case):
    def test_oneself(self):
        secret, step = self.with_app("w1")
        link = self.open(gateway.bound(person("w1"), password("w1") + code(secret, step)))
        answer = link.ask(raw.recovery())
        self.assertEqual(answer.code, raw.SUCCESS, answer)
        codes = answer.codes
        self.assertEqual(len(codes), 10)
        self.complete("w1", codes[0])
        self.assertEqual(link.ask(raw.recovery("w1")).code, raw.SUCCESS)
        self.refused("w1", codes[1])
        self.assertEqual(link.ask(raw.recovery("sue")).code, raw.NO_ACCESS)

    def test_refused(self):
        add_person(gateway, "w2")
        add_person(gateway, "w3", usherSecondFactor="totp")
        enrolling = self.open(gateway.bound(person("w3"), password("w3")))
        self.assertEqual(enrolling.ask(raw.recovery()).code, raw.NO_ACCESS)
        admin = self.open(gateway.admin())
        self.assertEqual(admin.ask(raw.recovery("w2")).code, raw.UNWILLING)
        self.assertEqual(admin.ask(raw.recovery("nobody-here")).code, raw.NO_OBJECT)
        self.assertEqual(admin.ask(raw.recovery()).code, raw.NO_ACCESS)
        self.assertEqual(self.link.ask(raw.recovery("w2")).code, raw.NO_ACCESS)  # trusted is not enough
        self.assertEqual(admin.ask(raw.extended(raw.RECOVERY)).code, raw.PROTOCOL_ERROR)
        self.assertEqual(admin.ask(raw.extended(raw.RECOVERY, b"\x30\x02\x81\x00")).code, raw.PROTOCOL_ERROR)
        answer = gateway.ctl("code", "recovery", "w2", check=False)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("no second factor", answer.stderr)

    def test_json(self):
        self.with_app("w4")
        codes = json.loads(gateway.ctl("--json", "code", "recovery", "w4").stdout)["codes"]
        self.assertEqual(len(codes), 10)
        self.complete("w4", codes[9])


class Pam(Case):
    def login(self, uid, *lines):
        os.makedirs(gateway.path("pam.d"), exist_ok=True)
        service = gateway.path("pam.d/both")
        gateway.write("pam.d/both", "".join(
            "%s required %s socket=%s timeout=20\n" % (kind, module("pam_usher_%s.so" % name), gateway.ldapi)
            for kind, name in (("auth", "password"), ("auth", "otp"), ("account", "password"))))
        gateway.more_environment = {"PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": os.path.dirname(service)}
        try:
            return gateway.run("env", "LD_PRELOAD=" + preload(), "pamtester", "both", uid, "authenticate",
                               "acct_mgmt", text="\n".join(lines) + "\n", check=False)
        finally:
            gateway.more_environment = {}

    def test_in_place_of_the_app(self):
        secret, _ = self.with_app("q1")
        codes = self.codes("q1")
        self.assertNotEqual(self.login("q1", password("q1"), wrong_code(secret)).returncode, 0)
        answer = self.login("q1", password("q1"), codes[0].upper())
        self.assertEqual(answer.returncode, 0, answer)
        self.assertNotEqual(self.login("q1", password("q1"), codes[0]).returncode, 0)


def preload():
    """libpam_wrapper, behind the sanitizer's library where the modules need that."""
    import subprocess
    from gateway import sanitized_build
    found = ["libpam_wrapper.so"]
    if sanitized_build():
        found.insert(0, subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True,
                                       text=True).stdout.strip())
    return " ".join(found)


if __name__ == "__main__":
    unittest.main()
