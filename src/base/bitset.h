/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bitset over the permission catalogue: an array of 64-bit words that the caller owns.
 */
#ifndef USHER_BASE_BITSET_H
#define USHER_BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITSET_WORDS(bits) (((size_t)(bits) + 63) / 64)

static inline bool bitset_get(const uint64_t *words, unsigned bit)
{
    return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void bitset_set(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bitset_unset(uint64_t *words, unsigned bit)
{
    words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

#endif
