#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The numbered rules of the Palisis model that speak of permissions and roles.
import unittest

from models import tables
from models.rule_case import RuleCase

PAGES = [name for name in tables.catalogue("palisis") if name.startswith("page.")]
CREATE, UPDATE, DELETE = USERS = ["directory.user:" + action for action in ("create", "update", "delete")]
OFFICE = "backoffice-user"
# A special permission: its role and what it opens.
SPECIALS = {
    "cash-read-only": ["cash:view"],
    "cash-close-allowed": ["cash:view", "cash:close"],
    "refund-user-selection": ["refund:select-user"],
    "billing": ["billing:update"],
    "partner-management": ["partner:manage"],
    "external-reference-batches": ["external-reference:upload"],
    "manual-discount": ["discount:create"],
    "manual-pricing": ["boxoffice:manual-price"],
    "webhook-report": ["webhook-report:read"],
    "anonymize": ["customer:anonymize"],
}


class PalisisRules(RuleCase):
    organization = "line"

    @classmethod
    def people(cls, world):
        def member(uid, *roles, grants=()):
            world.member("line", uid, roles=["palisis." + role for role in roles], grants=grants)
        world.organization("line")
        member("administrator", "administrator")
        member("office", OFFICE)
        member("seller", "sales-user")
        member("counter", "boxoffice")
        member("all-levels", "administrator", OFFICE, "sales-user", "boxoffice")
        member("users", OFFICE, "user-management")
        member("paged", OFFICE, grants=["+page.products:open", "+page.bookings:open"])
        member("every-page", OFFICE, "all-granted", grants=["+" + page for page in PAGES])
        member("no-refund", OFFICE, "refund-not-allowed", "refund-user-selection")
        for role in SPECIALS:
            member("with." + role, OFFICE, role)
            member("only." + role, "sales-user", "boxoffice", role)

    def opens(self, role):
        """That the special permission opens what it says, and its absence keeps that shut."""
        self.may("with." + role, *SPECIALS[role])
        self.may_not("office", *SPECIALS[role])

    def test_rule_007_levels_combine(self):
        self.may("all-levels", "backoffice:login", "terminal:login", "terminal:sell", "boxoffice:sell", *USERS)
        self.may_not("seller", "backoffice:login", "boxoffice:sell")
        self.may_not("counter", "backoffice:login", "terminal:login")

    def test_rule_008_administrator_adds_edits_and_deletes(self):
        for kind in ("user", "group", "role", "event"):
            self.may("administrator", *["directory.%s:%s" % (kind, action)
                                        for action in ("create", "update", "delete")])
        self.may("administrator", *PAGES, "billing:update", "partner:manage", "cash:close", "cash:accept")

    def test_rule_011_only_an_administrator_creates_users(self):
        self.may("administrator", *USERS)
        for uid in ("office", "seller", "counter", "paged", "every-page"):
            self.may_not(uid, *USERS)

    def test_rule_012_user_management_creates_and_adjusts(self):
        self.may("users", CREATE, UPDATE)
        self.may_not("office", CREATE, UPDATE)

    def test_rule_013_pages_never_open_user_management(self):
        self.may("every-page", *PAGES)
        self.may_not("every-page", *USERS)

    def test_rule_014_access_is_narrowed_to_pages(self):
        self.may("paged", "page.products:open", "page.bookings:open")
        self.may_not("paged", *(set(PAGES) - {"page.products:open", "page.bookings:open"}))
        self.may_not("office", *PAGES)

    def test_rule_022_boxoffice_level_sells(self):
        self.may("counter", "boxoffice:sell")
        self.may_not("office", "boxoffice:sell")
        self.may_not("seller", "boxoffice:sell")

    def test_rule_023_specials_need_backoffice_access(self):
        for role, opened in SPECIALS.items():
            self.may("with." + role, *opened)
            self.may_not("only." + role, *opened)

    def test_rule_024_cash_read_only(self):
        self.opens("cash-read-only")
        self.may_not("with.cash-read-only", "cash:close", "cash:accept")

    def test_rule_025_cash_close_allowed(self):
        self.opens("cash-close-allowed")

    def test_rule_026_refunds_by_default(self):
        self.may("office", "refund:create")
        self.may_not("no-refund", "refund:create")

    def test_rule_027_refund_user_selection(self):
        self.opens("refund-user-selection")
        self.may_not("no-refund", "refund:select-user")

    def test_rule_028_billing(self):
        self.opens("billing")

    def test_rule_029_partner_management(self):
        self.opens("partner-management")
        self.may_not("paged", "partner:manage")

    def test_rule_030_external_reference_batches(self):
        self.opens("external-reference-batches")

    def test_rule_031_manual_discount(self):
        self.opens("manual-discount")

    def test_rule_032_manual_pricing(self):
        self.opens("manual-pricing")

    def test_rule_033_webhook_report(self):
        self.opens("webhook-report")

    def test_rule_034_anonymize(self):
        self.opens("anonymize")

    def test_rule_035_features_one_by_one(self):
        self.may_not("office", *PAGES, "cash:view", "cash:accept")
        self.may("paged", "page.products:open")
        self.may("every-page", *PAGES, "cash:view", "cash:accept")


if __name__ == "__main__":
    unittest.main()
