/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which roles stand for somebody (DESIGN 4): those named, with all that they include. A role on a
 * circle of includes (a strongly connected component of more than one role, or one that includes
 * itself, active or not) and an inactive role say nothing, and nothing is reached through them.
 * Knows no grants.
 */
#ifndef USHER_MODEL_ROLE_H
#define USHER_MODEL_ROLE_H

#include "model/resolve.h"

struct role_pool {
    const struct resolve_role *roles;
    size_t count;
};

/* A set of roles being gathered over one pool. */
struct role_set;

/* Memory of the arena. An index outside the pool counts as ROLE_MISSING. */
struct role_set *role_set_new(struct role_pool pool, struct arena *arena,
                              resolve_on_problem *on_problem, void *context);

/* Adds these roles and all that they include; reports what is missing and what is on a circle. */
void role_set_add(struct role_set *set, const int *roles, size_t count);

/* The roles gathered, each once, as indexes into the pool. Valid until the next role_set_add. */
const int *role_set_roles(const struct role_set *set, size_t *ret_count);

#endif
