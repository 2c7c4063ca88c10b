/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/cache.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MS    1000 /* before another attempt at a table that could not be opened */
#define REOPEN_MS   10   /* before another attempt after one that went well */
#define READ_TRIES  16   /* tables replaced under a reader that often: let the daemon answer */
#define OPENED_MAX  4096 /* tables in the life of a handle; 1 MB of what stays of them */
#define CACHE_LINE  64
#define SPACE_ROUND 4096

/* Address space that always is readable: a table, or zeros. */
struct space {
    struct space *next;
    void *at;
    size_t size;
};

/* A table that was opened once. Never changed and never freed before the cache is closed. */
struct opened {
    struct opened *next;
    struct rights *rights;
    struct space *space;
};

struct cache {
    _Alignas(CACHE_LINE) _Atomic(struct opened *) current; /* NULL: none */
    atomic_int owner;         /* process id of the thread that replaces; 0: nobody */
    _Atomic int64_t retry_ms; /* monotonic: no attempt before this */
    /* The owner's; each grows by one pointer, so that a fork() in the middle leaves no half. */
    struct opened *opened;
    struct space *spaces;
    unsigned opened_count;
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
    *ret = cache;
    return 0;
}

void cache_close(struct cache *cache)
{
    struct opened *opened;
    struct space *space;

    if (cache == NULL)
        return;
    while ((opened = cache->opened) != NULL) {
        cache->opened = opened->next;
        rights_close(opened->rights);
        free(opened);
    }
    while ((space = cache->spaces) != NULL) {
        cache->spaces = space->next;
        (void)munmap(space->at, space->size);
        free(space);
    }
    free(cache);
}

/* Takes the right to replace. Never waits. A holder with another process id is a thread of the
 * parent, which fork() did not bring along. */
static bool cache_own(struct cache *cache)
{
    int mine = getpid(), holder = 0;

    return atomic_compare_exchange_strong(&cache->owner, &holder, mine) ||
           (holder != mine && atomic_compare_exchange_strong(&cache->owner, &holder, mine));
}

/* Zeros at this place, or wherever the kernel likes; MAP_FAILED. */
static void *zeros_map(void *at, size_t size)
{
    return mmap(at, size, PROT_READ,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at != NULL ? MAP_FIXED : 0), -1, 0);
}

/* Gives a table's pages back and keeps the place readable; should that fail, the pages stay. */
static void space_clear(const struct space *space)
{
    (void)zeros_map(space->at, space->size);
}

/* The smallest space of at least this size that holds no current table; made when there is none. */
static struct space *cache_space(struct cache *cache, size_t size)
{
    const struct opened *current = atomic_load(&cache->current);
    struct space *best = NULL;

    for (struct space *space = cache->spaces; space != NULL; space = space->next)
        if (space->size >= size && (current == NULL || space != current->space) &&
            (best == NULL || space->size < best->size))
            best = space;
    if (best != NULL)
        return best;
    best = malloc(sizeof(*best));
    if (best == NULL)
        return NULL;
    *best = (struct space){.next = cache->spaces, .size = size, .at = zeros_map(NULL, size)};
    if (best->at == MAP_FAILED) {
        free(best);
        return NULL;
    }
    cache->spaces = best;
    return best;
}

/* Opens the table at the path; NULL: it cannot be. */
static struct opened *cache_table(struct cache *cache)
{
    struct opened *opened = NULL;
    struct rights *rights;
    struct space *space;
    struct stat status;

    if (cache->opened_count >= OPENED_MAX || stat(cache->path, &status) != 0 ||
        !S_ISREG(status.st_mode) || status.st_size <= 0)
        return NULL;
    space =
        cache_space(cache, ((size_t)status.st_size + SPACE_ROUND - 1) / SPACE_ROUND * SPACE_ROUND);
    if (space == NULL || (opened = malloc(sizeof(*opened))) == NULL)
        return NULL;
    if (rights_open_at(cache->path, space->at, space->size, &rights) != 0) {
        free(opened);
        return NULL;
    }
    *opened = (struct opened){.next = cache->opened, .rights = rights, .space = space};
    cache->opened = opened;
    cache->opened_count++;
    return opened;
}

/* Opens the table again, if nobody else is at it. seen: the one found to be replaced, or NULL. */
static void cache_reopen(struct cache *cache, const struct opened *seen)
{
    int64_t now_ms = clock_monotonic_ms();
    struct opened *fresh;

    if (now_ms < atomic_load(&cache->retry_ms) || !cache_own(cache))
        return;
    if (atomic_load(&cache->current) == seen) {
        fresh = cache_table(cache);
        if (fresh != NULL) {
            atomic_store(&cache->current, fresh);
            if (seen != NULL)
                space_clear(seen->space);
        }
        atomic_store(&cache->retry_ms, now_ms + (fresh != NULL ? REOPEN_MS : RETRY_MS));
    }
    atomic_store(&cache->owner, 0);
}

/* Whether what was read since cache_read() was all of this table. */
static bool cache_stands(struct cache *cache, const struct opened *opened)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&cache->current, memory_order_relaxed) == opened;
}

static const struct opened *cache_read(struct cache *cache)
{
    return atomic_load_explicit(&cache->current, memory_order_acquire);
}

int cache_check(struct cache *cache, struct slice organization, struct slice uid,
                const struct query *query, _Atomic uint64_t *place)
{
    bool reopened = false;

    for (unsigned i = 0; i < READ_TRIES; i++) {
        const struct opened *opened = cache_read(cache);
        struct decision decision;
        int rc = E_UNAVAIL;

        if (opened != NULL)
            rc = rights_check_at(opened->rights, organization, uid, query, RIGHTS_NOW, place,
                                 &decision);
        if (rc == E_UNAVAIL && !reopened) {
            cache_reopen(cache, opened);
            reopened = true;
        } else if (cache_stands(cache, opened)) {
            return rc == E_UNAVAIL && opened != NULL ? E_BUSY : rc;
        }
    }
    return E_BUSY;
}

int cache_status(struct cache *cache, struct rights_status *ret)
{
    bool reopened = false;

    for (unsigned i = 0; i < READ_TRIES; i++) {
        const struct opened *opened = cache_read(cache);
        bool replaced = opened == NULL || rights_replaced(opened->rights);
        struct rights_status status;

        if (replaced && !reopened) {
            cache_reopen(cache, opened);
            reopened = true;
            continue;
        }
        if (!replaced)
            rights_status(opened->rights, &status);
        if (!cache_stands(cache, opened))
            continue;
        if (replaced)
            return opened != NULL ? E_BUSY : E_UNAVAIL;
        *ret = status;
        return 0;
    }
    return E_BUSY;
}
