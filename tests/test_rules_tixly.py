#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The numbered rules of the Tixly model: functions, scopes, events, views, workgroups, groups, and
# settings. stage is the primary organization of a workgroup, annex a secondary one; abroad is another
# customer.
import unittest

import raw_ldap as raw
from gateway import BASE, membership, person
from models import tables, tixly_types
from models.rule_case import RuleCase
from models.tables import at, on_event
from models.tixly_types import FUNCTIONS

SELLS = [name for name in tables.catalogue("tixly") if name.endswith(":sell")]
OVERVIEW = "sales-overview:open"
EDITS = ["event:edit", "seat:allocate", "hall:update"]
CLERK = ["ticket:sell", "order:change"]
SPECIFIC = ["event-scope=specific"]


def event_member(uid, event, organization="stage"):
    return "cn=%s,ou=members,cn=%s,ou=events,o=%s,%s" % (uid, event, organization, BASE)


class TixlyRules(RuleCase):
    organization = "stage"

    @classmethod
    def people(cls, world):
        for organization, primary in (("stage", None), ("annex", "stage"), ("abroad", None)):
            world.organization(organization, primary, ["payment-edit-days=3"] if primary is None else ())
            world.role(organization + "/clerk", ["+" + name for name in CLERK])
            world.role(organization + "/editor", ["+" + name for name in [*EDITS, "ticket:sell"]])
        world.role("stage/everything", sorted({"+" + name for name in [*FUNCTIONS.values(), *SELLS, OVERVIEW]}))
        for event, shared in (("stage/aida", ()), ("stage/carmen", ()), ("annex/faust", ()),
                              ("annex/norma", ["abroad"]), ("abroad/lulu", ())):
            world.event(event, shared)
        cls.single_people(world)
        cls.event_people(world)
        cls.group_people(world)

    @classmethod
    def single_people(cls, world):
        for name in FUNCTIONS.values():
            uid = name.replace(":", ".")
            world.member("stage", "only." + uid, grants=["+" + name])
            world.member("stage", "but." + uid, roles=["stage/everything"], grants=["-" + name])
        for kind in tixly_types.TYPES:
            world.member("stage", "type." + kind, roles=["tixly." + kind.replace("_", "-")])
        for view in ("product", "organizer"):
            world.member("stage", view, roles=["stage/everything", "tixly.view-" + view])
        world.member("stage", "full", roles=["stage/everything"])
        world.member("stage", "original", roles=["tixly.finance", "stage/clerk"], settings=SPECIFIC,
                     grants=["-customer:view", "+gift-card:use@giftcard/jubilee"])
        world.member("stage", "tags", grants=["+administration.customers.tags:open"])
        world.member("stage", "lists", grants=["+payment:use@payment/invoice", "+gift-card:use@giftcard/jubilee"])
        world.member("stage", "gone", roles=["tixly.ticket-sales"], active=False)

    @classmethod
    def event_people(cls, world):
        world.member("stage", "narrow", roles=["stage/clerk"], settings=SPECIFIC)
        for event in ("stage/aida", "stage/carmen", "annex/faust"):
            world.event_member(*event.split("/"), "narrow")
            world.event_member(*event.split("/"), "guest", roles=["tixly.external-organizer"])
        world.member("abroad", "guest", roles=["abroad/clerk"])
        world.member("annex", "second", roles=["annex/clerk"])
        world.member("stage", "first", roles=["stage/editor"])
        world.member("stage", "locked", roles=["stage/editor", "tixly.shared-events-read-only"])
        world.member("abroad", "lender", roles=["abroad/editor", "tixly.shared-events-read-only"])
        for number in (1, 2, 3):
            world.member("stage", "bulk%d" % number, roles=["stage/clerk"])

    @classmethod
    def group_people(cls, world):
        world.group("stage/desk", ["member", "stubborn", "leaver"], ["stage/clerk"])
        world.member("stage", "member")
        world.member("stage", "stubborn", grants=["-ticket:sell"])
        world.member("stage", "leaver", grants=["-ticket:sell"])
        for uid in ("keeper", "dropper", "joiner1", "joiner2"):
            world.member("stage", uid, grants=["-order:change"])

    def function(self, name):
        """That a function is open with it and shut without it, in general and on an event."""
        uid = name.replace(":", ".")
        self.may("only." + uid, name, on_event(name, "aida"))
        self.may_not("but." + uid, name, on_event(name, "aida"))

    def joins(self, group, *uids):
        self.change("dn: cn=%s,ou=groups,o=stage,%s\nchangetype: modify\nadd: member\n%s\n" % (
            group, BASE, "\n".join("member: " + person(uid) for uid in uids)))

    def leaves(self, group, uid):
        self.change("dn: cn=%s,ou=groups,o=stage,%s\nchangetype: modify\ndelete: member\nmember: %s\n" % (
            group, BASE, person(uid)))

    def signs_in(self, uid):
        with self.gateway.ldap() as link:
            code = link.ask(raw.bind(person(uid), uid + "-demo-password")).code
            self.assertIn(code, (raw.SUCCESS, raw.WRONG))
            return code == raw.SUCCESS

    def test_rule_078_inactive_user_cannot_sign_in(self):
        self.assertTrue(self.signs_in("sven"))
        self.may("sven", "backoffice:login", organization="ballet")
        self.modify(person("sven"), usherActive="FALSE")
        self.assertFalse(self.signs_in("sven"))
        self.may_not("sven", "backoffice:login", "ticket:sell", organization="ballet")
        self.modify(person("sven"), usherActive=None)
        self.may_not("gone", "backoffice:login", "ticket:sell", on_event("ticket:sell", "aida"))

    def test_rule_082_default_dashboard_is_accessible(self):
        for kind in tixly_types.TYPES:
            role = "cn=tixly.%s,ou=roles,%s" % (kind.replace("_", "-"), BASE)
            settings = dict(value.split("=", 1) for value in self.stored(role, "usherSetting"))
            self.may("type." + kind, "dashboard.%s:view" % settings["default-dashboard"])
            self.assertEqual(sorted(settings.items()),
                             sorted(tuple(value.split("=", 1)) for value in tixly_types.settings(kind)))

    def test_rule_083_copy_has_the_same_rights(self):
        entry = self.gateway.entry(membership("original", "stage"))
        values = ["%s: %s" % (name, value) for name in ("usherRole", "usherGrant", "usherSetting")
                  for value in entry[name.lower()]]
        self.change("dn: %s\nobjectClass: inetOrgPerson\nobjectClass: usherPerson\nuid: copy\ncn: copy\nsn: copy\n"
                    "usherId: 2b6f0cc9-04d1-4c5e-8d5e-1f0a8c1d7a11\n\n"
                    "dn: %s\nobjectClass: usherMembership\ncn: copy\nusherMember: %s\n%s\n" % (
                        person("copy"), membership("copy", "stage"), person("copy"), "\n".join(values)))
        names = [*tables.catalogue("tixly"), on_event("ticket:sell", "aida"), at("gift-card:use", "giftcard/jubilee")]
        original, copy = (self.answers([tables.Cell("", uid, "stage", name, None) for name in names])
                          for uid in ("original", "copy"))
        self.assertEqual(original, copy)
        self.assertEqual({answer.split(" ")[0] for answer in original}, {"allow", "deny"})

    def test_rule_084_access_at_the_lowest_level(self):
        self.may("tags", "administration.customers.tags:open")
        self.may_not("tags", "administration.customers.customers:open", "administration.layouts:open",
                     "report.customers:view", "dashboard.sales:view")

    def test_rule_085_view_customer(self):
        self.function("customer:view")

    def test_rule_086_sell_tickets(self):
        self.function("ticket:sell")

    def test_rule_087_prices_of_reserved_and_of_sold_tickets(self):
        self.function("ticket:change-price")
        self.may_not("only.ticket.change-price", "order:change")
        self.may_not("only.order.change", "ticket:change-price")

    def test_rule_088_payment_method_until_days_after_the_sale(self):
        self.function("order:change-payment")
        for uid in ("only.order.change-payment", "full"):
            self.assertIn("payment-edit-days=3", self.computed(membership(uid, "stage"), "usherEffectiveSetting"))

    def test_rule_089_orders_of_past_events(self):
        self.function("order:change-after-event")
        self.may_not("only.order.change", "order:change-after-event", on_event("order:change-after-event", "aida"))

    def test_rule_090_tickets_of_a_cancelled_event(self):
        """The application reads the status and asks for order:change alone."""
        self.modify("cn=carmen,ou=events,o=stage," + BASE, usherStatus="cancelled")
        self.may("only.order.change", on_event("order:change", "carmen"))
        self.may_not("only.order.change", on_event("order:change-after-event", "carmen"))
        self.assertEqual(self.stored("cn=carmen,ou=events,o=stage," + BASE, "usherStatus"), ["cancelled"])

    def test_rule_091_override_sales_period(self):
        self.function("sales-period:override")

    def test_rule_092_cash_report_of_all_users(self):
        self.function("cash-report:all")

    def test_rule_093_private_property_seats(self):
        self.function("seat:see-private-property")

    def test_rule_094_restricted_payments_and_gift_cards(self):
        self.may("lists", at("payment:use", "payment/invoice"), at("gift-card:use", "giftcard/jubilee"))
        self.may_not("lists", at("payment:use", "payment/cash"), at("gift-card:use", "giftcard/summer"),
                     "payment:use", "gift-card:use", at("payment:use", "payment/jubilee"))

    def test_rule_095_specific_events(self):
        self.may("narrow", *[on_event(name, event) for name in CLERK for event in ("aida", "annex/faust")])
        self.may_not("narrow", on_event("ticket:sell", "annex/norma"))

    def test_rule_096_all_events_of_the_users_organizations(self):
        self.may("second", on_event("ticket:sell", "faust"), on_event("ticket:sell", "norma"), organization="annex")
        self.may_not("second", on_event("ticket:sell", "stage/aida"), on_event("ticket:sell", "abroad/lulu"),
                     organization="annex")
        self.may_not("second", on_event("ticket:sell", "annex/faust"), "ticket:sell")  # of the stage

    def test_rule_097_views(self):
        self.may("full", OVERVIEW, *SELLS)
        self.may("product", "product:sell")
        self.may_not("product", OVERVIEW, *[name for name in SELLS if name != "product:sell"])
        self.may_not("organizer", OVERVIEW, *SELLS)

    def test_rule_098_shared_events_are_not_edited(self):
        norma = [on_event(name, "annex/norma") for name in EDITS]
        self.may_not("lender", *norma, organization="abroad")
        self.may("lender", on_event("event:edit", "lulu"), on_event("ticket:sell", "annex/norma"),
                 organization="abroad")
        self.may_not("locked", *norma)
        self.may("first", *norma)

    def test_rule_099_events_are_revoked_singly_or_together(self):
        for event in ("stage/aida", "stage/carmen", "annex/faust"):
            organization, cn = event.split("/")
            self.change("dn: %s\nobjectClass: usherMembership\ncn: locked\nusherMember: %s\n" % (
                event_member("locked", cn, organization), person("locked")))
        self.modify(membership("locked", "stage"), usherSetting=SPECIFIC)
        sell = {event: on_event("ticket:sell", event) for event in ("stage/aida", "stage/carmen", "annex/faust")}
        self.may("locked", *sell.values())
        self.change("dn: %s\nchangetype: delete\n" % event_member("locked", "aida"))
        self.may_not("locked", sell["stage/aida"])
        self.may("locked", sell["stage/carmen"], sell["annex/faust"])
        self.change("dn: %s\nchangetype: delete\n\ndn: %s\nchangetype: delete\n" % (
            event_member("locked", "carmen"), event_member("locked", "faust", "annex")))
        self.may_not("locked", *sell.values())
        self.modify(membership("locked", "stage"), usherSetting=None)

    def test_rule_100_report_covers_accessible_events(self):
        events = {"type.finance": ("aida", "carmen", "annex/faust"), "type.external_organizer": ()}
        for uid, open_to in events.items():
            for event in ("aida", "carmen", "annex/faust", "abroad/lulu"):
                check = self.may if event in open_to else self.may_not
                check(uid, on_event("dashboard.organizer-dashboard:view", event))

    def test_rule_102_primary_opens_the_others_events(self):
        self.may("first", *[on_event("event:edit", event) for event in ("aida", "annex/faust", "annex/norma")])
        self.may_not("first", on_event("event:edit", "abroad/lulu"))
        self.may_not("second", on_event("ticket:sell", "stage/aida"), organization="annex")

    def test_rule_104_group_applies_and_is_overridden(self):
        self.may("member", *CLERK)
        self.may_not("stubborn", "ticket:sell")
        self.may("stubborn", "order:change")

    def test_rule_105_joining_keeps_or_overwrites_own_rights(self):
        self.joins("desk", "keeper", "dropper")
        self.modify(membership("dropper", "stage"), usherGrant=None)
        self.may("keeper", "ticket:sell")
        self.may_not("keeper", "order:change")
        self.may("dropper", *CLERK)

    def test_rule_106_leaving_and_joining_restores(self):
        self.may_not("leaver", "ticket:sell")
        self.leaves("desk", "leaver")
        self.may_not("leaver", *CLERK)
        self.modify(membership("leaver", "stage"), usherGrant=None)
        self.joins("desk", "leaver")
        self.may("leaver", *CLERK)

    def test_rule_107_several_join_with_or_without_their_own(self):
        self.joins("desk", "joiner1", "joiner2")
        for uid in ("joiner1", "joiner2"):
            self.may(uid, "ticket:sell")
            self.may_not(uid, "order:change")
        for uid in ("joiner1", "joiner2"):
            self.modify(membership(uid, "stage"), usherGrant=None)
            self.may(uid, *CLERK)

    def test_rule_110_external_sees_events_of_all_theatres(self):
        shown = "dashboard.organizer-dashboard:view"
        self.may("guest", on_event(shown, "aida"), on_event(shown, "annex/faust"))
        self.may("guest", on_event(shown, "faust"), organization="annex")
        self.may("guest", on_event("ticket:sell", "lulu"), organization="abroad")
        self.may_not("guest", on_event(shown, "annex/norma"), shown)

    def test_rule_121_renew_memberships(self):
        self.function("membership:renew")

    def test_rule_122_show_clock(self):
        self.function("clock:show")

    def test_rule_123_gift_card_price(self):
        self.function("gift-card:change-price")

    def test_rule_124_allocate_seats(self):
        self.function("seat:allocate")

    def test_rule_125_change_halls(self):
        self.function("hall:update")

    def test_rule_126_settings_of_several_users_at_once(self):
        uids = ["bulk1", "bulk2", "bulk3"]
        for uid in uids:
            self.may(uid, on_event("ticket:sell", "aida"))
        self.change("\n".join("dn: %s\nchangetype: modify\nreplace: usherSetting\nusherSetting: %s\n" % (
            membership(uid, "stage"), SPECIFIC[0]) for uid in uids))
        for uid in uids:
            self.may_not(uid, on_event("ticket:sell", "aida"))


if __name__ == "__main__":
    unittest.main()
