/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How often somebody may do something: a token bucket for each key (a person, a peer, an address).
 * The memory is fixed: sets of four buckets, chosen by a keyed hash that nobody outside can
 * predict; a new key takes the place of the fullest, the one that would be refused last. So a flood
 * of keys can at worst make the limit forget, never refuse the innocent. Any thread. Knows no
 * clock.
 */
#ifndef USHER_SERVER_LIMIT_H
#define USHER_SERVER_LIMIT_H

#include "base/mem.h"

#include <stdint.h>

struct limit;

struct limit *limit_new(int64_t period_ms);
/* NULL is fine. */
void limit_free(struct limit *limit);

/* Takes one for this key, of count at once and again as many in each period; count 0: any number.
 * The count may be another each time: what was taken stays taken. 0, or E_BUSY with nothing taken.
 * now_ms is monotonic. */
int limit_take(struct limit *limit, unsigned count, struct slice key, int64_t now_ms);

/* Gives one back that was taken for this key, if that is still known. */
void limit_give(struct limit *limit, struct slice key);

#endif
