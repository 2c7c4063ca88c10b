#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Who needs a second factor: the person's own choice and every organization of a valid membership, also
# for a login elsewhere; and what is left to somebody who has not enrolled one.
import unittest

import raw_ldap as raw
from asking import Asking
from gateway import BASE, Gateway, membership, person
from people import add, add_membership, add_organization, add_person, code, enrol, fresh_step, password

LONG_AGO, FAR_AWAY = "20200101000000Z", "29990101000000Z"
gateway = None


class WatchedStore(Gateway):
    """Its access log has the searches too."""

    def start_store(self):
        path = "store/slapd.conf"
        text = self.text(path)
        watched = text.replace("logops writes", "logops writes search")
        if text == watched:
            raise AssertionError("%s has no logops writes any more" % path)
        self.write(path, watched)
        super().start_store()


def setUpModule():
    global gateway
    gateway = WatchedStore().__enter__()
    add_organization(gateway, "strict", usherRequireFactor="TRUE")
    add_organization(gateway, "closed", usherRequireFactor="TRUE", usherActive="FALSE")
    add_organization(gateway, "lax", usherRequireFactor="FALSE")


def tearDownModule():
    gateway.stop()


class Case(Asking):
    def setUp(self):
        self.link = self.open(gateway.local())

    def state(self, uid, factor=raw.PASSWORD, **more):
        secret = password(uid) if factor == raw.PASSWORD else None
        answer = self.link.ask(raw.verify(uid, factor, secret, **more))
        return answer.code, answer.state, answer.ticket is not None

    def compares(self, uid):
        """The result of a question about themself on a bind with the password alone."""
        with gateway.bound(person(uid), password(uid)) as link:
            return link.ask(raw.compare(membership(uid), "tickets:read")).code

    def free(self, uid, **more):
        self.assertEqual(self.state(uid, **more), (raw.SUCCESS, raw.COMPLETE, True))
        self.assertEqual(self.state(uid, raw.NONE, **more)[:2], (raw.SUCCESS, raw.COMPLETE))
        self.assertEqual(self.compares(uid), raw.COMPARE_FALSE)

    def due(self, uid, **more):
        """No ticket, so no code step: enrolling is all that is left, wherever they come in."""
        self.assertEqual(self.state(uid, **more), (raw.STRONGER, raw.ENROLL_DUE, False))
        self.assertEqual(self.state(uid, raw.NONE, **more), (raw.STRONGER, raw.ENROLL_DUE, False))
        self.assertEqual(self.compares(uid), raw.NO_ACCESS)


class Due(Case):
    def test_of_the_person(self):
        add_person(gateway, "a1")
        self.free("a1")
        for factor in ("totp", "email", "sms"):
            gateway.modify(person("a1"), usherSecondFactor=factor, usherMailVerified="FALSE")
            self.due("a1")
            self.due("a1", organization="acme")
        gateway.modify(person("a1"), usherSecondFactor="none")
        self.free("a1")

    def test_of_an_organization(self):
        add_person(gateway, "a2", ("acme", "lax"))
        for where in ({}, {"organization": "acme"}, {"organization": "lax"}):
            self.free("a2", **where)
        add_membership(gateway, "a2", "strict")
        for where in ({}, {"organization": "acme"}, {"organization": "lax"}, {"organization": "strict"}):
            self.due("a2", **where)

    def test_only_while_the_membership_counts(self):
        add_person(gateway, "a3", ("acme", "strict"))
        dn = membership("a3", "strict")
        self.due("a3", organization="acme")
        for change, free in (
                ({"usherNotAfter": LONG_AGO}, True), ({"usherNotAfter": FAR_AWAY}, False),
                ({"usherNotBefore": FAR_AWAY}, True), ({"usherNotBefore": LONG_AGO}, False),
                ({"usherActive": "FALSE"}, True), ({"usherActive": "TRUE"}, False),
                ({"usherMember": person("sue")}, True), ({"usherMember": person("a3")}, False)):
            gateway.modify(dn, **change)
            with self.subTest(change=change):
                (self.free if free else self.due)("a3", organization="acme")
        self.assertEqual(self.compares("sue"), raw.COMPARE_TRUE)

    def test_only_under_their_own_name(self):
        """A membership whose cn is not the uid counts for nobody, nor does one of an event."""
        add_person(gateway, "a6")
        add(gateway, "cn=a6-too,ou=members,o=strict," + BASE, ["usherMembership"], cn="a6-too",
            usherMember=person("a6"))
        for dn, kind in (("ou=events,o=strict", {"ou": "events"}), ("cn=ball,ou=events,o=strict", {"cn": "ball"}),
                         ("ou=members,cn=ball,ou=events,o=strict", {"ou": "members"})):
            add(gateway, dn + "," + BASE, ["usherEvent" if "cn" in kind else "organizationalUnit"], **kind)
        add(gateway, "cn=a6,ou=members,cn=ball,ou=events,o=strict," + BASE, ["usherMembership"], cn="a6",
            usherMember=person("a6"))
        self.free("a6", organization="acme")
        add_membership(gateway, "a6", "strict")
        self.due("a6", organization="acme")

    def test_of_one_among_many(self):
        """However many memberships, few searches: their organizations are asked about together."""
        names = ["many%d" % i for i in range(150)]
        for name in names:
            add_organization(gateway, name, **({"usherRequireFactor": "TRUE"} if name == "many97" else {}))
        add_person(gateway, "a7", names)
        few = self.searches(lambda: self.due("a7"))
        gateway.modify("o=many97," + BASE, usherRequireFactor=None)
        most = self.searches(lambda: self.free("a7"))
        print("searches at the store for three logins: %d and %d" % (few, most))
        self.assertLess(most, 60)  # it was one for each organization

    def searches(self, ask):
        """How many searches the store has answered meanwhile."""
        before = self.logged()
        ask()
        return self.logged() - before

    def logged(self):
        gateway.directory.search("cn=log", "(objectClass=auditSearch)", attributes=["1.1"])
        return len(gateway.directory.entries)

    def test_only_of_an_active_organization(self):
        add_person(gateway, "a4", ("acme", "closed"))
        self.free("a4", organization="acme")
        gateway.modify("o=closed," + BASE, usherActive="TRUE")
        self.due("a4", organization="acme")
        gateway.modify("o=closed," + BASE, usherRequireFactor=None)
        self.free("a4", organization="acme")

    def test_of_the_platform(self):
        add_person(gateway, "a5", ("acme", "platform"))
        self.free("a5", organization="acme")
        gateway.modify("o=platform," + BASE, usherRequireFactor="TRUE")
        self.addCleanup(gateway.modify, "o=platform," + BASE, usherRequireFactor=None)
        self.due("a5", organization="acme")


class Enrolling(Case):
    def test_then_the_way_is_open(self):
        add_person(gateway, "b1", ("acme", "strict"))
        step = fresh_step()
        with gateway.bound(person("b1"), password("b1")) as link:
            for operation in (raw.search("", 0), raw.set_pin("acme", new="1"), raw.recovery(),
                              raw.password_modify(None, password("b1"), "another-password")):
                answer = link.ask(operation)
                self.assertEqual((answer.code, "enrolled first" in answer.text), (raw.NO_ACCESS, True))
            secret = link.ask(raw.enroll(raw.BEGIN)).secret
            self.assertEqual(link.ask(raw.enroll(raw.CONFIRM, code=code(secret, step))).code, raw.SUCCESS)
            self.assertEqual(link.ask(raw.compare(membership("b1"), "tickets:read")).code, raw.COMPARE_FALSE)
        answer = self.link.ask(raw.verify("b1", raw.PASSWORD, password("b1"), organization="acme"))
        self.assertEqual((answer.code, answer.state), (raw.STRONGER, raw.FACTOR_DUE))
        done = self.link.ask(raw.verify("b1", raw.CODE, code(secret, step + 1), organization="acme",
                                        ticket=answer.ticket))
        self.assertEqual(done.state, raw.COMPLETE)
        account = raw.verify("b1", raw.NONE, organization="acme", ticket=done.ticket)
        self.assertEqual(self.link.ask(account).state, raw.COMPLETE)
        # what the password alone has won is not enough for the account phase
        account = raw.verify("b1", raw.NONE, organization="acme", ticket=answer.ticket)
        self.assertEqual(self.link.ask(account).state, raw.FACTOR_DUE)

    def test_a_ticket_from_before_it_was_due(self):
        """A complete password login of one moment is none once an organization asks for more."""
        add_person(gateway, "b2")
        held = self.link.ask(raw.verify("b2", raw.PASSWORD, password("b2"))).ticket
        self.assertEqual(self.link.ask(raw.verify("b2", raw.NONE, ticket=held)).state, raw.COMPLETE)
        add_membership(gateway, "b2", "strict")
        self.assertEqual(self.link.ask(raw.verify("b2", raw.NONE, ticket=held)).state, raw.ENROLL_DUE)
        enrol(gateway, "b2")
        self.assertEqual(self.link.ask(raw.verify("b2", raw.NONE, ticket=held)).state, raw.FACTOR_DUE)


if __name__ == "__main__":
    unittest.main()
