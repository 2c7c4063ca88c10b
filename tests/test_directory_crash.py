#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What is left of a store after kill -9: all that was acknowledged, and what consumers need to go on.
import random
import re
import signal
import threading
import time

import ldap3

from directory import MANY, Case, main, roles
from gateway import BASE, COMMAND, PATIENCE, until

CRASHES = 20


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
    main()
