# SPDX-License-Identifier: BSD-2-Clause
"""The tree that the searches of tests are about: organizations, events, people who may read this and that; and
a plain reading of who is whose. Tree is a running gateway with it and all its entries, as stored."""
import re

import ldif
from gateway import BASE, Gateway, person
from people import password

ACME, GLOBE = "o=acme," + BASE, "o=globe," + BASE
HAMLET = ldif.event_dn("hamlet", "acme")
MORE = "".join((
    ldif.organization("globe", "members", "groups", "services", usherSetting="theme=globe"),
    ldif.organization("shut", "members", usherActive="FALSE"),
    ldif.permission("tills:open", usherChannel="app"), ldif.permission("vault:open", usherFactor="TRUE"),
    ldif.permission("vault:count", usherRequires="tills:open"), ldif.permission("stage:edit", usherEditing="TRUE"),
    ldif.event("hamlet", "acme", "members"), ldif.event("faust", "acme"),
    ldif.member("gus", HAMLET, "+stage:*", "+vault:open"), ldif.member("rita", HAMLET, "-tickets:read"),
    ldif.member("rita", "acme", "+directory:read", "+tickets:*", "-tickets:delete", "+vault:*", "+tills:open",
                "-tickets:search@event/hamlet", "+stage:edit@event/*", "-stage:edit@event/acme/faust",
                "+campaigns:read@payment/*", "-campaigns:read@payment/till-9", "+campaigns:update@giftcard/blue",
                usherSetting="theme=dark"),
    ldif.member("rita", "globe"),
    ldif.member("lena", "acme", "+tickets:read", "+stage:edit", usherSetting="event-scope=specific",
                usherActive="TRUE"),
    ldif.member("olaf", "globe", "+tickets:read"), ldif.member("olaf", "shut"),
    ldif.member("olaf", "acme", "+tickets:read", usherMember=person("lena")),
    ldif.entry("cn=crew,ou=groups," + GLOBE, "usherGroupOfMembers", "usherGroup",
               member=[person("rita"), person("olaf")]),
    ldif.service("till-g", "globe"),
    ldif.person("rita", usherHome=GLOBE, usherBelongsTo=[ACME, GLOBE]),
    ldif.person("lena", usherHome=ACME, usherBelongsTo=ACME),
    ldif.person("olaf", usherHome=GLOBE, usherBelongsTo=[GLOBE, "o=shut," + BASE]),
    ldif.person("gus", usherBelongsTo=ACME), ldif.person("nobody")))


def organization_of(dn):
    found = re.search(r"o=([^,]+),%s$" % BASE, dn)
    return found.group(1) if found else None


def in_platform(dn):
    """What lies in no organization is the platform's."""
    return organization_of(dn) in (None, "platform")


def is_person(dn):
    return dn.endswith(",ou=people," + BASE)


class Tree(dict):
    """{dn: {attribute in lower case: [values]}} of all entries at the store of `gateway`."""

    def __init__(self):
        super().__init__()
        self.gateway = Gateway(ldif=MORE).__enter__()
        self.gateway.pin("acme", "rita", "4711")
        self.gateway.directory.search(BASE, "(objectClass=*)", attributes=["*"])
        for entry in self.gateway.directory.response:
            self[entry["dn"]] = {name.lower(): [value.decode(errors="replace") for value in values]
                                 for name, values in entry["raw_attributes"].items()}

    def belongs(self, dn):
        return {organization_of(value) for value in self[dn].get("usherbelongsto", [])}

    def own(self, uid):
        """A person's entry and memberships."""
        return {dn for dn, entry in self.items() if dn == person(uid) or
                (dn.startswith("cn=%s,ou=members," % uid) and entry.get("ushermember") == [person(uid)])}

    def delegated(self, organizations):
        """The organizations' subtrees and people, and the catalogue and roles that all share."""
        return {dn for dn in self if dn.endswith(("ou=permissions," + BASE, "ou=roles," + BASE)) or
                (self.belongs(dn) & organizations if is_person(dn) else organization_of(dn) in organizations)}

    def everything(self, work=False):
        return {dn for dn in self if not dn.endswith("ou=ledger," + BASE) and
                (work or not dn.endswith("ou=work," + BASE))}

    def catalogue(self):
        return sorted(entry["cn"][0] for dn, entry in self.items() if dn.endswith(",ou=permissions," + BASE))

    def memberships(self, organization):
        return sorted(dn for dn in self if dn.endswith(",ou=members,o=%s,%s" % (organization, BASE)))

    def link(self, uid):
        """Bound as this person."""
        return self.gateway.bound(person(uid), password(uid))
