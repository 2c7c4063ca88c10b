/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The one thread that follows the store (DESIGN 7): an RFC 4533 refreshAndPersist consumer that
 * feeds the cache's state and is its only writer while it runs. It never blocks on the store: a
 * hung one costs freshness, nothing else.
 *
 * Freshness. slapd sends the messages of a persistent search in the order of its contextCSN, which
 * it raises and queues for under one lock (syncprov: si_resp_mutex), so a cookie stands for
 * everything up to its CSN. Reading contextCSN proves nothing about what is still queued; so the
 * state is fresh when a contextCSN that was asked for a moment ago is covered by the cookie that is
 * committed. Not every change brings a cookie (the deletion of an entry that we may not see raises
 * contextCSN silently), so when the cookie stays behind while nothing arrives, the search is begun
 * anew from the cookie: its refresh ends with a cookie that covers all.
 *
 * A limit: a store that was restored from an older copy is found out when the cookie is newer than
 * the store or its history does not reach back; not when it has been written to since, past the
 * cookie, and its session log covers that. After restoring a copy, begin with an empty cache.
 */
#ifndef USHER_STORE_SYNC_H
#define USHER_STORE_SYNC_H

#include "cache/state.h"
#include "store/csn.h"

#include <stdint.h>

#define SYNC_ERROR_MAX 256

struct sync;

struct sync_options {
    const char *uri;     /* as in store/pool.h */
    const char *authzid; /* as in store/pool.h; may read everything below base */
    const char *base;    /* the suffix of the store, which carries contextCSN */
    const char *filter;  /* NULL: all entries, so that no change is hidden */
    int64_t interval_ms; /* between questions for contextCSN while all is quiet; 0: 1000 */
    /* Told, on the sync thread, after each commit. May be NULL; must not block. */
    void (*on_commit)(void *context);
    void *context;
};

struct sync_status {
    bool connected;             /* following: the search is running */
    bool refreshing;            /* catching up; the cache may lag */
    bool filled;                /* state_filled, which is the thread's to ask */
    char error[SYNC_ERROR_MAX]; /* why it last was not; "" if never */
    char csn[CSN_COOKIE_MAX];   /* CSNs of what is committed, joined by ";" */
    int64_t fresh_ms;           /* monotonic time of the last proof of freshness; 0: none yet */
    uint64_t held;              /* entries in the state, when last looked at */
    uint64_t entries;           /* received since the start */
    uint64_t batches;           /* committed */
    uint64_t connects;          /* connections that came to be bound */
    uint64_t refreshes;         /* completed */
    uint64_t full;              /* refreshes begun without a cookie */
    uint64_t lags;              /* searches begun anew because the cookie stayed behind */
};

/* Starts the thread. From here to sync_stop, state is the thread's alone to write. Reads the cookie
 * before it returns. E_CONF for a URI that will not do, E_IO, and the state's errors. */
int sync_start(const struct sync_options *options, struct state *state, struct sync **ret);

/* Ends the thread, within a second (a commit that has begun is finished), and frees. NULL is fine.
 */
void sync_stop(struct sync *sync);

/* Any thread, also often. */
void sync_status(struct sync *sync, struct sync_status *ret);

/* Waits until what is committed covers these CSNs ("A" or "A;B", as contextCSN gives them).
 * E_TIMEOUT, E_SYNTAX. Any thread. */
int sync_wait(struct sync *sync, struct slice csn, int64_t deadline_ms);

#endif
