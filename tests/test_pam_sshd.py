#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# A real sshd without root on 127.0.0.1, with the stack of conf/pam/sshd by pam_wrapper: password and
# code, who is denied, a password that must change; and usherd away, hung and killed in the middle.
import glob
import os
import shutil
import subprocess
import unittest

import pexpect

import programs
from gateway import STRANGER, free_port, person, until
from people import code, enrol, mailed_code, password, wrong_code
from programs import Away, Talk, environment, people_gateway, within, write

WRAPPERS = ("libpam_wrapper.so", "libnss_wrapper.so")
MATRIX = "/usr/lib/x86_64-linux-gnu/pam_wrapper/pam_matrix.so"
PEOPLE = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10")
gateway = server = None


class Sshd:
    """Runs as the uid that all its users have."""

    def __init__(self):
        self.folder = gateway.path("sshd")
        self.uid = STRANGER if os.geteuid() == 0 else os.geteuid()
        self.port = free_port()
        os.mkdir(self.folder)
        os.mkdir(self.path("pam.d"), 0o755)
        key = self.path("key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path("user")], check=True)
        users = "".join("%s:x:%d:%d::%s:/bin/sh\n" % (name, self.uid, self.uid, self.folder)
                        for name in (*PEOPLE, "stranger", "keeper"))
        write(self.path("passwd"), users)
        write(self.path("group"), "people:x:%d:\n" % self.uid)
        write(self.path("passdb"), "keeper:%s:sshd\n" % programs.LOCAL_PASSWORD)
        write(self.path("pam.d/other"), "auth required pam_deny.so\naccount required pam_deny.so\n")
        self.stack()
        write(self.path("config"), "\n".join((
            "ListenAddress 127.0.0.1", "Port %d" % self.port, "HostKey " + key, "UsePAM yes",
            "PidFile none", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication yes",
            "AuthorizedKeysFile " + self.path("user.pub"), "LogLevel VERBOSE", "MaxAuthTries 3",
            "MaxStartups 100", "PerSourceMaxStartups none", "")))
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "%d" % self.uid, self.folder], check=True)
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def stack(self, **replace):
        """conf/pam/sshd, with pam_matrix for the machine's own users."""
        text = programs.stack(gateway, "sshd", **replace)
        text = text.replace("minimum_uid=", "debug minimum_uid=")
        text = text.replace("pam_unix.so", "%s passdb=%s" % (MATRIX, self.path("passdb")))
        lines = [line for line in text.split("\n") if not line.startswith("session")]
        write(self.path("pam.d/sshd"), "\n".join([*lines, "session required pam_permit.so", ""]))

    def start(self):
        env = environment(LD_PRELOAD=programs.preload(*WRAPPERS), PAM_WRAPPER="1", PAM_WRAPPER_DEBUGLEVEL="2",
                          PAM_WRAPPER_SERVICE_DIR=self.path("pam.d"), NSS_WRAPPER_PASSWD=self.path("passwd"),
                          NSS_WRAPPER_GROUP=self.path("group"))
        who = {"user": self.uid, "group": self.uid, "extra_groups": []} if os.geteuid() == 0 else {}
        with open(self.path("log"), "a") as log:
            self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.path("config")], env=env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who)
        until("sshd listens", lambda: self.process.poll() is None and
              gateway.listens(("127.0.0.1", self.port)))

    def stop(self):
        """pam_wrapper leaves a copy of the stack for each process that ended by a signal."""
        self.process.terminate()
        self.process.wait()
        for copy in glob.glob("/tmp/pam.?"):
            try:
                with open(os.path.join(copy, "sshd")) as file:
                    ours = gateway.folder in file.read()
            except OSError:
                continue
            if ours:
                shutil.rmtree(copy, ignore_errors=True)

    def log(self):
        with open(self.path("log"), errors="replace") as log:
            return log.read()

    def login(self, user, command="echo let-in", *options):
        return Talk(["ssh", "-F", "none", "-p", str(self.port), *options, "-o", "StrictHostKeyChecking=no", "-o",
                     "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "NumberOfPasswordPrompts=1",
                     "-o", "PreferredAuthentications=keyboard-interactive", "-o", "IdentityAgent=none",
                     "%s@127.0.0.1" % user, command])


def setUpModule():
    global gateway, server
    if not os.path.exists("/usr/sbin/sshd") or not os.path.exists(MATRIX):
        raise unittest.SkipTest("no sshd or no pam_wrapper")
    gateway = people_gateway(PEOPLE, mail=True)
    server = Sshd()
    server.start()


def tearDownModule():
    if gateway is None:
        return
    server.stop()
    log = server.log() + gateway.text("usherd.log")
    gateway.stop()
    if "usherd says" not in log:
        raise AssertionError("the modules log nothing with debug:\n" + log[-3000:])
    for secret in ("-demo-password", *PASSWORDS, *CODES):
        if secret in log:
            raise AssertionError("a secret is in a log: " + secret)


CODES = []  # every code that was typed, right or wrong
PASSWORDS = ("changed-by-ssh-9", "typed-by-mistake-9")


class Case(unittest.TestCase):
    def login(self, *arguments):
        talk = server.login(*arguments)
        self.addCleanup(talk.stop)
        return talk

    def let_in(self, talk):
        index = talk.expect(["let-in", pexpect.EOF])
        self.assertEqual(index, 0, talk.heard.text() + server.log()[-3000:])
        self.assertEqual(talk.end(), 0)

    def refused(self, talk):
        """pam_matrix, which stands for the machine's own users, asks for a password of its own."""
        if talk.expect([r"Password: ", pexpect.EOF]) == 0:
            talk.sendline("typed-by-mistake-9")
        self.assertEqual(talk.end(), 255, talk.heard.text())
        self.assertNotIn("let-in", talk.heard.text())


class People(Case):
    def test_password_alone(self):
        talk = self.login("s1")
        talk.answer(r"Password: ", password("s1"))
        self.let_in(talk)

    def test_wrong_password(self):
        talk = self.login("s1")
        talk.answer(r"Password: ", "typed-by-mistake-9")
        self.refused(talk)

    def test_password_then_code(self):
        secret, step = enrol(gateway, "s2")
        for answer, right in ((wrong_code(secret), False), ("", False), (code(secret, step), True),
                              (code(secret, step), False)):
            talk = self.login("s2")
            talk.answer(r"Password: ", password("s2"))
            talk.answer(r"Code: ", answer)
            CODES.extend([answer] if answer else [])
            (self.let_in if right else self.refused)(talk)

    def test_mailed_code(self):
        gateway.modify(person("s3"), usherSecondFactor="email")
        talk = self.login("s3")
        talk.answer(r"Password: ", password("s3"))
        talk.expect(r"A code was sent to \S+")
        talk.answer(r"Code: ", mailed_code(gateway, "s3"))
        self.let_in(talk)

    def test_unknown_to_sshd_and_to_usherd(self):
        """The first has no account at all: what sshd then types is not counted for anybody."""
        for user in ("nobody-at-all", "stranger"):
            talk = self.login(user)
            talk.answer(r"Password: ", "typed-by-mistake-9")
            self.refused(talk)

    def test_inactive(self):
        gateway.modify(person("s4"), usherActive="FALSE")
        talk = self.login("s4")
        talk.answer(r"Password: ", password("s4"))
        self.refused(talk)

    def test_a_key_does_not_replace_the_factor(self):
        """Who comes with a key has completed no factor here: account denies when one is due."""
        keys = ("-o", "PreferredAuthentications=publickey", "-i", server.path("user"))
        talk = self.login("s5", "echo let-in", *keys)
        self.let_in(talk)
        gateway.modify(person("s5"), usherSecondFactor="email")
        self.refused(self.login("s5", "echo let-in", *keys))

    def test_must_change(self):
        gateway.modify(person("s6"), usherMustChange="TRUE")
        talk = self.login("s6")
        talk.answer(r"Password: ", password("s6"))
        talk.answer(r"[Cc]urrent password: ", password("s6"))
        talk.answer(r"New password: ", "changed-by-ssh-9")
        talk.answer(r"Retype new password: ", "changed-by-ssh-9")
        self.let_in(talk)
        talk = self.login("s6")
        talk.answer(r"Password: ", "changed-by-ssh-9")
        self.let_in(talk)
        self.assertEqual(gateway.ledger("s6"), [])

    def test_own_user_of_the_machine(self):
        talk = self.login("keeper")
        for _ in range(2):
            talk.answer(r"Password: ", programs.LOCAL_PASSWORD)
        self.let_in(talk)


class UsherdAway(Case):
    """Every answer comes within the deadline of the modules; none lets anybody in."""

    def test_away(self):
        for way in Away.WAYS:
            with self.subTest(way), Away(gateway, way, server.path("pam.d")):
                talk = self.login("s7")
                talk.answer(r"Password: ", password("s7"))
                within(way, programs.SHORT, lambda: self.refused(talk))

    def test_away_before_the_code(self):
        for number, way in enumerate(Away.WAYS):
            uid = ("s8", "s9", "s10")[number]
            secret, step = enrol(gateway, uid)
            with self.subTest(way):
                talk = self.login(uid)
                talk.answer(r"Password: ", password(uid))
                talk.expect(r"Code: ")
                with Away(gateway, way, server.path("pam.d")):
                    talk.sendline(code(secret, step))
                    within(way, programs.TIMEOUT, lambda: self.refused(talk))


if __name__ == "__main__":
    unittest.main()
