/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/cache.h"
#include "base/clock.h"
#include "base/err.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS         4    /* one current, three that slow readers may still hold */
#define STRIPES       8    /* counts per slot, so that threads seldom share a cache line */
#define RETRY_MS      1000 /* before another attempt at a table that could not be opened */
#define REOPEN_MS     10   /* before another attempt after one that went well */
#define RECLAIM_TRIES 64   /* yields to readers of a mapping that was just replaced */
#define PIN_TRIES     16   /* current moving under a reader that often: let the daemon answer */
#define CACHE_LINE    64

struct stripe {
    _Alignas(CACHE_LINE) atomic_uint readers;
};

struct slot {
    struct stripe stripes[STRIPES];
    _Atomic(struct rights *) rights; /* changed by the owner, while current is another slot */
};

struct cache {
    struct slot slots[SLOTS];
    _Alignas(CACHE_LINE) atomic_int current; /* -1: none */
    atomic_int owner;                        /* process id of the thread that replaces; 0: nobody */
    atomic_int process;                      /* whose threads the counts count */
    _Atomic int64_t retry_ms;                /* monotonic: no attempt before this */
    char path[];
};

int cache_open(const char *path, struct cache **ret)
{
    size_t size = sizeof(struct cache) + strlen(path) + 1;
    struct cache *cache;

    size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    cache = aligned_alloc(CACHE_LINE, size);
    if (cache == NULL)
        return E_NOMEM;
    memset(cache, 0, size);
    memcpy(cache->path, path, strlen(path) + 1);
    atomic_store(&cache->current, -1);
    atomic_store(&cache->process, getpid());
    *ret = cache;
    return 0;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        rights_close(cache->slots[i].rights);
    free(cache);
}

/* Threads have stacks of their own, far apart: a stripe without thread-local state. */
static size_t stripe_here(void)
{
    uintptr_t place = (uintptr_t)__builtin_frame_address(0);

    return (size_t)((uint64_t)(place >> 16) * UINT64_C(0x9e3779b97f4a7c15) >> 61);
}

struct pin {
    int slot; /* -1: no mapping */
    atomic_uint *readers;
    const struct rights *rights;
};

static struct pin cache_pin(struct cache *cache)
{
    size_t stripe = stripe_here();

    for (int i = 0; i < PIN_TRIES; i++) {
        int slot = atomic_load(&cache->current);
        atomic_uint *readers;

        if (slot < 0)
            break;
        readers = &cache->slots[slot].stripes[stripe].readers;
        atomic_fetch_add(readers, 1);
        if (atomic_load(&cache->current) == slot)
            return (struct pin){slot, readers, atomic_load(&cache->slots[slot].rights)};
        atomic_fetch_sub(readers, 1);
    }
    return (struct pin){.slot = -1};
}

static void cache_unpin(const struct pin *pin)
{
    atomic_fetch_sub(pin->readers, 1);
}

static bool slot_idle(struct slot *slot)
{
    for (size_t i = 0; i < STRIPES; i++)
        if (atomic_load(&slot->stripes[i].readers) != 0)
            return false;
    return true;
}

/* Takes the right to replace. Never waits. A holder with another process id is a thread of the
 * parent, which fork() did not bring along. */
static bool cache_own(struct cache *cache)
{
    int mine = getpid(), holder = 0;

    if (!atomic_compare_exchange_strong(&cache->owner, &holder, mine) &&
        (holder == mine || !atomic_compare_exchange_strong(&cache->owner, &holder, mine)))
        return false;
    if (atomic_load(&cache->process) == mine)
        return true;
    /* In a child the counts hold readers that exist in the parent alone. Threads of the child that
     * read meanwhile would be forgotten, so what they may read is left alone: the current slot is
     * counted anew only once it has been replaced. */
    for (int i = 0; i < SLOTS; i++)
        if (i != atomic_load(&cache->current))
            for (size_t j = 0; j < STRIPES; j++)
                atomic_store(&cache->slots[i].stripes[j].readers, 0);
    atomic_store(&cache->process, mine);
    return true;
}

/* The pointer goes first: a fork() in the middle leaves the child a leak, not a dangling pointer.
 */
static void slot_empty(struct slot *slot)
{
    rights_close(atomic_exchange(&slot->rights, NULL));
}

/* A slot that nobody can be reading, emptied; -1 when slow readers hold all others. */
static int cache_free_slot(struct cache *cache)
{
    int current = atomic_load(&cache->current);

    for (int i = 0; i < SLOTS; i++) {
        if (i == current || !slot_idle(&cache->slots[i]))
            continue;
        slot_empty(&cache->slots[i]);
        return i;
    }
    return -1;
}

/* Lets the readers of the mapping just replaced finish, for a moment; else it goes the next time.
 */
static void cache_reclaim(struct slot *old)
{
    for (int i = 0; i < RECLAIM_TRIES; i++) {
        if (slot_idle(old)) {
            slot_empty(old);
            return;
        }
        sched_yield();
    }
}

/* Opens the table again, if nobody else is at it. seen: the slot found to be replaced, or -1. */
static void cache_reopen(struct cache *cache, int seen)
{
    int64_t now_ms = clock_monotonic_ms(), wait_ms = RETRY_MS;
    struct rights *fresh;
    int slot;

    if (now_ms < atomic_load(&cache->retry_ms) || !cache_own(cache))
        return;
    slot = atomic_load(&cache->current) == seen ? cache_free_slot(cache) : -1;
    if (slot >= 0) {
        if (rights_open(cache->path, &fresh) == 0) {
            atomic_store(&cache->slots[slot].rights, fresh);
            atomic_store(&cache->current, slot);
            if (seen >= 0)
                cache_reclaim(&cache->slots[seen]);
            wait_ms = REOPEN_MS;
        }
        atomic_store(&cache->retry_ms, now_ms + wait_ms);
    }
    atomic_store(&cache->owner, 0);
}

/* Pins a table that is not replaced as far as can be told. E_UNAVAIL: there is none; E_BUSY: the
 * one at hand is replaced and the new one not yet open, so that only the daemon knows what is new.
 */
static int cache_pin_fresh(struct cache *cache, struct pin *ret)
{
    struct pin pin = cache_pin(cache);

    if (pin.slot < 0 || rights_replaced(pin.rights)) {
        if (pin.slot >= 0)
            cache_unpin(&pin);
        cache_reopen(cache, pin.slot);
        pin = cache_pin(cache);
        if (pin.slot >= 0 && rights_replaced(pin.rights)) {
            cache_unpin(&pin);
            return E_BUSY;
        }
    }
    *ret = pin;
    return pin.slot >= 0 ? 0 : E_UNAVAIL;
}

int cache_check(struct cache *cache, struct slice organization, struct slice uid,
                const struct query *query)
{
    struct decision decision;
    struct pin pin;
    int rc = cache_pin_fresh(cache, &pin);

    if (rc < 0)
        return rc;
    rc = rights_check(pin.rights, organization, uid, query, clock_coarse_ms(), &decision);
    cache_unpin(&pin);
    return rc;
}

int cache_status(struct cache *cache, struct rights_status *ret)
{
    struct pin pin;
    int rc = cache_pin_fresh(cache, &pin);

    if (rc < 0)
        return rc;
    rights_status(pin.rights, ret);
    cache_unpin(&pin);
    return 0;
}
