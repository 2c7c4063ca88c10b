/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The words of the permission model (DESIGN 4): grants, scopes and queries, parsed from text and
 * compared. Parsed values point into the text. Case counts everywhere but in event and organization
 * names. Knows no entries and no people.
 */
#ifndef USHER_MODEL_GRANT_H
#define USHER_MODEL_GRANT_H

#include "base/mem.h"

#define PERMISSION_MAX 256 /* bytes of resource:action */
#define GRANT_MAX      512 /* bytes of a grant or query */

enum scope_kind {
    SCOPE_NONE,               /* unscoped */
    SCOPE_OBJECT,             /* type/name */
    SCOPE_TYPE,               /* every object of a type */
    SCOPE_EVENT,              /* event/name or event/organization/name */
    SCOPE_EVENT_ORGANIZATION, /* every event of one organization */
    SCOPE_EVENT_ALL,          /* every event that the query may reach */
};

struct scope {
    enum scope_kind kind;
    struct slice type;         /* SCOPE_OBJECT, SCOPE_TYPE */
    struct slice organization; /* events; empty in a one-name event */
    struct slice name;         /* SCOPE_OBJECT, SCOPE_EVENT */
};

struct grant {
    bool denial;
    bool any_resource;     /* "*": all but directory:* and directory.*:* when granting */
    bool below_resource;   /* "resource.*" */
    bool any_action;       /* "*" */
    struct slice resource; /* empty with any_resource */
    struct slice action;   /* empty with any_action */
    struct scope scope;
};

enum factor { FACTOR_ABSENT, FACTOR_NONE, FACTOR_TOTP, FACTOR_EMAIL, FACTOR_SMS };

struct query {
    struct slice permission; /* resource:action */
    struct scope scope;      /* SCOPE_NONE, SCOPE_OBJECT or SCOPE_EVENT */
    struct slice channel;    /* empty: absent */
    enum factor factor;
};

/* Each reads the whole text: 0, or E_SYNTAX with *ret untouched. An option given twice in a query
 * is E_SYNTAX: which of the two counts must not be a guess. */
int grant_parse(struct slice text, struct grant *ret);
int query_parse(struct slice text, struct query *ret);
int scope_parse(struct slice text, struct scope *ret);

/* Whether text is resource:action without wildcards, at most PERMISSION_MAX bytes. */
bool permission_valid(struct slice text);

/* Whether text is a name of 1-64 of A-Z a-z 0-9 . _ - (an event or organization), or a label. */
bool name_valid(struct slice text);
bool label_valid(struct slice text);

/* Whether the grant's pattern covers this permission (scope not looked at). */
bool grant_covers(const struct grant *grant, struct slice permission);

/* Whether the grant names exactly one permission; *ret is then its resource:action. */
bool grant_exact(const struct grant *grant, struct slice *ret);

/* A total order of scopes: <0, 0, >0. Names of events and organizations compare without case. */
int scope_compare(const struct scope *a, const struct scope *b);

/* The next wider scope that speaks of the same objects; SCOPE_NONE at the end. */
struct scope scope_wider(const struct scope *scope);

/* "name=value" to its parts: E_SYNTAX without "=" or with an empty name. */
int setting_parse(struct slice text, struct slice *ret_name, struct slice *ret_value);

#endif
