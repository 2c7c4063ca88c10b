# SPDX-License-Identifier: BSD-2-Clause
"""The suggested user types of Tixly: each right of the catalogue, decided by the rows of the type.

A row is "type.TYPE.SECTION.VALUE". "all" and "none" speak for their section; any other value names
one dashboard, report, module or function by its label, and a module stands for what is below it."""
from . import tables
from .tables import Cell, at, on_event

TABLE = tables.table("tixly")
CATALOGUE = tables.catalogue("tixly")
DASHBOARDS, REPORTS, ADMINISTRATION = ([name for name in CATALOGUE if name.startswith(prefix)]
                                       for prefix in ("dashboard.", "report.", "administration."))
USERS, GROUPS = (["directory.%s:%s" % (kind, action) for action in ("create", "update", "delete")]
                 for kind in ("user", "group"))
FUNCTIONS = {  # the row of a function: its permission
    "fn.view_customer": "customer:view",
    "fn.sell_tickets": "ticket:sell",
    "fn.renew_memberships": "membership:renew",
    "fn.show_clock": "clock:show",
    "fn.change_gift_card_price": "gift-card:change-price",
    "fn.change_prices": "ticket:change-price",
    "fn.change_orders": "order:change",
    "fn.allocate_seats": "seat:allocate",
    "fn.change_halls": "hall:update",
    "fn.edit_cash_register": "order:change-payment",
    "fn.change_tickets_after_event": "order:change-after-event",
    "fn.override_sales_period": "sales-period:override",
    "fn.filter_cash_report": "cash-report:all",
    "fn.see_pp_seats": "seat:see-private-property",
}
# The label of a function, or of a kind of sale, and its permission.
LABELS = {
    **{TABLE[row]["label_en"]: name for row, name in FUNCTIONS.items()},
    **{row["label"]: row["id"] for row in tables.rows("permissions")
       if row["model"] == "tixly" and row["label"].startswith("Sell ") and row["id"] != "ticket:sell"},
}
LISTED = {"functions_gift_cards": ("gift-card:use", "giftcard/"),
          "functions_payment_methods": ("payment:use", "payment/")}
TABS = ("functions_sold", "functions_functions", "functions_reports")
# Where the text contradicts itself: the default dashboard must be accessible, so this one is meant.
READING = {"type.scanning.access_rights_dashboards.access_rights": "Access control"}
TYPES = ("administrator", "ticket_sales", "external_organizer", "finance", "marketing", "scanning")
SETTINGS = {"type": "user-type", "default_dashboard": "default-dashboard", "event_access": "event-scope",
            "view": "view"}
SILENT = {row: "a setting of the type, checked by settings()" for row in TABLE
          if row.startswith("type.") and row.split(".")[2] == "type"}


def values(kind, section):
    """{row: value} of one section of a type."""
    prefix = "type.%s.%s." % (kind, section)
    return {row: READING.get(row, TABLE[row]["value_en"]) for row in TABLE if row.startswith(prefix)}


def named(value, names, prefix):
    """The permissions that the value of an access right speaks of."""
    if value in ("all", "none"):
        return names if value == "all" else []
    start = prefix + tables.slug(value)
    return [name for name in names if name.split(":")[0] == start or name.startswith(start + ".")]


def functions(value):
    """The permissions that the value of a function speaks of."""
    if value in ("all", "none"):
        return list(LABELS.values()) if value == "all" else []
    verb, _, kinds = value.partition(" ")
    labels = ["%s %s" % (verb, kind) for kind in kinds.split(" / ")] if " / " in value else [value]
    return [LABELS[label] for label in labels]


def functions_of(section):
    """The functions of a tab: those that some type has there; "functions_functions" has all others."""
    found = {tab: {name for kind in TYPES for value in values(kind, tab).values() for name in functions(value)}
             for tab in TABS if tab != "functions_functions"}
    if section in found:
        return [name for name in LABELS.values() if name in found[section]]
    others = set().union(*found.values()) if section == "functions_functions" else ()
    return [name for name in LABELS.values() if name not in others]


def rights(kind):
    """{permission: the row that decides it, allowed} of a type, objects and events aside."""
    decided = {}
    sections = [("access_rights_dashboards", DASHBOARDS, "dashboard."),
                ("access_rights_reports", REPORTS, "report."),
                ("access_rights_administration", ADMINISTRATION, "administration."),
                ("administration", ADMINISTRATION, "administration.")]
    for section, names, prefix in sections:
        for row, value in values(kind, section).items():
            covered = named(value, names, prefix)
            if not covered and value != "none":
                raise AssertionError(row)
            for name in names:
                if name in covered or name not in decided:
                    decided[name] = row, name in covered or decided.get(name, (row, False))[1]
    for section in ("permissions_functions", *TABS):
        for row, value in values(kind, section).items():
            for name in functions_of(section):
                if name in functions(value) or name not in decided:
                    decided[name] = row, name in functions(value)
    for module, names in (("users", USERS), ("user-groups", GROUPS)):
        decided.update({name: decided["administration.users.%s:open" % module] for name in names})
    (row, value), = values(kind, "view").items()
    decided["sales-overview:open"] = row, value == "full"
    return decided


def plain(kind):
    return {name: allowed for name, (_, allowed) in rights(kind).items()}


def settings(kind):
    """The values of usherSetting that the rows of a type ask for."""
    words = {"all events": "all", "specific events": "specific", "organizer, no sales": "organizer"}
    for section, name in SETTINGS.items():
        (_, value), = values(kind, section).items()
        yield "%s=%s" % (name, words.get(value, tables.slug(value)))


def objects(kind):
    """(row, permission, kind of scope, what the row says) for gift cards and payment types."""
    for section, (name, scope) in LISTED.items():
        listed = values(kind, section) or values(kind, "permissions_functions")
        (row, value), = listed.items()
        yield row, name, scope, value


def cells(world, organization):
    """The types as people of this organization, which has the events aida and carmen."""
    found = []
    for kind in TYPES:
        uid = "type." + kind.replace("_", "-")
        needed = ["+%s@%sneeded" % (name, scope) for _, name, scope, value in objects(kind)
                  if value == "the needed ones"]
        world.member(organization, uid, roles=["tixly." + kind.replace("_", "-")], grants=needed)
        world.event_member(organization, "aida", uid)
        found += cells_of(kind, uid, organization)
    return found


def cells_of(kind, uid, organization):
    def ask(row, query, allowed):
        found.append(Cell(row, uid, organization, query, allowed))
    found = []
    for name, (row, allowed) in rights(kind).items():
        ask(row, name, allowed)
    every = rights(kind)
    (row, value), = values(kind, "default_dashboard").items()
    ask(row, "dashboard.%s:view" % tables.slug(value), True)
    ask("field.active", "backoffice:login", True)
    ask("field.default_dashboard", "dashboard.%s:view" % tables.slug(value), True)
    for row, name, scope, value in objects(kind):
        ask(row, at(name, scope + "needed"), value in ("all", "the needed ones"))
        ask(row, at(name, scope + "other"), value == "all")
        ask(row, name, value == "all")
    (row, value), = values(kind, "event_access").items()
    for name in [*DASHBOARDS, *REPORTS, *ADMINISTRATION, *LABELS.values()]:
        ask(row, on_event(name, "aida"), every[name][1])  # an event to which the user was added
        ask(row, on_event(name, "carmen"), every[name][1] and value == "all events")
    (row, _), = values(kind, "view").items()
    ask(row, on_event("sales-overview:open", "aida"), every["sales-overview:open"][1])
    return found
