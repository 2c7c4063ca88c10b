/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An open hash set, at most half full, of 64-bit hashes. A collision silences one line of a log.
 * Counts by entry spare the search for what was told of an entry that nothing was told of.
 */
#include "cache/problem.h"
#include "base/log.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS   (2 * PROBLEMS_MAX)
#define ENTRIES (4 * PROBLEMS_MAX)

struct told {
    uint64_t hash;  /* 0: free */
    uint64_t entry; /* hash of the DN */
    uint64_t last;  /* when it was last told or met */
};

struct problems {
    on_problem *listener;
    void *context;
    size_t count;
    uint64_t clock; /* counts what is told and met */
    uint16_t by_entry[ENTRIES];
    struct told told[SLOTS];
};

struct problems *problems_new(on_problem *listener, void *context)
{
    struct problems *problems = mem_alloc(sizeof(*problems));

    problems->listener = listener;
    problems->context = context;
    return problems;
}

void problems_free(struct problems *problems)
{
    free(problems);
}

void problems_forget(struct problems *problems)
{
    if (problems->count > 0) {
        memset(problems->told, 0, sizeof(problems->told));
        memset(problems->by_entry, 0, sizeof(problems->by_entry));
    }
    problems->count = 0;
}

bool problems_full(const struct problems *problems)
{
    return problems->count >= PROBLEMS_MAX;
}

uint64_t problems_mark(const struct problems *problems)
{
    return problems->clock;
}

static uint64_t hash_of_dn(struct slice dn)
{
    return XXH3_64bits(dn.data != NULL ? dn.data : "", dn.len);
}

static struct told *slot_of(struct problems *problems, uint64_t hash)
{
    size_t slot = hash % SLOTS;

    while (problems->told[slot].hash != 0 && problems->told[slot].hash != hash)
        slot = (slot + 1) % SLOTS;
    return &problems->told[slot];
}

/* False when it was there already. */
static bool add(struct problems *problems, uint64_t hash, uint64_t entry)
{
    struct told *told;
    bool is_new;

    hash |= 1;
    told = slot_of(problems, hash);
    is_new = told->hash == 0;
    if (is_new) {
        problems->by_entry[entry % ENTRIES]++;
        problems->count++;
    }
    *told = (struct told){.hash = hash, .entry = entry, .last = problems->clock++};
    return is_new;
}

void problems_forget_of(struct problems *problems, struct slice dn, uint64_t mark)
{
    uint64_t entry = hash_of_dn(dn);
    struct told *old;

    if (problems->count == 0 || problems->by_entry[entry % ENTRIES] == 0)
        return;
    old = mem_array(SLOTS, sizeof(*old));
    memcpy(old, problems->told, sizeof(problems->told));
    memset(problems->told, 0, sizeof(problems->told));
    for (size_t i = 0; i < SLOTS; i++) {
        if (old[i].hash == 0)
            continue;
        if (old[i].entry == entry && old[i].last < mark) {
            problems->by_entry[entry % ENTRIES]--;
            problems->count--;
            continue;
        }
        *slot_of(problems, old[i].hash) = old[i];
    }
    free(old);
}

void problem_tell(struct problems *problems, struct slice dn, const char *text, struct slice value)
{
    char quoted[LOG_QUOTE_MAX], line[LOG_QUOTE_MAX + 160];
    uint64_t hash, entry;

    if (problems == NULL || problems->listener == NULL || problems_full(problems))
        return;
    entry = hash_of_dn(dn);
    hash = XXH3_64bits_withSeed(text, strlen(text), entry);
    if (value.len > 0)
        hash = XXH3_64bits_withSeed(value.data, value.len, hash);
    if (!add(problems, hash, entry))
        return;
    if (problems_full(problems)) {
        problems->listener(problems->context, (struct slice){0},
                           "there are more defects than are told");
        return;
    }
    if (value.len > 0)
        (void)snprintf(line, sizeof(line), "%s: %s", text, log_quote(value, quoted));
    else
        (void)snprintf(line, sizeof(line), "%s", text);
    problems->listener(problems->context, dn, line);
}
