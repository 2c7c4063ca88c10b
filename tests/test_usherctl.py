# SPDX-License-Identifier: BSD-2-Clause
#
# usherctl against a scripted daemon: what it asks, prints and returns for each verb, in words and in
# JSON, and that no secret is taken from the command line. $USHER_BUILD is the folder of the program,
# $srcdir that of the sources.
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tempfile
import unittest

from gateway import COMMAND

SOURCE = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))
USHERCTL = os.path.join(os.environ.get("USHER_BUILD", "."), "usherctl")
FAKE = os.path.join(SOURCE, "tests", "fake_usherd.py")
BIND = "result 0\n"
BASE = "entry namingContexts=dc%3Dexample,dc%3Dorg\n"


class Fake:
    def __init__(self, steps, listen=None):
        self.folder = tempfile.TemporaryDirectory(prefix="usher-test-")
        self.socket = os.path.join(self.folder.name, "ldapi")
        scenario = os.path.join(self.folder.name, "scenario")
        self.log = os.path.join(self.folder.name, "log")
        with open(scenario, "w", encoding="utf-8") as file:
            file.write(steps)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", FAKE, listen or self.socket, scenario, self.log],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().split()[1]

    def asked(self):
        with open(self.log, encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line != "unbind"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def run(*words, stdin=""):
    done = subprocess.run([USHERCTL, *words], input=stdin, capture_output=True, text=True,
                          timeout=COMMAND)
    return done.returncode, done.stdout, done.stderr


class Verbs(unittest.TestCase):
    # words, standard input, steps after the bind, status, output, last request
    CASES = [
        (["check", "acme", "alice", "ticket:delete"], "", BASE + "result 6", 0, "allowed\n",
         "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org usherPermission=ticket:delete"),
        (["check", "acme", "alice", "x:y"], "", BASE + "result 5", 1, "denied\n", None),
        (["check", "acme", "alice", "x:y"], "", BASE + "result 8", 1, "second factor needed\n",
         None),
        (["check", "acme", "alice", "x:y"], "", BASE + "result 16 text=no%20permission%20x:y", 2,
         "usherctl: no permission x:y\n", None),
        (["check", "acme", "alice", "x:y"], "", BASE + "result 49", 2,
         "usherctl: wrong user name or secret (LDAP result 49)\n", None),
        (["check", "acme", "alice", "x:y"], "", "entry vendorName=x", 2, None, None),
        (["who", "acme", "ticket:delete@event/x"], "", BASE + "entry cn=alice", 0, "alice\n",
         "search base=ou=members,o=acme,dc=example,dc=org scope=1 attributes=cn"),
        (["who", "acme", "a:b"], "", BASE + "result 0", 0, "", None),
        (["who", "acme", "a:b"], "", BASE + "result 53 text=not%20here", 2, "usherctl: not here\n",
         None),
        (["permission", "list"], "",
         BASE + "entry cn=a:b usherFactor=TRUE usherEditing=FALSE usherRequires=c:d usherChannel=app "
         "description=opens%20it%1b", 0, "a:b (channel app, second factor, requires c:d)  opens it?\n",
         "search base=ou=permissions,dc=example,dc=org scope=1 attributes="
         "cn,usherChannel,usherEditing,usherFactor,usherRequires,description"),
        (["permission", "list"], "", BASE + "result 32", 2, "usherctl: no such entry (LDAP result 32)\n",
         None),
        (["explain", "acme", "alice", "a:b"], "", "result 50 text=not%20you", 2, "usherctl: not you\n",
         None),
        (["explain", "acme", "alice", "a:b"], "", "result 0", 2, None, None),
        (["doctor"], "", "result 50 text=not%20you", 2, "usherctl: not you\n", None),
        (["doctor"], "", "result 0", 2, None, None),
        (["status"], "", "entry objectClass=x cacheAgeMilliseconds=12 contextCSN=abc", 0,
         "cache age milliseconds           12\ncontext CSN                      abc\n",
         "search base=cn=monitor scope=0 attributes=*,+"),
        (["status"], "", "result 32", 2, "usherctl: no such entry (LDAP result 32)\n", None),
        (["pin", "set", "acme", "bob"], "007\n", "result 0", 0, "the PIN is set\n",
         "set-pin organization=acme user=bob new=007"),
        (["pin", "set", "acme", "bob"], "12x\n", "result 21 text=digits%20only", 2,
         "usherctl: digits only\n", None),
        (["pin", "remove", "acme", "bob"], "", "result 0", 0, "the PIN is removed\n",
         "set-pin organization=acme user=bob"),
        (["code", "enroll", "bob"], "", "enroll 0 uri=otpauth://totp/bob", 0,
         "otpauth://totp/bob\n", "enroll user=bob step=0"),
        (["code", "confirm", "bob"], "123456\n", "enroll 0", 0, "the app is confirmed\n",
         "enroll user=bob step=1 code=123456"),
        (["code", "confirm", "bob", "123456"], "", "enroll 0", 0, "the app is confirmed\n",
         "enroll user=bob step=1 code=123456"),
        (["code", "confirm", "bob"], "000000\n", "result 49 text=wrong%20code", 1,
         "usherctl: wrong code\n", None),
        (["code", "reset", "bob"], "", "result 0", 0, "the app is forgotten\n",
         "enroll user=bob step=2"),
        (["code", "recovery", "bob"], "", "list 0 item=abcde-fghij,klmno-pqrst", 0,
         "abcde-fghij\nklmno-pqrst\n", "recovery user=bob"),
        (["code", "recovery", "bob"], "", "result 0", 2, None, None),
        (["password", "set", "bob"], "n3w pass\r\n", "result 0", 0, "the password is set\n",
         "password user=bob new=n3w pass"),
        (["password", "set", "bob"], "short\n", "result 19 text=too%20short", 2,
         "usherctl: too short\n", None),
        (["user", "logout", "bob"], "", "result 0", 0, "logged out everywhere\n", "logout user=bob"),
        (["user", "logout", "bob"], "", "result 32 text=no%20such%20user", 2, "usherctl: no such user\n", None),
        (["password", "app-revoke", "bob", "0a"], "", "list 0", 0,
         "the application password is revoked\n", "app-password user=bob step=2 id=0a"),
        (["password", "app-create", "bob", "acme", "ldap", "phone"], "", "result 0", 2, None,
         "app-password user=bob step=0 organization=acme service=ldap label=phone"),
        (["password", "app-list", "bob"], "", "list 0 item=x", 2, None, "app-password user=bob step=1"),
        (["unlock", "bob"], "", "result 0", 0, "unlocked\n", "unlock user=bob"),
        (["unlock", "bob", "acme"], "", "result 0", 0, "unlocked\n",
         "unlock user=bob organization=acme"),
        (["unlock", "bob"], "", "close", 2, None, None),
        (["unlock", "bob"], "", "garbage", 2, None, None),
    ]

    def test_words(self):
        for words, stdin, steps, status, output, asked in self.CASES:
            with self.subTest(words=words, steps=steps), Fake(BIND + steps) as fake:
                code, out, err = run("-s", fake.socket, *words, stdin=stdin)
                self.assertEqual(code, status, out + err)
                if output is not None:
                    self.assertEqual(out + err, output)
                if status == 2:
                    self.assertEqual(out, "")
                self.assertEqual(fake.asked()[0], "bind sasl name= secret=EXTERNAL")
                if asked is not None:
                    self.assertEqual(fake.asked()[-1], asked)

    FIGURES = [
        ("entry objectClass=x cn=monitor usherUptimeSeconds=187261 usherStoreConnected=TRUE "
         "usherCacheAgeMilliseconds=1234 usherCacheMaxAgeMilliseconds=86400000 usherEntries=1234567 "
         "usherTableBytes=5242880 usherOperationsPerSecond=12.5 usherMailJobs=junk",
         "running for                      2 d 4 h\nstore connected                  yes\n"
         "cache age                        1.2 s\ncache answers until              1 d\n"
         "entries                          1,234,567\nsize of the table                5.0 MiB\n"
         "operations a second              12.5\ncodes by mail under way          junk\n"),
        ("entry usherCacheAgeMilliseconds=-1 usherUptimeSeconds=59 usherConnections=999 "
         "usherTableBytes=0 usherCacheFilled=FALSE",
         "cache age                        never filled\nrunning for                      59 s\n"
         "connections                      999\nsize of the table                0 bytes\n"
         "cache filled                     no\n"),
    ]

    def test_figures(self):
        for steps, output in self.FIGURES:
            with Fake(BIND + steps) as fake:
                self.assertEqual(run("-s", fake.socket, "status"), (0, output, ""))

    def test_json(self):
        expected = {"check": ["answer"], "status": ["cacheAgeMilliseconds", "contextCSN"],
                    "code enroll": ["uri"], "code recovery": ["codes"], "who": ["members"], "permission": ["permissions"]}
        for words, stdin, steps, status, _, _ in self.CASES:
            with self.subTest(words=words, steps=steps), Fake(BIND + steps) as fake:
                code, out, err = run(*words, "--json", "-H", "ldapi://" + fake.socket.replace(
                    "/", "%2F"), stdin=stdin)
                answer = json.loads(out)
                self.assertEqual((code, err), (status, ""))
                noun = " ".join(words[:2]) if words[0] == "code" else words[0]
                if "error" in answer:
                    self.assertNotEqual(status, 0)
                else:
                    self.assertEqual(list(answer), expected.get(noun, ["done"]))

    def test_long_names(self):
        """An attribute's name that is none of ours is shown as far as there is room, in words and in JSON."""
        for name in ("a" * 100, "usher" + "Ab" * 60, "%C3%BC" * 60, "x" + "%C3%BC" * 60):
            with Fake(BIND + "entry %s=1" % name) as fake:
                code, out, err = run("-s", fake.socket, "status")
                self.assertEqual((code, err), (0, ""))
                self.assertTrue(out.rstrip().endswith(" 1") and len(out) < 140, out)
            with Fake(BIND + "entry %s=1" % name) as fake:
                code, out, err = run("-s", fake.socket, "--json", "status")
                self.assertEqual((code, err), (0, ""))
                (shown, values), = json.loads(out).items()
                self.assertEqual(values, ["1"])
                self.assertTrue(shown.endswith("...") and 58 < len(shown.encode()) < 64, shown)

    def test_nobody_there(self):
        code, out, err = run("-s", "/nowhere/ldapi", "status")
        self.assertEqual((code, out, err), (2, "", "usherctl: nobody answers at /nowhere/ldapi\n"))

    def test_hang(self):
        with Fake("hang") as fake:
            code, _, err = run("-s", fake.socket, "-t", "1", "status")
        self.assertEqual(code, 2)
        self.assertIn("no answer within the time allowed", err)

    def test_tcp_with_password(self):
        with Fake("result 0\n" + BASE + "result 6", "tcp:0") as fake:
            secret = os.path.join(fake.folder.name, "secret")
            with open(secret, "w", encoding="utf-8") as file:
                file.write("s3cret\n")
            code, out, err = run("-H", f"ldap://127.0.0.1:{fake.port}", "-D", "cn=backoffice", "-y",
                                 secret, "check", "acme", "alice", "x:y")
            self.assertEqual((code, out, err), (0, "allowed\n", ""))
            self.assertEqual(fake.asked()[0], "bind simple name=cn=backoffice secret=s3cret")

    def test_files(self):
        with Fake(BIND + "result 0") as fake:
            secret = os.path.join(fake.folder.name, "secret")
            with open(secret, "w", encoding="utf-8") as file:
                file.write("0420\nnot this\n")
            self.assertEqual(run("-s", fake.socket, "pin", "set", "acme", "bob", "--pin-file",
                                 secret)[0], 0)
            self.assertEqual(fake.asked()[-1], "set-pin organization=acme user=bob new=0420")
            for words in (["--pin-file", "/nowhere"], ["--pin-file", "/dev/null"]):
                code, _, err = run("-s", fake.socket, "pin", "set", "acme", "bob", *words)
                self.assertEqual(code, 2, err)
            self.assertEqual(run("-s", fake.socket, "password", "set", "bob", stdin="x" * 2000)[0],
                             2)
            self.assertEqual(len(fake.asked()), 2)

    def test_usage(self):
        for words in ([], ["frobnicate"], ["pin"], ["pin", "set"], ["pin", "set", "acme"],
                      ["pin", "set", "acme", "bob", "1234"], ["check", "acme", "alice"],
                      ["status", "x"], ["--frobnicate"], ["-t", "0", "status"], ["-t", "3601", "status"],
                      ["-t", "1x", "status"], ["-H", "http://x", "status"]):
            with self.subTest(words=words):
                code, out, err = run(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertNotEqual(err, "")
        self.assertEqual(run("help")[0], 0)
        self.assertIn("Exit status", run("--help")[1])
        self.assertIn("usherctl", run("version")[1])

    def test_key(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "key")
            self.assertEqual(run("key", "init", path)[0], 0)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with open(path, encoding="utf-8") as file:
                before = file.read()
            code, _, err = run("key", "init", path)
            self.assertEqual(code, 2)
            self.assertIn("exists already", err)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), before)
            for verb in ("add", "use", "rotate"):
                for name in ("\u00fc" * 400, "x" + "\u00fc" * 400):
                    code, out, err = run("key", verb, name)
                    self.assertEqual((code, out), (2, ""), verb)
                    self.assertRegex(err, r"\Ausherctl: x?\u00fc{240,}[^\n]*\n\Z")


class Rotation(unittest.TestCase):
    PASSES = 100

    def rotate(self, *passes):
        """(status, standard error, passes asked for, keys left) with a key file whose new key seals already."""
        with tempfile.TemporaryDirectory(prefix="usher-test-") as folder:
            path = os.path.join(folder, "keys")
            for verb in ("init", "add", "use"):
                self.assertEqual(run("key", verb, path)[0], 0)
            _, seals = self.ids(path)
            with Fake(BIND + "\n".join(passes).replace("KEY", seals)) as fake:
                status, _, said = run("-s", fake.socket, "key", "rotate", path)
                asked = sum(line.startswith("reseal step=1") for line in fake.asked())
            return status, said, asked, len(self.ids(path))

    @staticmethod
    def ids(path):
        with open(path) as file:
            return [line.split()[0] for line in file if not line.startswith("#")]

    def test_others_always_first(self):
        """A store in which others are always first is passed over so often and no more; the old key stays."""
        left = "reseal 0 key=KEY left=1"
        self.assertEqual(self.rotate(left, "again"),
                         (2, "usherctl: others were always first; rotate again\n", self.PASSES, 2))
        self.assertEqual(self.rotate(*[left] * (self.PASSES - 1), "reseal 0 key=KEY"), (0, "", self.PASSES, 1))


class Terminal(unittest.TestCase):
    """Typed secrets are not echoed, and asked for twice."""

    def typed(self, fake, *replies):
        pid, master = pty.fork()
        if pid == 0:
            os.execv(USHERCTL, [USHERCTL, "-s", fake.socket, "pin", "set", "acme", "bob"])
        shown = b""
        for prompt, reply in zip((b"New PIN: ", b"Again: "), replies):
            while prompt not in shown:
                self.assertTrue(select.select([master], [], [], 120)[0])
                shown += os.read(master, 1024)
            os.write(master, reply.encode() + b"\n")
        try:
            while select.select([master], [], [], 20)[0]:
                more = os.read(master, 1024)
                if not more:
                    break
                shown += more
        except OSError:
            pass  # the terminal is closed
        os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_typed(self):
        with Fake(BIND + "result 0") as fake:
            code, shown = self.typed(fake, "4711", "4711")
            self.assertEqual(code, 0, shown)
            self.assertNotIn("4711", shown)
            self.assertEqual(fake.asked()[-1], "set-pin organization=acme user=bob new=4711")

    def test_given_up(self):
        """Ctrl-C, or a signal, at the prompt leaves a terminal that echoes."""
        for number in (None, signal.SIGTERM, signal.SIGHUP):
            pid, master = pty.fork()
            if pid == 0:
                for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # under nohup they are ignored
                    signal.signal(each, signal.SIG_DFL)
                os.execv(USHERCTL, [USHERCTL, "-s", "/nowhere", "pin", "set", "acme", "bob"])
            shown = b""
            while b"New PIN: " not in shown:
                self.assertTrue(select.select([master], [], [], 120)[0])
                shown += os.read(master, 1024)
            self.assertFalse(termios.tcgetattr(master)[3] & termios.ECHO)
            if number is None:
                os.write(master, b"\x03")
            else:
                os.kill(pid, number)
            ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            self.assertEqual(ended, -(number or signal.SIGINT))
            self.assertTrue(termios.tcgetattr(master)[3] & termios.ECHO)
            os.close(master)

    def test_differs(self):
        with Fake(BIND + "result 0") as fake:
            code, shown = self.typed(fake, "4711", "4712")
            self.assertEqual(code, 2)
            self.assertIn("differ", shown)
            self.assertEqual(fake.asked(), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
