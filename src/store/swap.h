/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compare-and-swap of one value in the ledger (DESIGN 6): whoever reads a value, decides, and puts
 * another in its place wins only if nobody else did so meanwhile. A multi-valued attribute has one
 * slot for each prefix ("pin:acme " ...), and a slot holds one value or none. One modify does it,
 * so any number of gateways may try at once, as long as all write to one provider (FINDINGS). The
 * values mean nothing here.
 */
#ifndef USHER_STORE_SWAP_H
#define USHER_STORE_SWAP_H

#include "ldap/message.h"
#include "store/pool.h"

/* A value, or none: data NULL. */
#define SWAP_NONE ((struct slice){NULL, 0})

/* Puts new_value in the place of old_value in cn=<usher_id>,ou=ledger,<base>, which is made when it
 * does not exist. With old_value: it goes and new_value (or nothing) comes, in one step. Without:
 * comes if no value starts with prefix (an empty prefix: if the attribute has no value). prefix
 * must be the start of the values given (E_INTERNAL). Slots compare as the attribute's matching
 * rules do. 0; E_CONFLICT: somebody else was first, read again; other errors as in store/pool.h:
 * after E_UNAVAIL and E_TIMEOUT read again to learn whether it happened. */
int swap_value(struct store *store, struct arena *arena, struct slice base, struct slice usher_id,
               const char *attribute, struct slice prefix, struct slice old_value,
               struct slice new_value, int64_t deadline_ms);

/* The same, and in the same step the attribute `also` gets these values in the place of any others:
 * both happen or neither. also may be NULL. */
int swap_value_also(struct store *store, struct arena *arena, struct slice base,
                    struct slice usher_id, const char *attribute, struct slice prefix,
                    struct slice old_value, struct slice new_value, const struct attribute *also,
                    int64_t deadline_ms);

#endif
