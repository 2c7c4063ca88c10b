/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who is in which groups, in memory, for the time of a first fill: there everybody is asked about
 * once, in no order that the table of references knows. Bounded: of a tree with more members of
 * groups than it holds it tells nothing, and the table is asked.
 */
#ifndef USHER_CACHE_GROUPING_H
#define USHER_CACHE_GROUPING_H

#include "cache/batch.h"

#define GROUPING_MAX (768u * 1024) /* members of groups: 32 MB */

struct grouping;

struct grouping *grouping_new(void);
void grouping_free(struct grouping *grouping); /* NULL is fine */

/* key: 128 bits that nobody can choose, of a person in an organization. */
void grouping_add(struct grouping *grouping, const struct id *key, const struct id *group);

/* Adds the groups of the key, in no order. False: it does not know, for there were too many. */
bool grouping_find(const struct grouping *grouping, const struct id *key, struct ids *out);

#endif
