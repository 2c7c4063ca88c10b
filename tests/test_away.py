#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What changes at the store while usherd is not there must be known when it is back, whatever kind of
# entry went, changed or came, and whether the store was restarted meanwhile or not.
import signal
import unittest

import people
import raw_ldap as raw
from gateway import BASE, Gateway, membership, person

QUERY = "reports:export"


class Away(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.gateway.__enter__()
        self.addCleanup(self.gateway.discard)

    def ask(self, uid, expected, organization="acme"):
        with self.gateway.local() as link:
            answer = link.ask(raw.compare(membership(uid, organization), QUERY))
        self.assertEqual(answer.code, expected, (uid, answer))

    def expect_all(self, expected):
        for uid in ("mia", "tom2", "ada2", "pat2", "sue2"):
            self.ask(uid, expected)

    def make(self):
        """Five ways to hold one permission."""
        add = people.add
        for uid in ("tom2", "ada2", "pat2", "sue2"):
            people.add_person(self.gateway, uid)
        self.group, self.role = "cn=late,ou=groups,o=acme," + BASE, "cn=late,ou=roles,o=acme," + BASE
        add(self.gateway, self.group, ["usherGroupOfMembers", "usherGroup"], cn="late",
            member=person("mia"), usherGrant="+" + QUERY)
        add(self.gateway, self.role, ["usherRole"], cn="late", usherGrant="+" + QUERY)
        self.gateway.modify(membership("tom2"), usherRole=self.role)
        self.gateway.modify(membership("ada2"), usherGrant="+" + QUERY)
        self.gateway.modify(membership("pat2"), usherGrant="+" + QUERY)
        self.gateway.modify(membership("sue2"), usherGrant="+" + QUERY)
        self.gateway.caught_up()
        self.expect_all(raw.COMPARE_TRUE)

    def unmake(self):
        self.gateway.modify(membership("ada2"), usherGrant=None)
        for dn in (self.group, self.role, membership("pat2"), person("sue2")):
            self.assertTrue(self.gateway.directory.delete(dn), self.gateway.directory.result)

    def back(self):
        self.gateway.start_daemon()
        self.gateway.caught_up()
        self.expect_all(raw.COMPARE_FALSE)
        people.add_membership(self.gateway, "pat2", "acme", usherGrant="+" + QUERY)
        self.gateway.caught_up()
        self.ask("pat2", raw.COMPARE_TRUE)
        self.gateway.stop()

    def test_usherd_alone(self):
        self.make()
        self.gateway.end_daemon(signal.SIGKILL)
        self.unmake()
        self.back()

    def test_the_store_restarted_afterwards(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                self.gateway.discard()
                self.setUp()
                self.make()
                self.gateway.end_daemon()
                self.unmake()
                self.gateway.end_store(number)
                self.gateway.start_store()
                self.back()

    def test_the_store_restarted_before(self):
        self.make()
        self.gateway.end_daemon()
        self.gateway.end_store()
        self.gateway.start_store()
        self.unmake()
        self.back()

    def test_only_the_store_restarted(self):
        """usherd stays, and its connection breaks."""
        self.make()
        self.gateway.end_store(signal.SIGKILL)
        self.expect_all(raw.COMPARE_TRUE)
        self.gateway.start_store()
        self.unmake()
        self.gateway.caught_up()
        self.expect_all(raw.COMPARE_FALSE)
        self.gateway.stop()


if __name__ == "__main__":
    unittest.main()
