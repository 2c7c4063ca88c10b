/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What computed attributes need from the store: who is in a group, which groups somebody is in, and
 * whose home an organization is. Only groups that the reader may read are told of, but all of the
 * reader's own.
 */
#ifndef USHER_RULES_BELONGING_H
#define USHER_RULES_BELONGING_H

#include "rules/names.h"
#include "rules/read.h"

/* The normalized DNs of a group's members; none when there is no such group. NULL where the reader
 * may not know. Errors of the store. */
int group_members(struct reader *reader, struct slice group, struct names **ret);

/* The DNs of the groups with a person (a normalized DN), in the arena. */
int person_groups(struct reader *reader, struct slice person, struct arena *arena,
                  struct attribute *ret);

/* The people whose usherHome is one organization, kept till another is asked for. */
struct homes;
void homes_free(struct homes *homes);

/* Whether the organization is the home of the person with this (folded) uid. *homes may be NULL. */
int homes_internal(struct homes **homes, struct reader *reader, struct slice organization,
                   struct slice uid, bool *ret);

#endif
