#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Texts of usherd's that hold what somebody else named or said: what is too long for them is cut between two
# characters and ends in "...", in answers, in the audit log and in what usherctl status shows. And a request
# that is longer than what is read at once is read in pieces.
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import raw_ldap as raw
from gateway import BASE, Gateway, person, until

FAKE = os.path.join(os.environ.get("srcdir", "."), "tests", "fake_usherd.py")
LONG = "\u00fc" * 120  # 240 bytes
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway({"audit.compare": "step"}).__enter__()


def tearDownModule():
    gateway.stop()


class FakeStore:
    """A store that refuses everybody in so many words."""

    def __init__(self, said):
        self.folder = tempfile.TemporaryDirectory(prefix="usher-test-")
        self.socket, scenario = self.path("ldapi"), self.path("scenario")
        with open(scenario, "w", encoding="utf-8") as file:
            file.write("result 53 text=%s\nagain\n" % said)
        self.process = subprocess.Popen(["/usr/bin/python3", FAKE, self.socket, scenario, self.path("log")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def __enter__(self):
        return "ldapi://" + self.socket.replace("/", "%2F")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


class Answers(unittest.TestCase):
    def cut(self, text, begins, least, most):
        self.assertTrue(text.startswith(begins), text)
        self.assertTrue(least < len(text.encode()) < most, (len(text.encode()), text))

    def test_a_key_file_far_away(self):
        """Where it is broken, the text has its path."""
        try:
            for before in ("", "x"):
                folder = gateway.path(before + LONG)
                folder = os.path.join(folder, "f" * (512 - len(os.path.join(folder, "", "keys").encode()) - 1))
                os.makedirs(folder)
                path = os.path.join(folder, "keys")
                shutil.copy(gateway.path("keys"), path)
                gateway.restart_daemon(**{"keys.file": path})
                with open(path, "a", encoding="utf-8") as file:
                    file.write("broken line\n")
                with gateway.admin() as admin:
                    answer = admin.ask(raw.reseal(0))
                self.assertNotEqual(answer.code, raw.SUCCESS, answer)
                self.cut(answer.text, gateway.path(before + "\u00fc"), 251, 256)
                self.assertTrue(answer.text.endswith("..."), answer.text)
        finally:
            del gateway.options["keys.file"]
            gateway.restart_daemon()

    def test_an_unknown_control(self):
        with gateway.local() as link:
            answer = link.ask(raw.extended(raw.WHOAMI), [raw.control("1" + ".2" * 400, True)])
            self.assertEqual(answer.code, 12, answer)
            self.cut(answer.text, "the critical control 1.2.2.", 507, 512)
            self.assertTrue(answer.text.endswith("..."), answer.text)
            self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)

    def test_nobody(self):
        with gateway.admin() as admin:
            for before in ("", "x"):
                answer = admin.ask(raw.recovery(before + LONG))
                self.assertEqual(answer.code, raw.NO_OBJECT, answer)
                self.cut(answer.text, "no such user: \"", 251, 256)
                self.assertTrue(answer.text.endswith("..."), answer.text)

    def test_a_question(self):
        wanted = raw.tlv(0xA3, raw.octets("usherPermission"), raw.octets("x:" + LONG * 2))
        with gateway.admin() as admin:
            answer = admin.ask(raw.search("ou=members,o=acme," + BASE, 1, ["cn"], wanted))
            self.assertEqual(answer.code, raw.BAD_SYNTAX, answer)
            self.assertTrue(answer.text.endswith("\u00fc...\""), answer.text)

    def test_names_of_an_explanation(self):
        with gateway.admin() as admin:
            for names in (("a" * 65, "alice"), ("acme", "a" * 65)):
                answer = admin.ask(raw.explain(*names, "tickets:read"))
                self.assertEqual(answer.code, raw.BAD_SYNTAX, answer)
                self.assertIn("no name of ", answer.text)
            self.assertNotEqual(admin.ask(raw.explain("a" * 64, "b" * 64, "tickets:read")).code, raw.BAD_SYNTAX)

    def test_a_request_in_pieces(self):
        with gateway.local() as link:
            answer = link.ask(raw.bind(person("alice"), "x" * 200000))
            self.assertNotEqual(answer.code, raw.SUCCESS, answer)
            self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)
            wanted = raw.tlv(0xA1, *[raw.tlv(0x87, b"cn%d" % n) for n in range(100)])
            self.assertEqual(link.ask(raw.search(BASE, 0, ["a" * 70000], wanted)).op, 0x65)
            self.assertEqual(link.ask(raw.extended(raw.WHOAMI)).code, raw.SUCCESS)

    def test_the_target_of_a_line(self):
        """The longest name there is; who it would be is not told, however long."""
        user, event, organization = "u" * 64, "e" * 64, "o" * 64
        dn = "cn=%s,ou=members,cn=%s,ou=events,o=%s,%s" % (user, event, organization, BASE)
        mark = len(gateway.text("usherd.log"))
        with gateway.local() as link:
            link.ask(raw.compare(dn, "tickets:read"))
        until("there is a line", lambda: " target=" in gateway.text("usherd.log")[mark:])
        line = next(line for line in gateway.text("usherd.log")[mark:].splitlines() if " target=" in line)
        shown = line.split(" target=\"")[1].split("\"")[0]
        self.assertTrue(shown.startswith("?,ou=members,cn=" + event + ",ou=events,o=o"), line)
        self.assertTrue(shown.endswith("o...") and len(shown) < 160, line)
        self.assertNotIn("uuu", line)


class Store(unittest.TestCase):
    def test_what_it_says(self):
        try:
            for before in ("", "x", "%0A"):
                with FakeStore(before + "%C3%BC" * 400) as uri:
                    gateway.restart_daemon(**{"store.uri": uri})
                    until("it is refused", lambda: "\u00fc" in self.figures()["usherStoreError"][0])
                    said = self.figures()["usherStoreError"][0]
                    self.assertTrue(said.endswith("\u00fc..."), said)
                    self.assertTrue(251 < len(said.encode()) < 256, said)
                    self.assertEqual(":  \u00fc" in said, before == "%0A", said)
                    self.assertIn(said, gateway.ctl("status").stdout)
        finally:
            del gateway.options["store.uri"]
            gateway.restart_daemon()

    def figures(self):
        return json.loads(gateway.ctl("--json", "status").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
