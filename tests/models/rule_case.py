# SPDX-License-Identifier: BSD-2-Clause
"""Cases of the numbered rules: test_rule_NNN_words, asked over LDAP Compare at a real gateway.

Each class builds its people in people(world), beside all five models and the samples; changes during
a test are made at the store and waited for."""
import unittest

import raw_ldap as raw
from gateway import Gateway

from . import naive, replay
from .tables import Cell
from .world import World


class RuleCase(unittest.TestCase):
    organization = None  # where people are asked about when a case names no other
    maxDiff = None

    @classmethod
    def people(cls, world):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        world = World()
        cls.people(world)
        cls.gateway = cls.enterClassContext(Gateway(load=replay.FILES, ldif=world.ldif()))
        cls.link = cls.enterClassContext(cls.gateway.backoffice())

    def answers(self, cells):
        return replay.ask_gateway(self.link, cells)

    def expect(self, allowed, uid, queries, organization, event):
        """That all of these queries about this person have the same answer."""
        cells = [Cell(self.id(), uid, organization or self.organization, query, allowed, event)
                 for query in queries]
        found = {naive.query(cell): answer.split(" ")[0] if answer.startswith("deny") else answer
                 for cell, answer in zip(cells, self.answers(cells))}
        self.assertTrue(found)
        self.assertEqual(found, {query: "allow" if allowed else "deny" for query in found}, uid)

    def may(self, uid, *queries, organization=None, event=None):
        self.expect(True, uid, queries, organization, event)

    def may_not(self, uid, *queries, organization=None, event=None):
        self.expect(False, uid, queries, organization, event)

    def change(self, ldif):
        """Changes entries at the store; returns when the gateway answers by them."""
        self.gateway.change(ldif)
        self.gateway.caught_up()

    def modify(self, dn, **attributes):
        self.gateway.modify(dn, **attributes)
        self.gateway.caught_up()

    def stored(self, dn, attribute):
        """The values of an attribute at the store, sorted."""
        return sorted(self.gateway.entry(dn).get(attribute.lower(), []))

    def computed(self, dn, attribute):
        """The values that the gateway computes for an entry, sorted."""
        self.link.post(raw.search(dn, 0, [attribute]))
        entry = self.link.receive()
        if entry.op != 0x64:
            self.fail("no entry but %r" % entry)
        self.assertEqual(self.link.receive().code, raw.SUCCESS)
        return sorted(value for name, values in entry.attributes.items()
                      if name.lower() == attribute.lower() for value in values)
