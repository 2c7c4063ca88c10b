/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the end of the first refresh makes of the entries, all at once: who refers to whom, bits,
 * records and profiles. The same as cache/recompute.h comes to change by change, in the order in
 * which things lie on the disk and in bounded memory.
 */
#ifndef USHER_CACHE_FILLING_H
#define USHER_CACHE_FILLING_H

#include "cache/batch.h"

/* Makes all of it anew, and puts the whole table on the to-do list. Marks the state filled. Errors
 * stick to the batch. */
void filling_compute(struct batch *batch);

#endif
