#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The back office model over LDAP Compare: the three levels times access to the app, for internal and
# for external people, over every section. What is expected follows from the vendor's table.
import sys

from models import replay, tables
from models.tables import Cell
from models.world import World

TABLE = tables.table("backoffice004")
# "every section except Users and Admin"
CLOSED = ["section.%s:open" % tables.slug(name)
          for name in TABLE["level.standard"]["meaning"].partition(" except ")[2].split(" and ")]
SECTIONS = tables.catalogue("backoffice004")
# User management; an organization as such is the platform's.
USERS = [name for name in tables.catalogue("usher") if name.startswith("directory") and
         not name.startswith("directory.organization")]
LEVELS = {"level.none": [], "level.standard": ["backoffice004.standard"], "level.admin": ["backoffice004.admin"]}
APP = {True: ["backoffice004.app"], False: []}
STEP, WRITE, LIFE = "a step on a screen", "write rule: licences are counted", "user life-cycle"
SILENT = {
    "create.open": STEP, "create.button": STEP, "create.save": STEP, "edit.open": STEP,
    "field.email": "write rule: internal or external", "field.first_name": STEP, "field.last_name": STEP,
    "field.username": STEP, "field.app_label": "a label", "heading.en_internal": "terminology",
    "field.backoffice_permission": "write rule: one level; each level has a row of its own",
    "mail.welcome": "mail", "licence.limited": WRITE, "licence.app": WRITE, "licence.backoffice": WRITE,
    "licence.both": WRITE, "licence.exhausted": WRITE, "kind.classification": LIFE, "remove.internal": LIFE,
}


def expected(level, permission):
    """Whether a holder of this level may."""
    if permission in USERS:
        return level == "level.admin"  # page.admin_only
    if level == "level.standard":
        return permission not in CLOSED
    return level == "level.admin"


class Cells:
    def __init__(self):
        self.world, self.cells = World(), []
        for organization in ("hall", "club"):
            self.world.organization(organization)

    def ask(self, row, uid, organization, query, allowed):
        self.cells.append(Cell(row, uid, organization, query, allowed))

    def everything(self, level, app, uid, organization, why=None):
        for permission in ["backoffice:login", *SECTIONS]:
            self.ask(why or level, uid, organization, permission, expected(level, permission))
        for permission in USERS:
            self.ask(why or "page.admin_only", uid, organization, permission, expected(level, permission))
        self.ask(why or "field.app_access", uid, organization, "app:login", app)

    def levels(self):
        for level, roles in LEVELS.items():
            for app, more in APP.items():
                uid = "%s.%s" % (level, "app" if app else "plain")
                self.world.member("hall", uid, roles=roles + more)
                self.everything(level, app, uid, "hall")
                self.everything("level.none", False, uid, "club", "account.meaning")

    def externals(self):
        """Internal at the hall, external at the club, with other rights there; one membership has ended."""
        for level, roles in LEVELS.items():
            uid = "external." + level
            self.world.member("hall", uid, roles=["backoffice004.admin"])
            self.world.member("club", uid, roles=roles + APP[True])
            self.everything("level.admin", False, uid, "hall", "kind.internal")
            self.everything(level, True, uid, "club", "kind.external")
        self.world.member("hall", "removed", roles=["backoffice004.standard"])
        self.world.member("club", "removed", roles=["backoffice004.admin"], active=False)
        self.everything("level.standard", False, "removed", "hall", "remove.external")
        self.everything("level.none", False, "removed", "club", "remove.external")


def build():
    cells = Cells()
    cells.levels()
    cells.externals()
    return cells


def main():
    built = build()
    return replay.run("backoffice004", built.world, built.cells, SILENT)


if __name__ == "__main__":
    sys.exit(main())
