# SPDX-License-Identifier: BSD-2-Clause
"""The permission model once more, in the plainest words, for unscoped values alone.

Entries are {dn: {attribute: [values]}}, all in lower case. Written from the model's description and
from nothing of the evaluator under test; slow and without cleverness."""

BASE = "dc=example,dc=org"
PLATFORM = "platform"


def active(entry):
    return entry.get("usheractive", ["true"])[0].lower() == "true"


def organization_of(dn):
    """The organization that a DN lies in, or None for what belongs to all."""
    parts = dn[:-len(BASE) - 1].split(",") if dn.endswith("," + BASE) else []
    return parts[-1][2:] if parts and parts[-1].startswith("o=") else None


def covers(pattern, permission, denial):
    resource, action = permission.split(":")
    wanted, _, wanted_action = pattern.partition(":")
    if pattern == "*":
        wanted, wanted_action = "*", "*"
    if wanted_action not in ("*", action):
        return False
    if wanted == "*":
        return denial or not (resource == "directory" or resource.startswith("directory."))
    if wanted.endswith(".*"):
        return resource.startswith(wanted[:-1])
    return resource == wanted


class Evaluator:
    """Answers for one state of the tree."""

    def __init__(self, entries):
        self.entries = entries
        self.gathered, self.known = {}, {}

    def may_refer(self, holder, role):
        """Roles of the holder's organization or of all; those of all only to each other."""
        if ",ou=roles," not in role or role not in self.entries:
            return False
        return organization_of(role) in (None, organization_of(holder))

    def includes(self, role):
        return [one for one in self.entries[role].get("usherinclude", []) if self.may_refer(role, one)]

    def reachable(self, role):
        seen, todo = set(), self.includes(role)
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += self.includes(one)
        return seen

    def on_circle(self, role):
        return role in self.reachable(role)

    def gather(self, role):
        """The role with all that it includes."""
        if role not in self.gathered:
            found, todo = set(), [role]
            while todo:
                one = todo.pop()
                if one in found or not active(self.entries[one]) or self.on_circle(one):
                    continue
                found.add(one)
                todo += self.includes(one)
            self.gathered[role] = found
        return self.gathered[role]

    def roles(self, holders):
        return [role for holder in holders for named in self.entries[holder].get("usherrole", [])
                if self.may_refer(holder, named) for role in self.gather(named)]

    def membership(self, uid, organization):
        """The DN of a valid membership, or None."""
        dn = "cn=%s,ou=members,o=%s,%s" % (uid, organization, BASE)
        entry = self.entries.get(dn)
        member = "uid=%s,ou=people,%s" % (uid, BASE)
        return dn if entry is not None and active(entry) and entry["ushermember"] == [member] else None

    def groups(self, uid, organization):
        end = ",ou=groups,o=%s,%s" % (organization, BASE)
        member = "uid=%s,ou=people,%s" % (uid, BASE)
        return [dn for dn, entry in self.entries.items() if dn.endswith(end) and active(entry)
                and member in entry.get("member", [])]

    def layers(self, uid, organization):
        """The values of each layer, the highest first; none without a valid membership."""
        if (uid, organization) not in self.known:
            membership = self.membership(uid, organization)
            groups = self.groups(uid, organization) if membership else []
            holders = [membership] if membership else []
            self.known[uid, organization] = [
                [value for dn in layer for value in self.entries[dn].get("ushergrant", [])]
                for layer in (holders, groups, self.roles(holders + groups))]
        return self.known[uid, organization]

    def says(self, uid, organizations, permission):
        for values in (layer for organization in organizations for layer in self.layers(uid, organization)):
            if any(value[0] == "-" and covers(value[1:], permission, True) for value in values):
                return False
            if any(value[0] == "+" and covers(value[1:], permission, False) for value in values):
                return True
        return False

    def allows(self, uid, organization, permission, asked=()):
        """Of an active organization."""
        person = self.entries.get("uid=%s,ou=people,%s" % (uid, BASE))
        if person is None or not active(person) or permission in asked:
            return False
        if not self.says(uid, dict.fromkeys((organization, PLATFORM)), permission):
            return False
        required = self.entries["cn=%s,ou=permissions,%s" % (permission, BASE)].get("usherrequires")
        return required is None or self.allows(uid, organization, required[0], (*asked, permission))
