#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# usherctl explain, check, permission list and doctor at a running gateway: the explanation names what
# decided and ends as Compare does; who may ask; and broken data (a circle, a member who does not exist,
# a grant that does not parse, an event without an organization) leaves everybody else's answers right,
# is named by doctor, and in the log once.
import json
import os
import shutil
import unittest

import ldif
import raw_ldap as raw
from gateway import BASE, STRANGER, Gateway, membership, person

DOCTOR = raw.ARC + ".3.9"


def dn(text):
    return "%s,%s" % (text, BASE)


GROUP = "usherGroupOfMembers", "usherGroup"
CLERK, CHIEF = dn("cn=clerk,ou=roles"), dn("cn=chief,ou=roles")
TREE = "".join((
    ldif.permission("box:open"), ldif.permission("box:close", usherRequires="box:open"),
    ldif.permission("box:empty", usherFactor="TRUE"), ldif.permission("box:scan", usherChannel="app"),
    ldif.permission("box:edit", usherEditing="TRUE"),
    ldif.role("clerk", "+box:*"), ldif.role("chief", usherInclude=CLERK),
    *(ldif.organization(name, "members", "groups", "roles", "events") for name in ("oak", "elm")),
    *map(ldif.person, ("amy", "bea", "cal", "dot", "eve")),
    ldif.member("amy", "oak", usherRole=CLERK),
    ldif.member("bea", "oak", "-box:open", usherRole=CLERK),
    ldif.member("cal", "oak", usherNotAfter="20200101000000Z"),
    ldif.member("dot", "oak", usherSetting="event-scope=specific", usherRole=CLERK),
    ldif.entry(dn("cn=crew,ou=groups,o=oak"), *GROUP, member=person("eve"), usherRole=CHIEF),
    ldif.member("eve", "oak"),
    ldif.event("hamlet", "elm", usherSharedWith=dn("o=oak")), ldif.event("lear", "elm")))


class Explain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(ldif=TREE)
        cls.gateway.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()

    def explain(self, *words, status=0):
        answer = self.gateway.ctl("explain", "--json", *words, check=False)
        self.assertEqual(answer.returncode, status, answer.stdout + answer.stderr)
        return json.loads(answer.stdout)

    def test_steps(self):
        """What decides: the answer, the step, the entry, words of the deciding line; exit status."""
        rows = [
            ("amy", "box:open", "allowed", 8, dn("cn=clerk,ou=roles"), "layer 5: the role clerk", 0),
            ("bea", "box:open", "denied", 8, membership("bea", "oak"), "layer 3: the membership's own value "
             "-box:open denies", 1),
            ("bea", "box:close", "denied", 8, membership("bea", "oak"), "-box:open", 1),
            ("amy", "box:close", "allowed", 8, dn("cn=clerk,ou=roles"), "box:close", 0),
            ("eve", "box:open", "allowed", 8, dn("cn=clerk,ou=roles"),
             "the role clerk, included by chief, of the group crew", 0),
            ("cal", "box:open", "denied", 3, membership("cal", "oak"), "no membership is valid", 1),
            ("dot", "box:open@event/elm/hamlet", "denied", 5, membership("dot", "oak"), "event-scope", 1),
            ("amy", "box:open@event/elm/hamlet", "allowed", 8, dn("cn=clerk,ou=roles"), "box:open", 0),
            ("amy", "box:open@event/elm/lear", "denied", 4, dn("cn=lear,ou=events,o=elm"), "not shared", 1),
            ("amy", "box:open@event/lear", None, 1, None, "no event", 2),
            ("amy", "box:empty", "second factor needed", 9, dn("cn=box:empty,ou=permissions"), "factor", 1),
            ("amy", "box:empty;factor=totp", "allowed", 8, dn("cn=clerk,ou=roles"), "box:empty", 0),
            ("amy", "box:scan", "denied", 6, dn("cn=box:scan,ou=permissions"), "channel app", 1),
            ("amy", "box:scan;channel=app", "allowed", 8, dn("cn=clerk,ou=roles"), "box:scan", 0),
            ("amy", "box:unheard", None, 1, None, "the catalogue holds no permission box:unheard", 2),
            ("zoe", "box:open", "denied", 2, None, "no person", 1),
            ("amy", "box open", None, 1, None, "the query \"box open\" is not", 2),
        ]
        for uid, query, answer, step, where, words, status in rows:
            with self.subTest(uid=uid, query=query):
                found = self.explain("oak", uid, query, status=status)
                deciding = [line for line in found["steps"] if line["deciding"]]
                self.assertEqual(len(deciding), 1, found)
                if answer:
                    self.assertEqual(found["answer"], answer)
                self.assertEqual((found["step"], deciding[0]["step"]), (step, step), found)
                self.assertEqual(deciding[0].get("dn"), where, found)
                self.assertIn(words, deciding[0]["text"])

    def test_overridden(self):
        steps = self.explain("oak", "bea", "box:open", status=1)["steps"]
        other = [line for line in steps if "overridden" in line["text"]]
        self.assertEqual([line["dn"] for line in other], [dn("cn=clerk,ou=roles")])
        self.assertIn("+box:*", other[0]["text"])
        self.assertEqual(sorted({line["step"] for line in steps}), [1, 2, 3, 4, 5, 6, 7, 8])

    def test_words(self):
        shown = self.gateway.ctl("explain", "oak", "bea", "box:open", check=False)
        self.assertEqual(shown.returncode, 1)
        self.assertRegex(shown.stdout, r"(?m)^\* step 8: layer 3: .*-box:open denies")
        self.assertRegex(shown.stdout, r"(?m)^  step 3: the membership in the organization oak is valid$")
        self.assertTrue(shown.stdout.endswith("denied, at step 8\n"), shown.stdout)

    def test_same_as_compare(self):
        """Whatever is asked, the result is the one that a Compare gives."""
        with self.gateway.admin() as link:
            for uid in ("amy", "bea", "cal", "dot", "eve", "nobody"):
                for query in ("box:open", "box:close", "box:empty", "box:scan;channel=app", "box:edit",
                              "box:gone", "box"):
                    with self.subTest(uid=uid, query=query):
                        want = link.ask(raw.compare(membership(uid, "oak"), query)).code
                        found = json.loads(self.gateway.ctl("explain", "--json", "oak", uid, query,
                                                            check=False).stdout)
                        self.assertEqual(found["result"], want)

    def test_check_tells_the_step(self):
        answer = json.loads(self.gateway.ctl("check", "--json", "oak", "bea", "box:open",
                                             check=False).stdout)
        self.assertEqual(answer, {"answer": "denied", "step": 8})

    def test_who_may_ask(self):
        value = raw.tlv(0x30, raw.tlv(0x80, b"oak") + raw.tlv(0x81, b"amy") + raw.tlv(0x82, b"box:open"))
        with self.gateway.ldap() as link:
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, value)).code, 50)
            self.assertEqual(link.ask(raw.extended(DOCTOR)).code, 50)
            self.assertEqual(link.ask(raw.compare(membership("amy", "oak"), "box:open")).code, 50)
        if os.geteuid() == 0:
            with self.gateway.as_uid(STRANGER) as link:
                self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, value)).code, 50)
                self.assertEqual(link.ask(raw.extended(DOCTOR)).code, 50)
        with self.gateway.backoffice() as link:
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, value)).code, 0)
        with self.gateway.local() as link:
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, value)).code, 0)
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, b"junk")).code, 2)
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, value[:-1])).code, 2)
            self.assertEqual(link.ask(raw.extended(DOCTOR, b"")).code, 2)
            long_name = raw.tlv(0x30, raw.tlv(0x80, b"o" * 65) + raw.tlv(0x81, b"a") + raw.tlv(0x82, b"b:c"))
            self.assertEqual(link.ask(raw.extended(raw.EXPLAIN, long_name)).code, 21)


BROKEN = {
    # name: (what is loaded, what doctor and the log say: the entry and a word of the text)
    "a circle of three": (
        ldif.role("ring.a", "+box:*", usherInclude=dn("cn=ring.b,ou=roles")) +
        ldif.role("ring.b", usherInclude=dn("cn=ring.c,ou=roles")) +
        ldif.role("ring.c", usherInclude=dn("cn=ring.a,ou=roles")) +
        ldif.person("fay") + ldif.member("fay", "oak", usherRole=dn("cn=ring.b,ou=roles")),
        [(dn("cn=ring.%s,ou=roles" % one), "circle") for one in "abc"]),
    "a group member who does not exist": (
        ldif.entry(dn("cn=ghosts,ou=groups,o=oak"), *GROUP, usherGrant="+box:edit",
                   member=[person("nobody"), person("cal")]),
        [(dn("cn=ghosts,ou=groups,o=oak"), person("nobody"))]),
    "a grant that does not parse": (
        ldif.role("slip", "box:open!", "+box:close") +
        ldif.person("gil") + ldif.member("gil", "oak", usherRole=dn("cn=slip,ou=roles")),
        [(dn("cn=slip,ou=roles"), "box:open!")]),
    "an event without an organization": (
        ldif.branches(BASE, "events") + ldif.entry(dn("cn=stray,ou=events"), "usherEvent") +
        ldif.entry(dn("o=ghost"), "organization") + ldif.branches(dn("o=ghost"), "events") +
        ldif.event("lost", "ghost", usherSharedWith=dn("o=oak")),
        [(dn("cn=stray,ou=events"), "belongs"), (dn("cn=lost,ou=events,o=ghost"), "no organization")]),
}

ASKED = [("amy", "box:open"), ("amy", "box:close"), ("bea", "box:open"), ("cal", "box:open"),
         ("dot", "box:open"), ("eve", "box:open"), ("eve", "box:edit"), ("amy", "box:empty")]


class Broken(unittest.TestCase):
    """Must show 5: what is broken harms nobody else, and is named."""

    def setUp(self):
        self.gateway = Gateway(ldif=TREE)
        self.gateway.__enter__()

    def tearDown(self):
        self.gateway.stop()

    def answers(self):
        with self.gateway.admin() as link:
            return [link.ask(raw.compare(membership(uid, "oak"), query)).code for uid, query in ASKED]

    def doctor(self, status):
        answer = self.gateway.ctl("doctor", "--json", check=False)
        self.assertEqual(answer.returncode, status, answer.stdout + answer.stderr)
        found = json.loads(answer.stdout)
        self.assertTrue(found["complete"])
        return found["defects"]

    def logged(self, where, word):
        return [line for line in self.gateway.text("usherd.log").splitlines()
                if where in line and word in line]

    def test_broken(self):
        before = self.answers()
        self.assertEqual(self.doctor(0), [])
        self.assertEqual(self.gateway.ctl("doctor").stdout, "no defects\n")
        for name, (loaded, _) in BROKEN.items():
            with self.subTest(broken=name):
                self.gateway.change(loaded)
                self.gateway.caught_up()
                self.assertEqual(self.answers(), before)
        self.expect_named()
        # Those who hold what is broken have the rest.
        with self.gateway.admin() as link:
            self.assertEqual(link.ask(raw.compare(membership("fay", "oak"), "box:open")).code,
                             raw.COMPARE_FALSE)
            self.assertEqual(link.ask(raw.compare(membership("gil", "oak"), "box:open")).code,
                             raw.COMPARE_FALSE)
        # Others come to hold it: told already.
        self.gateway.change(ldif.person("hal") + ldif.member(
            "hal", "oak", usherRole=[dn("cn=ring.a,ou=roles"), dn("cn=slip,ou=roles")]))
        self.gateway.modify(dn("cn=ghosts,ou=groups,o=oak"), member=[person("nobody"), person("hal")])
        self.gateway.caught_up()
        self.expect_named()
        self.assertEqual(self.answers(), before)
        self.mend()

    def expect_named(self):
        defects = self.doctor(1)
        for name, (_, told) in BROKEN.items():
            for where, word in told:
                with self.subTest(broken=name, where=where):
                    named = [one for one in defects if one["dn"] == where and word in one["text"]]
                    self.assertEqual(len(named), 1, defects)
                    self.assertEqual(len(self.logged(where, word)), 1, self.gateway.text("usherd.log"))
        self.assertEqual(len(defects), sum(len(told) for _, told in BROKEN.values()), defects)

    def mend(self):
        """Nothing is left to say, and what breaks again is told again."""
        ring = dn("cn=ring.c,ou=roles")
        ghosts = dn("cn=ghosts,ou=groups,o=oak")
        self.gateway.modify(ring, usherInclude=None)
        self.gateway.modify(ghosts, member=[person("hal")])
        self.gateway.modify(dn("cn=slip,ou=roles"), usherGrant=["+box:close"])
        self.gateway.tool("ldapdelete", "-r", dn("ou=events"), dn("o=ghost"))
        self.gateway.caught_up()
        self.assertEqual(self.doctor(0), [])
        with self.gateway.admin() as link:
            self.assertEqual(link.ask(raw.compare(membership("fay", "oak"), "box:open")).code,
                             raw.COMPARE_FALSE)
            self.assertEqual(link.ask(raw.compare(membership("hal", "oak"), "box:open")).code,
                             raw.COMPARE_TRUE)
        self.gateway.modify(ring, usherInclude=[dn("cn=ring.a,ou=roles")])
        self.gateway.modify(ghosts, member=[person("hal"), person("nobody")])
        self.gateway.caught_up()
        self.assertEqual(len(self.logged(ring, "circle")), 2)
        self.assertEqual(len(self.logged(ghosts, "nobody")), 2)

    def test_met_at_the_first_fill(self):
        """The same, when the cache is filled with it there."""
        before = self.answers()
        self.gateway.change("".join(loaded for loaded, _ in BROKEN.values()))
        self.gateway.caught_up()
        self.gateway.check_end(self.gateway.end_daemon())
        shutil.rmtree(self.gateway.path("cache"))
        os.remove(self.gateway.path("usherd.log"))
        self.gateway.start_daemon()
        self.expect_named()
        self.assertEqual(self.answers(), before)


if __name__ == "__main__":
    unittest.main(verbosity=1)
