#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The event platform's model over LDAP Compare: the preset roles, each permission alone as a custom
# organization user and as an event user, on the web and in the app, on the right event and on
# others. The ids of the catalogue follow from those of the vendor's table; what is expected follows
# from the rows a person has.
import sys

from models import replay, tables
from models.tables import Cell, app, on_event
from models.world import World

TABLE = tables.table("orgevents")
OURS, ELSEWHERE = ["gala", "matinee"], "fair/expo"  # events of the organization, of another one
EDITING = "Edit Event"
# Managing an organization; making and ending organizations is the platform's.
DIRECTORY = [name for name in tables.catalogue("usher") if name.startswith("directory") and
             name not in ("directory.organization:create", "directory.organization:delete")]
# What a right of a preset role covers, as rows of the table.
RIGHTS = {
    "right.org_admin.organization": ["org_permission", "reporting_permission"],
    "right.org_admin.events": ["event_permission"],
    "right.all_events_manager.event_create_edit": ["event_permission"],
    "right.all_events_manager.org_details": ["org.details"],
    "right.all_events_manager.org_payout": ["org.payout"],
    "right.all_events_manager.org_settings_other": ["org.users", "org.promoters", "org.businesses"],
    "right.all_events_manager.org_reporting": ["reporting_permission"],
    "right.check_in_user.check_in_online": ["gate.check_in"],
    "right.check_in_user.check_in_app": ["gate.check_in"],
    "right.check_in_user.event_details": [EDITING],
    "right.check_in_user.org_details": ["org_permission"],
}
# "unstated" is no; a preset role has no more than its rights say.
VALUES = {"yes": True, "no": False, "unstated": False}
PRESETS = ("org_admin", "all_events_manager", "check_in_user")
ROLES = {preset: "orgevents." + preset.replace("_", "-") for preset in PRESETS}
# gate.exceed_order_limits: orders "beyond" limits are orders: it needs the permission to create them.
ALSO = {"gate.exceed_order_limits": "gate.box_office_orders"}
SILENT = {
    **{row: "a heading of the permissions below it" for row in TABLE if "sec." in row},
    "rule.org_user_screen": "a screen", "rule.event_user_screen": "a screen",
    "rule.add_org_role": "advice", "rule.diagram_missing": "what the source lacks",
    "rule.customize": "said again by role.custom and rule.event_scope",
    "rule.set_or_custom": "write rule: a preset role or chosen permissions, not both",
}


def kinds(*wanted):
    return [row for row in TABLE if TABLE[row]["kind"] in wanted]


def permission(row):
    """orgreport.attendee_lookup is org-report:attendee-lookup."""
    return row.replace("orgreport", "org-report").replace("_", "-").replace(".", ":")


ORG = kinds("org_permission", "reporting_permission")
EVENT = kinds("event_permission")
ALL = ORG + EVENT


def covered(right):
    """The permission rows that a right of a preset role speaks of."""
    return [row for row in ALL for word in RIGHTS[right]
            if word in (row, TABLE[row]["kind"]) or word == TABLE[row]["section"] == EDITING]


def expected(held, row, in_app):
    """Whether who holds these rows may do what this row says."""
    if TABLE[row]["app_only"] == "yes" and not in_app:
        return False
    return row in held and (row not in ALSO or ALSO[row] in held)


class Cells:
    def __init__(self):
        self.world, self.cells = World(), []
        for organization in ("venue", "fair"):
            self.world.organization(organization)
        for event in OURS:
            self.world.event("venue/" + event)
        self.world.event(ELSEWHERE)

    def ask(self, why, uid, query, allowed, event=None):
        self.cells.append(Cell(why, uid, "venue", query, allowed, event))

    def both_channels(self, why, uid, held, row, event=None):
        """On the web and in the app; of the event, when there is one."""
        name = permission(row) if event is None else on_event(permission(row), event)
        self.ask(why, uid, name, expected(held, row, False))
        self.ask(why, uid, name + ";channel=web", expected(held, row, False))
        self.ask(why, uid, app(name), expected(held, row, True))

    def presets(self):
        for preset in PRESETS:
            uid = preset.replace("_", "-")
            self.world.member("venue", uid, roles=[ROLES[preset]])
            rights = [right for right in RIGHTS if right.startswith("right.%s." % preset)]
            held = {row for right in rights if VALUES[TABLE[right]["value"]] for row in covered(right)}
            for right in rights:
                for row in covered(right):
                    self.both_channels(right, uid, held, row)
                    for event in OURS if row in EVENT else ():
                        self.both_channels(right, uid, held, row, event)
            for row in ALL:
                self.both_channels("role." + preset, uid, held, row)
        self.sign_in()

    def sign_in(self):
        """Events are made and edited on the web, check-in is online or in the app."""
        for name in DIRECTORY:
            self.ask("right.org_admin.organization", "org-admin", name, True)
        for right, query in (("org_admin.events", "backoffice:login"), ("org_admin.events", "app:login"),
                             ("all_events_manager.event_create_edit", "backoffice:login"),
                             ("all_events_manager.event_create_edit", "app:login"),
                             ("all_events_manager.event_create_edit", "directory.event:create"),
                             ("all_events_manager.event_create_edit", "directory.event:update"),
                             ("check_in_user.check_in_online", "backoffice:login"),
                             ("check_in_user.check_in_app", "app:login")):
            self.ask("right." + right, right.split(".")[0].replace("_", "-"), query, True)
        for right, query in (("all_events_manager.org_settings_other", "directory.organization:update"),
                             ("all_events_manager.org_settings_other", "directory.user:create"),
                             ("check_in_user.event_details", "directory.event:update"),
                             ("check_in_user.org_details", "directory.organization:update")):
            self.ask("right." + right, right.split(".")[0].replace("_", "-"), query, False)

    def custom(self):
        """Organization users with one permission each."""
        for held in ALL:
            uid = "custom." + held
            self.world.member("venue", uid, grants=["+" + permission(held)])
            for row in ALL:
                self.both_channels(held if row == held else "role.custom", uid, {held}, row)
            for row in EVENT:
                for event in OURS:
                    why = "rule.custom_event_each" if row == held else "rule.custom_applies_all"
                    self.both_channels(why, uid, {held}, row, event)
            if held in EVENT:
                self.ask("rule.org_scope", uid, app(on_event(permission(held), ELSEWHERE)), False)

    def mixed(self):
        """Chosen permissions of both kinds, each held and each left out once."""
        for number, held in enumerate((ALL[::2], ALL[1::2], ALL[::3], ALL)):
            uid = "mixed%d" % number
            self.world.role("venue/" + uid, ["+" + permission(row) for row in held])
            self.world.member("venue", uid, roles=["venue/" + uid])
            for row in ALL:
                self.both_channels("rule.custom_two_kinds", uid, held, row)

    def event_users(self):
        """Added to one event with one permission; no membership of the organization."""
        for held in EVENT:
            uid = "event." + held
            self.world.event_member("venue", "gala", uid, grants=["+" + permission(held)])
            for row in EVENT:
                why = "rule.event_perms_two_uses" if row == held else "rule.event_scope"
                self.both_channels(why, uid, {held}, row, "gala")
                self.ask(why, uid, app(permission(row)), expected({held}, row, True), "gala")
                self.ask("rule.event_scope", uid, app(on_event(permission(row), "matinee")), False)
                self.ask("rule.event_scope", uid, app(permission(row)), False)
            for row in ORG:
                self.ask("rule.event_scope", uid, permission(row), False)

    def event_user_managers(self):
        """users.manage: "this event only", user administration included."""
        self.world.event_member("venue", "gala", "steward", roles=["orgevents.manage-event-users"])
        for name in ("users:manage", "directory.user:create", "directory.user:update"):
            self.ask("users.manage", "steward", on_event(name, "gala"), True)
            self.ask("users.manage", "steward", name, True, "gala")
            self.ask("users.manage", "steward", on_event(name, "matinee"), False)
            self.ask("users.manage", "steward", name, False)
        self.world.member("venue", "registrar", roles=["orgevents.manage-org-users"])
        for name in ("org:users", "directory.user:create", "directory.user:update"):
            self.ask("org.users", "registrar", name, True)
        for row in ALL:
            if row != "org.users":
                self.ask("org.users", "registrar", app(permission(row)), False)

    def app_features(self):
        """Each feature of the app with the one permission it needs, and with all others."""
        for feature in kinds("app_feature"):
            needed = TABLE[feature]["value"]
            held = {needed} | ({ALSO[needed]} if needed in ALSO else set())
            others = set(EVENT) - {needed}
            for uid, rows in ((feature + ".with", held), (feature + ".without", others)):
                self.world.role("venue/" + uid, ["+" + permission(row) for row in sorted(rows)])
                self.world.member("venue", uid, roles=["venue/" + uid])
                for query in (permission(needed), on_event(permission(needed), "gala")):
                    self.ask(feature, uid, app(query), uid.endswith(".with"))
                    self.ask("rule.app_follows", uid, query + ";channel=web",
                             uid.endswith(".with") and TABLE[needed]["app_only"] == "no")


def check_headings():
    """That each section has as many permissions as its heading says."""
    for row in kinds("event_section"):
        listed = [one for one in EVENT if TABLE[one]["section"] == TABLE[row]["label"]]
        if len(listed) != int(TABLE[row]["value"].split(" ")[0]):
            raise AssertionError(row)


def build():
    check_headings()
    cells = Cells()
    for part in (cells.presets, cells.custom, cells.mixed, cells.event_users, cells.event_user_managers,
                 cells.app_features):
        part()
    return cells


def main():
    built = build()
    return replay.run("orgevents", built.world, built.cells, SILENT)


if __name__ == "__main__":
    sys.exit(main())
