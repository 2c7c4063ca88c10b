#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The examples of conf/pam and the profiles for pam-auth-update, by pamtester and passwd: each loads and
# does what it says; a stack without the module for codes does not let in whose code is due.
import glob
import os
import re
import subprocess
import time
import unittest

import pexpect

import programs
from gateway import ROOT, person, soon
from people import code, enrol, password
from programs import (LOCAL, LOCAL_PASSWORD, SHORT, TIMEOUT, Away, Talk, become, environment, modules,
                      people_gateway, within, write)

PEOPLE = ("q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8")
NEW, NEW_LOCAL = "changed-by-passwd-9", "changed-on-the-machine-9"
DENIED = "typed-by-mistake-9"
SECRET = r"([Pp]assword|PIN): $"
gateway = users = None


def setUpModule():
    global gateway, users
    gateway = people_gateway(PEOPLE)
    users = programs.add_users(PEOPLE)
    for name in os.listdir(programs.EXAMPLES):
        write("/etc/pam.d/" + name, programs.stack(gateway, name))


def tearDownModule():
    if gateway is not None:
        gateway.stop("-demo-password", DENIED, NEW)


class Case(unittest.TestCase):
    def run_with(self, command, answers, **more):
        """(status, everything that it wrote): each (prompt, reply) in turn."""
        talk = Talk(command, **more)
        self.addCleanup(talk.stop)
        for prompt, reply in answers:
            if talk.expect([prompt, pexpect.EOF]) == 1:
                break
            talk.sendline(reply)
        status = talk.end()
        return status, talk.heard.text()

    def pamtester(self, service, user, operations, *answers):
        return self.run_with(["pamtester", service, user, *operations.split()], answers)

    def right(self, *arguments):
        status, said = self.pamtester(*arguments)
        self.assertEqual(status, 0, said)

    def wrong(self, *arguments):
        status, said = self.pamtester(*arguments)
        self.assertNotEqual(status, 0, said)
        return said


BOTH = "authenticate acct_mgmt"


class Examples(Case):
    def test_each_loads(self):
        """People get in by each that asks a password; who types nothing right does not."""
        for name in sorted(os.listdir(programs.EXAMPLES)):
            with self.subTest(name):
                if name == "till":
                    gateway.pin("acme", "q1", "0712")
                    right, wrong = "0712", "712"
                else:
                    right, wrong = password("q1"), DENIED
                rootok = name == "su"  # pamtester is root here: nothing is asked
                self.right(name, "q1", BOTH, *([] if rootok else [(SECRET, right)]))
                if not rootok:
                    self.wrong(name, "q1", BOTH, (SECRET, wrong))
                    self.wrong(name, "q1", BOTH, (SECRET, ""))

    def test_till(self):
        gateway.pin("acme", "q2", "1234")
        self.right("till", "q2", BOTH, ("PIN: $", "1234"))
        self.right("till", "q2", "chauthtok", ("Current PIN: $", "1234"), ("New PIN: $", "98765"),
                   ("Retype new PIN: $", "98765"))
        self.assertEqual(gateway.ledger("q2"), [])
        self.wrong("till", "q2", BOTH, ("PIN: $", "1234"))
        self.right("till", "q2", BOTH, ("PIN: $", "98765"))
        said = self.wrong("till", "q2", "chauthtok", ("Current PIN: $", "98765"), ("New PIN: $", "12a4"),
                          ("Retype new PIN: $", "12a4"))
        self.assertIn("digits", said)
        self.wrong("till", "q2", "chauthtok", ("Current PIN: $", "1234"))
        self.wrong("till", "local", BOTH, ("PIN: $", "1234"))

    def test_without_the_module_for_codes(self):
        """A right password and a factor that is due: auth may succeed, account denies."""
        enrol(gateway, "q3")
        text = programs.stack(gateway, "login")
        write("/etc/pam.d/no-code", "".join(line for line in text.splitlines(True) if "pam_usher_otp" not in line))
        self.right("no-code", "q4", BOTH, (SECRET, password("q4")))
        self.assertIn("authenticated", self.wrong("no-code", "q3", BOTH, (SECRET, password("q3"))))
        self.wrong("web", "q3", BOTH, (SECRET, password("q3")))

    def test_one_deadline_for_a_stack(self):
        """Three modules, all of which ask a daemon that hangs, wait no longer than one."""
        wait = 10  # neither of the two that Away exchanges
        text = re.search(r"\S+pam_usher_password\.so.*", programs.stack(gateway, "web")).group()
        text = text.replace("timeout=%d" % TIMEOUT, "timeout=%d" % wait)
        write("/etc/pam.d/thrice", ("auth optional %s\n" % text) * 2 + "auth required %s\n" % text +
              "account required pam_permit.so\n")

        def waited():
            start = time.monotonic()
            self.wrong("thrice", "q4", "authenticate", *[(SECRET, password("q4"))] * 3)
            return time.monotonic() - start
        with Away(gateway, "hung"):
            soon("one deadline for all", 3 * wait - wait / 2, waited)


def machine_profiles(*names):
    """pam-auth-update's common-* files for these profiles, and the services that include them. With debconf's
    answers of its own: on the machine's there is a lock, which others may hold."""
    for folder in ("/usr/share/pam-configs", "/var/lib/pam", "/var/cache/debconf"):
        copy = "/run" + folder
        subprocess.run(["mkdir", "-p", copy], check=True)
        subprocess.run(["cp", "-a", folder + "/.", copy], check=True)
        subprocess.run(["mount", "--bind", copy, folder], check=True)
    for path in glob.glob("/usr/share/pam-configs/*"):
        os.unlink(path)
    for name, folder in names:
        subprocess.run(["cp", os.path.join(folder, name), "/usr/share/pam-configs/"], check=True)
    subprocess.run(["pam-auth-update", "--package", "--force"], check=True, capture_output=True,
                   env=environment(DEBIAN_FRONTEND="noninteractive", LD_PRELOAD=""), stdin=subprocess.DEVNULL)
    for path in glob.glob("/etc/pam.d/common-*"):
        with open(path) as file:
            text = re.sub(r"\bpam_usher_(\w+)\.so", r"%s/pam_usher_\1.so socket=%s timeout=%d"
                          % (modules(gateway), gateway.ldapi, TIMEOUT), file.read())
        write(path, text)


class Profiles(Case):
    """common-auth, -account and -password as pam-auth-update writes them with ours and pam_unix."""

    @classmethod
    def setUpClass(cls):
        unix = "/run/unix-profile"
        os.makedirs(unix)
        subprocess.run(["cp", "/usr/share/pam-configs/unix", unix], check=True)
        machine_profiles(("usher", os.path.join(ROOT, "share/pam-configs")),
                         ("usher-password", os.path.join(ROOT, "share/pam-configs")), ("unix", unix))
        write("/etc/pam.d/machine", "@include common-auth\n@include common-account\n@include common-password\n")
        write("/etc/pam.d/passwd", "@include common-password\n")

    def test_they_are_written(self):
        for kind, count in (("auth", 2), ("account", 1), ("password", 1)):
            with open("/etc/pam.d/common-" + kind) as file:
                text = file.read()
            self.assertEqual(len(re.findall(r"(?m)^%s\s.*pam_usher_" % kind, text)), count, text)

    def test_people_and_own_users(self):
        self.right("machine", "q5", BOTH, (SECRET, password("q5")))
        self.wrong("machine", "q5", BOTH, (SECRET, DENIED))
        for user in LOCAL:
            self.right("machine", user, BOTH, (SECRET, LOCAL_PASSWORD))
            self.wrong("machine", user, BOTH, (SECRET, DENIED))
        secret, step = enrol(gateway, "q6")
        self.wrong("machine", "q6", BOTH, (SECRET, password("q6")), ("Code: ", ""))
        self.right("machine", "q6", BOTH, (SECRET, password("q6")), ("Code: ", code(secret, step)))
        gateway.modify(person("q8"), usherActive="FALSE")
        self.wrong("machine", "q8", BOTH, (SECRET, password("q8")))

    def passwd(self, user, *answers):
        return self.run_with(["passwd"], answers, preexec_fn=become(users[user]))

    def test_passwd(self):
        status, said = self.passwd("q7", ("Current password: $", password("q7")), ("New password: $", NEW),
                                   ("Retype new password: $", NEW))
        self.assertEqual(status, 0, said)
        self.assertEqual(gateway.ledger("q7"), [])
        self.right("machine", "q7", BOTH, (SECRET, NEW))
        self.wrong("machine", "q7", BOTH, (SECRET, password("q7")))
        status, said = self.passwd("q7", ("Current password: $", DENIED))
        self.assertNotEqual(status, 0, said)
        for user in LOCAL:
            status, said = self.passwd(user, ("Current password: $", LOCAL_PASSWORD),
                                       ("New password: $", NEW_LOCAL), ("Retype new password: $", NEW_LOCAL))
            self.assertEqual(status, 0, said)
            status, said = self.passwd(user, ("Current password: $", NEW_LOCAL),
                                       ("New password: $", LOCAL_PASSWORD),
                                       ("Retype new password: $", LOCAL_PASSWORD))
            self.assertEqual(status, 0, said)

    def test_usherd_away(self):
        for how in Away.WAYS:
            with self.subTest(how), Away(gateway, how):
                self.right("machine", "keeper", BOTH, (SECRET, LOCAL_PASSWORD))
                within(how, SHORT, lambda: self.wrong("machine", "q5", BOTH, (SECRET, password("q5"))))


if __name__ == "__main__":
    programs.private_etc()
    unittest.main()
