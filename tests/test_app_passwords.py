#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Application passwords: made once, shown once, good without the second factor where their scope says and
# nowhere else, again and again; listed without the secret; revoked.
import json
import threading
import unittest

import raw_ldap as raw
from gateway import Gateway, membership, person
from people import add_organization, add_person, enrol, password
from test_login import REFUSED_TEXT

gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()
    add_organization(gateway, "globe")
    add_organization(gateway, "strict", usherRequireFactor="TRUE")


def tearDownModule():
    gateway.stop(*Case.made)


class Case(unittest.TestCase):
    made = set()

    def create(self, uid, organization="acme", name="ldap", label="Mail on the phone"):
        text = gateway.ctl("password", "app-create", uid, organization, name, label).stdout.strip()
        self.assertRegex(text, r"^[a-z]{6}(-[a-z]{6}){3}$")
        Case.made.add(text)
        return text

    def listed(self, uid):
        return json.loads(gateway.ctl("--json", "password", "app-list", uid).stdout)["passwords"]

    def with_app(self, uid, organizations=("acme",)):
        add_person(gateway, uid, organizations)
        enrol(gateway, uid)

    def bind(self, name, text, expected=raw.SUCCESS):
        link = gateway.ldap()
        self.addCleanup(link.close)
        answer = link.ask(raw.bind(name, text))
        self.assertEqual(answer.code, expected, answer)
        if expected == raw.WRONG:
            self.assertEqual(answer.text, REFUSED_TEXT)
        return link

    def verify(self, link, uid, text, expected, **more):
        answer = link.ask(raw.verify(uid, raw.PASSWORD, text, **more))
        self.assertEqual((answer.code, answer.state), expected, answer)
        return answer


RIGHT, WRONG = (raw.SUCCESS, raw.COMPLETE), (raw.WRONG, raw.REFUSED)


class Binds(Case):
    def test_again_and_again_without_the_factor(self):
        self.with_app("a1", ("acme", "strict"))
        text = self.create("a1")
        self.bind("a1", password("a1"), raw.WRONG)
        before = gateway.ledger("a1")
        for name in ("a1", person("a1"), "a1@example.org"):
            for _ in range(3):
                self.bind(name, text)
        for typed in (text.upper(), text.replace("-", ""), text.replace("-", " ")):
            self.bind("a1", typed)
        self.assertEqual(gateway.ledger("a1"), before)  # nothing is counted or cleared

    def test_what_the_session_may(self):
        self.with_app("a2", ("acme", "globe"))
        link = self.bind("a2", self.create("a2"))
        self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).value.decode(), "dn:" + person("a2"))
        self.assertEqual(link.ask(raw.compare(membership("a2"), "tickets:read")).code, raw.COMPARE_FALSE)
        for operation in (raw.compare(membership("a2", "globe"), "tickets:read"),
                          raw.compare(membership("a2", "platform"), "tickets:read"),
                          raw.compare(membership("sue"), "tickets:read"), raw.search("", 0),
                          raw.search(person("a2"), 0), raw.enroll(raw.BEGIN), raw.recovery(),
                          raw.app_password(raw.LIST), raw.set_pin("acme", new="1"),
                          raw.explain("acme", "a2", "tickets:read"),
                          raw.password_modify(None, password("a2"), "another-password")):
            self.assertEqual(link.ask(operation).code, raw.NO_ACCESS)

    def test_only_its_person(self):
        self.with_app("a3")
        self.with_app("a4")
        text = self.create("a3")
        self.bind("a4", text, raw.WRONG)
        stolen = gateway.entry(person("a3"))["usherapppassword"]
        gateway.modify(person("a4"), usherAppPassword=stolen)
        self.bind("a4", text, raw.WRONG)
        self.assertEqual(self.listed("a4"), [])
        self.bind("nobody-here", text, raw.WRONG)

    def test_only_while_the_membership_counts(self):
        self.with_app("a5")
        text = self.create("a5")
        gateway.modify(membership("a5"), usherNotAfter="20200101000000Z")
        self.bind("a5", text, raw.WRONG)
        gateway.modify(membership("a5"), usherNotAfter=None)
        self.bind("a5", text)
        gateway.modify(person("a5"), usherActive="FALSE")
        self.bind("a5", text, raw.WRONG)

    def test_another_service(self):
        self.with_app("a6")
        text = self.create("a6", name="imap")
        self.bind("a6", text, raw.WRONG)
        self.assertEqual(gateway.failures("a6", "password@net")[0], 1)  # as any wrong password

    def test_a_lock_on_the_password_stops_no_program(self):
        self.with_app("a7")
        text = self.create("a7")
        for _ in range(7):
            self.bind("a7", "wrong", raw.WRONG)
        self.bind("a7", text)
        self.assertEqual(gateway.failures("a7", "password@net")[0], 5)

    def test_kept_so_that_nobody_can_show_it(self):
        self.with_app("a8")
        text = self.create("a8")
        (value,) = gateway.entry(person("a8"))["usherapppassword"]
        self.assertTrue(value.startswith("usher1."))
        self.assertNotIn(text.replace("-", ""), value)


class Services(Case):
    def test_the_bound_service(self):
        self.with_app("s1", ("acme", "globe"))
        text = self.create("s1", name="backoffice")
        with gateway.backoffice() as link:
            self.verify(link, "s1", text, RIGHT, organization="acme")
            self.verify(link, "s1", text, WRONG, organization="globe")
            self.verify(link, "s1", text, WRONG)
            self.verify(link, "s1", text, RIGHT, organization="acme", service="imap")  # no claim counts
        self.bind("s1", text, raw.WRONG)

    def test_a_trusted_peer(self):
        """PAM: its service, and its account phase, which asks for no code then."""
        self.with_app("s2")
        text = self.create("s2", name="imap")
        with gateway.local() as link:
            self.verify(link, "s2", text, WRONG, organization="acme", service="sshd")
            self.verify(link, "s2", text, WRONG, service="imap")
            held = self.verify(link, "s2", text, RIGHT, organization="acme", service="imap").ticket
            account = link.ask(raw.verify("s2", raw.NONE, organization="acme", ticket=held))
            self.assertEqual((account.code, account.state), RIGHT)
            code = link.ask(raw.verify("s2", raw.CODE, "123456", organization="acme", ticket=held))
            self.assertEqual((code.code, code.state), WRONG)  # it is no password step

    def test_a_permission_that_needs_a_factor(self):
        self.with_app("s3")
        text = self.create("s3", name="imap")
        gateway.caught_up()
        with gateway.local() as link:
            self.verify(link, "s3", text, (raw.UNWILLING, raw.LACKS_PERMISSION), organization="acme",
                        service="imap", permission="tickets:read")


class Manage(Case):
    def test_list_and_revoke(self):
        self.with_app("m1")
        self.assertEqual(self.listed("m1"), [])
        first, second = self.create("m1"), self.create("m1", "acme", "imap", "Lap top; \u00fc")
        found = self.listed("m1")
        self.assertEqual([(one["organization"], one["service"], one["label"]) for one in found],
                         [("acme", "ldap", "Mail on the phone"), ("acme", "imap", "Lap top; \u00fc")])
        for one in found:
            self.assertRegex(one["id"], r"^[0-9a-f]{8}$")
            self.assertRegex(one["created"], r"^20\d{12}Z$")
            self.assertEqual(len(one), 5)
        words = gateway.ctl("password", "app-list", "m1").stdout
        self.assertNotIn(first, words)
        self.assertIn("Mail on the phone", words)
        gateway.ctl("password", "app-revoke", "m1", found[1]["id"])
        self.bind("m1", first)
        gateway.ctl("password", "app-revoke", "m1", found[0]["id"])
        self.bind("m1", first, raw.WRONG)
        self.assertEqual(self.listed("m1"), [])
        self.assertNotIn("usherapppassword", gateway.entry(person("m1")))
        again = gateway.ctl("password", "app-revoke", "m1", found[0]["id"], check=False)
        self.assertEqual(again.returncode, 2)
        self.assertIn(found[0]["id"], again.stderr)

    def test_who_may(self):
        add_person(gateway, "m2")
        with gateway.bound(person("m2"), password("m2")) as link:
            answer = link.ask(raw.app_password(raw.CREATE, None, "acme", "ldap", "mine"))
            self.assertEqual(answer.code, raw.SUCCESS, answer)
            text = answer.fields[0].decode()
            self.assertEqual(link.ask(raw.app_password(raw.LIST, "sue")).code, raw.NO_ACCESS)
            self.assertEqual(link.ask(raw.app_password(raw.CREATE, "sue", "acme", "ldap", "x")).code,
                             raw.NO_ACCESS)
        self.bind("m2", text)
        with gateway.local() as link:
            self.assertEqual(link.ask(raw.app_password(raw.LIST, "m2")).code, raw.NO_ACCESS)

    def test_refused(self):
        add_person(gateway, "m3")
        cases = [(("nobody-here", "acme", "ldap", "x"), raw.NO_OBJECT), (("m3", "globe", "ldap", "x"), raw.NO_OBJECT),
                 (("m3", "nowhere", "ldap", "x"), raw.NO_OBJECT), (("m3", "", "ldap", "x"), raw.BAD_SYNTAX),
                 (("m3", "acme", "", "x"), raw.BAD_SYNTAX), (("m3", "acme", "a b", "x"), raw.BAD_SYNTAX),
                 (("m3", "acme", "ldap", ""), raw.BAD_SYNTAX), (("m3", "acme", "ldap", "a\nb"), raw.BAD_SYNTAX),
                 (("m3", "acme", "ldap", "x" * 65), 11), (("m3", "acme", "x" * 65, "x"), 11),
                 (("m3", None, None, None), raw.BAD_SYNTAX)]
        with gateway.admin() as link:
            for words, expected in cases:
                answer = link.ask(raw.app_password(raw.CREATE, *words))
                self.assertEqual((answer.code, answer.text != ""), (expected, True), (words, answer))
            for value in (None, b"\x30\x00", b"\x30\x03\x81\x01\x03"):
                self.assertEqual(link.ask(raw.extended(raw.APP_PASSWORD, value)).code, raw.PROTOCOL_ERROR)
        self.assertEqual(self.listed("m3"), [])

    def test_at_most_so_many_also_at_once(self):
        add_person(gateway, "m4")
        codes = []

        def make():
            with gateway.admin() as link:
                for i in range(9):
                    codes.append(link.ask(raw.app_password(raw.CREATE, "m4", "acme", "ldap", "n")).code)

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(codes), [raw.SUCCESS] * 32 + [11] * 4)
        found = self.listed("m4")
        self.assertEqual((len(found), len({one["id"] for one in found})), (32, 32))


if __name__ == "__main__":
    unittest.main()
