/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who refers to whom, backwards: from a person to the memberships that name them, and to the groups
 * of an organization that have them as a member. Roles need none: BATCH_DEPENDENCY has them. Kept
 * in step from the moment the state is filled, and made at that moment from all the entries.
 */
#ifndef USHER_CACHE_BACKREF_H
#define USHER_CACHE_BACKREF_H

#include "cache/batch.h"

/* Replaces the references of old (NULL: there was none) by those of entry (NULL: removed). */
void backref_write(struct batch *batch, const struct id *uuid, const struct entry *old,
                   const struct entry *entry);

/* All of them anew. */
void backref_build(struct batch *batch);

/* Adds the memberships, of organizations and events, that name the person with this id (of the
 * DN). */
void backref_memberships(struct batch *batch, const struct id *person, struct ids *out);

/* Adds the groups of the organization that name the person, sorted. */
void backref_groups(struct batch *batch, struct slice organization, const struct id *person,
                    struct ids *out);

#endif
