#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# su, sudo, login and sshd as root, as they stand on the machine, with the stacks of conf/pam
# and users of our own in a private /etc: password and code, who is denied, a password that must change;
# with usherd away everybody is answered within the deadline, and the machine's own users get in.
import subprocess
import unittest

import pexpect

import programs
from gateway import free_port, person, until
from people import code, enrol, password, wrong_code
from programs import LOCAL, LOCAL_PASSWORD, Away, Talk, become, environment, people_gateway, within, write

PEOPLE = ("p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10")
DENIED = "typed-by-mistake-9"
NEW = "changed-on-a-pty-9"
PASSWORD = r"[Pp]assword( for \w+)?: "
gateway = users = None


def setUpModule():
    global gateway, users
    gateway = people_gateway(PEOPLE)
    users = programs.add_users(PEOPLE)
    for name in ("su", "sudo", "login", "sshd"):
        write("/etc/pam.d/" + name, programs.stack(gateway, name))
    write("/etc/pam.d/su-l", programs.stack(gateway, "su"))
    write("/etc/sudoers", "Defaults !lecture, timestamp_timeout=0, passwd_tries=1, !use_pty\n"
          "ALL ALL=(ALL:ALL) ALL\n", 0o440)


def tearDownModule():
    if gateway is not None:
        gateway.stop("-demo-password", DENIED, NEW)


class Case(unittest.TestCase):
    def start(self, command, **more):
        talk = Talk(command, **more)
        self.addCleanup(talk.stop)
        return talk

    def let_in(self, talk, said="let-in"):
        index = talk.expect([said, pexpect.EOF])
        self.assertEqual(index, 0, talk.heard.text())

    def refused(self, talk, patterns=("incorrect", "failure", "[Dd]enied", "sorry", pexpect.EOF)):
        talk.expect(list(patterns))
        self.assertNotIn("let-in", talk.heard.text())


class Su:
    """A person becomes another; the other's secrets count."""
    caller = "local"

    @staticmethod
    def begin(case, user):
        return case.start(["su", user, "-c", "echo let-in"], preexec_fn=become(users[Su.caller]))


class Sudo:
    """A person becomes root with their own secrets."""

    @staticmethod
    def begin(case, user):
        return case.start(["sudo", "sh", "-c", "echo let-in"], preexec_fn=become(users[user]))


class Login:
    @staticmethod
    def begin(case, user):
        talk = case.start(["login"], env=environment(LOGIN_TIMEOUT="60"))
        talk.answer(r"login: ", user)
        return talk

    @staticmethod
    def shell(talk):
        talk.sendline("echo let-'in'; exit")


class Ssh:
    """The machine's own sshd, as root."""
    process = None
    port = 0

    @classmethod
    def begin(cls, case, user):
        if cls.process is None:
            cls.run()
        return case.start(["ssh", "-F", "none", "-p", str(cls.port), "-o", "StrictHostKeyChecking=no", "-o",
                           "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o",
                           "NumberOfPasswordPrompts=1", "-o", "IdentityAgent=none", "-o",
                           "PreferredAuthentications=keyboard-interactive", user + "@127.0.0.1", "echo let-in"])

    @classmethod
    def run(cls):
        cls.port = free_port()
        key = gateway.path("host-key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        config = write(gateway.path("sshd_config"), "\n".join((
            "ListenAddress 127.0.0.1", "Port %d" % cls.port, "HostKey " + key, "UsePAM yes", "PidFile none",
            "PasswordAuthentication no", "KbdInteractiveAuthentication yes", "MaxStartups 100",
            "PerSourceMaxStartups none", "")))
        with open(gateway.path("sshd.log"), "a") as log:
            cls.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config], stdin=subprocess.DEVNULL,
                                           env=environment(LD_PRELOAD=programs.preload()),
                                           stdout=log, stderr=log)
        unittest.addModuleCleanup(cls.stop)
        until("sshd listens", lambda: gateway.listens(("127.0.0.1", cls.port)))

    @classmethod
    def stop(cls):
        cls.process.terminate()
        cls.process.wait()


WAYS_IN = {"su": Su, "sudo": Sudo, "login": Login, "sshd": Ssh}


class Programs(Case):
    def enter(self, way, talk):
        if way is Login:
            talk.expect(r"[$#] ")
            way.shell(talk)
        self.let_in(talk)
        talk.end()

    def test_password_alone(self):
        for name, way in WAYS_IN.items():
            with self.subTest(name):
                talk = way.begin(self, "p1")
                talk.answer(PASSWORD, password("p1"))
                self.enter(way, talk)
                talk = way.begin(self, "p1")
                talk.answer(PASSWORD, DENIED)
                self.refused(talk)

    def test_password_then_code(self):
        for number, (name, way) in enumerate(WAYS_IN.items()):
            with self.subTest(name):
                uid = PEOPLE[1 + number]
                secret, step = enrol(gateway, uid)
                talk = way.begin(self, uid)
                talk.answer(PASSWORD, password(uid))
                talk.answer(r"Code: ", wrong_code(secret))
                self.refused(talk)
                talk = way.begin(self, uid)
                talk.answer(PASSWORD, password(uid))
                talk.answer(r"Code: ", code(secret, step))
                self.enter(way, talk)

    def test_denied_account(self):
        gateway.modify(person("p6"), usherActive="FALSE")
        for name, way in WAYS_IN.items():
            with self.subTest(name):
                talk = way.begin(self, "p6")
                talk.answer(PASSWORD, password("p6"))
                self.refused(talk)

    def test_must_change(self):
        secret = password("p7")
        for number, (name, way) in enumerate(WAYS_IN.items()):
            with self.subTest(name):
                gateway.modify(person("p7"), usherMustChange="TRUE")
                new = NEW + str(number)
                talk = way.begin(self, "p7")
                talk.answer(PASSWORD, secret)
                talk.answer(r"[Cc]urrent password: ", secret)
                talk.answer(r"New password: ", new)
                talk.answer(r"Retype new password: ", new)
                self.enter(way, talk)
                secret = new

    def test_own_users_of_the_machine(self):
        for name, way in WAYS_IN.items():
            with self.subTest(name):
                for user in LOCAL:
                    talk = way.begin(self, user)
                    talk.answer(PASSWORD, LOCAL_PASSWORD)
                    self.enter(way, talk)

    def test_usherd_away(self):
        for how in Away.WAYS:
            with Away(gateway, how):
                for name, way in WAYS_IN.items():
                    with self.subTest(name):
                        talk = way.begin(self, "keeper")
                        talk.answer(PASSWORD, LOCAL_PASSWORD)
                        self.enter(way, talk)
                        talk = way.begin(self, "p1")
                        talk.answer(PASSWORD, password("p1"))
                        within("%s, usherd %s" % (name, how), programs.SHORT, lambda: self.refused(talk))

    def test_usherd_away_before_the_code(self):
        for (name, way), uid, how in zip(list(WAYS_IN.items())[:3], PEOPLE[7:], Away.WAYS):
            secret, step = enrol(gateway, uid)
            with self.subTest(name + ", usherd " + how):
                talk = way.begin(self, uid)
                talk.answer(PASSWORD, password(uid))
                talk.expect(r"Code: ")
                with Away(gateway, how):
                    talk.sendline(code(secret, step))
                    within(name, programs.TIMEOUT, lambda: self.refused(talk))


if __name__ == "__main__":
    programs.private_etc()
    unittest.main()
