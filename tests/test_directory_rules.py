#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The rules of the store that usher-directory prepares: who is who, who reads and writes what, passwords,
# what is unique, how the ledger swaps, and what the log keeps.
import os
import re
import shutil
import signal
import tempfile
import threading
import unittest

import ldap3

from directory import MANY, Store, directory, main, person, replace, roles
from gateway import BASE, SAMPLE


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
        words = [word for load in (*SAMPLE, many) for word in ("--load", load)]
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


if __name__ == "__main__":
    main()
