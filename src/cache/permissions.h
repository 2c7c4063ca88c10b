/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The permissions of the state: each has a bit, and all together make the catalogue. Two entries
 * cannot have one name, nor can there be more than CATALOGUE_MAX.
 */
#ifndef USHER_CACHE_PERMISSIONS_H
#define USHER_CACHE_PERMISSIONS_H

#include "cache/batch.h"
#include "model/catalogue.h"

/* Gives the permission of this entry a bit, or takes it away. Errors stick to the batch. */
void permission_number(struct batch *batch, const struct id *uuid, const struct entry *entry,
                       bool present);

/* Gives all there are bits from the first on, in the order of the tree. */
void permissions_number(struct batch *batch);

/* The catalogue as the batch has it; the caller frees it. Empties the batch's arena. */
struct catalogue *permissions_load(struct batch *batch);

#endif
