/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What makes a membership count, and what its profile is made of: the roles that it may refer to,
 * its groups, its own values. One reading for everybody who turns an entry into a profile.
 */
#ifndef USHER_CACHE_MEMBER_H
#define USHER_CACHE_MEMBER_H

#include "cache/batch.h"
#include "cache/sources.h"

/* Whether the membership (of an organization or an event) names one person, as whom it is named.
 * That the person is there is another question. */
bool member_named(const struct batch *batch, const struct entry *entry);

/* Whether it counts: it names the person as whom it is named, and there is one. Tells of a person
 * who is not there. */
bool member_counts(struct batch *batch, const struct entry *entry);

/* The sources of its profile, pointing into the entry and the batch's arena. Memberships of events
 * have no groups. */
void member_sources(struct batch *batch, const struct entry *entry, struct sources *ret);

#endif
