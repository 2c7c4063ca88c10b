#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Search of the tree: who may see which entry (every reader x every entry), secrets to nobody, computed
# attributes against Compare, filters that mix them with stored ones against a naive reading, and the
# OpenLDAP client as people use it.
import os
import random
import re
import subprocess
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, COMMAND, STRANGER, Gateway, membership, person, service
from searching import ANY, CRITICAL, WHOLE, search

MORE = """
dn: o=globe,{base}
objectClass: organization
objectClass: usherOrganization
o: globe
usherSetting: theme=globe

dn: ou=members,o=globe,{base}
objectClass: organizationalUnit
ou: members

dn: ou=groups,o=globe,{base}
objectClass: organizationalUnit
ou: groups

dn: ou=services,o=globe,{base}
objectClass: organizationalUnit
ou: services

dn: o=shut,{base}
objectClass: organization
objectClass: usherOrganization
o: shut
usherActive: FALSE

dn: ou=members,o=shut,{base}
objectClass: organizationalUnit
ou: members

dn: cn=tills:open,ou=permissions,{base}
objectClass: usherPermission
cn: tills:open
usherChannel: app

dn: cn=vault:open,ou=permissions,{base}
objectClass: usherPermission
cn: vault:open
usherFactor: TRUE

dn: cn=vault:count,ou=permissions,{base}
objectClass: usherPermission
cn: vault:count
usherRequires: tills:open

dn: cn=stage:edit,ou=permissions,{base}
objectClass: usherPermission
cn: stage:edit
usherEditing: TRUE

dn: cn=hamlet,ou=events,o=acme,{base}
objectClass: usherEvent
cn: hamlet

dn: ou=members,cn=hamlet,ou=events,o=acme,{base}
objectClass: organizationalUnit
ou: members

dn: cn=faust,ou=events,o=acme,{base}
objectClass: usherEvent
cn: faust

dn: cn=gus,ou=members,cn=hamlet,ou=events,o=acme,{base}
objectClass: usherMembership
cn: gus
usherMember: uid=gus,ou=people,{base}
usherGrant: +stage:*
usherGrant: +vault:open

dn: cn=rita,ou=members,cn=hamlet,ou=events,o=acme,{base}
objectClass: usherMembership
cn: rita
usherMember: uid=rita,ou=people,{base}
usherGrant: -tickets:read

dn: cn=rita,ou=members,o=acme,{base}
objectClass: usherMembership
cn: rita
usherMember: uid=rita,ou=people,{base}
usherGrant: +directory:read
usherGrant: +tickets:*
usherGrant: -tickets:delete
usherGrant: +vault:*
usherGrant: +tills:open
usherGrant: -tickets:search@event/hamlet
usherGrant: +stage:edit@event/*
usherGrant: -stage:edit@event/acme/faust
usherGrant: +campaigns:read@payment/*
usherGrant: -campaigns:read@payment/till-9
usherGrant: +campaigns:update@giftcard/blue
usherSetting: theme=dark

dn: cn=rita,ou=members,o=globe,{base}
objectClass: usherMembership
cn: rita
usherMember: uid=rita,ou=people,{base}

dn: cn=lena,ou=members,o=acme,{base}
objectClass: usherMembership
cn: lena
usherMember: uid=lena,ou=people,{base}
usherGrant: +tickets:read
usherGrant: +stage:edit
usherSetting: event-scope=specific
usherActive: TRUE

dn: cn=olaf,ou=members,o=globe,{base}
objectClass: usherMembership
cn: olaf
usherMember: uid=olaf,ou=people,{base}
usherGrant: +tickets:read

dn: cn=olaf,ou=members,o=shut,{base}
objectClass: usherMembership
cn: olaf
usherMember: uid=olaf,ou=people,{base}

dn: cn=olaf,ou=members,o=acme,{base}
objectClass: usherMembership
cn: olaf
usherMember: uid=lena,ou=people,{base}
usherGrant: +tickets:read

dn: cn=crew,ou=groups,o=globe,{base}
objectClass: usherGroupOfMembers
objectClass: usherGroup
cn: crew
member: uid=rita,ou=people,{base}
member: uid=olaf,ou=people,{base}

dn: cn=till-g,ou=services,o=globe,{base}
objectClass: applicationProcess
objectClass: usherService
cn: till-g
userPassword: till-g-demo-password
""".format(base=BASE) + "".join("""
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
objectClass: usherPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.org
usherId: 6f1c3a52-0d0e-4c57-9a35-2b6a1f0d{number:04x}
userPassword: {uid}-demo-password
{more}""".format(uid=uid, number=number, base=BASE, more=more) for number, (uid, more) in enumerate({
    "rita": "usherHome: o=globe,%s\nusherBelongsTo: o=acme,%s\nusherBelongsTo: o=globe,%s\n" % (BASE, BASE, BASE),
    "lena": "usherHome: o=acme,%s\nusherBelongsTo: o=acme,%s\n" % (BASE, BASE),
    "olaf": "usherHome: o=globe,%s\nusherBelongsTo: o=globe,%s\nusherBelongsTo: o=shut,%s\n" % (BASE, BASE, BASE),
    "gus": "usherBelongsTo: o=acme,%s\n" % BASE,
    "nobody": "",
}.items()))

READ = "directory:read"
SECRETS = ("userPassword", "usherTotpSecret", "usherAppPassword", "usherPin", "pwdHistory")
ARC = raw.ARC + ".1."
OTHER_NAMES = ("2.5.4.35", ARC + "10", ARC + "11", ARC + "32", "1.3.6.1.4.1.42.2.27.8.1.20",
               "USERPASSWORD", "userPassword;x-other", "userPassword;lang-en")
gateway = tree = None


def setUpModule():
    global gateway, tree
    gateway = Gateway(ldif=MORE).start()
    gateway.pin("acme", "rita", "4711")
    gateway.directory.search(BASE, "(objectClass=*)", attributes=["*"])
    tree = {entry["dn"]: {name.lower(): [value.decode(errors="replace") for value in values]
                          for name, values in entry["raw_attributes"].items()}
            for entry in gateway.directory.response}


def tearDownModule():
    gateway.stop()


def organization_of(dn):
    found = re.search(r"o=([^,]+),%s$" % BASE, dn)
    return found.group(1) if found else None


def in_platform(dn):
    """What lies in no organization is the platform's."""
    return organization_of(dn) in (None, "platform")


def is_person(dn):
    return dn.endswith(",ou=people," + BASE)


def belongs(dn):
    return {organization_of(value) for value in tree[dn].get("usherbelongsto", [])}


def own(uid):
    """A person's entry and memberships."""
    return {dn for dn, entry in tree.items() if dn == person(uid) or
            (dn.startswith("cn=%s,ou=members," % uid) and entry.get("ushermember") == [person(uid)])}


def delegated(organizations):
    """The organizations' subtrees and people, and the catalogue and roles that all share."""
    return {dn for dn in tree if dn.endswith(("ou=permissions," + BASE, "ou=roles," + BASE)) or
            (belongs(dn) & organizations if is_person(dn) else organization_of(dn) in organizations)}


def everything(work=False):
    return {dn for dn in tree if not dn.endswith("ou=ledger," + BASE) and
            (work or not dn.endswith("ou=work," + BASE))}


def nested(dn):
    return [dn.split(",", n)[n] for n in range(1, dn.count(",") + 1)]


def person_link(uid):
    return gateway.bound(person(uid), uid + "-demo-password")


def readers():
    """(name, connection, what it sees)"""
    yield "administrator", gateway.admin(), everything(work=True)
    yield "trusted peer", gateway.local(), everything()
    yield "back office", gateway.backoffice(), everything()
    yield "acme's till", gateway.bound(service("till-3", "acme"), "till-3-demo-password"), delegated({"acme"})
    yield "globe's till", gateway.bound(service("till-g", "globe"), "till-g-demo-password"), delegated({"globe"})
    yield "sue", person_link("sue"), own("sue")
    yield "gus", person_link("gus"), own("gus")
    yield "olaf", person_link("olaf"), own("olaf")
    yield "nobody", person_link("nobody"), own("nobody")
    yield "rita", person_link("rita"), own("rita") | delegated({"acme"})
    yield "vera", person_link("vera"), {dn for dn in everything() if is_person(dn) or in_platform(dn) or
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
        with person_link("rita") as link:
            for wanted in (("=", "uid", "olaf"), ("!", ("=", "uid", "sue")), ("=", "mail", "olaf@example.org")):
                for base in (BASE, "ou=people," + BASE):
                    self.assertFalse(set(search(link, base, WHOLE, wanted).dns) & {person("olaf")}, wanted)
            limited = search(link, "ou=people," + BASE, WHOLE, ANY, size=3)
            self.assertEqual(len(limited.dns), 3)  # counted over what rita sees
            self.assertTrue(set(limited.dns) <= own("rita") | delegated({"acme"}))

    def test_what_changes_counts_at_once(self):
        with person_link("rita") as link:
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


def compare(link, dn, query):
    return link.ask(raw.compare(dn, query)).code


def catalogue():
    return sorted(entry["cn"][0] for dn, entry in tree.items() if dn.endswith(",ou=permissions," + BASE))


def memberships(organization):
    return sorted(dn for dn in tree if dn.endswith(",ou=members,o=%s,%s" % (organization, BASE)))


class Holding:
    """A list of usherPermission, read as documented."""

    def __init__(self, values):
        self.answers = {}
        for value in values:
            text, *options = value.split(";")
            name, _, scope = text.lstrip("-").partition("@")
            self.answers[name, scope] = (not text.startswith("-"), options)

    def answer(self, permission, scopes):
        """(allowed, options) by the narrowest listed of these scopes, narrowest first."""
        for scope in [*scopes, ""]:
            if (permission, scope) in self.answers:
                return self.answers[permission, scope]
        return False, []


class Computed(unittest.TestCase):
    def lists(self, link, base, attributes=("usherPermission",)):
        return {entry.dn: entry.attributes for entry in
                search(link, base, WHOLE, ("=", "objectClass", "usherMembership"), attributes).entries}

    def test_every_permission_of_every_member(self):
        """Lists, who-may filters and Compare say the same: the catalogue x all members."""
        asked = 0
        with gateway.backoffice() as link:
            for organization in ("acme", "globe", "platform"):
                base = "ou=members,o=%s,%s" % (organization, BASE)
                lists = {dn: Holding(found.get("usherPermission", []))
                         for dn, found in self.lists(link, base).items()}
                self.assertEqual(sorted(lists), memberships(organization))
                for permission in catalogue():
                    for options in ("", ";channel=app", ";channel=app;factor=totp", ";factor=email"):
                        query = permission + options
                        codes = {dn: compare(link, dn, query) for dn in lists}
                        may = search(link, base, WHOLE, ("=", "usherPermission", query)).dns
                        may_not = search(link, base, WHOLE, ("!", ("=", "usherPermission", query))).dns
                        self.assertEqual(sorted(may), sorted(dn for dn in codes
                                                             if codes[dn] == raw.COMPARE_TRUE), query)
                        self.assertEqual(sorted(set(may_not) & set(codes)),
                                         sorted(dn for dn in codes if codes[dn] == raw.COMPARE_FALSE), query)
                        for dn, held in lists.items():
                            allowed, needed = held.answer(permission, [])
                            expected = raw.COMPARE_TRUE if allowed else raw.COMPARE_FALSE
                            if "channel=app" in needed and "channel=app" not in query:
                                expected = raw.COMPARE_FALSE
                            elif "factor=due" in needed and "factor" not in query:
                                expected = raw.STRONGER
                            self.assertEqual(codes[dn], expected, (dn, query))
                            asked += 1
        print("%d answers agree with Compare (%d permissions)" % (asked, len(catalogue())))

    def test_scopes(self):
        """The narrowest line of the list answers each query, on objects and on events."""
        scopes = {"event/hamlet": ["event/acme/hamlet", "event/acme/*", "event/*"],
                  "event/acme/faust": ["event/acme/faust", "event/acme/*", "event/*"],
                  "payment/till-9": ["payment/till-9", "payment/*"], "payment/till-1": ["payment/*"],
                  "giftcard/blue": ["giftcard/blue", "giftcard/*"], "giftcard/red": ["giftcard/*"]}
        base = "ou=members,o=acme," + BASE
        asked = 0
        with gateway.backoffice() as link:
            lists = {dn: Holding(found.get("usherPermission", [])) for dn, found in self.lists(link, base).items()}
            for permission in catalogue():
                for scope, listed in scopes.items():
                    query = "%s@%s;channel=app;factor=totp" % (permission, scope)
                    may = search(link, base, WHOLE, ("=", "usherPermission", query)).dns
                    named = {dn for dn in lists if lists[dn].answer(permission, listed)[0]}
                    self.assertEqual(sorted(may), sorted(named), query)
                    asked += len(lists)
            rita = self.lists(link, membership("rita"))[membership("rita")]["usherPermission"]
        print("%d scoped answers" % asked)
        for value in ("tickets:read", "-tickets:search@event/acme/hamlet", "stage:edit@event/*",
                      "-stage:edit@event/acme/faust", "campaigns:read@payment/*",
                      "-campaigns:read@payment/till-9", "campaigns:update@giftcard/blue",
                      "-tickets:read@event/acme/hamlet", "vault:open;factor=due", "tills:open;channel=app",
                      "vault:count;channel=app"):
            self.assertIn(value, rita)
        self.assertNotIn("tickets:delete", rita)
        self.assertNotIn("stage:edit", rita)

    def test_ones_own_factor_counts(self):
        """Not the one that the query claims, where it is about oneself."""
        for query, expected in (("vault:open;factor=totp", []), ("vault:open", []),
                                ("tickets:read;factor=totp", [membership("rita")])):
            with person_link("rita") as link:
                self.assertEqual(search(link, membership("rita"), 0, ("=", "usherPermission", query)).dns, expected)
        with gateway.backoffice() as link:
            found = search(link, membership("rita"), 0, ("=", "usherPermission", "vault:open;factor=totp"))
            self.assertEqual(found.dns, [membership("rita")])

    def test_on_an_event(self):
        base = "ou=members,cn=hamlet,ou=events,o=acme," + BASE
        with gateway.backoffice() as link:
            lists = self.lists(link, base)
            self.assertEqual(lists["cn=gus," + base]["usherPermission"], ["stage:edit", "vault:open;factor=due"])
            rita = lists["cn=rita," + base]["usherPermission"]
            self.assertIn("tickets:update", rita)
            for denied in ("tickets:read", "tickets:search", "tickets:delete"):
                self.assertNotIn(denied, rita)
            for query, expected in (("stage:edit", ["gus", "rita"]), ("vault:open", []), ("tickets:update", ["rita"]),
                                    ("vault:open;factor=sms", ["gus", "rita"]), ("tickets:read", []),
                                    ("tickets:update@event/hamlet", [])):
                found = search(link, base, WHOLE, ("=", "usherPermission", query))
                self.assertEqual(sorted(found.dns), ["cn=%s,%s" % (uid, base) for uid in expected], query)

    def test_settings_and_affiliation(self):
        names = ("usherEffectiveSetting", "usherAffiliation")
        with gateway.backoffice() as link:
            acme = self.lists(link, "ou=members,o=acme," + BASE, names)
            globe = self.lists(link, "ou=members,o=globe," + BASE, names)
            self.assertEqual(acme[membership("rita")], {"usherEffectiveSetting": ["theme=dark"],
                                                        "usherAffiliation": ["external"]})
            self.assertEqual(globe[membership("rita", "globe")], {"usherEffectiveSetting": ["theme=globe"],
                                                                  "usherAffiliation": ["internal"]})
            self.assertEqual(acme[membership("lena")]["usherEffectiveSetting"], ["event-scope=specific"])
            for attribute, value, expected in (
                    ("usherAffiliation", "external", [membership("olaf"), membership("rita")]),
                    ("usherAffiliation", "EXTERNAL", [membership("olaf"), membership("rita")]),
                    ("usherAffiliation", "foreign", []),
                    ("usherEffectiveSetting", "theme=dark", [membership("rita")]),
                    ("usherEffectiveSetting", "theme=globe", [])):
                found = search(link, "ou=members,o=acme," + BASE, WHOLE, ("=", attribute, value))
                self.assertEqual(sorted(found.dns), expected, (attribute, value))
            everywhere = search(link, BASE, WHOLE, ("&", ("=", "usherAffiliation", "internal"),
                                                    ("=", "usherMember", person("rita"))))
            self.assertEqual(everywhere.dns, [membership("rita", "globe")])

    def test_member_of(self):
        crew, box = "cn=crew,ou=groups,o=globe," + BASE, "cn=box-office,ou=groups,o=acme," + BASE
        people = "ou=people," + BASE
        with gateway.backoffice() as link:
            found = search(link, people, WHOLE, ("has", "memberOf"), ("memberOf",))
            self.assertEqual({entry.dn: entry.attributes["memberOf"] for entry in found.entries},
                             {person("sue"): [box], person("ben"): [box], person("rita"): [crew],
                              person("olaf"): [crew]})
            for value, expected in ((box, ["ben", "sue"]), (box.upper(), ["ben", "sue"]), ("cn=none," + people, [])):
                found = search(link, people, WHOLE, ("=", "memberOf", value))
                self.assertEqual(sorted(found.dns), [person(uid) for uid in expected], value)
            self.assertEqual(search(link, people, WHOLE, ("=", "memberOf", "no dn")).code, raw.BAD_SYNTAX)
        with person_link("rita") as link:  # globe's groups are not rita's to read, but her own
            self.assertEqual(search(link, person("rita"), 0, ANY, ("memberOf",)).entries[0].attributes,
                             {"memberOf": [crew]})
            self.assertEqual(search(link, people, WHOLE, ("=", "memberOf", crew)).dns, [])
            self.assertEqual(search(link, people, WHOLE, ("!", ("=", "memberOf", crew))).dns, [])
            self.assertEqual(len(search(link, people, WHOLE, ("=", "memberOf", box)).dns), 2)

    def test_only_when_named(self):
        with gateway.backoffice() as link:
            for attributes in ((), ("*",), ("*", "+"), ("usherPermission;x-a",)):
                entry = search(link, membership("rita"), 0, ANY, attributes).entries[0]
                self.assertFalse({"usherpermission", "ushereffectivesetting", "usheraffiliation"} &
                                 {name.lower() for name in entry.attributes}, attributes)
            both = search(link, membership("rita"), 0, ANY, ("cn", "USHERPERMISSION"))
            self.assertEqual(set(both.entries[0].attributes), {"cn", "usherPermission"})
            types = search(link, membership("rita"), 0, ANY, ("usherPermission",), types_only=True)
            self.assertEqual(types.entries[0].attributes, {"usherPermission": []})
            self.assertEqual(search(link, person("rita"), 0, ANY, ("usherPermission",)).entries[0].attributes, {})

    def test_errors(self):
        acme = "ou=members,o=acme," + BASE
        cases = ((acme, "tickets:fly", raw.NO_ATTRIBUTE, "tickets:fly"), (acme, "tickets", raw.BAD_SYNTAX, "tickets"),
                 (acme, "", raw.BAD_SYNTAX, ""), (acme, "tickets:read@event/none", raw.NO_OBJECT, "event/none"),
                 (acme, "tickets:read@event/globe/x", raw.NO_OBJECT, "globe/x"),
                 (acme, "tickets:read@event/*", raw.BAD_SYNTAX, "event/*"),
                 ("ou=members,o=shut," + BASE, "tickets:read", raw.NO_OBJECT, "shut"))
        with gateway.backoffice() as link:
            for base, query, code, text in cases:
                for wanted in (("=", "usherPermission", query), ("!", ("=", "usherPermission", query)),
                               ("|", ("has", "cn"), ("=", "usherPermission", query))):
                    found = search(link, base, WHOLE, wanted)
                    self.assertEqual((found.code, found.dns), (code, []), (query, found))
                    self.assertIn(text, found.text)
            self.assertEqual(search(link, acme, WHOLE, ("=", "usherEffectiveSetting", "x")).code, raw.BAD_SYNTAX)
            many = ("|", *[("=", "usherPermission", query) for query in catalogue()[:5]])
            self.assertEqual(search(link, acme, WHOLE, many).code, searching.ADMIN_LIMIT)
            same = ("|", *[("=", "usherPermission", "tickets:read")] * 9)
            self.assertEqual(search(link, acme, WHOLE, same).code, raw.SUCCESS)

    def test_filters(self):
        """Random filters of stored, computed, secret and unknown attributes, by a naive reading."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        computed = [("=", "usherPermission", "tickets:read"), ("=", "usherPermission", "vault:open"),
                    ("=", "usherPermission", "tickets:search@event/hamlet"), ("=", "usherAffiliation", "internal"),
                    ("=", "memberOf", "cn=crew,ou=groups,o=globe," + BASE), ("has", "usherEffectiveSetting"),
                    ("sub", "usherPermission", "tickets")]
        stored = [("=", "cn", "rita"), ("has", "usherRole"), ("=", "usherActive", "TRUE"), ("=", "uid", "olaf"),
                  ("=", "usherMember", person("lena")), ("=", "noSuchThing", "x"), ("has", "userPassword"), ("&",),
                  ("|",), ("has", "mail")]
        known = {}

        def leaf(dn):
            return lambda one: known[one].get(dn, False)

        def grow(depth, leaves):
            kind = chance.choice("&|!ll") if depth else "l"
            if kind == "l":
                return chance.choice(leaves + stored)
            if kind == "!":
                return ("!", grow(depth - 1, leaves))
            return (kind, *[grow(depth - 1, leaves) for _ in range(chance.randint(1, 3))])

        with gateway.backoffice() as link:
            everybody = search(link, BASE).dns
            for one in computed + stored[:-3] + stored[-1:]:
                yes = set(search(link, BASE, WHOLE, one).dns)
                no = set(search(link, BASE, WHOLE, ("!", one)).dns)
                self.assertFalse(yes & no)
                known[one] = {dn: True if dn in yes else False if dn in no else None for dn in everybody}
            self.assertEqual(set(known[computed[-1]].values()), {None})
            self.assertEqual(set(known[stored[6]].values()), {None})
            self.assertIn(None, known[computed[1]].values())
            for number in range(400):
                wanted = grow(4, chance.sample(computed, 4))
                expected = [dn for dn in everybody if searching.truth(wanted, leaf(dn)) is True]
                found = search(link, BASE, WHOLE, wanted)
                self.assertEqual(sorted(found.dns), sorted(expected), (seed, number, wanted, found))
        print("400 filters agree, seed %d" % seed)


class Client(unittest.TestCase):
    """OpenLDAP's ldapsearch, as people type it."""

    def ldapsearch(self, *arguments, code=0):
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-x", "-H", "ldap://127.0.0.1:%d" % gateway.port,
                   "-D", service("backoffice"), "-w", "backoffice-demo-password", *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND)
        self.assertEqual(answer.returncode, code, answer.stderr)
        return answer.stdout

    def test_who_may(self):
        out = self.ldapsearch("-b", "ou=members,o=acme," + BASE, "(usherPermission=tickets:delete)", "cn")
        self.assertEqual(sorted(re.findall("^cn: (.*)$", out, re.M)), ["ada", "ben", "mia", "tom"])

    def test_pages(self):
        out = self.ldapsearch("-b", BASE, "-E", "!pr=3/noprompt", "(objectClass=*)", "1.1")
        self.assertEqual(len(re.findall("^dn: ", out, re.M)), len(everything()))

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
