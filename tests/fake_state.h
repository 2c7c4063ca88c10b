/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A state of the cache for tests of the sync: entries in memory, all of cache/state.h that the sync
 * uses, and a record of what was asked of it. Checks the order of the calls: a batch is open, a
 * cookie comes in no refresh. What happens in a batch that is not committed is undone.
 */
#ifndef USHER_TESTS_FAKE_STATE_H
#define USHER_TESTS_FAKE_STATE_H

#include "cache/state.h"

#include <stdbool.h>
#include <stdint.h>

struct fake_counts {
    uint64_t puts, deletes, presents, begins, ends, dones, commits, aborts, beats, fresh;
    uint64_t faults; /* calls out of order */
};

struct state *fake_state_new(void);
void fake_state_free(struct state *state);

/* Thread-safe, of what is committed. */
struct fake_counts fake_state_counts(struct state *state);
size_t fake_state_size(struct state *state);

/* The first value of an attribute of the entry with this DN, in buf (256 bytes); NULL: no such
 * entry;
 * "": no such value. */
const char *fake_state_value(struct state *state, const char *dn, const char *name, char *buf);

/* The next commits fail with this error; 0: no longer. */
void fake_state_fail(struct state *state, int err);

#endif
