/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reading half of the published rights table (DESIGN 7): maps the file read-only and answers a
 * query without a lock, a write or a system call. Never trusts an offset from the file; a record
 * being written is tried again a bounded number of times. The layout stands in cache/layout.h.
 */
#ifndef USHER_CACHE_RIGHTS_H
#define USHER_CACHE_RIGHTS_H

#include "model/decide.h"

#include <stdint.h>

#define RIGHTS_CSN_MAX 64

struct rights; /* one mapping; safe for any number of threads at once, but for open and close */

struct rights_status {
    /* Ages are of CLOCK_MONOTONIC_COARSE: time that the machine was suspended does not count. */
    int64_t age_ms;           /* since the store was last seen to match; -1: never filled */
    int64_t max_age_ms;       /* from the header */
    int64_t heartbeat_ms;     /* since the writer's last sign of life */
    bool filled;              /* the first refresh is complete */
    bool replaced;            /* a newer file stands (or will stand) at the path: open again */
    char csn[RIGHTS_CSN_MAX]; /* contextCSN reflected, terminated */
    uint64_t records;         /* memberships held */
    uint64_t profiles;
    uint64_t permissions;
    uint64_t generation; /* of the catalogue */
};

/* Maps the table at path. E_NOTFOUND; E_ACCESS; E_PROTO when the file is no table of this format;
 * E_STALE when it was made in another boot of the machine; E_IO; E_NOMEM. Uses malloc, opens with
 * O_CLOEXEC and keeps no descriptor. */
int rights_open(const char *path, struct rights **ret);
void rights_close(struct rights *rights); /* NULL is fine */

/* Whether the file at the path is another one by now, or the writer marked this one replaced, or
 * its heartbeat is two seconds old and the path names another file. Costs a stat() only in the last
 * case. */
bool rights_replaced(const struct rights *rights);

/* Answers for the person uid in the organization (names of any case) at now_ms (wall clock).
 * A one-name event is one of that organization. Sets *ret and returns its result: 0 yes, E_DENIED,
 * E_STEPUP, E_NOPERM (permission unknown), E_NOTFOUND (organization unknown or inactive; or, where
 * ret->kind is MEMBERSHIP_EVENT, the event unknown), or, with *ret untouched, E_STALE (never
 * filled, or older than max_age), E_BUSY (a record stayed unreadable: ask the daemon), E_PROTO (the
 * table is damaged). */
int rights_check(const struct rights *rights, struct slice organization, struct slice uid,
                 const struct query *query, int64_t now_ms, struct decision *ret);

void rights_status(const struct rights *rights, struct rights_status *ret);

#endif
