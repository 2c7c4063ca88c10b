/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the writing half share: the mapped table, opened and published by cache/table.c
 * and filled by cache/writing.c and cache/writing_profile.c. Private to them; everybody else sees
 * cache/table.h.
 */
#ifndef USHER_CACHE_WRITING_H
#define USHER_CACHE_WRITING_H

#include "cache/key.h"
#include "cache/table.h"

struct table {
    struct layout layout;
    unsigned char *map;
    struct layout_header *header;
    struct layout_slot *slots;
    uint64_t *organizations;
    uint64_t *people;
    uint64_t *index;
    struct layout_permission *permissions;
    uint64_t *filter;
    char *path;
    char *temporary; /* its name until it is published, else NULL */
};

/* Makes a record odd; returns the even number that completes it. */
static inline uint64_t record_begin(uint64_t *sequence)
{
    uint64_t odd = word_get(sequence) | 1;

    word_set(sequence, odd);
    return odd + 1;
}

/* Whether a record counts as held, to readers of the status. */
static inline bool slot_counts(const struct layout_slot *slot)
{
    return word_get(&slot->sequence) > 1 && (word_get(&slot->state) & (SLOT_DEAD | SLOT_NAME)) == 0;
}

static inline bool permission_counts(const struct layout_permission *permission)
{
    return word_get(&permission->sequence) > 1 &&
           (word_get(&permission->state) & PERMISSION_DEAD) == 0;
}

static inline void counter_add(uint64_t *counter, int64_t change)
{
    word_set(counter, word_get(counter) + (uint64_t)change);
}

static inline void counter_raise(uint64_t *counter, uint64_t value)
{
    if (word_get(counter) < value)
        word_set(counter, value);
}

/* Whether the table holds the key, perhaps as removed. */
bool slot_stands(const struct table *table, const struct layout_key *key);

/* Finds or claims the slot of a key, and writes content but its sequence and key. E_LIMIT.
 * What stands there so already is not written. */
int slot_put(struct table *table, const struct layout_key *key, const struct layout_slot *content);

/* Marks the slot of a key as removed; one that is not held is fine. */
void slot_remove(struct table *table, const struct layout_key *key);

#endif
