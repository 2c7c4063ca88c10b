#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usher-directory with a real slapd: preparing, refusing, serving, who may do what, and what is left
# after kill -9. USHER_BUILD is the folder of the program, srcdir that of the sources.
import base64
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import ldap3

from gateway import COMMAND, PATIENCE, until

ROOT = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))
PROGRAM = os.path.abspath(os.path.join(os.environ.get("USHER_BUILD", "."), "usher-directory"))
CONF = os.path.join(ROOT, "conf")
MODELS = [os.path.join(CONF, name) for name in
          ("models/usher.ldif", "models/tixngo.ldif", "sample/acme.ldif")]
BASE = "dc=example,dc=org"
CRASHES = 20
MANY = 600  # entries: above the 500 that slapd gives to whoever has no limits of his own


def read(path):
    with open(path) as file:
        return file.read()


def directory(*arguments, **keywords):
    environment = dict(os.environ, USHER_DATADIR=ROOT)
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment,
                          timeout=COMMAND, **keywords)


class Store:
    """A store in a folder of its own, and the LDAP tools pointed at it."""

    def __init__(self, path, base=BASE):
        self.path, self.base, self.process = path, base, None
        self.uri = "ldapi://" + os.path.join(path, "run/ldapi").replace("/", "%2F")

    def start(self, **keywords):
        self.process = subprocess.Popen([PROGRAM, "run", "--directory", keywords.pop("name", self.path)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)
        until("the store answers or has ended", lambda: self.process.poll() is not None or self.answers())
        if self.process.poll() is not None:
            raise AssertionError("the store has ended with %d" % self.process.returncode)
        return self

    def answers(self):
        return self.tool("ldapwhoami", "-x").returncode == 0

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait() if self.process is not None else None

    def tool(self, name, *arguments, text=None):
        return subprocess.run([name, "-H", self.uri, *arguments], input=text, capture_output=True,
                              text=True, timeout=COMMAND)

    def admin(self, name, *arguments, text=None):
        return self.tool(name, "-Q", "-Y", "EXTERNAL", *arguments, text=text)

    def usher(self, name, *arguments, text=None):
        return self.admin(name, "-X", "dn:cn=usher," + self.base, *arguments, text=text)

    def person(self, uid, password, name, *arguments, text=None):
        return self.tool(name, "-x", "-D", "uid=%s,ou=people,%s" % (uid, self.base), "-w", password,
                         *arguments, text=text)

    def values(self, dn, attribute):
        """The values of an attribute as the administrator sees them."""
        answer = self.admin("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, attribute)
        if answer.returncode != 0:
            raise AssertionError(answer.stderr)
        values = []
        for line in answer.stdout.splitlines():
            name, _, value = line.partition(":")
            if name.lower() == attribute.lower():
                values.append(base64.b64decode(value[1:]).decode() if value.startswith(":")
                              else value.strip())
        return values

    def connection(self):
        """A connection as usherd would have it: EXTERNAL with an authorization identity."""
        server = ldap3.Server("ldapi://" + os.path.join(self.path, "run/ldapi"), get_info=ldap3.NONE)
        connection = ldap3.Connection(server, authentication=ldap3.SASL, sasl_mechanism=ldap3.EXTERNAL,
                                      sasl_credentials="dn:cn=usher," + self.base)
        if not connection.bind():
            raise AssertionError(connection.result)
        return connection


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="usher")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def init(self, name, *loads, base=BASE):
        path = self.path(name)
        answer = directory("init", "--directory", path, "--base", base,
                           *[word for load in loads for word in ("--load", load)])
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        return Store(path, base)

    def serve(self, store, **keywords):
        self.addCleanup(store.stop, signal.SIGKILL)
        return store.start(**keywords)

    def refused(self, answer, *words, status=1):
        self.assertEqual(answer.returncode, status, answer.stderr)
        for word in words:
            self.assertIn(word, answer.stderr)
        for line in answer.stderr.splitlines():
            self.assertTrue(line.startswith("usher-directory: ") or status == 2, line)


class Preparing(Case):
    def test_init_makes_a_private_folder(self):
        store = self.init("a")
        self.assertEqual(stat.S_IMODE(os.stat(store.path).st_mode), 0o700)
        for name in os.listdir(store.path):
            self.assertEqual(os.stat(os.path.join(store.path, name)).st_mode & 0o077, 0, name)
        text = read(os.path.join(store.path, "slapd.conf"))
        self.assertNotIn(self.folder, text)
        self.assertFalse(os.path.exists(os.path.join(store.path, "load.ldif")))

    def test_second_init_is_refused_and_changes_nothing(self):
        store = self.init("a")
        before = sorted((name, os.stat(os.path.join(store.path, name)).st_mtime_ns)
                        for name in os.listdir(store.path))
        self.refused(directory("init", "--directory", store.path, "--base", BASE), store.path,
                     "prepared already")
        after = sorted((name, os.stat(os.path.join(store.path, name)).st_mtime_ns)
                       for name in os.listdir(store.path))
        self.assertEqual(before, after)

    def test_init_in_the_working_directory(self):
        os.mkdir(self.path("a"))
        answer = directory("init", "--directory", ".", "--base", BASE, "--load", "../x.ldif",
                           cwd=self.path("a"))
        self.refused(answer, "../x.ldif")
        self.assertEqual(os.listdir(self.path("a")), [])
        shutil.copy(MODELS[0], self.path("x.ldif"))
        answer = directory("init", "--directory", ".", "--base", BASE, "--load", "../x.ldif",
                           cwd=self.path("a"))
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def test_foreign_files_are_left_alone(self):
        os.mkdir(self.path("a"))
        kept = self.file("a/letter.txt", "dear")
        self.refused(directory("init", "--directory", self.path("a"), "--base", BASE), "letter.txt")
        self.assertEqual(read(kept), "dear")
        self.assertEqual(os.listdir(self.path("a")), ["letter.txt"])

    def test_what_a_killed_init_left_is_thrown_away(self):
        for name in ("data", "ledger", "run"):
            os.makedirs(self.path("a/" + name))
        self.file("a/data/data.mdb", "half")
        for name in ("load.ldif", "load.err", "base", "owner.conf", "owner.conf.new", "slapd.conf.new"):
            self.file("a/" + name, "half")
        self.serve(self.init("a"))

    def test_bases(self):
        for base in ("o=Venue Group", "dc=sub,dc=example,dc=org", "ou=x,O=Y, dc=z", "o=Théâtre"):
            with self.subTest(base=base):
                store = self.init("s%d" % len(base), *MODELS, base=base)
                store.base = read(os.path.join(store.path, "base")).strip()
                store.start()
                try:
                    dn = "cn=pat,ou=members,o=acme," + store.base
                    self.assertEqual(store.values(dn, "usherMember"), ["uid=pat,ou=people," + store.base])
                    self.assertEqual(store.values("cn=tixngo.basic,ou=roles," + store.base, "usherInclude"),
                                     ["cn=tixngo.support,ou=roles," + store.base])
                    answer = store.usher("ldapwhoami")
                    self.assertEqual(answer.returncode, 0, answer.stderr)
                    twice = store.usher("ldapadd", text=person("twin", "ada@example.org", store.base))
                    self.assertEqual(twice.returncode, 19, twice.stderr)
                finally:
                    store.stop()

    def test_bases_that_are_refused(self):
        for base in ("", "example", "cn=x", "o=a\\,b", "o=a+ou=b", 'o=a"b', "o=a\nb", "o= ", "o=$1", "o=@x",
                     "o=" + "x" * 300):
            with self.subTest(base=base):
                answer = directory("init", "--directory", self.path("a"), "--base", base)
                self.assertEqual(answer.returncode, 1)
                self.assertIn("usher-directory: the base", answer.stderr)
                self.assertFalse(os.path.exists(self.path("a")))

    def test_bad_entries_are_named_and_nothing_is_left(self):
        head = "# a comment\n\ndn: uid=x,ou=people,%s\nobjectClass: inetOrgPerson\nuid: x\n" % BASE
        cases = [
            (head + "cn: X\n", ("object class 'inetOrgPerson' requires attribute 'sn'",), 3),
            (head + "cn: A\n very\n long one\nsn: X\nusherActive: yes\n",
             ("usherActive",), 3),
            ("dn: cn=x,ou=nowhere,%s\nobjectClass: usherRole\ncn: x\n" % BASE, ("nowhere",), 1),
            ("dn: cn=x,dc=other\nobjectClass: usherRole\ncn: x\n", ("dc=other",), 1),
            ("\n# x\ndn: cn=y,ou=roles,%s\nobjectClass: usherRole\ncn: y\nuserNothing: 1\n" % BASE,
             ("userNothing",), 3),
            ("dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n" % BASE, ("ou=people",), 1),
            ("nonsense\n", (), 1),
        ]
        good = self.file("good.ldif", "dn: cn=g,ou=roles,%s\nobjectClass: usherRole\ncn: g\n" % BASE)
        for text, words, row in cases:
            with self.subTest(text=text):
                bad = self.file("bad.ldif", text)
                answer = directory("init", "--directory", self.path("a"), "--base", "o=acme",
                                   "--load", good, "--load", bad)
                self.refused(answer, *[word.replace(BASE, "o=acme") for word in words])
                self.assertIn("usher-directory: %s:%d: " % (bad, row), answer.stderr)
                self.assertFalse(os.path.exists(self.path("a")))

    def test_usage(self):
        for words in ([], ["init"], ["run"], ["walk"], ["init", "--directory", "x"], ["--nonsense"],
                      ["run", "--directory", "x", "--base", BASE]):
            with self.subTest(words=words):
                self.assertEqual(directory(*words).returncode, 2)


class Serving(Case):
    def test_run_is_slapd_itself_and_alone(self):
        store = self.serve(self.init("a"))
        self.assertEqual(os.path.basename(os.readlink("/proc/%d/exe" % store.process.pid)), "slapd")
        self.refused(directory("run", "--directory", store.path), store.path, "in use by process",
                     str(store.process.pid))
        self.refused(directory("run", "--directory", ".", cwd=store.path), "in use by process")
        self.assertEqual(store.tool("ldapwhoami", "-x").returncode, 0)
        store.stop()
        self.serve(store, name=".", cwd=store.path)

    def test_two_stores_side_by_side(self):
        one, two = self.serve(self.init("a")), self.serve(self.init("b", base="o=b"))
        self.assertEqual(one.values(BASE, "dc"), ["example"])
        self.assertEqual(two.values("o=b", "o"), ["b"])

    def test_refusals(self):
        self.refused(directory("run", "--directory", self.path("none")), self.path("none"))
        os.mkdir(self.path("empty"))
        self.refused(directory("run", "--directory", self.path("empty")), "not prepared")
        store = self.init("a")
        os.mkdir(os.path.join(store.path, "run/ldapi"))
        self.refused(directory("run", "--directory", store.path), "run/ldapi is in the way")
        os.rmdir(os.path.join(store.path, "run/ldapi"))
        os.chmod(os.path.join(store.path, "run"), 0o755)
        self.refused(directory("run", "--directory", store.path), "expected a folder with mode 0700")

    def test_socket_path_has_a_limit(self):
        room = 107 - len("/run/ldapi") - len(self.folder) - 1
        fits, over = self.init("f" * room), self.init("f" * (room + 1))
        self.refused(directory("run", "--directory", over.path), "108 bytes", "at most 107")
        self.serve(fits)

    def test_number_of_loads(self):
        loads = ["--load", "x.ldif"] * 257
        answer = directory("init", "--directory", self.path("a"), "--base", BASE, *loads)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("at most 256 files", answer.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_an_unnamed_uid_inside_a_closed_parent(self):
        os.chmod(self.folder, 0o700)
        store = self.init("a")
        self.assertEqual(subprocess.run(["chown", "-R", "61184:61184", store.path]).returncode, 0)
        self.refused(directory("run", "--directory", store.path), "belongs to uid 61184")
        inside = os.open(store.path, os.O_PATH)
        self.addCleanup(os.close, inside)
        program = shutil.copy(PROGRAM, "/dev/shm/usher-directory-%d" % os.getpid())
        self.addCleanup(os.unlink, program)

        def drop():
            os.fchdir(inside)
            os.setgroups([])
            os.setgid(61184)
            os.setuid(61184)

        def as_owner(*words):
            return subprocess.run(words, capture_output=True, text=True, preexec_fn=drop, cwd="/")

        store.process = subprocess.Popen([program, "run", "--directory", "."], preexec_fn=drop,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(store.stop, signal.SIGKILL)
        until("the store answers", store.answers)
        self.assertIn("dn:cn=admin," + BASE, store.admin("ldapwhoami").stdout)
        answer = as_owner("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://run%2Fldapi")
        self.assertIn("dn:cn=admin," + BASE, answer.stdout, answer.stderr)


def person(uid, mail, base=BASE):
    number = sum(ord(letter) << 8 * at for at, letter in enumerate(uid[-6:]))
    return ("dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: %s\n"
            "cn: %s\nsn: %s\nmail: %s\nusherId: 00000000-0000-4000-8000-%012x\n"
            % (uid, base, uid, uid, uid, mail, number))


def replace(dn, attribute, value):
    return "dn: %s\nchangetype: modify\nreplace: %s\n%s: %s\n" % (dn, attribute, attribute, value)


def roles(names):
    """LDIF of platform roles."""
    return "\n".join("dn: cn=%s,ou=roles,%s\nobjectClass: usherRole\ncn: %s\n" % (name, BASE, name)
                     for name in names)


class Rules(unittest.TestCase):
    """Cases that share one running store with the sample data and many roles."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="usher")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.store = Store(os.path.join(cls.folder, "a"))
        many = os.path.join(cls.folder, "many.ldif")
        with open(many, "w") as file:
            file.write(roles("r%d" % at for at in range(MANY)))
        words = [word for load in (*MODELS, many) for word in ("--load", load)]
        answer = directory("init", "--directory", cls.store.path, "--base", BASE, *words)
        if answer.returncode != 0:
            raise AssertionError(answer.stderr)
        cls.addClassCleanup(cls.store.stop, signal.SIGKILL)
        cls.store.start()

    def test_identities(self):
        self.assertEqual(self.store.admin("ldapwhoami").stdout, "dn:cn=admin,%s\n" % BASE)
        self.assertEqual(self.store.usher("ldapwhoami").stdout, "dn:cn=usher,%s\n" % BASE)
        self.assertEqual(self.store.tool("ldapwhoami", "-x").stdout, "anonymous\n")
        mechanisms = self.store.tool("ldapsearch", "-x", "-LLL", "-s", "base", "-b", "",
                                     "supportedSASLMechanisms")
        self.assertEqual(mechanisms.stdout.strip(), "dn:\nsupportedSASLMechanisms: EXTERNAL")

    def test_sample_people_log_in(self):
        for uid in ("ada", "sue", "ben", "mia", "tom", "pat", "vera"):
            answer = self.store.person(uid, uid + "-demo-password", "ldapwhoami")
            self.assertEqual(answer.stdout, "dn:uid=%s,ou=people,%s\n" % (uid, BASE), answer.stderr)
        for dn, password in (("cn=till-3,ou=services,o=acme," + BASE, "till-3-demo-password"),
                             ("cn=backoffice,ou=services," + BASE, "backoffice-demo-password")):
            self.assertEqual(self.store.tool("ldapwhoami", "-x", "-D", dn, "-w", password).returncode, 0)
        wrong = self.store.person("ada", "ada-demo-passwore", "ldapwhoami")
        self.assertEqual(wrong.returncode, 49)

    def test_wrong_passwords_leave_no_trace_and_lock_nobody(self):
        dn = "uid=tom,ou=people," + BASE
        before = self.store.values(dn, "entryCSN")
        for _ in range(8):
            self.assertEqual(self.store.person("tom", "wrong-password", "ldapwhoami").returncode, 49)
        self.assertEqual(self.store.person("tom", "tom-demo-password", "ldapwhoami").returncode, 0)
        self.assertEqual(self.store.values(dn, "entryCSN"), before)
        self.assertEqual(self.store.values(dn, "pwdFailureTime"), [])

    def test_who_reads_what(self):
        ada, sue = ("uid=%s,ou=people,%s" % (uid, BASE) for uid in ("ada", "sue"))
        secret = replace(ada, "usherTotpSecret", "sealed") + "\n" + \
            replace(ada, "usherAppPassword", "sealed")
        self.assertEqual(self.store.usher("ldapmodify", text=secret).returncode, 0)
        own = self.store.person("ada", "ada-demo-password", "ldapsearch", "-LLL", "-b", ada, "*", "+")
        self.assertIn("mail: ada@example.org", own.stdout)
        for word in ("userPassword", "usherTotpSecret", "usherAppPassword"):
            self.assertNotIn(word, own.stdout)
        for base in (sue, BASE, "ou=ledger," + BASE, "cn=log", "cn=ada,ou=members,o=acme," + BASE):
            seen = self.store.person("ada", "ada-demo-password", "ldapsearch", "-LLL", "-b", base, "dn")
            self.assertNotIn("dn: ", seen.stdout.replace("dn: " + ada, ""), base)
            seen = self.store.tool("ldapsearch", "-x", "-LLL", "-b", base, "dn")
            self.assertNotIn("dn: ", seen.stdout, base)
        log = ("ldapsearch", "-LLL", "-b", "cn=log", "-s", "sub", "(reqDN=%s)" % ada, "reqMod")
        self.assertNotIn("dn: ", self.store.usher(*log).stdout)
        self.assertIn("reqMod: ", self.store.admin(*log).stdout)
        seen = self.store.usher("ldapsearch", "-LLL", "-b", ada, "userPassword", "usherTotpSecret")
        self.assertIn("userPassword::", seen.stdout)
        self.assertIn("usherTotpSecret:", seen.stdout)
        seen = self.store.usher("ldapsearch", "-LLL", "-s", "base", "-b", BASE, "contextCSN")
        self.assertIn("contextCSN: ", seen.stdout)

    def test_who_writes_what(self):
        mia = "uid=mia,ou=people," + BASE
        for dn, attribute, value in ((mia, "mail", "x@example.org"), (mia, "usherSecondFactor", "none"),
                                     ("uid=ben,ou=people," + BASE, "userPassword", "long-enough"),
                                     ("cn=mia,ou=members,o=acme," + BASE, "usherGrant", "+*")):
            text = replace(dn, attribute, value)
            answer = self.store.person("mia", "mia-demo-password", "ldapmodify", text=text)
            self.assertIn(answer.returncode, (32, 50), answer.stderr)
            self.assertNotEqual(self.store.tool("ldapmodify", "-x", text=text).returncode, 0)
        for dn in ("uid=mia,ou=people," + BASE, "o=acme," + BASE):
            text = replace(dn, "description", "seen")
            self.assertEqual(self.store.usher("ldapmodify", text=text).returncode, 0)
        # A service may not change its own password.
        dn = "cn=till-3,ou=services,o=acme," + BASE
        answer = self.store.tool("ldapmodify", "-x", "-D", dn, "-w", "till-3-demo-password",
                                 text=replace(dn, "userPassword", "till-4-demo-password"))
        self.assertIn(answer.returncode, (32, 50))

    def test_password_quality(self):
        dn = "uid=pat,ou=people," + BASE
        for value, code in (("short", 19), ("{SSHA}c2hvcnQ=", 19), ("x" * 1001, 19), ("{CLEARTEXT}short", 50),
                            ("{cleartext}long-enough", 50)):
            text = replace(dn, "userPassword", value)
            answer = self.store.person("pat", "pat-demo-password", "ldapmodify", text=text)
            self.assertEqual(answer.returncode, code, value)
            self.assertEqual(self.store.usher("ldapmodify", text=text).returncode, code, value)
        answer = self.store.person("pat", "pat-demo-password", "ldappasswd", "-s", "short")
        self.assertNotEqual(answer.returncode, 0)
        answer = self.store.person("pat", "pat-demo-password", "ldappasswd", "-s", "pat-other-password")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.store.person("pat", "pat-demo-password", "ldapwhoami").returncode, 49)
        answer = self.store.person("pat", "pat-other-password", "ldapmodify",
                                   text=replace(dn, "userPassword", "pat-demo-password"))
        self.assertEqual(answer.returncode, 19, answer.stderr)  # used before
        self.assertIn("history", answer.stderr)
        self.assertEqual(self.store.admin("ldapmodify", text=replace(dn, "userPassword",
                                                                     "pat-demo-password")).returncode, 0)
        self.assertEqual(self.store.person("pat", "pat-demo-password", "ldapwhoami").returncode, 0)
        kept, = self.store.values(dn, "userPassword")
        self.assertTrue(kept.startswith("{ARGON2}$argon2i$v=19$m=19456,t=3,p=1$"), kept)
        self.assertEqual(self.store.admin("ldapmodify", text=replace(
            "uid=vera,ou=people," + BASE, "userPassword", "vera")).returncode, 0)
        self.assertEqual(self.store.admin("ldapmodify", text=replace(
            "uid=vera,ou=people," + BASE, "userPassword", "vera-demo-password")).returncode, 0)

    def race(self, connections, mail, turn):
        """The results of adding a person with this mail on each connection, all at once."""
        results, start = [None] * len(connections), threading.Barrier(len(connections))

        def add(at):
            uid = "r%dx%d" % (at, turn)
            dn = "uid=%s,ou=people,%s" % (uid, BASE)
            values = {"uid": uid, "cn": uid, "sn": uid, "mail": mail,
                      "usherId": "00000000-0000-4000-9000-%06x%06x" % (turn, at)}
            start.wait()
            connections[at].add(dn, ["inetOrgPerson", "usherPerson"], values)
            results[at] = connections[at].result["result"]
        threads = [threading.Thread(target=add, args=(at,)) for at in range(len(connections))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(results)

    def test_mail_uid_and_id_are_unique(self):
        connections = [self.store.connection() for _ in range(8)]
        for turn in range(25):
            self.assertEqual(self.race(connections, "Race%d@example.org" % turn, turn), [0] + [19] * 7)
        for each in connections:
            each.unbind()
        def add(uid, mail, number, second=None):
            text = re.sub("4000-8000-.*", "4000-a000-%012x" % number, person(uid, mail))
            if second is not None:
                text = text.replace("uid: ", "uid: %s\nuid: " % second, 1)
            return self.store.usher("ldapadd", text=text).returncode

        self.assertEqual(add("one", "one@example.org", 1), 0)
        self.assertEqual(add("two", "ONE@example.org", 2), 19)
        self.assertEqual(add("two", "two@example.org", 1), 19)
        self.assertEqual(add("two", "two@example.org", 2, second="One"), 19)
        self.assertEqual(add("two", "two@example.org", 2), 0)

    def test_ledger_swaps(self):
        dn = "cn=6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e01,ou=ledger," + BASE
        entry = "dn: %s\nobjectClass: usherLedger\ncn: 6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e01\n" % dn
        answer = self.store.usher("ldapadd", text=entry + "usherFailure: code 0\nusherTotpStep: 1\n")
        self.assertEqual(answer.returncode, 0, answer.stderr)

        def swap(attribute, old, new, *words):
            return self.store.usher("ldapmodify", *words, text=(
                "dn: %s\nchangetype: modify\ndelete: %s\n%s: %s\n-\nadd: %s\n%s: %s\n"
                % (dn, attribute, attribute, old, attribute, attribute, new))).returncode

        for attribute, old in (("usherFailure", "code 0"), ("usherTotpStep", "1")):
            self.assertEqual(swap(attribute, old, old + "1"), 0)
            self.assertEqual(swap(attribute, old, old + "2"), 16)
            self.assertEqual(self.store.values(dn, attribute), [old + "1"])
        # Two reservers at once: one wins.
        connections = [self.store.connection() for _ in range(4)]
        self.counter(dn, connections, 25)
        first = ("dn: %s\nchangetype: modify\nadd: usherFailure\nusherFailure: pin/acme 1\n" % dn)
        guard = "!assert=(!(usherFailure=pin/acme*))"
        self.assertEqual(self.store.usher("ldapmodify", "-e", guard, text=first).returncode, 0)
        second = first.replace("acme 1", "acme 2")
        self.assertEqual(self.store.usher("ldapmodify", "-e", guard, text=second).returncode, 122)
        for attribute in ("usherChallenge", "usherToken", "usherRecoveryCode"):
            text = "dn: %s\nchangetype: modify\nadd: %s\n%s: a\n%s: A\n" % ((dn,) + (attribute,) * 3)
            self.assertEqual(self.store.usher("ldapmodify", text=text).returncode, 0)
            self.assertEqual(swap(attribute, "a", "b"), 0)
            self.assertEqual(sorted(self.store.values(dn, attribute)), ["A", "b"])
        # The ledger is no part of the tree, and not in the log.
        seen = self.store.usher("ldapsearch", "-LLL", "-b", BASE, "(objectClass=usherLedger)", "dn")
        self.assertNotIn("dn: ", seen.stdout)
        seen = self.store.admin("ldapsearch", "-LLL", "-b", "cn=log", "(reqDN=%s)" % dn, "dn")
        self.assertNotIn("dn: ", seen.stdout)

    def counter(self, dn, connections, rounds):
        """Every connection raises usherTotpStep until it has won so many rounds."""
        start = int(self.store.values(dn, "usherTotpStep")[0])

        def work(connection):
            won = 0
            while won < rounds:
                connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["usherTotpStep"])
                old = connection.entries[0].usherTotpStep.value
                connection.modify(dn, {"usherTotpStep": [(ldap3.MODIFY_DELETE, [str(old)]),
                                                         (ldap3.MODIFY_ADD, [str(int(old) + 1)])]})
                won += connection.result["result"] == 0
        threads = [threading.Thread(target=work, args=(each,)) for each in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in connections:
            each.unbind()
        self.assertEqual(self.store.values(dn, "usherTotpStep"),
                         [str(start + rounds * len(connections))])

    def test_log(self):
        dn, group = "cn=seller,ou=roles,o=acme," + BASE, "cn=box-office,ou=groups,o=acme," + BASE
        self.assertEqual(self.store.usher("ldapmodify", text=replace(dn, "description", "one")).returncode, 0)
        self.assertEqual(self.store.usher("ldapmodify", text=replace(dn, "description", "two")).returncode, 0)
        self.assertEqual(self.store.usher("ldapmodify", text=(
            "dn: %s\nchangetype: modify\nadd: member\nmember: uid=mia,ou=people,%s\n" % (group, BASE))
        ).returncode, 0)
        seen = self.store.admin("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", "cn=log",
                                "(reqDN=%s)" % dn, "reqMod", "reqOld", "reqAuthzID")
        self.assertIn("reqOld: description: one", seen.stdout)
        self.assertIn("reqMod: description:= two", seen.stdout)
        self.assertIn("reqAuthzID: cn=usher," + BASE, seen.stdout)
        seen = self.store.admin("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", "cn=log",
                                "(reqDN=%s)" % group, "reqMod", "reqOld")
        self.assertIn("reqMod: member:+ uid=mia", seen.stdout)
        self.assertNotIn("reqOld: member", seen.stdout)

    def test_no_limits_for_the_gateway(self):
        seen = self.store.usher("ldapsearch", "-LLL", "-b", "ou=roles," + BASE, "(cn=r*)", "1.1")
        self.assertEqual((seen.returncode, seen.stdout.count("dn: ")), (0, MANY))


class Crashing(Case):
    def write(self, store, done, started):
        """Adds and swaps until the store is gone; what was acknowledged goes into done."""
        try:
            connection = store.connection()
            while True:
                started.set()
                at = len(done)
                dn = "cn=k%d,ou=ledger,%s" % (at, BASE) if at % 2 else "cn=k%d,ou=roles,%s" % (at, BASE)
                kind = "usherLedger" if at % 2 else "usherRole"
                connection.delete(dn)  # what the last crash left without an answer
                if connection.add(dn, kind, {"cn": "k%d" % at}):
                    done.append(dn)
        except (ldap3.core.exceptions.LDAPException, OSError):
            return

    def test_kill_9_loses_nothing_acknowledged(self):
        store, done, chance = self.init("a"), [], random.Random(9)
        self.addCleanup(store.stop, signal.SIGKILL)
        for _ in range(CRASHES):
            store.start()
            before, started = len(done), threading.Event()
            writer = threading.Thread(target=self.write, args=(store, done, started))
            writer.start()
            self.assertTrue(started.wait(PATIENCE))
            until("ten are acknowledged or the writer has ended",
                  lambda: len(done) >= before + 10 or not writer.is_alive(), COMMAND, 0.001)
            time.sleep(chance.random() * 0.02)
            store.stop(signal.SIGKILL)
            writer.join()
            self.assertGreaterEqual(len(done), before + 10)
        store.start()
        for base in ("ou=roles," + BASE, "ou=ledger," + BASE):
            seen = store.usher("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base, "(cn=k*)", "1.1")
            found = {line[4:] for line in seen.stdout.splitlines() if line.startswith("dn: ")}
            self.assertEqual({dn for dn in done if dn.endswith(base)} - found, set())
        newest = max(store.values(dn, "entryCSN")[0] for dn in done if "ou=roles" in dn)
        self.assertGreaterEqual(store.values(BASE, "contextCSN")[0], newest)

    def test_a_consumer_goes_on_after_kill_9(self):
        store = self.serve(self.init("a", self.file("many.ldif", roles("m%d" % at for at in range(MANY)))))
        names = ["a"] + ["m%d" % at for at in range(20)]
        self.assertEqual(store.usher("ldapadd", text=roles(["a"])).returncode, 0)
        store.stop()
        store.start()
        self.assertEqual(store.usher("ldapadd", text=roles(["b"])).returncode, 0)
        middle, = store.values(BASE, "contextCSN")
        gone, = store.values("cn=a,ou=roles," + BASE, "entryUUID")
        base = [store.values(BASE, name) for name in ("entryUUID", "entryCSN")]
        deleted = store.usher("ldapdelete", text="".join("cn=%s,ou=roles,%s\n" % (name, BASE)
                                                          for name in names))
        self.assertEqual(deleted.returncode, 0, deleted.stderr)
        newest, = store.values(BASE, "contextCSN")
        store.stop(signal.SIGKILL)
        store.start()
        self.assertGreater(store.values(BASE, "contextCSN")[0], newest)
        self.assertEqual([store.values(BASE, name) for name in ("entryUUID", "entryCSN")], base)
        everything = store.usher("ldapsearch", "-LLL", "-b", BASE, "entryUUID").stdout
        present = set(re.findall(r"^entryUUID: (\S+)", everything, re.M))
        self.assertNotIn(gone, present)
        self.assertGreater(len(present), 500)
        for cookie in (middle, newest):  # neither refused (53), nor left without word of the deletes
            seen = store.usher("ldapsearch", "-b", BASE, "-E", "sync=ro/rid=001,csn=" + cookie, "1.1")
            self.assertEqual(seen.returncode, 0, seen.stderr)
            self.assertNotIn("dn: cn=b,", seen.stdout)
            self.assertIn("refreshDeletes=0", seen.stdout)
            self.assertEqual(set(re.findall(r"\n#\t(\S+)", seen.stdout)), present)


if __name__ == "__main__":
    if not os.access("/usr/sbin/slapd", os.X_OK):
        sys.exit(77)
    unittest.main(verbosity=2, warnings="ignore")  # ldap3 leaves sockets of a killed server open
