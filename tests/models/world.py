# SPDX-License-Identifier: BSD-2-Clause
"""A tree built for a test: organizations, people, roles, groups, events, written as LDIF.

A role is named "tixly.finance" (of all organizations) or "north/usher" (of the organization north).
A person is made with the first membership, whose organization becomes their home."""
import uuid

BASE = "dc=example,dc=org"


def role_dn(name):
    organization, _, cn = name.rpartition("/")
    return "cn=%s,ou=roles,%s%s" % (cn, "o=%s," % organization if organization else "", BASE)


class World:
    def __init__(self):
        self.entries, self.people = [], set()

    def ldif(self):
        return "\n".join("\n".join("%s: %s" % pair for pair in entry) + "\n" for entry in self.entries)

    def add(self, dn, classes, *attributes):
        """attributes: (name, value or list of values or None)"""
        entry = [("dn", dn), *[("objectClass", name) for name in classes]]
        for name, values in attributes:
            if values is not None:
                entry += [(name, value) for value in ([values] if isinstance(values, str) else values)]
        self.entries.append(entry)

    def organization(self, o, primary=None, settings=()):
        dn = "o=%s,%s" % (o, BASE)
        self.add(dn, ("organization", "usherOrganization"), ("o", o), ("usherSetting", settings),
                 ("usherPrimary", primary and "o=%s,%s" % (primary, BASE)))
        for ou in ("members", "groups", "roles", "services", "events"):
            self.add("ou=%s,%s" % (ou, dn), ("organizationalUnit",), ("ou", ou))

    def person(self, uid, home, active=True):
        if uid in self.people:
            return
        self.people.add(uid)
        self.add("uid=%s,ou=people,%s" % (uid, BASE), ("inetOrgPerson", "usherPerson"), ("uid", uid),
                 ("cn", uid), ("sn", uid), ("usherHome", "o=%s,%s" % (home, BASE)),
                 ("usherId", str(uuid.uuid5(uuid.NAMESPACE_DNS, uid + ".example.org"))),
                 ("usherActive", None if active else "FALSE"))

    def role(self, name, grants=(), settings=(), includes=()):
        self.add(role_dn(name), ("usherRole",), ("cn", name.rpartition("/")[2]), ("usherGrant", grants),
                 ("usherSetting", settings), ("usherInclude", [role_dn(role) for role in includes]))

    def member(self, o, uid, roles=(), grants=(), settings=(), active=True):
        self.person(uid, o)
        self.membership("cn=%s,ou=members,o=%s,%s" % (uid, o, BASE), uid, roles, grants, settings, active)

    def event_member(self, o, event, uid, roles=(), grants=(), settings=(), active=True):
        self.person(uid, o)
        self.membership("cn=%s,ou=members,cn=%s,ou=events,o=%s,%s" % (uid, event, o, BASE), uid, roles,
                        grants, settings, active)

    def membership(self, dn, uid, roles, grants, settings, active):
        self.add(dn, ("usherMembership",), ("cn", uid),
                 ("usherMember", "uid=%s,ou=people,%s" % (uid, BASE)), ("usherGrant", grants),
                 ("usherRole", [role_dn(role) for role in roles]), ("usherSetting", settings),
                 ("usherActive", None if active else "FALSE"))

    def group(self, name, members, roles=(), grants=(), settings=()):
        o, _, cn = name.partition("/")
        self.add("cn=%s,ou=groups,o=%s,%s" % (cn, o, BASE), ("usherGroupOfMembers", "usherGroup"),
                 ("cn", cn), ("member", ["uid=%s,ou=people,%s" % (uid, BASE) for uid in members]),
                 ("usherRole", [role_dn(role) for role in roles]), ("usherGrant", grants),
                 ("usherSetting", settings))

    def event(self, name, shared=()):
        o, _, cn = name.partition("/")
        dn = "cn=%s,ou=events,o=%s,%s" % (cn, o, BASE)
        self.add(dn, ("usherEvent",), ("cn", cn),
                 ("usherSharedWith", ["o=%s,%s" % (other, BASE) for other in shared]))
        self.add("ou=members," + dn, ("organizationalUnit",), ("ou", "members"))
