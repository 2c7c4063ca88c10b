#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Computed attributes in searches: lists of permissions and who-may filters against Compare, settings,
# affiliation and groups, and filters that mix them with stored ones against a naive reading.
import random
import unittest

import raw_ldap as raw
import searching
from gateway import BASE, membership, person
from search_tree import Tree
from searching import ANY, WHOLE, search

gateway = tree = None


def setUpModule():
    global gateway, tree
    tree = Tree()
    gateway = tree.gateway


def tearDownModule():
    gateway.stop()


def compare(link, dn, query):
    return link.ask(raw.compare(dn, query)).code


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
                self.assertEqual(sorted(lists), tree.memberships(organization))
                for permission in tree.catalogue():
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
        print("%d answers agree with Compare (%d permissions)" % (asked, len(tree.catalogue())))

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
            for permission in tree.catalogue():
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
            with tree.link("rita") as link:
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
        with tree.link("rita") as link:  # globe's groups are not rita's to read, but her own
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
            many = ("|", *[("=", "usherPermission", query) for query in tree.catalogue()[:5]])
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


if __name__ == "__main__":
    unittest.main()
