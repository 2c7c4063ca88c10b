#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The numbered rules of the event platform: organization and event permissions, presets and chosen
# permissions, event users, and what counts in the app alone.
import unittest

from models import tables
from models.rule_case import RuleCase
from models.tables import app, on_event

CATALOGUE = tables.catalogue("orgevents")
ORG = [name for name in CATALOGUE if name.startswith("org")]
EVENT = [name for name in CATALOGUE if name not in ORG]
APP_ONLY = ["gate:exceed-order-limits", "gate:cash-drawer", "gate:checkin-data-basic",
            "gate:checkin-data-advanced"]
DETAILS = [name for name in CATALOGUE if name.startswith("event:")]
REPORTS = [name for name in CATALOGUE if name.startswith("org-report:")]


def in_app(names, event=None):
    return [app(on_event(name, event) if event else name) for name in names]


class OrgeventsRules(RuleCase):
    organization = "fest"

    @classmethod
    def people(cls, world):
        world.organization("fest")
        world.organization("elsewhere")
        for event in ("fest/dance", "fest/drama", "elsewhere/expo"):
            world.event(event)
        for uid in ("org-admin", "all-events-manager", "check-in-user"):
            world.member("fest", uid, roles=["orgevents." + uid])
        world.member("fest", "nobody")
        world.role("fest/everything", ["+" + name for name in CATALOGUE])
        world.member("fest", "chosen", grants=["+org:details", "+orders:manage", "+gate:check-in"])
        for name in CATALOGUE:
            uid = name.replace(":", ".")
            world.member("fest", "only." + uid, grants=["+" + name])
            world.member("fest", "but." + uid, roles=["fest/everything"], grants=["-" + name])
        for uid, grants in (("usher1", EVENT), ("gate1", ["gate:check-in"])):
            world.event_member("fest", "dance", uid, grants=["+" + name for name in grants])
        world.event_member("fest", "dance", "steward", roles=["orgevents.manage-event-users"])
        world.member("fest", "box", grants=["+gate:box-office-orders", "+gate:exceed-order-limits"])
        world.event_member("fest", "dance", "drawer", grants=["+gate:cash-drawer"])

    def needs(self, name, held=None, query=None):
        """That this one permission opens what is asked (itself), and all others do not."""
        uid = (held or name).replace(":", ".")
        self.may("only." + uid, query or name)
        self.may_not("but." + uid, query or name)

    def test_rule_056_org_permission_holds_on_every_event(self):
        for event in ("dance", "drama"):
            self.may("org-admin", *in_app(EVENT, event))
            self.may("chosen", on_event("orders:manage", event))
        self.may_not("chosen", on_event("orders:manage", "elsewhere/expo"))

    def test_rule_057_event_permission_holds_on_one_event(self):
        self.may("usher1", *in_app(EVENT, "dance"))
        self.may("usher1", *in_app(EVENT), event="dance")
        self.may_not("usher1", *in_app(EVENT, "drama"))
        self.may_not("usher1", *in_app(EVENT), *ORG)

    def test_rule_058_one_list_for_org_and_event_users(self):
        for name in EVENT:
            if name != "gate:exceed-order-limits":  # needs another permission too: rule 68
                self.may("only." + name.replace(":", "."), *in_app([name], "dance"), *in_app([name], "drama"))
        self.may("usher1", *in_app(EVENT, "dance"))
        self.may_not("usher1", *in_app(EVENT, "drama"))

    def test_rule_060_org_admin(self):
        self.may("org-admin", *in_app(CATALOGUE), *in_app(EVENT, "dance"), "directory.user:create")

    def test_rule_061_all_events_manager(self):
        self.may("all-events-manager", *in_app(EVENT, "dance"), *in_app(EVENT, "drama"),
                 "directory.event:create", "directory.event:update")
        self.may_not("all-events-manager", "org:details", "org:payout")

    def test_rule_062_check_in_user(self):
        self.may("check-in-user", "gate:check-in", app("gate:check-in"), on_event("gate:check-in", "dance"))
        self.may_not("check-in-user", *ORG, *DETAILS, *[on_event(name, "dance") for name in DETAILS])

    def test_rule_063_custom_user_has_exactly_the_chosen(self):
        chosen = ["org:details", "orders:manage", "gate:check-in"]
        self.may("chosen", *in_app(chosen))
        self.may_not("chosen", *in_app([name for name in CATALOGUE if name not in chosen]))

    def test_rule_064_payouts(self):
        self.needs("org:payout")
        self.may_not("only.org.details", "org:payout")

    def test_rule_065_org_users(self):
        self.needs("org:users")

    def test_rule_066_four_org_reports(self):
        self.assertEqual(len(REPORTS), 4)
        for name in REPORTS:
            self.needs(name)
            self.may_not("only." + name.replace(":", "."), *[one for one in REPORTS if one != name])

    def test_rule_067_app_only(self):
        self.may("org-admin", *in_app(APP_ONLY))
        for uid in ("org-admin", "only.gate.cash-drawer", "only.gate.checkin-data-basic"):
            self.may_not(uid, *APP_ONLY, *[name + ";channel=web" for name in APP_ONLY])

    def test_rule_068_exceeding_limits(self):
        self.may("box", app("gate:exceed-order-limits"))
        self.may_not("only.gate.box-office-orders", app("gate:exceed-order-limits"))
        self.may_not("only.gate.exceed-order-limits", app("gate:exceed-order-limits"))

    def test_rule_069_orders_and_seats(self):
        self.needs("orders:manage")
        self.may_not("only.orders.manage", "orders:seats")
        self.may_not("only.orders.seats", "orders:manage")

    def test_rule_070_questionnaires_without_results(self):
        self.may("only.event.questionnaires", "event:questionnaires")
        self.may_not("only.event.questionnaires", "reports:attendee-download")

    def test_rule_071_complimentary_tickets(self):
        self.may("only.marketing.comp-tickets", "marketing:comp-tickets")
        self.may_not("only.marketing.comp-tickets", "orders:manage")

    def test_rule_072_users_of_the_event_concerned(self):
        names = ["users:manage", "directory.user:create", "directory.user:update"]
        self.may("steward", *[on_event(name, "dance") for name in names])
        self.may_not("steward", *[on_event(name, "drama") for name in names], *names)

    def test_rule_073_scan_and_attendees_tabs(self):
        self.needs("gate:check-in", query=app("gate:check-in"))
        self.may("gate1", app("gate:check-in"), event="dance")

    def test_rule_074_check_in_reports_tab(self):
        self.needs("gate:checkin-data-advanced", query=app("gate:checkin-data-advanced"))
        self.may_not("only.gate.checkin-data-basic", app("gate:checkin-data-advanced"))
        self.may("only.gate.checkin-data-basic", app("gate:checkin-data-basic"))
        self.may_not("only.gate.checkin-data-basic", app("finance:dashboards"))

    def test_rule_075_sales_reports_tab(self):
        self.needs("finance:dashboards", query=app("finance:dashboards"))

    def test_rule_076_refunds_in_the_app(self):
        self.needs("orders:manage", query=app("orders:manage"))

    def test_rule_077_cash_drawer_by_somebody_elses_permission(self):
        """Who lacks it is denied; the app then asks the same about whoever gives email and password."""
        query = app(on_event("gate:cash-drawer", "dance"))
        self.may_not("gate1", query)
        self.may("drawer", query)
        self.may_not("drawer", app(on_event("gate:cash-drawer", "drama")))


if __name__ == "__main__":
    unittest.main()
