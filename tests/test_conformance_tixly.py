#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The Tixly model over LDAP Compare: functions, gift cards and payment types, access to events, views,
# shared events, organizations of a workgroup, groups, external users. The suggested user types are
# in models/tixly_types.py. What is expected follows from the vendor's table.
import sys

from models import replay, tables, tixly_types
from models.tables import Cell, at, on_event
from models.tixly_types import ADMINISTRATION, DASHBOARDS, FUNCTIONS, GROUPS, REPORTS, TABLE, USERS
from models.world import World

SELLS = [name for name in tables.catalogue("tixly") if name.endswith(":sell")]
OVERVIEW = "sales-overview:open"
EDITS = ["event:edit", "seat:allocate", "hall:update"]
SCREENS = DASHBOARDS + REPORTS + ADMINISTRATION
# north is the workgroup's primary organization, south and west are secondary; abroad is another customer.
PRIMARY = {"north": None, "south": "north", "west": "north", "abroad": None}
EVENTS = ["north/aida", "north/carmen", "south/faust", "south/norma", "west/tosca", "abroad/lulu"]
SHARED = {"west/tosca": ["south"]}
LISTS = {"fn.gift_cards": ("gift-card:use", "giftcard/"), "fn.payment_methods": ("payment:use", "payment/")}
# What a view leaves of selling and of the overview, and the role that narrows to it.
VIEWS = {
    "ev.view.full": ([], [*SELLS, OVERVIEW]),
    "ev.view.organizer": (["tixly.view-organizer"], []),
    "ev.view.product": (["tixly.view-product"], ["product:sell"]),
}
SETTING = {"ev.mode.all": "event-scope=all", "ev.mode.specific": "event-scope=specific"}
SCREEN, LIFE, WRITE, MAIL = "a screen", "user life-cycle", "write rule", "mail or report delivery"
SILENT = {
    **tixly_types.SILENT,
    "intro.own_rights": "said again by access.scope", "ev.mode": "its two values have rows",
    "ev.view": "its three values have rows", "field.name": WRITE, "field.email": WRITE,
    "field.password": LIFE, "field.user_type": "a setting; see models/tixly_types.py",
    "field.language": "a setting of the person", "field.new_password_first_login": "login",
    "field.two_factor": "login", "field.group": "said again by group.apply_on_create",
    "org.availability": SCREEN, "org.default_required": WRITE, "org.sales_attribution": "the application books",
    "bulk.edit": SCREEN, "group.overwrite_popup": WRITE, "group.reset": WRITE, "group.bulk_add": WRITE,
    "group.applied_on_save": SCREEN, "report.access_excel": "the access report", "ext.same_email": WRITE,
    "ext.full_email": WRITE, "copy.user": "said again by copy.action",
    **{row: MAIL for row in TABLE if row.startswith("rep.")},
}


def reachable(organization, event):
    """org.primary_implies_all, and events that were opened to another organization."""
    owner = event.split("/")[0]
    return organization in (owner, PRIMARY[owner]) or organization in SHARED.get(event, ())


class Cells:
    def __init__(self):
        self.world, self.cells = World(), []
        for organization, primary in PRIMARY.items():
            self.world.organization(organization, primary)
            self.world.role(organization + "/seller", ["+" + name for name in [*SELLS, OVERVIEW]])
            self.world.role(organization + "/editor", ["+" + name for name in [*EDITS, "ticket:sell"]])
        for event in EVENTS:
            self.world.event(event, SHARED.get(event, ()))

    def ask(self, row, uid, organization, query, allowed, event=None):
        self.cells.append(Cell(row, uid, organization, query, allowed, event))

    def functions(self):
        """Each function switched on alone, and alone switched off."""
        self.world.role("north/everything", ["+" + name for name in FUNCTIONS.values()])
        for row, name in FUNCTIONS.items():
            self.world.member("north", "on." + row, grants=["+" + name])
            self.world.member("north", "off." + row, roles=["north/everything"], grants=["-" + name])
            for other in [*FUNCTIONS.values(), *SELLS]:
                self.ask(row, "on." + row, "north", other, other == name)
            for other in FUNCTIONS.values():
                self.ask(row, "off." + row, "north", other, other != name)
                self.ask(row, "off." + row, "north", on_event(other, "aida"), other != name)

    def selectors(self):
        for row, (name, kind) in LISTS.items():
            other = next(pair for pair in LISTS.values() if pair[0] != name)
            self.world.member("north", row, grants=["+%s@%s%s" % (name, kind, one) for one in ("a", "b")])
            self.world.member("north", row + ".none", roles=["tixly.ticket-sales"])
            for one in ("a", "b", "c"):
                self.ask(row, row, "north", at(name, kind + one), one != "c")
                self.ask(row, row, "north", at(other[0], other[1] + one), False)
                self.ask(row, row + ".none", "north", at(name, kind + one), False)
            self.ask(row, row, "north", name, False)

    def screens(self):
        """access.scope: each dashboard, report and module by itself."""
        for held in SCREENS:
            uid = "only." + held.replace(":", ".")
            self.world.member("north", uid, grants=["+" + held])
            for name in SCREENS:
                why = "report.access" if held == name == "report.access-rights:view" else "access.scope"
                self.ask(why, uid, "north", name, name == held)

    def modes(self):
        """Every event asked about by members of each organization, with all and with specific."""
        for organization in PRIMARY:
            for row, setting in [*SETTING.items(), ("field.active", None)]:
                uid = "%s.%s" % (organization, row)
                self.world.member(organization, uid, roles=[organization + "/editor"],
                                  settings=[setting] if setting else (), active=row != "field.active")
                added = EVENTS[::2]
                for event in added if row == "ev.mode.specific" else ():
                    self.world.event_member(*event.split("/"), uid)
                for event in EVENTS:
                    reached = reachable(organization, event)
                    allowed = reached and {"ev.mode.all": True, "ev.mode.specific": event in added,
                                           "field.active": False}[row]
                    why = "org.primary_implies_all" if reached and organization == "north" and \
                        row == "ev.mode.all" and not event.startswith("north/") else row
                    for name in ("event:edit", "ticket:sell"):
                        self.ask(why, uid, organization, on_event(name, event), allowed)
                self.ask(row, uid, organization, "ticket:sell", row != "field.active")

    def event_list(self):
        """Events are taken from a specific-events user singly or several at once."""
        for uid, kept in (("list.all", 3), ("list.two", 2), ("list.none", 0)):
            self.world.member("north", uid, roles=["north/seller"], settings=["event-scope=specific"])
            listed = ["north/aida", "north/carmen", "south/faust"]
            for number, event in enumerate(listed):
                self.world.event_member(*event.split("/"), uid, active=number < kept)
            for number, event in enumerate(listed):
                self.ask("ev.event_list", uid, "north", on_event("ticket:sell", event), number < kept)

    def views(self):
        for row, (roles, left) in VIEWS.items():
            for uid, held in ((row, [*roles, "north/seller"]), (row + ".type", [*roles, "tixly.ticket-sales"])):
                self.world.member("north", uid, roles=held)
                self.view_of(row, uid, left)
            self.world.member("north", row + ".group", roles=roles)
            self.view_of(row, row + ".group", left)
        self.world.group("north/sellers", [row + ".group" for row in VIEWS], ["north/seller"])

    def view_of(self, row, uid, left):
        for name in [*SELLS, OVERVIEW]:
            self.ask(row, uid, "north", name, name in left)
            for event in ("aida", "south/faust"):
                self.ask(row, uid, "north", on_event(name, event), name in left)

    def shared_events(self):
        """Editing is blocked on events of others; selling goes on."""
        for organization in ("south", "north"):
            for uid, roles in (("blocked", ["tixly.shared-events-read-only"]), ("free", [])):
                uid = "%s.%s" % (organization, uid)
                self.world.member(organization, uid, roles=[*roles, organization + "/editor"])
                for event in EVENTS:
                    reached, own = reachable(organization, event), event.startswith(organization)
                    for name in EDITS:
                        self.ask("ev.block_edit_shared", uid, organization, on_event(name, event),
                                 reached and (own or not roles))
                    self.ask("ev.block_edit_shared", uid, organization, on_event("ticket:sell", event), reached)

    def organizations(self):
        """org.select: a user of two organizations, and none of the third."""
        self.world.member("south", "traveller", roles=["south/seller"])
        self.world.member("west", "traveller", roles=["west/seller"])
        for organization in PRIMARY:
            for name in SELLS:
                self.ask("org.select", "traveller", organization, name, organization in ("south", "west"))

    def groups(self):
        """A group's rights reach its members, may be overridden, and add up."""
        self.world.role("north/clerks", ["+ticket:sell", "+order:change", "+report.daily-sales:view"])
        self.world.group("north/clerks", ["plain", "less", "more"], ["north/clerks"])
        self.world.group("north/auditors", ["more"], grants=["+cash-report:all", "-order:change"])
        self.world.member("north", "plain")
        self.world.member("north", "less", grants=["-ticket:sell", "+customer:view"])
        self.world.member("north", "more")
        self.world.member("north", "alone")
        names = ["ticket:sell", "order:change", "report.daily-sales:view", "cash-report:all", "customer:view"]
        for row, uid, allowed in (("group.apply_on_create", "plain", names[:3]),
                                  ("group.override", "less", [*names[1:3], "customer:view"]),
                                  ("group.unlimited", "more", ["ticket:sell", names[2], "cash-report:all"]),
                                  ("group.tabs", "plain", names[:3]), ("group.tabs", "alone", [])):
            for name in names:
                self.ask(row, uid, "north", name, name in allowed)

    def administration(self):
        """add.path and group.purpose: who may create users and groups."""
        self.world.member("north", "registrar", roles=["tixly.user-administration"])
        self.world.member("north", "clerk", roles=["north/everything"])
        for row, names in (("add.path", ["administration.users.users:open", *USERS]),
                           ("group.purpose", ["administration.users.user-groups:open", *GROUPS])):
            for name in names:
                self.ask(row, "registrar", "north", name, True)
                self.ask(row, "clerk", "north", name, False)

    def copies(self):
        """The copy of a user holds exactly what the original holds."""
        for uid in ("original", "copy"):
            self.world.member("north", uid, roles=["tixly.finance"], settings=["event-scope=specific"],
                              grants=["-customer:view", "+ticket:sell", "+payment:use@payment/card"])
        expected = tixly_types.plain("finance")
        expected.update({"customer:view": False, "ticket:sell": True})
        for name, allowed in expected.items():
            for uid in ("original", "copy"):
                self.ask("copy.action", uid, "north", name, allowed)
                self.ask("copy.action", uid, "north", on_event(name, "aida"), False)

    def externals(self):
        """Somebody of another customer, added on the access tab of single events."""
        self.world.member("abroad", "guest", roles=["abroad/seller"])
        for event in ("north/aida", "south/faust"):
            self.world.event_member(*event.split("/"), "guest", roles=["tixly.external-organizer"])
        shown = "dashboard.organizer-dashboard:view"
        for organization, event, allowed in (("north", "aida", True), ("south", "faust", True),
                                             ("north", "carmen", False), ("south", "norma", False)):
            self.ask("ext.sign_in", "guest", organization, on_event(shown, event), allowed)
            self.ask("ext.add_on_event", "guest", organization, on_event("ticket:sell", event), False)
            self.ask("ext.add_on_event", "guest", organization, shown, False)
            if allowed:
                self.ask("ext.add_on_event", "guest", organization, shown, True, event)
        self.ask("ext.sign_in", "guest", "north", on_event(shown, "south/faust"), True)
        self.ask("ext.sign_in", "guest", "abroad", on_event("ticket:sell", "lulu"), True)
        self.ask("ext.sign_in", "guest", "abroad", "ticket:sell", True)


def build():
    cells = Cells()
    for part in (cells.functions, cells.selectors, cells.screens, cells.modes, cells.event_list, cells.views,
                 cells.shared_events, cells.organizations, cells.groups, cells.administration, cells.copies,
                 cells.externals):
        part()
    cells.cells += tixly_types.cells(cells.world, "north")
    return cells


def main():
    built = build()
    return replay.run("tixly", built.world, built.cells, SILENT)


if __name__ == "__main__":
    sys.exit(main())
