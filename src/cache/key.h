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
#include "model/grant.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEY_NAME_MAX 64 /* bytes of an organization, event or uid */

/* Kinds of keys, and the names that each is made of. */
#define KEY_ORGANIZATION     'o' /* organization */
#define KEY_MEMBERSHIP       'm' /* organization, uid */
#define KEY_EVENT            'e' /* organization, event */
#define KEY_SHARE            's' /* organization, event, organization that may use it */
#define KEY_EVENT_MEMBERSHIP 'g' /* organization, event, uid */
#define KEY_SCOPE            'c' /* profile and scope */

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

/* The last 1 to 7 bytes of a name, from the lowest byte up, without reading past either end. */
static inline uint64_t key_tail(const char *from, size_t len, bool long_name)
{
    uint64_t word;
    uint32_t low, high;

    if (long_name) {
        memcpy(&word, from + len - sizeof(word), sizeof(word));
        return word >> 8 * (sizeof(word) - len);
    }
    if (len >= sizeof(low)) {
        memcpy(&low, from, sizeof(low));
        memcpy(&high, from + len - sizeof(high), sizeof(high));
        return low | (uint64_t)high << 8 * (len - sizeof(high));
    }
    return (uint64_t)(unsigned char)from[0] |
           (uint64_t)(unsigned char)from[len / 2] << 8 * (len / 2) |
           (uint64_t)(unsigned char)from[len - 1] << 8 * (len - 1);
}

/* Appends a name, folded and filled up with zeros to whole words; returns the end. */
static inline uint64_t *key_fold(uint64_t *to, struct slice name)
{
    bool long_name = name.len >= sizeof(*to);
    uint64_t word;

    for (; name.len >= sizeof(word); name.len -= sizeof(word)) {
        memcpy(&word, name.data, sizeof(word));
        *to++ = key_fold_word(word);
        name.data += sizeof(word);
    }
    if (name.len > 0)
        *to++ = key_fold_word(key_tail(name.data, name.len, long_name));
    return to;
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

/* Of so many words. Two names give three to five as a rule; the hash of a length that the compiler
 * knows is straight code, where any length is a call and a chain of branches. */
static inline __attribute__((always_inline, flatten)) struct layout_key key_of_words(
    const uint64_t *words, size_t count, uint64_t seed)
{
    switch (count) {
    case 3:
        return key_of_bytes(words, 3 * sizeof(*words), seed);
    case 4:
        return key_of_bytes(words, 4 * sizeof(*words), seed);
    case 5:
        return key_of_bytes(words, 5 * sizeof(*words), seed);
    default:
        return key_of_bytes(words, count * sizeof(*words), seed);
    }
}

/* Of one or two names, which must be valid (the second may be empty). Hashes whole words, which the
 * processor reads back from its store buffer, behind a word with the lengths, which keeps apart
 * what the zeros would make equal. */
static inline struct layout_key key_of_names(uint64_t seed, char kind, struct slice organization,
                                             struct slice name)
{
    uint64_t text[1 + 2 * KEY_NAME_MAX / sizeof(uint64_t)];
    uint64_t *end = text;

    *end++ = (uint64_t)(unsigned char)kind | organization.len << 8 | name.len << 16;
    end = key_fold(end, organization);
    end = key_fold(end, name);
    return key_of_words(text, (size_t)(end - text), seed);
}

/* Of three names, which must be valid. */
static inline struct layout_key key_of_event(uint64_t seed, char kind, struct slice organization,
                                             struct slice event, struct slice name)
{
    uint64_t text[1 + 3 * KEY_NAME_MAX / sizeof(uint64_t)];
    uint64_t *end = text;

    *end++ =
        (uint64_t)(unsigned char)kind | organization.len << 8 | event.len << 16 | name.len << 24;
    end = key_fold(end, organization);
    end = key_fold(end, event);
    end = key_fold(end, name);
    return key_of_bytes(text, (size_t)(end - text) * sizeof(*text), seed);
}

/* Of a scope (not SCOPE_NONE; events with their organization) of the profile of this number. False
 * for one that is longer than any grant. */
static inline bool key_of_scope(uint64_t seed, uint32_t profile, const struct scope *scope,
                                struct layout_key *ret)
{
    bool event = scope->kind != SCOPE_OBJECT && scope->kind != SCOPE_TYPE;
    struct slice first = event ? scope->organization : scope->type;
    uint64_t text[2 + GRANT_MAX / sizeof(uint64_t)];
    uint64_t *end = text + 2;
    size_t len;

    if (first.len + scope->name.len > (event ? 2 * KEY_NAME_MAX : GRANT_MAX))
        return false;
    text[0] = KEY_SCOPE | (uint64_t)scope->kind << 8 | (uint64_t)first.len << 16 |
              (uint64_t)scope->name.len << 32;
    text[1] = profile;
    if (event) {
        end = key_fold(end, first);
        end = key_fold(end, scope->name);
        len = (size_t)(end - text) * sizeof(*text);
    } else {
        len = 2 * sizeof(*text) + first.len + scope->name.len;
        if (first.len > 0)
            memcpy(end, first.data, first.len);
        if (scope->name.len > 0)
            memcpy((char *)end + first.len, scope->name.data, scope->name.len);
    }
    *ret = key_of_bytes(text, len, seed);
    return true;
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
    return (uint64_t)(((unsigned __int128)key->word[0] * slots) >> 64);
}

/* A shorter hash of a person, which must not decide about rights. uid must be valid. */
static inline uint64_t key_uid(uint64_t seed, struct slice uid)
{
    uint64_t text[KEY_NAME_MAX / sizeof(uint64_t)];
    uint64_t *end = key_fold(text, uid);

    return XXH3_64bits_withSeed(text, (size_t)(end - text) * sizeof(*text), seed);
}

/* A person's bit of the platform filter: two people on one bit cost a look in vain. */
static inline unsigned key_filter(uint64_t seed, struct slice uid)
{
    return (unsigned)(key_uid(seed, uid) % (LAYOUT_FILTER_WORDS * 64));
}

/* A person's word without its state, never 0; and where the search for it begins. */
static inline uint64_t key_person(uint64_t seed, struct slice uid)
{
    uint64_t hash = key_uid(seed, uid) & ~(uint64_t)PERSON_STATE;

    return hash != 0 ? hash : PERSON_STATE + 1;
}

static inline uint64_t key_person_slot(uint64_t person, uint64_t words)
{
    return (uint64_t)(((unsigned __int128)person * words) >> 64);
}

/* The catalogue's index: a word of 0 is free, else its low 16 bits are bit + 1, the rest are of the
 * key. */
static inline uint64_t key_index_word(const struct layout_key *key, unsigned bit)
{
    return (key->word[0] & ~UINT64_C(0xffff)) | (bit + 1);
}

/* Whether the word may be this key's; its bit then. */
static inline bool key_index_same(const struct layout_key *key, uint64_t index_word)
{
    return ((key->word[0] ^ index_word) & ~UINT64_C(0xffff)) == 0;
}

static inline unsigned key_index_bit(uint64_t index_word)
{
    return (unsigned)(index_word & 0xffff) - 1;
}

#endif
