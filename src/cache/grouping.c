/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An open hash table, at most three quarters full. The key is a hash already, and stands in a slot
 * for each of its groups.
 */
#include "cache/grouping.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    struct id key; /* all zero: free */
    struct id group;
};

#define SLOTS_FIRST 1024

struct grouping {
    struct slot *slots; /* NULL: there were too many */
    size_t count, size; /* size: a power of two */
};

struct grouping *grouping_new(void)
{
    struct grouping *grouping = mem_alloc(sizeof(*grouping));

    grouping->size = SLOTS_FIRST;
    grouping->slots = mem_array(grouping->size, sizeof(*grouping->slots));
    return grouping;
}

void grouping_free(struct grouping *grouping)
{
    if (grouping == NULL)
        return;
    free(grouping->slots);
    free(grouping);
}

/* A key that would stand for a free slot shares another one: of 2^128 it is no loss. */
static struct id key_used(const struct id *key)
{
    static const struct id none;
    struct id used = *key;

    used.bytes[0] |= id_compare(key, &none) == 0;
    return used;
}

static size_t slot_first(const struct grouping *grouping, const struct id *key)
{
    uint32_t word;

    memcpy(&word, key->bytes + 4, sizeof(word));
    return word & (grouping->size - 1);
}

static bool slot_free(const struct slot *slot)
{
    static const struct id none;

    return id_compare(&slot->key, &none) == 0;
}

static void slot_fill(struct grouping *grouping, const struct slot *slot)
{
    size_t at = slot_first(grouping, &slot->key);

    while (!slot_free(&grouping->slots[at]))
        at = (at + 1) & (grouping->size - 1);
    grouping->slots[at] = *slot;
}

static void grouping_grow(struct grouping *grouping)
{
    struct slot *old = grouping->slots;
    size_t size = grouping->size;

    grouping->size *= 2;
    grouping->slots = mem_array(grouping->size, sizeof(*grouping->slots));
    for (size_t i = 0; i < size; i++)
        if (!slot_free(&old[i]))
            slot_fill(grouping, &old[i]);
    free(old);
}

void grouping_add(struct grouping *grouping, const struct id *key, const struct id *group)
{
    const struct slot slot = {.key = key_used(key), .group = *group};

    if (grouping->slots == NULL)
        return;
    if (grouping->count == GROUPING_MAX) {
        free(grouping->slots);
        grouping->slots = NULL;
        return;
    }
    if (grouping->count == grouping->size / 4 * 3)
        grouping_grow(grouping);
    slot_fill(grouping, &slot);
    grouping->count++;
}

bool grouping_find(const struct grouping *grouping, const struct id *key, struct ids *out)
{
    struct id used = key_used(key);

    if (grouping->slots == NULL)
        return false;
    for (size_t at = slot_first(grouping, &used); !slot_free(&grouping->slots[at]);
         at = (at + 1) & (grouping->size - 1))
        if (id_compare(&grouping->slots[at].key, &used) == 0)
            ids_add(out, &grouping->slots[at].group);
    return true;
}
