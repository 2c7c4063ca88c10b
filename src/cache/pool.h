/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The roles and groups that profiles are made of, read from the state once and kept while nothing
 * changes: from the sources of a profile to the evaluator's input, and to all that the profile
 * depends on (every role that its includes lead to, also those that are not there, and its groups).
 */
#ifndef USHER_CACHE_POOL_H
#define USHER_CACHE_POOL_H

#include "cache/batch.h"
#include "cache/sources.h"
#include "model/resolve.h"

struct pool;

/* No entry may change while the pool lives. */
struct pool *pool_new(struct batch *batch);
void pool_free(struct pool *pool); /* NULL is fine */

struct pool_input {
    struct resolve_input input;
    const struct slice *role_dns; /* of input.pool */
    const struct id *depends;     /* sorted, no two the same */
    size_t depend_count;
};

/* In memory of the batch's arena, pointing into sources and the pool. Tells of roles that are not
 * there. Errors of the state stick to the batch. */
void pool_input(struct pool *pool, const struct sources *sources, struct pool_input *ret);

#endif
