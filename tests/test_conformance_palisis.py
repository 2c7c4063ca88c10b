#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The Palisis model over LDAP Compare: authority levels, their combinations, page permissions, the
# switch "all granted" and each special permission, by itself and together. What is expected follows
# from the rows a person has in the vendor's table and their effect; ROLES says only how the sample
# model writes a row down.
import itertools
import sys

from models import replay, tables
from models.tables import Cell
from models.world import World

TABLE = tables.table("palisis")
ADMINISTRATOR, BACKOFFICE = "level.backoffice_administrator", "level.backoffice_user"
LEVELS = [row for row in TABLE if row.startswith("level.") and row != "level.combination"]
SPECIALS = [row for row in TABLE if row.startswith("special.") and row != "special.scope"]
ALL_GRANTED = "switch.all_granted"
PAGES = [name for name in tables.catalogue("palisis") if name.startswith("page.")]
USERS = ["directory.user:create", "directory.user:update", "directory.user:delete"]
# Everything in the account is administered by these; the account itself is the vendor's.
DIRECTORY = [name for name in tables.catalogue("usher") if name.startswith("directory") and
             name not in ("directory.organization:create", "directory.organization:delete")]
LOGINS = ["backoffice:login", "terminal:login"]
PERMISSIONS = LOGINS + tables.catalogue("palisis") + DIRECTORY

ROLES = {
    ADMINISTRATOR: "palisis.administrator",
    BACKOFFICE: "palisis.backoffice-user",
    "level.sales_user": "palisis.sales-user",
    "level.boxoffice": "palisis.boxoffice",
    ALL_GRANTED: "palisis.all-granted",
    "special.cash_management_read_only": "palisis.cash-read-only",
    "special.cash_management_close_allowed": "palisis.cash-close-allowed",
    "special.refund_not_allowed": "palisis.refund-not-allowed",
    "special.refund_user_selection_allowed": "palisis.refund-user-selection",
    "special.billing": "palisis.billing",
    "special.partner_management": "palisis.partner-management",
    "special.external_reference_batches": "palisis.external-reference-batches",
    "special.user_management": "palisis.user-management",
    "special.manual_discount": "palisis.manual-discount",
    "special.boxoffice_manual_pricing_allowed": "palisis.manual-pricing",
    "special.webhook_report": "palisis.webhook-report",
    "special.show_anonymize_ticket_search": "palisis.anonymize",
}
# The "meaning" of a row in the catalogue's words.
SELLING = ["terminal:login", "terminal:sell", "boxoffice:sell"]
GIVES = {
    # "add, edit and delete anything in the account"; selling is a level of its own
    ADMINISTRATOR: [name for name in PERMISSIONS if name not in SELLING],
    BACKOFFICE: ["backoffice:login"],
    "level.sales_user": ["terminal:login", "terminal:sell"],
    "level.boxoffice": ["boxoffice:sell"],
    # "every feature": the pages, and cash management as far as no special permission speaks of it
    ALL_GRANTED: [*PAGES, "cash:view", "cash:accept"],
    "special.cash_management_read_only": ["cash:view"],
    "special.cash_management_close_allowed": ["cash:view", "cash:close"],
    "special.refund_user_selection_allowed": ["refund:select-user"],
    "special.billing": ["billing:update"],
    "special.partner_management": ["partner:manage"],
    "special.external_reference_batches": ["external-reference:upload"],
    "special.user_management": ["directory.user:create", "directory.user:update"],
    "special.manual_discount": ["discount:create"],
    "special.boxoffice_manual_pricing_allowed": ["boxoffice:manual-price"],
    "special.webhook_report": ["webhook-report:read"],
    "special.show_anonymize_ticket_search": ["customer:anonymize"],
}
# Rows whose effect is deny or read-only. Choosing who refunds is part of refunding.
TAKES = {
    "special.cash_management_read_only": ["cash:close", "cash:accept"],
    "special.refund_not_allowed": ["refund:create", "refund:select-user"],
}
# Not for who holds User Management: reading and handing out go with it; without BackOffice access it
# should give nothing, which the model cannot say, since no condition stands on directory.user alone.
UNSAID = ["directory.user:create", "directory.user:update", "directory:read", "directory.grant:all"]
SILENT = {
    "rule.nav": "where a screen is", "rule.levels_screen": "what a screen shows",
    "rule.see_other_article": "a reference", "rule.who_to_register": "advice",
    "rule.anonymize_irreversible": "what the application does",
    "rule.email_unique": "write rule", "rule.email_dummy_sales": "write rule",
    "rule.email_valid_backoffice": "write rule", "rule.email_invalid_street_seller": "write rule",
    "rule.email_changeable": "write rule", "rule.admin_activation": "write rule",
    "rule.order_drag_drop": "write rule", "rule.order_terminal": "a screen",
    "rule.pin_personal": "a duty of people", "field.email": "write rule", "field.pin": "login",
    "rule.mail_on_create": "mail", "rule.mail_activation_link": "mail", "rule.forgot_password": "mail",
    "rule.initial_password_change": "login",
    "perm.page_restriction": "said again by perm.page_access",
}


def check_effects():
    """That TAKES and GIVES say what the column "effect" says."""
    for row, permissions in [*((row, TABLE[row]["effect"]) for row in ROLES)]:
        takes, gives = row in TAKES, bool(GIVES.get(row))
        if (takes, gives) != {"grant": (False, True), "grant-all": (False, True), "deny": (True, False),
                              "read-only": (True, True)}[permissions]:
            raise AssertionError(row)


def expected(held, permission, pages=()):
    """Whether who has these rows and pages may; None where the model cannot say what the table does."""
    backoffice = bool({ADMINISTRATOR, BACKOFFICE} & set(held))
    counting = [row for row in held if row not in SPECIALS or backoffice]  # special.scope
    if any(permission in TAKES.get(row, ()) for row in counting):
        return False
    if permission == "refund:create" and backoffice:  # rule.refund_default
        return True
    if any(permission in GIVES.get(row, ()) for row in counting):
        return True
    if "special.user_management" in held and permission in UNSAID:
        return None
    return permission in pages and backoffice  # perm.page_access


class Cells:
    """People of one organization, each with the cells of the whole catalogue."""

    def __init__(self):
        self.world, self.cells, self.unsaid = World(), [], 0
        self.world.organization("tours")

    def person(self, row, held, pages=(), permissions=PERMISSIONS):
        uid = "p%03d" % len(self.world.people)
        self.world.member("tours", uid, roles=[ROLES[one] for one in held],
                          grants=["+" + page for page in pages])
        for permission in permissions:
            allowed = expected(held, permission, pages)
            if allowed is None:
                self.unsaid += 1
            else:
                self.cells.append(Cell(row, uid, "tours", permission, allowed))

    def levels(self):
        for level in LEVELS:
            self.person(level, [level])
        for size in (0, 2, 3, 4):
            for held in itertools.combinations(LEVELS, size):
                self.person("level.combination", held)
        self.person("rule.refund_default", [BACKOFFICE], permissions=["refund:create"])

    def pages(self):
        for page in PAGES:
            self.person("perm.page_access", [BACKOFFICE], [page])
        self.person("perm.page_access", [BACKOFFICE], PAGES)
        self.person(ALL_GRANTED, [BACKOFFICE, ALL_GRANTED])
        self.person(ALL_GRANTED, [BACKOFFICE])
        self.person("rule.permissions_exclude_users", [BACKOFFICE, ALL_GRANTED], PAGES, USERS)
        self.person("rule.admin_only_creates", [BACKOFFICE, "level.sales_user", "level.boxoffice",
                                                ALL_GRANTED], PAGES, USERS)
        self.person("rule.admin_only_creates", [ADMINISTRATOR], permissions=USERS)

    def specials(self):
        for row in SPECIALS:
            for held in ([BACKOFFICE, row], [BACKOFFICE, ALL_GRANTED, row], [ADMINISTRATOR, row],
                         [BACKOFFICE, *(other for other in SPECIALS if other not in (row, *TAKES))]):
                self.person(row, held)
            for held in ([row], ["level.sales_user", "level.boxoffice", row]):
                self.person("special.scope", held)
        for pair in itertools.combinations(SPECIALS, 2):
            self.person(pair[0], [BACKOFFICE, *pair])


def build():
    check_effects()
    cells = Cells()
    cells.levels()
    cells.pages()
    cells.specials()
    return cells


def main():
    built = build()
    print("special.scope: %d cells left out, of UNSAID" % built.unsaid)
    return replay.run("palisis", built.world, built.cells, SILENT)


if __name__ == "__main__":
    sys.exit(main())
