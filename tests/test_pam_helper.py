#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usher-chkpwd: where the socket is for one group alone, a program without rights verifies its own user
# through it, by password and code, and the account check after; nobody else's, and nothing else passes.
import os
import shutil
import socket
import subprocess
import unittest

import pexpect

import programs
import raw_ldap as raw
from gateway import PATIENCE, make_value, person, program
from people import code, enrol, password, wrong_code
from programs import Talk, become, environment, people_gateway, write

GROUP = 1999  # in the place of the group usher
PEOPLE = ("h1", "h2", "h3")
gateway = users = helper = None


def setUpModule():
    global gateway, users, helper
    gateway = people_gateway(PEOPLE, **{"peers.trusted_uids": [0]})
    users = programs.add_users(PEOPLE)
    rundir, libexec = os.path.join(make_value("runstatedir"), "usher"), make_value("libexecdir")
    for folder in (rundir, libexec):
        if not os.path.isdir(folder):
            programs.cover(folder)
    os.chown(gateway.path("run"), 0, GROUP)
    os.chmod(gateway.path("run"), 0o750)
    subprocess.run(["mount", "--bind", gateway.path("run"), rundir], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", libexec], check=True)
    helper = os.path.join(libexec, "usher-chkpwd")
    shutil.copy(program("usher-chkpwd"), helper)
    permit(True)
    folder = programs.modules(gateway)
    write("/etc/pam.d/locker", "auth required %s/pam_usher_password.so timeout=20\n"
          "auth required %s/pam_usher_otp.so timeout=20\naccount required %s/pam_usher_password.so timeout=20\n"
          % (folder, folder, folder))
    write("/etc/pam.d/elsewhere", "auth required %s/pam_usher_password.so socket=%s timeout=20\n"
          % (folder, gateway.ldapi))


def tearDownModule():
    if gateway is None:
        return
    log = gateway.text("helper.log")
    gateway.stop()
    if log:
        raise AssertionError(log)


def permit(yes):
    """The group and its bit, which a package gives."""
    os.chown(helper, 0, GROUP if yes else 0)
    os.chmod(helper, 0o2755 if yes else 0o755)


class Locker(unittest.TestCase):
    def pamtester(self, caller, user, *answers, service="locker", operations=("authenticate", "acct_mgmt")):
        talk = Talk(["pamtester", service, user, *operations], preexec_fn=become(users[caller]))
        self.addCleanup(talk.stop)
        for prompt, reply in answers:
            if talk.expect([prompt, pexpect.EOF]) == 1:
                break
            talk.sendline(reply)
        return talk.end(), talk.heard.text()

    def test_own_password(self):
        status, said = self.pamtester("h1", "h1", ("Password: ", password("h1")))
        self.assertEqual(status, 0, said)
        self.assertIn("account management done", said)
        status, said = self.pamtester("h1", "h1", ("Password: ", "typed-by-mistake-9"))
        self.assertNotEqual(status, 0, said)
        self.assertIn("wrong", said)
        self.assertEqual(gateway.failures("h1", "password@local")[0], 1)

    def test_own_code(self):
        secret, step = enrol(gateway, "h2")
        status, said = self.pamtester("h2", "h2", ("Password: ", password("h2")), ("Code: ", wrong_code(secret)))
        self.assertNotEqual(status, 0, said)
        status, said = self.pamtester("h2", "h2", ("Password: ", password("h2")), ("Code: ", code(secret, step)))
        self.assertEqual(status, 0, said)

    def test_another_user(self):
        for caller in ("h1", "local"):
            status, said = self.pamtester(caller, "h3", ("Password: ", password("h3")))
            self.assertNotEqual(status, 0, said)
        self.assertEqual(gateway.ledger("h3"), [])

    def test_account_alone(self):
        """Without a login before it nobody but a trusted peer is told anything."""
        self.assertNotEqual(self.pamtester("h1", "h1", operations=("acct_mgmt",))[0], 0)

    def test_without_its_group(self):
        permit(False)
        try:
            status, said = self.pamtester("h1", "h1", ("Password: ", password("h1")))
            self.assertNotEqual(status, 0, said)
            self.assertIn("retrieve authentication info", said)
        finally:
            permit(True)

    def test_another_socket(self):
        """It serves the one it was built for; a module with socket= does not run it."""
        self.assertNotEqual(self.pamtester("h1", "h1", ("Password: ", password("h1")), service="elsewhere",
                                           operations=("authenticate",))[0], 0)


class Abuse(unittest.TestCase):
    """Run by hand, with a socket pair as a module would."""

    def ask(self, caller, *operations):
        """The answers until it ends."""
        ours, theirs = socket.socketpair()
        with ours, theirs, open(gateway.path("helper.log"), "a") as log:
            ended = subprocess.run([helper], stdin=theirs, stdout=subprocess.DEVNULL, stderr=log,
                                   preexec_fn=become(users[caller]), env=environment())
            self.assertEqual(ended.returncode, 0)
            theirs.close()
            ours.settimeout(PATIENCE)
            answers, buffer = [], b""
            for number, operation in enumerate(operations):
                data = operation if isinstance(operation, bytes) and operation[:1] == b"!" else \
                    raw.message(number + 1, operation)
                try:
                    ours.sendall(data.removeprefix(b"!"))
                except BrokenPipeError:
                    break
                while raw.whole(buffer) is None:
                    try:
                        more = ours.recv(65536)
                    except ConnectionResetError:
                        more = b""
                    if not more:
                        return answers
                    buffer += more
                size = raw.whole(buffer)
                answers.append(raw.Response(buffer[:size]))
                buffer = buffer[size:]
            return answers

    def test_what_passes(self):
        right = raw.verify("h1", raw.PASSWORD, password("h1"))
        answers = self.ask("h1", right, right)
        self.assertEqual([answer.code for answer in answers], [raw.SUCCESS, raw.SUCCESS])
        held = answers[0].ticket
        self.assertEqual([answer.code for answer in self.ask("h1", raw.verify("H1", raw.NONE, ticket=held))],
                         [raw.SUCCESS])

    def test_what_ends_it(self):
        for operation in (raw.verify("h3", raw.PASSWORD, password("h3")), raw.verify("", raw.PASSWORD, "x"),
                          raw.verify("h1", raw.NONE), raw.verify("h1", raw.PIN, "1234", "acme"),
                          raw.verify("h1@example.org", raw.PASSWORD, password("h1")), raw.bind(),
                          raw.search("cn=monitor"), raw.unlock("h1"), raw.extended(raw.WHOAMI),
                          raw.set_pin("acme", "h1", "1234", "1"), raw.password_modify("h1", password("h1"), "n"),
                          raw.compare(person("h1"), "directory:read"), raw.challenge("h3"),
                          b"!\x30\x84\x7f\xff\xff\xff", b"!GET / HTTP/1.0\r\n\r\n", b"!\x30\x03\x02\x01\x01"):
            with self.subTest(operation):
                self.assertEqual(self.ask("h1", operation), [])

    def test_not_a_socket(self):
        for stdin in (subprocess.DEVNULL, subprocess.PIPE):
            ended = subprocess.run([helper], stdin=stdin, preexec_fn=become(users["h1"]), env=environment(), timeout=PATIENCE)
            self.assertEqual(ended.returncode, 1)

    def test_a_uid_without_a_name(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.assertEqual(subprocess.run([helper], stdin=theirs, preexec_fn=become(45678), env=environment(),
                                            timeout=PATIENCE).returncode, 1)


if __name__ == "__main__":
    programs.private_etc()
    unittest.main()
