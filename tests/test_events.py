#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Compare about events and other objects: put to a membership with a scope, put to an event membership
# without one, what each error names, and that a change at the store is answered by.
import sys
import unittest

import ldif
import raw_ldap as raw
from gateway import BASE, Gateway, person
from people import password

HAMLET = ldif.event_dn("hamlet", "stage")
MORE = "".join((
    ldif.organization("stage", "members", "events"),
    ldif.event("hamlet", "stage", "members"),
    ldif.member("sue", HAMLET, "+tickets:read"),
    ldif.organization("asleep", "events", usherActive="FALSE"),
    ldif.event("dream", "asleep")))


def membership(uid, organization="stage"):
    return "cn=%s,ou=members,o=%s,%s" % (uid, organization, BASE)


def guest(uid, event="hamlet", organization="stage"):
    return "cn=%s,ou=members,cn=%s,ou=events,o=%s,%s" % (uid, event, organization, BASE)


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = cls.enterClassContext(Gateway(ldif=MORE))

    def setUp(self):
        self.link = self.enterContext(self.gateway.backoffice())

    def expect(self, code, dn, query, *words):
        answer = self.link.ask(raw.compare(dn, query))
        self.assertEqual(answer.code, code, (dn, query, answer))
        for word in words:
            self.assertIn(word, answer.text)

    def test_the_dn_means_the_event(self):
        self.expect(raw.COMPARE_TRUE, guest("sue"), "tickets:read")
        self.expect(raw.COMPARE_TRUE, guest("SUE", "Hamlet", "STAGE"), "tickets:read")
        self.expect(raw.COMPARE_FALSE, guest("sue"), "tickets:delete")
        self.expect(raw.COMPARE_FALSE, guest("ada"), "tickets:read")
        self.expect(raw.COMPARE_FALSE, guest("nobody-here"), "tickets:read")

    def test_the_dn_takes_no_scope(self):
        for scope in ("event/hamlet", "event/stage/hamlet", "payment/card"):
            self.expect(raw.BAD_SYNTAX, guest("sue"), "tickets:read@" + scope, scope)

    def test_the_scope_means_the_event(self):
        for scope in ("event/hamlet", "event/HAMLET", "event/stage/hamlet"):
            self.expect(raw.COMPARE_TRUE, membership("sue"), "tickets:read@" + scope)
        self.expect(raw.COMPARE_FALSE, membership("sue"), "tickets:read")
        self.expect(raw.COMPARE_FALSE, membership("sue"), "tickets:read@payment/card")
        self.expect(raw.COMPARE_FALSE, membership("sue", "acme"), "tickets:read@event/stage/hamlet")

    def test_what_is_not_there_is_named(self):
        for dn, query, words in (
                (guest("sue", "macbeth"), "tickets:read", ("event", "macbeth", "stage")),
                (guest("sue", "hamlet", "acme"), "tickets:read", ("event", "hamlet", "acme")),
                (guest("sue", "hamlet", "nowhere"), "tickets:read", ("organization", "nowhere")),
                (guest("sue", "dream", "asleep"), "tickets:read", ("organization", "asleep")),
                (membership("sue"), "tickets:read@event/macbeth", ("event", "macbeth", "stage")),
                (membership("sue"), "tickets:read@event/acme/hamlet", ("event", "hamlet", "acme")),
                (membership("sue", "nowhere"), "tickets:read@event/hamlet", ("organization", "nowhere"))):
            self.expect(raw.NO_OBJECT, dn, query, *words)
        self.expect(raw.NO_ATTRIBUTE, guest("sue"), "tickets:fly", "tickets:fly")
        self.expect(raw.BAD_SYNTAX, membership("sue"), "tickets:read@event/*", "event/*")

    def test_a_person_about_themself(self):
        self.link = self.enterContext(self.gateway.bound(person("sue"), password("sue")))
        self.expect(raw.COMPARE_TRUE, guest("sue"), "tickets:read")
        self.expect(raw.NO_ACCESS, guest("ada"), "tickets:read")

    def test_changes_at_the_store(self):
        self.gateway.modify(HAMLET, usherNotBefore="20990101000000Z")
        self.gateway.caught_up()
        self.expect(raw.COMPARE_FALSE, guest("sue"), "tickets:read")
        self.gateway.modify(HAMLET, usherNotBefore=None)
        self.gateway.modify(membership("ada", "acme"), usherGrant=["+tickets:read@event/*"])
        self.gateway.modify(HAMLET, usherSharedWith="o=acme," + BASE)
        self.gateway.caught_up()
        self.expect(raw.COMPARE_TRUE, guest("sue"), "tickets:read")
        self.expect(raw.COMPARE_TRUE, membership("ada", "acme"), "tickets:read@event/stage/hamlet")
        self.gateway.modify(HAMLET, usherSharedWith=None)
        self.gateway.caught_up()
        self.expect(raw.COMPARE_FALSE, membership("ada", "acme"), "tickets:read@event/stage/hamlet")


if __name__ == "__main__":
    sys.exit(unittest.main())
