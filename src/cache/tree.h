/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The shape of the tree (DESIGN 3): which kind of entry stands at a DN, and in which organization.
 * Pure; knows DNs and nothing of what the entries hold.
 */
#ifndef USHER_CACHE_TREE_H
#define USHER_CACHE_TREE_H

#include "base/buffer.h"
#include "base/mem.h"

enum tree_kind {
    TREE_OTHER,            /* containers and what is none of the below */
    TREE_PERSON,           /* uid=U,ou=people,B */
    TREE_PERMISSION,       /* cn=P,ou=permissions,B */
    TREE_ROLE,             /* cn=R,ou=roles,B or cn=R,ou=roles,o=O,B */
    TREE_SERVICE,          /* cn=S,ou=services,B or cn=S,ou=services,o=O,B */
    TREE_ORGANIZATION,     /* o=O,B */
    TREE_MEMBERSHIP,       /* cn=U,ou=members,o=O,B */
    TREE_GROUP,            /* cn=G,ou=groups,o=O,B */
    TREE_EVENT,            /* cn=E,ou=events,o=O,B */
    TREE_EVENT_MEMBERSHIP, /* cn=U,ou=members,cn=E,ou=events,o=O,B */
};

#define TREE_NAME_MAX 64         /* bytes of a name that takes part; longer ones name nothing */
#define TREE_PLATFORM "platform" /* the organization whose members count everywhere */

struct tree_place {
    enum tree_kind kind;
    struct slice organization; /* empty outside an o= */
    struct slice event;        /* event and event membership */
    struct slice name;         /* the value of the first RDN (organization: its name) */
};

/* Where a normalized DN stands below a normalized base. Slices point into dn. Names that are not
 * 1-64 of a-z 0-9 . _ - (a permission's also ":") give TREE_OTHER. 0, or E_NOTFOUND when the DN
 * does not lie under the base. */
int tree_place(struct slice dn, struct slice base, struct tree_place *ret);

/* The name of the organization at a normalized DN: 0, or E_NOTFOUND when it is none of one. */
int tree_organization(struct slice dn, struct slice base, struct slice *ret);

/* Whether an organization, person, group, role, event or service may have this (folded) name. */
bool tree_name_valid(struct slice name);

/* Appends the DN of a membership, of what holds the memberships, of a person, organization, event
 * or ledger entry. event may be empty for the first two. E_NOMEM. */
int tree_membership_dn(struct slice base, struct slice organization, struct slice event,
                       struct slice uid, struct buffer *out);
int tree_members_dn(struct slice base, struct slice organization, struct slice event,
                    struct buffer *out);
int tree_person_dn(struct slice base, struct slice uid, struct buffer *out);
int tree_organization_dn(struct slice base, struct slice organization, struct buffer *out);
int tree_event_dn(struct slice base, struct slice organization, struct slice event,
                  struct buffer *out);
int tree_ledger_dn(struct slice base, struct slice usher_id, struct buffer *out);

#endif
