/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the values of one membership to its profile: what layers 3 to 5 (or, for an event
 * membership, 1 and 2; for a platform membership, 6 to 8; for a service, its two) say of every
 * permission, as a pair of bitsets for what is unscoped and one more pair for every scope that a
 * value names. Pure: the caller has looked up groups and roles; roles refer to each other by index.
 */
#ifndef USHER_MODEL_RESOLVE_H
#define USHER_MODEL_RESOLVE_H

#include "base/mem.h"
#include "model/catalogue.h"

#include <stdint.h>

#define ROLE_MISSING (-1) /* an include or role that is not there or may not be referred to */

/* grants and settings are the raw values; those that do not parse are skipped and reported. */
struct resolve_values {
    const struct slice *grants;
    size_t grant_count;
    const struct slice *settings;
    size_t setting_count;
};

struct resolve_role {
    bool active;
    struct slice organization; /* that holds the role; empty for one of <base> ou=roles */
    struct resolve_values values;
    const int *includes; /* indexes into roles; ROLE_MISSING allowed */
    size_t include_count;
};

struct resolve_group {
    bool active;
    struct resolve_values values;
    const int *roles;
    size_t role_count;
};

struct resolve_input {
    struct slice organization; /* of the membership; one-name events of its values belong to it.
                                  Empty for a service of <base>: one-name events do not count */
    bool platform;             /* of o=platform: one-name events do not count */
    struct resolve_values values;
    const int *roles; /* of the membership */
    size_t role_count;
    const struct resolve_group *groups;
    size_t group_count;
    const struct resolve_role *pool; /* every role that the indexes speak of */
    size_t pool_count;
};

/* A pair of bitsets: neither set is silent; both never. */
struct profile_bits {
    uint64_t *granted;
    uint64_t *denied;
};

/* What holds for an object of this scope that no narrower scope of the profile names: the whole
 * answer of the layers there, the unscoped values included. */
struct profile_scope {
    struct scope scope; /* events always with organization, folded to lower case */
    struct profile_bits bits;
};

struct profile_setting {
    struct slice name;
    struct slice value;
};

struct profile {
    size_t words; /* of each bitset */
    struct profile_bits bits;
    struct profile_scope *scopes; /* sorted, no two the same */
    size_t scope_count;
    struct profile_setting *settings; /* effective, sorted by name */
    size_t setting_count;
};

/* What was skipped, for doctor and the log. where is
 *   "value":   a grant or setting that does not parse, or a one-name event that has no
 * organization; "role":    a role or include that is ROLE_MISSING; "circle":  a role on a circle of
 * includes; "setting": the lesser of several values of one setting in one layer. */
struct resolve_problem {
    const char *where;
    int role;           /* index into pool, or ROLE_MISSING when it is the membership or a group */
    struct slice value; /* the value skipped; empty for a circle */
};

/* Called for each problem; may be NULL. */
typedef void resolve_on_problem(void *context, const struct resolve_problem *problem);

/* Resolves into memory of the arena. 0, or E_LIMIT when the profile would name more than 4096
 * scopes. */
int resolve(const struct catalogue *catalogue, const struct resolve_input *input,
            struct arena *arena, resolve_on_problem *on_problem, void *context,
            struct profile *ret);

/* What the profile says of a permission for a scope (SCOPE_NONE, SCOPE_OBJECT, or SCOPE_EVENT with
 * its organization). */
enum verdict profile_verdict(const struct profile *profile, unsigned bit,
                             const struct scope *scope);

/* The effective value of a setting, or an empty slice with data NULL. */
struct slice profile_setting(const struct profile *profile, struct slice name);

#endif
