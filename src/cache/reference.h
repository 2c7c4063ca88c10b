/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an entry refers to that has to be there: people, organizations, permissions. A reference
 * that leads nowhere harms nobody else and may be right a moment later, since a refresh announces
 * entries in any order; so those that a change brings are looked at again when all of it has come.
 */
#ifndef USHER_CACHE_REFERENCE_H
#define USHER_CACHE_REFERENCE_H

#include "cache/pool.h"

/* References of the state's own entry that lead nowhere now, told as its defects. The members of a
 * group are not among them: only their hashes are known. */
void references_check(struct batch *batch, const struct entry *entry, struct problems *problems);

/* Tells of each role on a circle of includes, among these and all that they lead to. Empties the
 * batch's arena. */
void references_circles(struct batch *batch, struct pool *pool, const struct slice *roles,
                        size_t count, struct problems *problems);
extern const char reference_circle[]; /* what is told then */

/* What is to be looked at again, of many entries. */
struct pending;

#define PENDING_MAX 65536 /* beyond it they are told of by doctor alone */

struct pending *pending_new(void);
void pending_free(struct pending *pending); /* NULL is fine */
void pending_clear(struct pending *pending);

/* Remembers the entry where one of its references leads nowhere now, and those members of a group
 * who are not there and were not its members so far. attributes: as the store announced them. */
void pending_note(struct pending *pending, struct batch *batch, const struct id *uuid,
                  const struct entry *entry, const struct attribute *attributes,
                  size_t attribute_count);

/* Tells of what still leads nowhere, and forgets all. */
void pending_tell(struct pending *pending, struct batch *batch);

/* The permission's entry, by the name that usherRequires gives it. */
bool reference_permission(struct batch *batch, struct slice id);

#endif
