/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The permission catalogue in memory: identifiers to bits and back. Bits are given by the caller
 * and never move; a bit whose permission was removed stays a hole. Lookups change nothing, so that
 * many threads may look while none puts.
 */
#ifndef USHER_MODEL_CATALOGUE_H
#define USHER_MODEL_CATALOGUE_H

#include "model/decide.h"

#define CATALOGUE_MAX 8192 /* bits */

struct catalogue;

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *catalogue);

/* Puts or replaces the permission id at this bit (strings are copied). requires_id empty: none; it
 * may name a permission that comes later or never. On failure nothing changes: E_LIMIT for a bit of
 * CATALOGUE_MAX or more, E_SYNTAX for an id that is no permission, E_EXISTS when the id stands at
 * another bit. */
int catalogue_put(struct catalogue *catalogue, unsigned bit, struct slice id, struct slice channel,
                  bool editing, bool factor, struct slice requires_id);

/* Leaves a hole. */
void catalogue_remove(struct catalogue *catalogue, unsigned bit);

/* By id: 0 with the permission (requires turned into its bit of now), or E_NOPERM. The channel
 * points into the catalogue. */
int catalogue_find(const struct catalogue *catalogue, struct slice id, struct permission *ret);

/* By bit: 0 or E_NOTFOUND for a hole. ret and ret_id may be NULL. */
int catalogue_at(const struct catalogue *catalogue, unsigned bit, struct permission *ret,
                 struct slice *ret_id);

/* One more than the highest bit in use. */
unsigned catalogue_bits(const struct catalogue *catalogue);

#endif
