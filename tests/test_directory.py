#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usher-directory with a real slapd: preparing a store, refusing, and serving it.
import os
import resource
import shutil
import signal
import stat
import subprocess
import unittest

from directory import Case, Store, directory, main, person, read
from gateway import BASE, ROOT, SAMPLE, program, until


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

    def test_two_inits_at_once(self):
        """One of them makes the store, whole; the others are refused and take nothing of it away."""
        words = [program("usher-directory"), "init", "--directory", self.path("a"), "--base", BASE]
        first = subprocess.Popen([*words, "--load", SAMPLE[0]], env=dict(os.environ, USHER_DATADIR=ROOT),
                                 stderr=subprocess.DEVNULL)
        until("it has begun", lambda: os.path.exists(self.path("a/lock")))
        while first.poll() is None:
            self.assertEqual(directory(*words[1:]).returncode, 1)
        self.assertEqual(first.returncode, 0)
        store = self.serve(Store(self.path("a")))
        self.assertEqual(store.values("cn=directory:read,ou=permissions," + BASE, "cn"), ["directory:read"])

    def test_init_in_the_working_directory(self):
        os.mkdir(self.path("a"))
        answer = directory("init", "--directory", ".", "--base", BASE, "--load", "../x.ldif",
                           cwd=self.path("a"))
        self.refused(answer, "../x.ldif")
        self.assertEqual(os.listdir(self.path("a")), [])
        shutil.copy(SAMPLE[0], self.path("x.ldif"))
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
                store = self.init("s%d" % len(base), *SAMPLE, base=base)
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

    def test_many_bad_entries(self):
        """So many lines are shown, and that there are more."""
        for count in (19, 40):  # and the line that says what they are
            bad = self.file("bad.ldif", "".join("dn: cn=x,ou=no%d,%s\nobjectClass: usherRole\ncn: x\n\n" % (n, BASE)
                                                for n in range(count)))
            answer = directory("init", "--directory", self.path("a"), "--base", BASE, "--load", bad)
            self.refused(answer, "ou=no0,", "ou=no15,")
            told = [line for line in answer.stderr.splitlines() if "ou=no" in line]
            self.assertEqual("and more, which is not shown" in answer.stderr, count == 40, answer.stderr)
            self.assertTrue(count == 19 and len(told) == 19 or 15 < len(told) <= 20, answer.stderr)

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
        with open("/proc/%d/limits" % store.process.pid, encoding="utf-8") as file:
            limits = {line[:26].strip(): line[26:].split() for line in file}
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        most = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
        self.assertEqual(limits["Max open files"][0], str(most))
        self.assertEqual(limits["Max core file size"][:2], ["0", "0"])
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
        copy = shutil.copy(program("usher-directory"), "/dev/shm/usher-directory-%d" % os.getpid())
        self.addCleanup(os.unlink, copy)

        def drop():
            os.fchdir(inside)
            os.setgroups([])
            os.setgid(61184)
            os.setuid(61184)

        def as_owner(*words):
            return subprocess.run(words, capture_output=True, text=True, preexec_fn=drop, cwd="/")

        store.process = subprocess.Popen([copy, "run", "--directory", "."], preexec_fn=drop,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(store.stop, signal.SIGKILL)
        until("the store answers", store.answers)
        self.assertIn("dn:cn=admin," + BASE, store.admin("ldapwhoami").stdout)
        answer = as_owner("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://run%2Fldapi")
        self.assertIn("dn:cn=admin," + BASE, answer.stdout, answer.stderr)


if __name__ == "__main__":
    main()
