# SPDX-License-Identifier: BSD-2-Clause
"""LDIF of what the tree of a test begins with besides the samples: organizations with their branches, events,
people, memberships, services. Each function gives whole entries; people.py adds the same to a running
store. Knows no server."""
import uuid

import people
from gateway import BASE, membership
from gateway import person as person_dn
from gateway import service as service_dn


def entry(dn, *classes, **attributes):
    """The attribute of the RDN is added; a list gives several values."""
    name, value = dn.split(",")[0].split("=", 1)
    lines = ["dn: " + dn, *("objectClass: " + one for one in classes), "%s: %s" % (name, value)]
    for name, values in attributes.items():
        lines += ["%s: %s" % (name, one) for one in (values if isinstance(values, (list, tuple)) else [values])]
    return "\n".join(lines) + "\n\n"


def branches(dn, *names):
    return "".join(entry("ou=%s,%s" % (name, dn), "organizationalUnit") for name in names)


def organization(name, *names, **attributes):
    """With these branches."""
    dn = "o=%s,%s" % (name, BASE)
    return entry(dn, "organization", "usherOrganization", **attributes) + branches(dn, *names)


def event(name, place, *names, **attributes):
    """An event of the organization `place`, whose branch there is, with these branches of its own."""
    dn = event_dn(name, place)
    return entry(dn, "usherEvent", **attributes) + branches(dn, *names)


def event_dn(name, place):
    return "cn=%s,ou=events,o=%s,%s" % (name, place, BASE)


def person(uid, **attributes):
    """Its password is people.password(uid)."""
    own = {"cn": uid.title(), "sn": uid.title(), "mail": uid + "@example.org",
           "userPassword": people.password(uid), "usherId": uuid.uuid5(uuid.NAMESPACE_DNS, uid)}
    return entry(person_dn(uid), "inetOrgPerson", "usherPerson", **{**own, **attributes})


def member(uid, place, *grants, **attributes):
    """A membership in the organization `place`, or in the event with this DN."""
    dn = "cn=%s,ou=members,%s" % (uid, place) if "," in place else membership(uid, place)
    own = {"usherMember": person_dn(uid), "usherGrant": grants}
    return entry(dn, "usherMembership", **{**own, **attributes})


def service(cn, place=None, **attributes):
    """Its password is people.password(cn)."""
    return entry(service_dn(cn, place), "applicationProcess", "usherService",
                 **{"userPassword": people.password(cn), **attributes})


def role(cn, *grants, **attributes):
    """Of the platform."""
    return entry("cn=%s,ou=roles,%s" % (cn, BASE), "usherRole", **{"usherGrant": grants, **attributes})


def permission(cn, **attributes):
    return entry("cn=%s,ou=permissions,%s" % (cn, BASE), "usherPermission", **attributes)
