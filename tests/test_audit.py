#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The audit log: exactly one line for each operation that is answered, with the fields that usherd(8)
# lists and nothing that must not be in it.
import os
import re
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, ROOT, Gateway, membership, person, service, until
from people import add_person, password

LINE = re.compile(
    r"^\S+ usherd\[\d+\] audit: operation=(?P<operation>[a-z-]+) result=(?P<result>\d+)"
    r" ms=(?P<ms>\d+\.\d{3}) who=(?P<who>-|peer|\"[^\"]*\") from=(?P<peer>uid:\d+|net:[0-9a-f.:]+)"
    r"(?: target=\"(?P<target>[^\"]*)\")?(?: step=(?P<step>\d))?(?P<detail>.*)$")
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"audit.compare": "step"})
    gateway.__enter__()


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.local())

    def lines_after(self, mark):
        text = gateway.text("usherd.log")[mark:]
        return [line for line in text[:text.rfind("\n") + 1].splitlines() if " audit: " in line]

    def told(self, operation, link=None, controls=()):
        """The answer, and the one line about it."""
        mark = len(gateway.text("usherd.log"))
        answer = (link or self.link).ask(operation, controls)
        while answer.op == raw.ENTRY:
            answer = (link or self.link).receive()
        until("there is a line", lambda: self.lines_after(mark))
        lines = self.lines_after(mark)
        self.assertEqual(len(lines), 1, lines)
        match = LINE.match(lines[0])
        self.assertTrue(match, lines[0])
        fields = match.groupdict()
        self.assertEqual(int(fields["result"]), answer.code)
        return answer, fields, lines[0]


class Lines(Case):
    def test_a_login_names_the_person_once_known(self):
        add_person(gateway, "a1")
        for secret, outcome in ((password("a1"), "ok"), ("wrong-secret-typed", "E_AUTH")):
            _, fields, line = self.told(raw.verify("a1@example.org", raw.PASSWORD, secret, service="sshd\n"))
            self.assertEqual(fields["operation"], "verify")
            self.assertIn(" outcome=%s " % outcome, line)
            self.assertIn(" user=a1 ", line)
            self.assertIn(' service="sshd\\0a" ', line)
            self.assertNotIn(secret, line)
            self.assertIsNone(fields["target"])

    def test_an_extended_operation_has_one_name(self):
        with open(os.path.join(ROOT, "man/usherd.8")) as manual:
            listed = re.sub(r"[^a-z-]+", " ", re.search(r"(?s)of the extended operations(.*?)\.It", manual.read())
                            .group(1)).split()
        names = {raw.VERIFY: "verify", raw.CHALLENGE: "challenge", raw.SET_PIN: "set-pin", raw.ENROLL: "enroll",
                 raw.RECOVERY: "recovery", raw.EXPLAIN: "explain", raw.UNLOCK: "unlock", raw.REDEEM: "redeem",
                 raw.RESEAL: "reseal", raw.APP_PASSWORD: "app-password", raw.LOGOUT: "logout",
                 raw.INVITE: "invite", raw.ARC + ".3.9": "doctor", raw.WHOAMI: "whoami",
                 raw.PASSWORD_MODIFY: "password-modify", raw.STARTTLS: "starttls", "1.3.6.1.1.8": "cancel",
                 "1.3.6.1.1.21.1": "transaction", "1.3.6.1.1.21.3": "transaction", "1.2.3.4": "extended"}
        for oid, name in names.items():
            _, fields, _ = self.told(raw.tlv(0x77, raw.octets(oid, 0x80), raw.octets("not its value", 0x81)))
            self.assertEqual(fields["operation"], name)
            self.assertIn(name, listed)

    def test_an_unknown_user_name_is_never_told(self):
        typed = "hunter2-typed-as-name"
        dns = (person(typed), membership(typed), "cn=%s,ou=nowhere,%s" % (typed, BASE), typed + "=x," + BASE,
               "cn=x," + person(typed), typed)
        for operation in (raw.verify(typed, raw.PASSWORD, "x"), raw.bind(typed, "x"),
                          raw.bind(person(typed), "x"), raw.bind(service(typed), "x"),
                          *[raw.search(dn, 0) for dn in dns], *[raw.compare(dn, "tickets:read") for dn in dns]):
            _, _, line = self.told(operation)
            self.assertNotIn(typed, line)

    def test_a_lock_is_told_here_alone(self):
        add_person(gateway, "a2")
        answers = [self.told(raw.verify("a2", raw.PASSWORD, "wrong")) for _ in range(6)]
        self.assertEqual([" locked=yes" in line for _, _, line in answers], [False] * 5 + [True])
        self.assertEqual(len({answer.text for answer, _, _ in answers}), 1)
        monitor = gateway.monitor()
        self.assertGreaterEqual(int(monitor["usherLoginsLocked"]), 1)
        self.assertGreaterEqual(int(monitor["usherLoginsRefused"]), 6)

    def test_bind_search_and_who(self):
        add_person(gateway, "a3")
        with gateway.ldap() as link:
            _, fields, _ = self.told(raw.bind(person("a3"), "no"), link)
            self.assertEqual((fields["operation"], fields["who"], fields["peer"]), ("bind", "-", "net:127.0.0.1"))
            _, fields, _ = self.told(raw.bind(person("a3"), password("a3")), link)
            self.assertEqual(fields["who"], '"%s"' % person("a3"))
            _, fields, _ = self.told(raw.search("", 0), link)
            self.assertEqual((fields["operation"], fields["target"], fields["who"]),
                             ("search", "", '"%s"' % person("a3")))
            _, fields, _ = self.told(raw.extended(raw.WHOAMI), link)
            self.assertEqual(fields["operation"], "whoami")

    def test_compare_and_its_step(self):
        for uid, query, step, target in (("sue", "tickets:read", "8", membership("sue")),
                                         ("nobody-here", "tickets:read", "2", "?,ou=members,o=acme," + BASE),
                                         ("sue", 'a"b', None, "?,ou=members,o=acme," + BASE)):
            _, fields, line = self.told(raw.compare(membership(uid), query))
            self.assertEqual((fields["operation"], fields["step"], fields["target"]), ("compare", step, target))
        self.assertIn(' query="a\\22b"', line)

    def test_compare_of_a_password(self):
        """No permission is asked for then, and what is compared may be a secret."""
        _, fields, line = self.told(raw.compare(person("sue"), "hunter2-compared", "userPassword"))
        self.assertEqual((fields["operation"], fields["result"]), ("compare", str(raw.UNWILLING)))
        self.assertNotIn("hunter2-compared", line)
        self.assertIn(" query=", self.told(raw.compare(membership("sue"), "tickets:read", "USHERPERMISSION"))[2])

    def test_who_asked(self):
        """Not who is bound by the time of the answer."""
        add_person(gateway, "a5")
        link = self.open(gateway.bound(person("a5"), password("a5")))
        _, fields, _ = self.told(raw.logout(), link)
        self.assertEqual((fields["operation"], fields["who"]), ("logout", '"%s"' % person("a5")))
        link = self.open(gateway.bound(person("a5"), password("a5")))
        mark = len(gateway.text("usherd.log"))
        with gateway.hung_store():
            link.post(raw.search(BASE, 0))
            self.assertEqual(link.ask(raw.bind()).code, raw.SUCCESS)
        until("two lines", lambda: len(self.lines_after(mark)) == 2)
        who = {match["operation"]: match["who"] for match in map(LINE.match, self.lines_after(mark))}
        self.assertEqual(who, {"bind": "-", "search": '"%s"' % person("a5")})

    def test_a_write_is_told(self):
        dn = person("sue")
        _, fields, _ = self.told(raw.tlv(0x4A, dn.encode()))
        self.assertEqual((fields["operation"], fields["target"]), ("delete", "?,ou=people," + BASE))

    def test_what_is_not_decoded_and_answered_is_told(self):
        many = [raw.control("1.2.3.%d" % i) for i in range(17)]
        for operation, controls, name, target in (
                (raw.bind("hunter2-typed", "x"), many, "bind", None),
                (raw.extended(raw.WHOAMI), many, "extended", None),
                (raw.search("", 0, wanted=raw.octets("x", 0x8A)), [], "search", "")):
            answer, fields, line = self.told(operation, controls=controls)
            self.assertEqual((fields["operation"], fields["result"], fields["target"]),
                             (name, str(answer.code), target))
            self.assertNotIn("hunter2-typed", line)

    def test_an_abandoned_login_is_told(self):
        add_person(gateway, "a4")
        mark = len(gateway.text("usherd.log"))
        number = self.link.post(raw.verify("a4", raw.PASSWORD, password("a4")))
        self.link.post(raw.abandon(number))
        self.assertEqual(self.link.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
        until("two lines", lambda: len(self.lines_after(mark)) == 2)
        line, = [line for line in self.lines_after(mark) if "operation=verify" in line]
        self.assertTrue(line.endswith(" unanswered=yes"), line)


class Switches(Case):
    def test_compare_and_search_can_be_left_out(self):
        self.addCleanup(gateway.restart_daemon, **{"audit.compare": "step", "audit.search": True})
        gateway.restart_daemon(**{"audit.compare": "off", "audit.search": False})
        with gateway.local() as link:
            mark = len(gateway.text("usherd.log"))
            self.assertEqual(link.ask(raw.compare(membership("sue"), "tickets:read")).code, raw.COMPARE_TRUE)
            link.post(raw.search("", 0))
            link.receive(), link.receive()
            _, _, line = self.told(raw.extended(raw.WHOAMI), link)
            self.assertEqual(self.lines_after(mark), [line])

    def test_a_line_without_the_step(self):
        self.addCleanup(gateway.restart_daemon, **{"audit.compare": "step"})
        gateway.restart_daemon(**{"audit.compare": "line"})
        with gateway.local() as link:
            _, fields, _ = self.told(raw.compare(membership("sue"), "tickets:read"), link)
            self.assertEqual((fields["step"], fields["target"]), (None, membership("sue")))


if __name__ == "__main__":
    unittest.main()
