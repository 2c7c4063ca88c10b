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

import raw_ldap as raw
from gateway import BASE, STRANGER, Gateway, membership, person

EXPLAIN = "2.25.190227144180112164674946508376533935585.3.7"
DOCTOR = "2.25.190227144180112164674946508376533935585.3.9"

FOLDERS = """
dn: o={o},{base}
objectClass: organization
objectClass: usherOrganization
o: {o}
"""

FOLDER = """
dn: ou={ou},o={o},{base}
objectClass: organizationalUnit
ou: {ou}
"""

PERSON = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
objectClass: usherPerson
uid: {uid}
cn: {uid}
sn: {uid}
usherId: 00000000-0000-4000-8000-{number:012d}
"""

MEMBER = """
dn: cn={uid},ou=members,o={o},{base}
objectClass: usherMembership
cn: {uid}
usherMember: uid={uid},ou=people,{base}
{more}
"""

ENTRY = """
dn: {dn},{base}
objectClass: {kind}
cn: {cn}
{more}
"""


def entry(dn, kind, more=""):
    return ENTRY.format(dn=dn, kind=kind, cn=dn.split(",")[0].split("=")[1], more=more.format(base=BASE),
                        base=BASE)


def member(uid, organization, more=""):
    return MEMBER.format(uid=uid, o=organization, more=more.format(base=BASE), base=BASE)


def organization(name):
    return FOLDERS.format(o=name, base=BASE) + "".join(
        FOLDER.format(ou=ou, o=name, base=BASE) for ou in ("members", "groups", "roles", "events"))


def people(*uids):
    return "".join(PERSON.format(uid=uid, number=int.from_bytes(uid.encode(), "big"), base=BASE)
                   for uid in uids)


GROUP = "usherGroupOfMembers\nobjectClass: usherGroup"
CLERK = "usherRole: cn=clerk,ou=roles,{base}"

TREE = "".join([
    entry("cn=box:open,ou=permissions", "usherPermission"),
    entry("cn=box:close,ou=permissions", "usherPermission", "usherRequires: box:open"),
    entry("cn=box:empty,ou=permissions", "usherPermission", "usherFactor: TRUE"),
    entry("cn=box:scan,ou=permissions", "usherPermission", "usherChannel: app"),
    entry("cn=box:edit,ou=permissions", "usherPermission", "usherEditing: TRUE"),
    entry("cn=clerk,ou=roles", "usherRole", "usherGrant: +box:*"),
    entry("cn=chief,ou=roles", "usherRole", "usherInclude: cn=clerk,ou=roles,{base}"),
    organization("oak"), organization("elm"),
    people("amy", "bea", "cal", "dot", "eve"),
    member("amy", "oak", CLERK),
    member("bea", "oak", CLERK + "\nusherGrant: -box:open"),
    member("cal", "oak", "usherNotAfter: 20200101000000Z"),
    member("dot", "oak", "usherSetting: event-scope=specific\n" + CLERK),
    entry("cn=crew,ou=groups,o=oak", GROUP,
          "member: uid=eve,ou=people,{base}\nusherRole: cn=chief,ou=roles,{base}"),
    member("eve", "oak"),
    entry("cn=hamlet,ou=events,o=elm", "usherEvent", "usherSharedWith: o=oak,{base}"),
    entry("cn=lear,ou=events,o=elm", "usherEvent"),
])


def dn(text):
    return "%s,%s" % (text, BASE)


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
            self.assertEqual(link.ask(raw.extended(EXPLAIN, value)).code, 50)
            self.assertEqual(link.ask(raw.extended(DOCTOR)).code, 50)
            self.assertEqual(link.ask(raw.compare(membership("amy", "oak"), "box:open")).code, 50)
        if os.geteuid() == 0:
            with self.gateway.as_uid(STRANGER) as link:
                self.assertEqual(link.ask(raw.extended(EXPLAIN, value)).code, 50)
                self.assertEqual(link.ask(raw.extended(DOCTOR)).code, 50)
        with self.gateway.backoffice() as link:
            self.assertEqual(link.ask(raw.extended(EXPLAIN, value)).code, 0)
        with self.gateway.local() as link:
            self.assertEqual(link.ask(raw.extended(EXPLAIN, value)).code, 0)
            self.assertEqual(link.ask(raw.extended(EXPLAIN, b"junk")).code, 2)
            self.assertEqual(link.ask(raw.extended(EXPLAIN, value[:-1])).code, 2)
            self.assertEqual(link.ask(raw.extended(DOCTOR, b"")).code, 2)
            long_name = raw.tlv(0x30, raw.tlv(0x80, b"o" * 65) + raw.tlv(0x81, b"a") + raw.tlv(0x82, b"b:c"))
            self.assertEqual(link.ask(raw.extended(EXPLAIN, long_name)).code, 21)


BROKEN = {
    # name: (what is loaded, what doctor and the log say: the entry and a word of the text)
    "a circle of three": ("".join([
        entry("cn=ring.a,ou=roles", "usherRole", "usherInclude: cn=ring.b,ou=roles,{base}\nusherGrant: +box:*"),
        entry("cn=ring.b,ou=roles", "usherRole", "usherInclude: cn=ring.c,ou=roles,{base}"),
        entry("cn=ring.c,ou=roles", "usherRole", "usherInclude: cn=ring.a,ou=roles,{base}"),
        people("fay"), member("fay", "oak", "usherRole: cn=ring.b,ou=roles,{base}")]),
        [(dn("cn=ring.%s,ou=roles" % one), "circle") for one in "abc"]),
    "a group member who does not exist": (
        entry("cn=ghosts,ou=groups,o=oak", GROUP,
              "usherGrant: +box:edit\nmember: uid=nobody,ou=people,{base}\n"
              "member: uid=cal,ou=people,{base}"),
        [(dn("cn=ghosts,ou=groups,o=oak"), "uid=nobody,ou=people," + BASE)]),
    "a grant that does not parse": (
        entry("cn=slip,ou=roles", "usherRole", "usherGrant: box:open!\nusherGrant: +box:close") +
        people("gil") + member("gil", "oak", "usherRole: cn=slip,ou=roles,{base}"),
        [(dn("cn=slip,ou=roles"), "box:open!")]),
    "an event without an organization": (
        "\ndn: ou=events,%s\nobjectClass: organizationalUnit\nou: events\n" % BASE +
        entry("cn=stray,ou=events", "usherEvent") +
        "\ndn: o=ghost,%s\nobjectClass: organization\no: ghost\n" % BASE +
        FOLDER.format(ou="events", o="ghost", base=BASE) +
        entry("cn=lost,ou=events,o=ghost", "usherEvent", "usherSharedWith: o=oak,{base}"),
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
        for name, (ldif, _) in BROKEN.items():
            with self.subTest(broken=name):
                self.gateway.change(ldif)
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
        self.gateway.change(people("hal") + member("hal", "oak", "usherRole: cn=ring.a,ou=roles,{base}\n"
                                                   "usherRole: cn=slip,ou=roles,{base}"))
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
        self.gateway.change("".join(ldif for ldif, _ in BROKEN.values()))
        self.gateway.caught_up()
        self.gateway.check_end(self.gateway.end_daemon())
        shutil.rmtree(self.gateway.path("cache"))
        os.remove(self.gateway.path("usherd.log"))
        self.gateway.start_daemon()
        self.expect_named()
        self.assertEqual(self.answers(), before)


if __name__ == "__main__":
    unittest.main(verbosity=1)
