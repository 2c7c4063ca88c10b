/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a profile is made of: the organization, the roles named, the groups joined, own grants and
 * settings, each sorted. Two memberships with the same sources share one profile; the serialized
 * form is the identity. The organization always belongs to it, since a one-name event means one of
 * its own.
 */
#ifndef USHER_CACHE_SOURCES_H
#define USHER_CACHE_SOURCES_H

#include "cache/entry.h"

struct sources {
    struct slice organization;
    struct entry_values roles; /* DNs, those only that may be referred to */
    struct entry_values grants;
    struct entry_values settings;
    const struct id *groups; /* entryUUIDs */
    size_t group_count;
};

/* Whether what stands in the organization (empty: in <base> ou=roles) may refer to the role. */
bool sources_may_refer(struct slice base, struct slice organization, struct slice role);

/* Nothing at all: silent on everything. */
bool sources_empty(const struct sources *sources);

/* Appends. E_NOMEM. */
int sources_encode(const struct sources *sources, struct buffer *out);

/* Points into bytes; lists go to the arena. E_PROTO. */
int sources_decode(struct slice bytes, struct arena *arena, struct sources *ret);

#endif
