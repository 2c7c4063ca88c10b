#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The numbered rules of the TIXNGO model: five roles, seven privileges a page, and the actions that
# stand beside them. The rules are asked as they are worded; the cells are in test_conformance_tixngo.py.
import unittest

from gateway import BASE
from models import tables
from models.rule_case import RuleCase

ROLES = ("admin", "support", "basic", "moderator", "tixngo-support")
LOW = ("support", "basic", "moderator")
HIGH = ("admin", "tixngo-support")
PRIVILEGES = ("read", "create", "update", "delete", "search", "export", "execute")
CELLS = tables.rows("tixngo-privileges")
PAGES = sorted({row["page"] for row in CELLS})
CAMPAIGNS = ["campaigns:" + privilege for privilege in PRIVILEGES if privilege != "execute"]


def every(page):
    return ["%s:%s" % (page, privilege) for privilege in PRIVILEGES]


CATALOGUE = [name for page in PAGES for name in every(page)]
ACTIONS = [name for name in tables.catalogue("tixngo") if name not in CATALOGUE]


class TixngoRules(RuleCase):
    organization = "cinema"

    @classmethod
    def people(cls, world):
        world.organization("cinema")
        for role in ROLES:
            world.member("cinema", role, roles=["tixngo." + role])

    def held(self, role, names):
        """Which of these the role has, by the gateway."""
        cells = [tables.Cell("", role, "cinema", name, None) for name in names]
        found = dict(zip(names, self.answers(cells)))
        self.assertLessEqual({answer for answer in found.values()}, {"allow", "deny"})
        return {name for name, answer in found.items() if answer == "allow"}

    def only(self, roles, *names):
        """That these roles may and all others may not."""
        for role in ROLES:
            (self.may if role in roles else self.may_not)(role, *names)

    def test_rule_036_five_roles(self):
        self.gateway.directory.search("ou=roles," + BASE, "(cn=tixngo.*)", attributes=["cn"])
        found = {entry["attributes"]["cn"][0] for entry in self.gateway.directory.response}
        self.assertEqual(found, {"tixngo." + role for role in ROLES})
        self.only(ROLES, "backoffice:login")

    def test_rule_037_seven_privileges_a_page(self):
        self.assertEqual((len(PAGES), len(CATALOGUE)), (20, 140))
        self.assertTrue(self.held("admin", CATALOGUE))  # each is known, or held() fails

    def test_rule_038_no_is_no_for_admin(self):
        refused = ["%s:%s" % (row["page"], privilege) for row in CELLS if row["role"] == "admin"
                   for privilege in PRIVILEGES if row[privilege] == "no"]
        self.may_not("admin", *refused)

    def test_rule_039_admin_holds_what_others_hold(self):
        admin = self.held("admin", CATALOGUE + ACTIONS)
        for role in ROLES:
            self.assertLessEqual(self.held(role, CATALOGUE + ACTIONS), admin)

    def test_rule_040_basic_is_support_and_delete(self):
        self.assertEqual(self.held("basic", CATALOGUE + ACTIONS) - self.held("support", CATALOGUE + ACTIONS),
                         {"tickets:delete"})
        self.assertLess(self.held("support", CATALOGUE + ACTIONS), self.held("basic", CATALOGUE + ACTIONS))

    def test_rule_041_moderator_is_basic_and_campaigns(self):
        self.assertEqual(self.held("moderator", CATALOGUE + ACTIONS),
                         self.held("basic", CATALOGUE + ACTIONS) | set(CAMPAIGNS))

    def test_rule_042_tixngo_support_is_admin_less_two_pages(self):
        closed = {*every("organizer-profile-api-key"), *every("manage-account")}
        self.assertEqual(self.held("tixngo-support", CATALOGUE + ACTIONS),
                         self.held("admin", CATALOGUE + ACTIONS) - closed)

    def test_rule_043_api_key(self):
        self.only(["admin"], "organizer-profile-api-key:read")
        self.only([], "organizer-profile-api-key:update")

    def test_rule_044_only_admin_manages_accounts(self):
        self.only(["admin"], *["manage-account:" + privilege for privilege in PRIVILEGES
                               if privilege not in ("search", "export")])

    def test_rule_045_support_spectator(self):
        self.only(ROLES, "support-spectator:read", "support-spectator:search", "support-spectator:execute")

    def test_rule_046_support_ticket(self):
        self.only(ROLES, "support-ticket:read", "support-ticket:search")
        self.only(HIGH, "support-ticket:update")

    def test_rule_047_tickets_are_created_by_injection(self):
        self.only([], "tickets:create")
        self.only(HIGH, "injection:create", "csv-injection:create")

    def test_rule_048_actions_on_tickets(self):
        self.may_not("support", "tickets:update", "tickets:delete", "tickets:transfer")
        for role in ("basic", "moderator"):
            self.may(role, "tickets:delete")
            self.may_not(role, "tickets:update", "tickets:transfer")

    def test_rule_049_closed_pages(self):
        for page in ("bulk-update", "injection", "csv-injection", "events", "settings"):
            for role in LOW:
                self.may_not(role, *every(page))
            self.only(HIGH, page + ":read")

    def test_rule_050_campaigns(self):
        self.only([*HIGH, "moderator"], *CAMPAIGNS)
        self.only([], "campaigns:execute")

    def test_rule_051_resending_communications(self):
        self.only(HIGH, "communications:execute")

    def test_rule_052_log_out_and_reset_devices(self):
        for role in LOW:
            self.may(role, "spectators-list:log-out", "spectators-list:reset-devices")
            self.may_not(role, "spectators-list:update", "spectators-list:delete")

    def test_rule_053_remove_lock_and_unlock(self):
        for role in LOW:
            self.may_not(role, "spectators-list:delete", "spectators-list:lock", "spectators-list:unlock")
        self.only(HIGH, "spectators-list:lock", "spectators-list:unlock")

    def test_rule_054_export(self):
        exports = [page + ":export" for page in PAGES if page != "campaigns"]
        for role in LOW:
            self.may_not(role, *exports)
        self.assertEqual(self.held("admin", exports), self.held("tixngo-support", exports))
        self.assertTrue(self.held("admin", exports))
        self.only([*HIGH, "moderator"], "campaigns:export")

    def test_rule_055_charts_and_documentation(self):
        self.only(ROLES, "charts:read", "charts:search", "documentation:read")


if __name__ == "__main__":
    unittest.main()
