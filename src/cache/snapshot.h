/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the state beside the thread that writes it. A snapshot is a batch opened for reading, by
 * any thread, of what was last committed: it shares nothing with the state but the data itself, not
 * even the secret, which state_reset replaces. Private to the views; everybody else sees
 * cache/view.h.
 */
#ifndef USHER_CACHE_SNAPSHOT_H
#define USHER_CACHE_SNAPSHOT_H

#include "cache/batch.h"
#include "cache/state.h"

/* Begins one. Its arena is its own. E_STALE before the first complete refresh, E_BUSY when as many
 * as LMDB has readers for are open (126). */
int snapshot_begin(struct state *state, struct batch *ret);
void snapshot_end(struct batch *batch);

#endif
