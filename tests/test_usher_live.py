#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# An application with libusher (usher_million: threads in two processes, and children of theirs) asks
# millions of questions while the answers change under it: at the store; with usherd killed and started
# again; with the table replaced by a larger one; with random bytes in its place. Every answer must be the
# old or the new one, and the new one within a second. Also: the example program of the manual.
import os
import re
import shutil
import signal
import subprocess
import unittest

from gateway import (BASE, BUILD, COMMAND, PATIENCE, ROOT, Gateway, membership, person, program, sanitized_build,
                     soon, until)

QUESTIONS = [("acme", "ada", "tickets:delete"), ("acme", "ben", "tickets:delete"), ("acme", "sue", "tickets:delete"),
             ("acme", "sue", "reports:export"), ("acme", "pat", "terminal:login"), ("acme", "nobody", "tickets:delete"),
             ("ACME", "Vera", "tickets:delete")]
ANSWERS = [True, True, False, True, True, False, True]
SUPPORT = "cn=tixngo.support,ou=roles," + BASE
SELLER = "cn=seller,ou=roles,o=acme," + BASE
GROUP = "cn=box-office,ou=groups,o=acme," + BASE
# question, answer, and the change that brings it; the second half takes back the first.
CHANGES = [
    (1, False, "dn: %s\nchangetype: modify\nadd: usherGrant\nusherGrant: -tickets:delete\n" % membership("ben")),
    (2, True, "dn: %s\nchangetype: modify\nadd: usherGrant\nusherGrant: +tickets:delete\n" % SUPPORT),
    (3, False, "dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n" % (GROUP, person("sue"))),
    (4, False, "dn: %s\nchangetype: modify\nreplace: usherActive\nusherActive: FALSE\n" % SELLER),
    (6, False, "dn: %s\nchangetype: modify\nreplace: usherActive\nusherActive: FALSE\n" % person("vera")),
    (1, True, "dn: %s\nchangetype: modify\ndelete: usherGrant\n" % membership("ben")),
    (2, False, "dn: %s\nchangetype: modify\ndelete: usherGrant\nusherGrant: +tickets:delete\n" % SUPPORT),
    (3, True, "dn: %s\nchangetype: modify\nadd: member\nmember: %s\n" % (GROUP, person("sue"))),
    (4, True, "dn: %s\nchangetype: modify\ndelete: usherActive\n" % SELLER),
    (6, True, "dn: %s\nchangetype: modify\ndelete: usherActive\n" % person("vera")),
]
PROMISE_S = 1  # from a change at the store to every new answer
MILLION = 1000000
gateway = None


def setUpModule():
    global gateway
    gateway = Gateway().__enter__()


def tearDownModule():
    gateway.stop()


def word(answer):
    return "yes" if answer else "no"


class Application:
    """usher_million; what it must be answered now is known on both sides."""

    def __init__(self):
        self.process = subprocess.Popen(
            [program("tests/usher_million"), gateway.ldapi, gateway.path("cache/rights"),
             *[text for question in QUESTIONS for text in question]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        try:
            _, text = self.process.communicate(timeout=COMMAND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        if self.process.returncode != 0 or text:
            raise AssertionError("usher_million ended with %d: %s" % (self.process.returncode, text))

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise AssertionError("usher_million is gone: status %s, %s" %
                                 (self.process.wait(), self.process.stderr.read()))
        return answer

    def expect(self, number, answer):
        """How many seconds it took until every answer was this one."""
        took = self.tell("await", number, word(answer), PATIENCE * 1000)
        if took == "never":
            raise AssertionError("%s: not answered %s within %d s" % (QUESTIONS[number], word(answer), PATIENCE))
        return float(took) / 1000

    def expect_all(self):
        for number, answer in enumerate(ANSWERS):
            self.expect(number, answer)

    def asked(self):
        return int(self.tell("report").split()[0])

    def check(self):
        """No answer was wrong, none was missing that should have been given."""
        asked, wrong, errors, number, code = map(int, self.tell("report").split())
        if wrong or errors:
            raise AssertionError("of %d answers %d wrong, %d not given; the last: %s, %d" %
                                 (asked, wrong, errors, QUESTIONS[number], code))
        return asked

    def child(self):
        if self.tell("fork") != "0":
            self.check()
            raise AssertionError("a child did not end well")


def make(application, at):
    """One of the changes; how many seconds it took until it was seen."""
    number, answer, ldif = CHANGES[at]
    application.tell("either", number)
    gateway.change(ldif)
    return application.expect(number, answer)


def change(application, which=range(len(CHANGES))):
    """The changes, one after another, each seen as promised."""
    for at in which:
        made = []

        def again():
            if made:
                make(application, (at + len(CHANGES) // 2) % len(CHANGES))
            made.append(at)
            return make(application, at)
        soon("change %d is seen" % at, PROMISE_S, again)


class Live(unittest.TestCase):
    def setUp(self):
        gateway.caught_up()

    def test_a_million_while_roles_change(self):
        with Application() as application:
            application.expect_all()
            rounds = 0
            while rounds < 3 or application.asked() < MILLION:
                change(application)
                application.child()
                rounds += 1
            self.assertGreaterEqual(application.check(), MILLION)

    def test_killed_and_started_again(self):
        with Application() as application:
            application.expect_all()
            for _ in range(3):
                gateway.end_daemon(signal.SIGKILL)
                asked = application.asked()
                until("questions go on without usherd", lambda: application.asked() > asked + 10000)
                application.child()
                # What changes meanwhile is seen once it is back; until then the old answer stands.
                number, answer, ldif = CHANGES[0]
                gateway.change(ldif)
                application.check()
                application.tell("either", number)
                gateway.start_daemon()
                application.expect(number, answer)
                change(application, range(1, len(CHANGES)))
                application.check()

    def test_killed_in_the_middle_of_changes(self):
        """The writer may be killed between any two of its words: no answer is neither old nor new."""
        with Application() as application:
            application.expect_all()
            for turn in range(4):
                for number, _, _ in CHANGES:
                    application.tell("either", number)
                application.tell("errors", 1)  # a record left half written is asked of a daemon that is gone
                writer = subprocess.Popen(["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H",
                                           "ldapi://" + gateway.store_socket.replace("/", "%2F")],
                                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
                ldif = "\n".join(text for _ in range(5) for _, _, text in CHANGES)
                killer = subprocess.Popen(["sh", "-c", "sleep 0.0%d; kill -9 %d" % (2 + turn, gateway.daemon.pid)])
                writer.communicate(ldif, timeout=COMMAND)
                self.assertEqual(writer.returncode, 0)
                killer.wait(PATIENCE)
                gateway.end_daemon(signal.SIGKILL)
                gateway.start_daemon()
                application.expect_all()
                application.tell("errors", 0)
                application.check()

    def test_replaced_by_a_larger_table(self):
        path = gateway.path("cache/rights")
        before = os.stat(path)
        with Application() as application:
            application.expect_all()
            entries = []
            for i in range(1300):
                uid = "many.%d" % i
                entries.append("dn: %s\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: %s\ncn: %s\nsn: M\n"
                               "usherId: 00000000-0000-4000-8000-%012d\nusherHome: o=acme,%s\n" %
                               (person(uid), uid, uid, i, BASE))
                entries.append("dn: %s\nobjectClass: usherMembership\ncn: %s\nusherMember: %s\nusherRole: %s\n" %
                               (membership(uid), uid, person(uid), SUPPORT))
            gateway.change("\n".join(entries))
            until("the table is a larger one", lambda: os.stat(path).st_size > before.st_size)
            application.check()
            application.child()
            change(application)
            application.check()

    def test_random_bytes_in_its_place(self):
        path = gateway.path("cache/rights")
        with Application() as application:
            application.expect_all()
            random = gateway.path("random")
            with open(random, "wb") as file:
                file.write(os.urandom(os.path.getsize(path)))
            os.rename(random, path)
            # Who has the table goes on with it, for usherd does too; who comes now asks usherd.
            change(application)
            with Application() as late:
                late.expect_all()
                asked = late.asked()
                until("usherd answers", lambda: late.asked() > asked + 100)
                late.check()
                # Another table at the path is found without anybody saying so.
                # Whoever sees the old one without a sign of life for two seconds looks for it too.
                application.tell("errors", 1)
                late.tell("errors", 1)
                gateway.end_daemon(signal.SIGKILL)
                gateway.start_daemon()
                late.expect_all()
            number, answer, ldif = CHANGES[0]
            application.tell("either", number)
            gateway.change(ldif)
            application.expect(number, answer)
            application.tell("errors", 0)
            change(application, range(1, len(CHANGES)))
            application.check()

    def test_random_bytes_inside(self):
        """Bytes of a mapped table turn into others: no crash, no wrong answer, and an end of it."""
        path = gateway.path("cache/rights")
        with Application() as application:
            application.expect_all()
            gateway.end_daemon(signal.SIGKILL)
            application.tell("errors", 1)
            with open(path, "r+b") as file:
                file.write(os.urandom(os.path.getsize(path)))
            asked = application.asked()
            until("it goes on asking", lambda: application.asked() > asked + 100)
            gateway.start_daemon()
            application.expect_all()
            application.tell("errors", 0)
            change(application)
            application.check()


class Example(unittest.TestCase):
    """conf/examples/check.c, built as its first lines say, against the library built here."""

    @classmethod
    def setUpClass(cls):
        cls.folder = gateway.path("example")
        os.mkdir(cls.folder)
        for name in ("libusher.so", "libusher.so.0"):
            os.symlink(os.path.join(BUILD, ".libs", "libusher.so.0"), os.path.join(cls.folder, name))
        shutil.copy(os.path.join(ROOT, "src/client/usher.h"), cls.folder)
        with open(os.path.join(BUILD, "src/client/usher.pc")) as file:
            text = re.sub(r"(?m)^(libdir|includedir)=.*", r"\1=" + cls.folder, file.read())
        with open(os.path.join(cls.folder, "usher.pc"), "w") as file:
            file.write(text)
        cls.environment = dict(os.environ, PKG_CONFIG_PATH=cls.folder, LD_LIBRARY_PATH=cls.folder)
        shutil.copy(os.path.join(ROOT, "conf/examples/check.c"), cls.folder)
        with open(os.path.join(cls.folder, "check.c")) as file:
            command = re.search(r"(?m)^ \* +(cc .*)$", file.read()).group(1)
        more = " -fsanitize=address,undefined" if sanitized_build() else ""
        answer = subprocess.run(command + " -Wall -Wextra -Werror" + more, shell=True, cwd=cls.folder,
                                env=cls.environment, capture_output=True, text=True)
        if answer.returncode != 0:
            raise AssertionError(answer.stderr)

    def run_example(self, *arguments):
        answer = subprocess.run([os.path.join(self.folder, "check"), *arguments], env=self.environment,
                                capture_output=True, text=True, timeout=COMMAND)
        return answer.returncode, answer.stdout + answer.stderr

    def test_answers(self):
        here = ("-s", gateway.ldapi, "-r", gateway.path("cache/rights"))
        nowhere = ("-s", gateway.path("nowhere"), "-r", gateway.path("cache/nowhere"))
        for arguments, status, text in (
                ((*here, "acme", "tickets:delete", "ada", "sue"), 1, "ada: yes\nsue: no\n"),
                ((*here, "acme", "tickets:delete", "ada"), 0, "ada: yes\n"),
                ((*here, "acme", "tickets:no-such", "ada"), 2, "ada: cannot tell: "),
                ((*here, "acme", "tickets", "ada"), 2, "tickets: "),
                ((*nowhere, "acme", "tickets:delete", "ada"), 2, "ada: cannot tell: "),
                ((), 2, "usage: ")):
            got = self.run_example(*arguments)
            self.assertEqual(got[0], status, (arguments, got))
            self.assertTrue(got[1].startswith(text), (arguments, got))

    def test_the_manual_shows_it(self):
        """The code in libusher(3) is that of the example, but for the escapes of roff."""
        with open(os.path.join(ROOT, "man/libusher.3")) as file:
            shown = re.search(r"(?s)\.Bd -literal[^\n]*\n(#include <usher.h>.*?)\.Ed", file.read()).group(1)
        with open(os.path.join(ROOT, "conf/examples/check.c")) as file:
            code = file.read()
        self.assertIn(shown.replace("\\e", "\\").replace("\\&", ""), code)


if __name__ == "__main__":
    if not os.path.exists(program("tests/usher_million")):
        raise SystemExit("tests/usher_million is not built in %s" % BUILD)
    unittest.main()
