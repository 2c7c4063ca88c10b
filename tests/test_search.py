#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Search of the tree: who may see which entry (every reader x every entry), secrets to nobody, and the
# OpenLDAP client as people use it.
import os
import re
import subprocess
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, COMMAND, STRANGER, membership, person, service
from people import password
from search_tree import Tree, in_platform, is_person, organization_of
from searching import ANY, CRITICAL, WHOLE, search

READ = "directory:read"
SECRETS = ("userPassword", "usherTotpSecret", "usherAppPassword", "usherPin", "pwdHistory")
ARC = raw.ARC + ".1."
OTHER_NAMES = ("2.5.4.35", ARC + "10", ARC + "11", ARC + "32", "1.3.6.1.4.1.42.2.27.8.1.20",
               "USERPASSWORD", "userPassword;x-other", "userPassword;lang-en")
gateway = tree = None


def setUpModule():
    global gateway, tree
    tree = Tree()
    gateway = tree.gateway


def tearDownModule():
    gateway.stop()


def nested(dn):
    return [dn.split(",", n)[n] for n in range(1, dn.count(",") + 1)]


def readers():
    """(name, connection, what it sees)"""
    yield "administrator", gateway.admin(), tree.everything(work=True)
    yield "trusted peer", gateway.local(), tree.everything()
    yield "back office", gateway.backoffice(), tree.everything()
    yield "acme's till", gateway.bound(service("till-3", "acme"), password("till-3")), tree.delegated({"acme"})
    yield "globe's till", gateway.bound(service("till-g", "globe"), password("till-g")), tree.delegated({"globe"})
    yield "sue", tree.link("sue"), tree.own("sue")
    yield "gus", tree.link("gus"), tree.own("gus")
    yield "olaf", tree.link("olaf"), tree.own("olaf")
    yield "nobody", tree.link("nobody"), tree.own("nobody")
    yield "rita", tree.link("rita"), tree.own("rita") | tree.delegated({"acme"})
    yield "vera", tree.link("vera"), {dn for dn in tree.everything() if is_person(dn) or in_platform(dn) or
                                        organization_of(dn) != "shut"}


def each_reader():
    for name, link, sees in readers():
        with link:
            yield name, link, sees


class Readers(unittest.TestCase):
    def test_the_whole_tree(self):
        for name, link, sees in each_reader():
            found = search(link, BASE)
            self.assertEqual(found.code, raw.SUCCESS, (name, found.text))
            self.assertEqual(sorted(found.dns), sorted(sees), name)
            self.assertGreater(len(sees), 0, name)

    def test_every_base_and_scope(self):
        asked = 0
        for name, link, sees in each_reader():
            open_bases = {base for dn in sees for base in nested(dn)} | sees | {BASE, "ou=people," + BASE}
            for dn in [*tree, "o=none," + BASE, "uid=none,ou=people," + BASE]:
                found = {scope: search(link, dn, scope) for scope in (0, 1, 2, 3)}
                expected = {0: {dn} & sees, 1: {entry for entry in sees if entry.split(",", 1)[1] == dn},
                            2: {entry for entry in sees if entry == dn or entry.endswith("," + dn)},
                            3: {entry for entry in sees if entry.endswith("," + dn)}}
                for scope, answer in found.items():
                    asked += 1
                    if dn in open_bases:
                        self.assertEqual((answer.code, set(answer.dns)), (raw.SUCCESS, expected[scope]),
                                         (name, dn, scope))
                    else:
                        self.assertEqual((answer.code, answer.dns, answer.result.matched),
                                         (raw.NO_OBJECT, [], ""), (name, dn, scope))
                        self.assertEqual(answer.text, "no such entry", (name, dn, scope))
        print("%d searches by base and scope" % asked)

    def test_nobody(self):
        links = [gateway.ldap()]
        if os.geteuid() == 0:
            links.append(gateway.as_uid(STRANGER))
        for link in links:
            with link:
                for base in (BASE, "ou=people," + BASE, "cn=Subschema", "o=none," + BASE):
                    self.assertEqual(search(link, base, 0).code, raw.NO_ACCESS, base)
                self.assertEqual(search(link, "", 0).code, raw.SUCCESS)

    def test_outside_the_tree(self):
        for name, link, _ in each_reader():
            for base in ("cn=log", "cn=config", "dc=org", "ou=ledger," + BASE, "cn=x,ou=ledger," + BASE,
                         "dc=example,dc=com", "cn=monitor,x=y"):
                self.assertIn(search(link, base).code, (raw.NO_OBJECT, 34), (name, base))
            self.assertEqual(search(link, "", WHOLE).code, raw.NO_OBJECT, name)
        with gateway.local() as link:
            self.assertEqual(search(link, "no dn").code, 34)

    def test_an_unreadable_entry_is_not_found_by_asking(self):
        with tree.link("rita") as link:
            for wanted in (("=", "uid", "olaf"), ("!", ("=", "uid", "sue")), ("=", "mail", "olaf@example.org")):
                for base in (BASE, "ou=people," + BASE):
                    self.assertFalse(set(search(link, base, WHOLE, wanted).dns) & {person("olaf")}, wanted)
            limited = search(link, "ou=people," + BASE, WHOLE, ANY, size=3)
            self.assertEqual(len(limited.dns), 3)  # counted over what rita sees
            self.assertTrue(set(limited.dns) <= tree.own("rita") | tree.delegated({"acme"}))

    def test_what_changes_counts_at_once(self):
        with tree.link("rita") as link:
            base = "ou=members,o=acme," + BASE
            self.assertGreater(len(search(link, base).dns), 5)
            kept = tree[membership("rita")]["ushergrant"]
            try:
                gateway.modify(membership("rita"), usherGrant=[v for v in kept if v != "+" + READ])
                gateway.caught_up()
                self.assertEqual(search(link, base).dns, [membership("rita")])
                self.assertEqual(search(link, person("lena"), 0).code, raw.NO_OBJECT)
            finally:
                gateway.modify(membership("rita"), usherGrant=kept)
                gateway.caught_up()


class Secrets(unittest.TestCase):
    def test_never_returned(self):
        secret = [value.encode() for dn in tree for name in SECRETS for value in tree[dn].get(name.lower(), [])]
        secret += [value.encode() for value in gateway.entry(membership("rita"))["usherpin"]]
        self.assertGreater(len(secret), 8)
        for name, link, _ in each_reader():
            for attributes in ((), ("*",), ("*", "+"), SECRETS, OTHER_NAMES, (*SECRETS, *OTHER_NAMES, "*", "+")):
                for types_only in (False, True):
                    found = search(link, BASE, attributes=attributes, types_only=types_only)
                    self.assertEqual(found.code, raw.SUCCESS)
                    self.assertFalse([value for value in secret if value in found.bytes], (name, attributes))
                    named = {attribute.split(";")[0].lower() for entry in found.entries
                             for attribute in entry.attributes}
                    self.assertFalse(named & {one.lower() for one in SECRETS}, (name, attributes))
        with gateway.local() as link:
            only = search(link, person("sue"), 0, attributes=("userPassword",))
            self.assertEqual(only.entries[0].attributes, {})
            self.assertIn("uid", search(link, person("sue"), 0, attributes=()).entries[0].attributes)

    def test_never_asserted_on(self):
        stored = tree[person("sue")]["userpassword"][0]
        leaves = [("has", name) for name in (*SECRETS, *OTHER_NAMES)]
        leaves += [("=", name, stored) for name in ("userPassword", "2.5.4.35", "userPassword;x-other")]
        leaves += [("sub", "userPassword", "{"), (">=", "userPassword", ""), ("rule", "octetStringMatch", stored),
                   ("rule", "2.5.13.17", stored)]
        sue = ("=", "uid", "sue")
        for name, link, sees in each_reader():
            visible = [person("sue")] if person("sue") in sees else []
            for leaf in leaves:
                for wanted, expected in ((leaf, []), (("!", leaf), []), (("&", sue, leaf), []),
                                         (("&", sue, ("!", leaf)), []), (("|", sue, leaf), visible),
                                         (("|", sue, ("!", leaf)), visible),
                                         (("&", sue, ("!", ("&", leaf, ("has", "cn")))), []),
                                         (("&", sue, ("!", ("&", leaf, ("!", sue)))), visible)):
                    self.assertEqual(search(link, BASE, WHOLE, wanted).dns, expected, (name, wanted))

    def test_no_trick_with_controls(self):
        sort, matched = "1.2.840.113556.1.4.473", "1.2.826.0.1.3344810.2.3"
        key = raw.tlv(0x30, raw.tlv(0x30, raw.octets("userPassword")))
        with gateway.local() as link:
            plain = search(link, BASE).dns
            for oid, value in ((sort, key), (matched, raw.tlv(0x30, raw.octets("userPassword", 0x87)))):
                self.assertEqual(search(link, BASE, controls=[raw.control(oid, True, value)]).code, CRITICAL)
                self.assertEqual(search(link, BASE, controls=[raw.control(oid, False, value)]).dns, plain)


class Client(unittest.TestCase):
    """OpenLDAP's ldapsearch, as people type it."""

    def ldapsearch(self, *arguments, code=0):
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-x", "-H", "ldap://127.0.0.1:%d" % gateway.port,
                   "-D", service("backoffice"), "-w", password("backoffice"), *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND)
        self.assertEqual(answer.returncode, code, answer.stderr)
        return answer.stdout

    def test_who_may(self):
        out = self.ldapsearch("-b", "ou=members,o=acme," + BASE, "(usherPermission=tickets:delete)", "cn")
        self.assertEqual(sorted(re.findall("^cn: (.*)$", out, re.M)), ["ada", "ben", "mia", "tom"])

    def test_pages(self):
        out = self.ldapsearch("-b", BASE, "-E", "!pr=3/noprompt", "(objectClass=*)", "1.1")
        self.assertEqual(len(re.findall("^dn: ", out, re.M)), len(tree.everything()))

    def test_schema_and_root(self):
        out = self.ldapsearch("-b", "cn=Subschema", "-s", "base", "(objectClass=subschema)", "attributeTypes")
        self.assertIn("usherPermission", out)
        self.assertEqual(out.count("NAME 'memberOf'"), 1)
        self.assertEqual(self.ldapsearch("-b", "cn=Subschema", "-s", "sub", code=32), "")
        out = self.ldapsearch("-b", "", "-s", "base", "+")
        self.assertIn("subschemaSubentry: cn=Subschema", out)
        self.assertIn("supportedControl: " + searching.PAGED, out)

    def test_controls(self):
        self.ldapsearch("-M", "-b", BASE, "-s", "base")
        self.ldapsearch("-MM", "-b", BASE, "-s", "base", code=CRITICAL)
        with gateway.local() as link:
            found = search(link, BASE, controls=[raw.control(raw.FRESHNESS)])
            self.assertGreater(len(found.result.freshness[1]), 20)
            found = search(link, BASE, controls=[raw.control(raw.FRESHNESS), searching.paged(2)])
            self.assertGreater(len(found.result.freshness[1]), 20)
            self.assertEqual(len(found.page[1]), 16)
            for value in (b"", b"\x30", raw.tlv(0x30, raw.integer(-1), raw.octets(""))):
                found = search(link, BASE, controls=[raw.control(searching.PAGED, True, value)])
                self.assertEqual(found.code, raw.PROTOCOL_ERROR)


if __name__ == "__main__":
    unittest.main()
