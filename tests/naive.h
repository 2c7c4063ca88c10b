/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A second evaluator, written from DESIGN 4 alone: it shares no code with src/model, reads the
 * whole tree again for every question and prefers to be plain. Tests compare the real evaluator, or
 * a running server, with it. Names of entries are given in lower case; those inside values and
 * queries as they stand there.
 */
#ifndef USHER_TESTS_NAIVE_H
#define USHER_TESTS_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum naive_kind {
    NAIVE_PERMISSION,       /* name: resource:action */
    NAIVE_PERSON,           /* name: uid */
    NAIVE_ORGANIZATION,     /* name: o */
    NAIVE_MEMBERSHIP,       /* organization, name: uid */
    NAIVE_EVENT_MEMBERSHIP, /* organization, event, name: uid */
    NAIVE_GROUP,            /* organization, name */
    NAIVE_ROLE,             /* organization (or none: <base> ou=roles), name */
    NAIVE_EVENT,            /* organization, name */
    NAIVE_SERVICE,          /* organization (or none: <base> ou=services), name */
    NAIVE_KINDS,
};

/* An entry. What its kind does not have stays zero. Lists end with NULL, a NULL list is empty. */
struct naive_entry {
    enum naive_kind kind;
    const char *organization; /* that holds the entry; NULL or "": <base> */
    const char *event;        /* of an event membership */
    const char *name;
    bool inactive;                  /* usherActive FALSE */
    int64_t not_before;             /* ms since 1970; 0: absent */
    int64_t not_after;              /* likewise */
    const char *const *grants;      /* usherGrant */
    const char *const *settings;    /* usherSetting */
    const char *const *roles;       /* usherRole, or usherInclude of a role: "organization/name", or
                                       "/name" for one of <base>; anything else points nowhere */
    const char *const *members;     /* of a group: uids */
    const char *const *shared_with; /* of an event: organizations */
    const char *primary;            /* of an organization: organization, or NULL */
    const char *channel;            /* of a permission: usherChannel or NULL */
    const char *requires;           /* of a permission: usherRequires or NULL */
    bool editing;                   /* of a permission */
    bool factor;                    /* of a permission */
};

struct naive;

struct naive *naive_new(void);
void naive_free(struct naive *tree);

/* Adds a copy. Of two entries of one kind, place and name the first counts. */
void naive_add(struct naive *tree, const struct naive_entry *entry);

/* The entries in the order in which they were added. */
size_t naive_count(const struct naive *tree);
const struct naive_entry *naive_at(const struct naive *tree, size_t index);

/* The entry of this kind and place, or NULL. organization and event may be NULL. */
const struct naive_entry *naive_find(const struct naive *tree, enum naive_kind kind,
                                     const char *organization, const char *event, const char *name);

/* result: 0, E_DENIED, E_STEPUP, or of step 1 E_SYNTAX (query), E_NOPERM, E_NOTFOUND. */
struct naive_answer {
    int result;
    int step;
};

struct naive_answer naive_decide(const struct naive *tree, const char *person,
                                 const char *organization, const char *query, int64_t now_ms);

/* The same for a service, which has no memberships: one of an organization counts there, one of
 * <base> (service_organization NULL or "") everywhere. */
struct naive_answer naive_decide_service(const struct naive *tree, const char *service_organization,
                                         const char *service, const char *organization,
                                         const char *query, int64_t now_ms);

/* For people: one entry a paragraph. */
void naive_print(const struct naive *tree, FILE *file);

#endif
