# SPDX-License-Identifier: BSD-2-Clause
"""usher-directory with a real slapd, for tests of the store alone, as usher-directory prepares it: Case has
a folder that goes away, Store runs one and has the LDAP tools pointed at it. Knows no usherd."""
import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import ldap3

from gateway import BASE, COMMAND, ROOT, program, until

MANY = 600  # entries: above the 500 that slapd gives to whoever has no limits of his own


def read(path):
    with open(path) as file:
        return file.read()


def directory(*arguments, **keywords):
    environment = dict(os.environ, USHER_DATADIR=ROOT)
    return subprocess.run([program("usher-directory"), *arguments], capture_output=True, text=True,
                          env=environment, timeout=COMMAND, **keywords)


class Store:
    """A store in a folder of its own, and the LDAP tools pointed at it."""

    def __init__(self, path, base=BASE):
        self.path, self.base, self.process = path, base, None
        self.uri = "ldapi://" + os.path.join(path, "run/ldapi").replace("/", "%2F")

    def start(self, **keywords):
        self.process = subprocess.Popen([program("usher-directory"), "run", "--directory", keywords.pop("name", self.path)],
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


def main():
    if not os.access("/usr/sbin/slapd", os.X_OK):
        sys.exit(77)
    unittest.main(verbosity=2, warnings="ignore")  # ldap3 leaves sockets of a killed server open
