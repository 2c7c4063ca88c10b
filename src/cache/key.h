/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of the rights table: 128-bit XXH3 under the secret seed of the file, so that nobody can
 * choose names that collide. Names are ASCII case folded, permissions are not. Two names with the
 * same key are taken for the same; at 128 bits and an unknown seed that does not happen.
 */
#ifndef USHER_CACHE_KEY_H
#define USHER_CACHE_KEY_H

#include "base/mem.h"
#include "cache/layout.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEY_NAME_MAX 64 /* bytes of an organization or uid */

#define KEY_ORGANIZATION 'o'
#define KEY_MEMBERSHIP   'm'

/* Eight characters at once, A-Z to a-z. */
static inline uint64_t key_fold_word(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t low = word & (each * 0x7f);
    uint64_t after_z = low + each * (0x7f - 'Z');
    uint64_t from_a = low + each * (0x80 - 'A');
    uint64_t upper = (from_a ^ after_z) & ~word & (each * 0x80);

    return word | upper >> 2;
}

/* Copies folded. Writes at most len rounded up to 8; whole words, since most names are short. */
static inline void key_fold(unsigned char *to, const char *from, size_t len)
{
    uint64_t word;

    for (; len >= sizeof(word); len -= sizeof(word)) {
        memcpy(&word, from, sizeof(word));
        word = key_fold_word(word);
        memcpy(to, &word, sizeof(word));
        to += sizeof(word);
        from += sizeof(word);
    }
    word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t) (unsigned char) from[i] << 8 * i;
    word = key_fold_word(word);
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char) (word >> 8 * i);
}

static inline bool key_name_valid(struct slice name)
{
    return name.len > 0 && name.len <= KEY_NAME_MAX;
}

static inline struct layout_key key_of_bytes(const void *bytes, size_t len, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, len, seed);

    return (struct layout_key){{hash.low64, hash.high64}};
}

/* Of a membership, or of an organization when uid is empty. Both names must be valid. */
static inline struct layout_key key_of_names(uint64_t seed, char kind, struct slice organization,
                                             struct slice uid)
{
    unsigned char text[2 + 2 * KEY_NAME_MAX];

    text[0] = (unsigned char) kind;
    text[1] = (unsigned char) organization.len;
    key_fold(text + 2, organization.data, organization.len);
    key_fold(text + 2 + organization.len, uid.data, uid.len);
    return key_of_bytes(text, 2 + organization.len + uid.len, seed);
}

static inline struct layout_key key_of_permission(uint64_t seed, struct slice id)
{
    return key_of_bytes(id.data, id.len, seed ^ LAYOUT_MAGIC);
}

static inline bool key_equal(const struct layout_key *in_map, const struct layout_key *key)
{
    return word_get(&in_map->word[0]) == key->word[0] && word_get(&in_map->word[1]) == key->word[1];
}

/* Where the search for a key begins among so many slots, which need not be a power of two. */
static inline uint64_t key_slot(const struct layout_key *key, uint64_t slots)
{
    return (uint64_t) (((unsigned __int128) key->word[0] * slots) >> 64);
}

/* The bit of the platform filter. */
static inline unsigned key_filter(const struct layout_key *key)
{
    return (unsigned) (key->word[1] % (LAYOUT_FILTER_WORDS * 64));
}

#endif
