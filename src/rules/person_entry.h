/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries of people and of memberships, as person.c and membership.c both take them.
 */
#ifndef USHER_RULES_PERSON_ENTRY_H
#define USHER_RULES_PERSON_ENTRY_H

#include "rules/person.h"
#include "store/entry.h"

/* The DN of an entry in its normalized form, in the arena. Errors of dn_normalize. */
int person_entry_dn(struct arena *arena, struct slice dn, struct slice *ret);

/* Appends (name=value), escaped, without a byte 0 behind it. E_NOMEM. */
int person_filter(struct buffer *filter, const char *name, struct slice value);

/* What a membership's entry says; valid as far as it goes: the organization is another question. */
void membership_from(struct arena *arena, const struct store_entry *entry,
                     const struct person *person, struct membership *ret);

#endif
