#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# schema/: the generated files are those of the source, slapd loads the one by slapd.conf and the other
# into a running cn=config, and both give the same definitions, each with a description and a syntax.
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from gateway import until

ROOT = os.path.join(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."), "")
SCHEMA = os.path.abspath(os.path.join(ROOT, "schema"))
SLAPD = "/usr/sbin/slapd"
ARC = "2.25.190227144180112164674946508376533935585"
SEALED = {"usherTotpSecret", "usherAppPassword", "usherPin"}
OTHERS = ["core", "cosine", "inetorgperson", "nis"]

STATIC = "".join("include /etc/ldap/schema/%s.schema\n" % name for name in OTHERS) + """\
include %s/usher.schema
access to * by * read
"""

CONFIG = """\
dn: cn=config
objectClass: olcGlobal
cn: config

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

""" + "".join("include: file:///etc/ldap/schema/%s.ldif\n\n" % name for name in OTHERS) + """\
dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcAccess: to * by * read

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcRootDN: gidNumber=%d+uidNumber=%d,cn=peercred,cn=external,cn=auth
"""


class Slapd:
    """A slapd of our own on a unix socket."""

    def __init__(self, folder, *arguments):
        self.uri = "ldapi://" + os.path.join(folder, "ldapi").replace("/", "%2F")
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen([SLAPD, "-d", "none", "-h", self.uri, *arguments],
                                        stdout=self.log, stderr=self.log)
        until("slapd answers or has ended", lambda: self.process.poll() is not None or
              self.search("", "1.1").returncode == 0)
        if self.process.poll() is not None:
            text = open(self.log.name).read()
            self.stop()
            raise AssertionError("slapd does not start: " + text)

    def search(self, base, *attributes):
        return subprocess.run(["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", self.uri,
                               "-s", "base", "-b", base, *attributes],
                              capture_output=True, text=True)

    def definitions(self):
        """Our attribute types and classes as slapd prints them, by name and kind."""
        answer = self.search("cn=Subschema", "attributeTypes", "objectClasses")
        found = re.findall(r"^(attributeTypes|objectClasses): (\( %s\..*)$" % re.escape(ARC),
                           answer.stdout, re.M)
        return {(kind, re.search(r"NAME '(\w+)'", text).group(1)): text for kind, text in found}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.log.close()


class Schema(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="usher")
        self.addCleanup(shutil.rmtree, self.folder)

    def static(self):
        path = os.path.join(self.folder, "slapd.conf")
        with open(path, "w") as file:
            file.write(STATIC % SCHEMA)
        slapd = Slapd(self.folder, "-f", path)
        self.addCleanup(slapd.stop)
        return slapd.definitions()

    def dynamic(self):
        folder = os.path.join(self.folder, "dynamic")
        os.makedirs(os.path.join(folder, "config"))
        config = ["-F", os.path.join(folder, "config")]
        subprocess.run(["/usr/sbin/slapadd", *config, "-n", "0"], text=True, check=True,
                       input=CONFIG % (os.getegid(), os.geteuid()), capture_output=True)
        slapd = Slapd(folder, *config)
        self.addCleanup(slapd.stop)
        self.assertEqual(slapd.definitions(), {})
        added = subprocess.run(["ldapadd", "-Q", "-Y", "EXTERNAL", "-H", slapd.uri, "-f",
                                os.path.join(SCHEMA, "usher.ldif")], capture_output=True, text=True)
        self.assertEqual(added.returncode, 0, added.stderr)
        return slapd.definitions()

    def test_generated_files_are_up_to_date(self):
        subprocess.run([os.path.join(SCHEMA, "generate"), self.folder], check=True)
        for name in ("usher.schema", "usher.ldif"):
            with open(os.path.join(SCHEMA, name)) as kept, open(os.path.join(self.folder, name)) as new:
                self.assertEqual(kept.read(), new.read(), name + ": run schema/generate")

    def test_both_forms_load_and_agree(self):
        static, dynamic = self.static(), self.dynamic()
        self.assertGreater(len(static), 0)
        self.assertEqual(static, dynamic)

    def test_every_element_is_described(self):
        definitions = self.static()
        kinds = [kind for kind, _ in definitions]
        self.assertEqual(kinds.count("attributeTypes"), 50)
        self.assertEqual(kinds.count("objectClasses"), 11)
        for (kind, name), text in definitions.items():
            branch = 1 if kind == "attributeTypes" else 2
            self.assertRegex(text, r"^\( %s\.%d\.\d+ " % (re.escape(ARC), branch))
            self.assertRegex(text, r"DESC '[^']{10,}'")
            if kind == "attributeTypes":
                self.assertRegex(text, r"SYNTAX [0-9.]+")
                self.assertEqual("EQUALITY" in text, name not in SEALED, name)


if __name__ == "__main__":
    if not os.access(SLAPD, os.X_OK):
        sys.exit(77)
    unittest.main(verbosity=2)
