#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The numbered rules of the back office model that speak of permissions and roles.
import unittest

from models import tables
from models.rule_case import RuleCase

SECTIONS = tables.catalogue("backoffice004")
CLOSED = ["section.users:open", "section.admin:open"]
MANAGE = ["section.users:open", "directory.user:create", "directory.user:update", "directory.user:delete"]
LEVELS = {"none": [], "standard": ["backoffice004.standard"], "admin": ["backoffice004.admin"]}


class BackofficeRules(RuleCase):
    organization = "depot"

    @classmethod
    def people(cls, world):
        world.organization("depot")
        for level, roles in LEVELS.items():
            world.member("depot", level, roles=roles)
            world.member("depot", level + ".app", roles=[*roles, "backoffice004.app"])

    def test_rule_111_only_admin_opens_user_management(self):
        for app in ("", ".app"):
            self.may("admin" + app, *MANAGE)
            self.may_not("standard" + app, *MANAGE)
            self.may_not("none" + app, *MANAGE)

    def test_rule_112_one_level_and_the_app_beside_it(self):
        for app in ("", ".app"):
            self.may_not("none" + app, "backoffice:login", *SECTIONS)
            self.may("standard" + app, "backoffice:login")
            self.may("admin" + app, "backoffice:login", *SECTIONS)
        for level in LEVELS:
            self.may(level + ".app", "app:login")
            self.may_not(level, "app:login")

    def test_rule_113_standard_opens_all_but_users_and_admin(self):
        self.may("standard", *[name for name in SECTIONS if name not in CLOSED])
        self.may_not("standard", *CLOSED)


if __name__ == "__main__":
    unittest.main()
