/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Before a commit: from what was touched to the records and profiles that are now due. Decides
 * which memberships count and which profile each has, and writes the to-do list; computes no
 * answers itself, which is publishing's work.
 */
#ifndef USHER_CACHE_RECOMPUTE_H
#define USHER_CACHE_RECOMPUTE_H

#include "cache/batch.h"

/* Works off what is noted in the batch. Errors stick to it. */
void recompute_touched(struct batch *batch);

#endif
