/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An open hash set of 64-bit hashes, at most half full. A collision silences one line of a log.
 */
#include "cache/problem.h"
#include "base/log.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * PROBLEMS_MAX)

struct problems {
    on_problem *listener;
    void *context;
    size_t count;
    uint64_t told[SLOTS]; /* 0: free */
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
    if (problems->count > 0)
        memset(problems->told, 0, sizeof(problems->told));
    problems->count = 0;
}

/* False when it was there already. */
static bool add(struct problems *problems, uint64_t hash)
{
    size_t slot;

    hash |= 1;
    for (slot = hash % SLOTS; problems->told[slot] != 0; slot = (slot + 1) % SLOTS)
        if (problems->told[slot] == hash)
            return false;
    problems->told[slot] = hash;
    problems->count++;
    return true;
}

void problem_tell(struct problems *problems, struct slice dn, const char *text, struct slice value)
{
    char quoted[LOG_QUOTE_MAX], line[LOG_QUOTE_MAX + 160];
    uint64_t hash;

    if (problems == NULL || problems->listener == NULL || problems->count >= PROBLEMS_MAX)
        return;
    hash = XXH3_64bits(dn.data != NULL ? dn.data : "", dn.len);
    hash = XXH3_64bits_withSeed(text, strlen(text), hash);
    if (value.len > 0)
        hash = XXH3_64bits_withSeed(value.data, value.len, hash);
    if (!add(problems, hash))
        return;
    if (problems->count == PROBLEMS_MAX) {
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
