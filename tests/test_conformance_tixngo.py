#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The TIXNGO model over LDAP Compare, cell by cell: 20 pages x 5 roles x 7 privileges and the action
# icons that carry a label, as the vendor's own tables have them. Asked by the service cn=backoffice
# about an organization whose members hold one role each and nothing else.
import csv
import os
import sys
import time

import ldif
import raw_ldap as raw
from gateway import BASE, ROOT, Gateway, membership

TABLES = os.path.join(ROOT, "tests/models")
PRIVILEGES = ("read", "create", "update", "delete", "search", "export", "execute")
WHO = {"admin": "ada", "support": "sue", "basic": "ben", "moderator": "mia", "tixngo_support": "tom"}
ICONS = {  # (page, action): the permission that the icon stands for
    ("tickets", "transfer-ticket"): "tickets:transfer",
    ("tickets", "edit-ticket"): "tickets:update",
    ("tickets", "delete-ticket"): "tickets:delete",
    ("spectators-list", "lock-spectator-account"): "spectators-list:lock",
    ("spectators-list", "unlock-spectator-account"): "spectators-list:unlock",
    ("spectators-list", "log-out-spectator"): "spectators-list:log-out",
    ("spectators-list", "reset-spectator-devices"): "spectators-list:reset-devices",
    ("spectators-list", "remove-spectator-account"): "spectators-list:delete",
    ("events", "edit-event"): "events:update",
    ("events", "ticket-security-information"): "events:security-information",
    ("settings", "edit-value"): "settings:update",
    ("support-ticket", "edit-ticket-transfer-rules"): "support-ticket:update",
    ("manage-account", "edit-account"): "manage-account:update",
    ("manage-account", "delete-account"): "manage-account:delete",
    ("manage-account", "resend-2fa-qr"): "manage-account:execute",
}


def people():
    return ldif.organization("theatre", "members") + "".join(
        ldif.member(uid, "theatre", usherRole="cn=tixngo.%s,ou=roles,%s" % (role.replace("_", "-"), BASE))
        for role, uid in WHO.items())


def rows(name):
    with open(os.path.join(TABLES, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def privileges():
    """(who, permission, allowed, what the vendor calls it) for each cell."""
    for row in rows("tixngo-privileges.tsv"):
        for privilege in PRIVILEGES:
            yield (row["role"], "%s:%s" % (row["page"], privilege), row[privilege] == "yes",
                   "%s: %s" % (row["page_label"], privilege))


def icons():
    """The same for each labelled icon and role; a role whose page does not show it is denied it."""
    shown = {}
    for row in rows("tixngo-icons.tsv"):
        if not row["action"].startswith("unlabelled-"):
            shown[row["page"], row["action"], row["role"]] = row["state"] == "shown"
    known = {(page, action) for page, action, _ in shown}
    if known != set(ICONS):
        raise AssertionError("icons without a permission: %s" % sorted(known ^ set(ICONS)))
    for page, action in sorted(known):
        for role in WHO:
            yield (role, ICONS[page, action], shown.get((page, action, role), False),
                   "%s: icon %s" % (page, action))


def check(link, name, cases, expected_count):
    """Asks all of them; returns how many were answered otherwise than the vendor's table says."""
    cases = list(cases)
    answers = link.ask_all(raw.compare(membership(WHO[role], "theatre"), permission)
                           for role, permission, _, _ in cases)
    wrong = 0
    for (role, permission, allowed, label), answer in zip(cases, answers):
        if answer.code != (raw.COMPARE_TRUE if allowed else raw.COMPARE_FALSE):
            print("%s, %s (%s): expected %s, got %r" % (role, label, permission, allowed, answer))
            wrong += 1
    allowed = sum(case[2] for case in cases)
    print("%s: %d asked, %d allowed, %d denied, %d wrong" % (name, len(cases), allowed,
                                                             len(cases) - allowed, wrong))
    if len(cases) != expected_count or not 0 < allowed < len(cases):
        print("%s: %d cases expected" % (name, expected_count))
        wrong += 1
    return wrong


def main():
    start = time.monotonic()
    with Gateway(ldif=people()) as gateway, gateway.backoffice() as link:
        wrong = check(link, "privileges", privileges(), 700) + check(link, "labelled icons", icons(), 75)
    print("%.1f s" % (time.monotonic() - start))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
