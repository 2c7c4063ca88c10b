/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An entry of the cache comes back the same from its serialized form.
 */
#ifndef USHER_TESTS_FUZZ_ENTRY_AGAIN_H
#define USHER_TESTS_FUZZ_ENTRY_AGAIN_H

#include "cache/entry.h"
#include "fuzz.h"

static inline void entry_again(const struct entry *entry, struct slice base, struct arena *arena)
{
    struct buffer first = {0}, second = {0};
    struct entry again;

    HOLDS(entry_encode(entry, &first) == 0);
    HOLDS(entry_decode((struct slice){first.data, first.len}, base, arena, &again) == 0);
    HOLDS(entry_encode(&again, &second) == 0);
    HOLDS(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    buffer_clear(&first);
    buffer_clear(&second);
}

#endif
