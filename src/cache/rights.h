/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reading half of the published rights table (DESIGN 7): maps the file read-only and answers a
 * query without a lock, a write or a system call. Never trusts an offset from the file; a record
 * being written is tried again a bounded number of times. The layout stands in cache/layout.h.
 */
#ifndef USHER_CACHE_RIGHTS_H
#define USHER_CACHE_RIGHTS_H

#include "model/decide.h"

#include <stdatomic.h>
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

/* The same within address space of the caller's (mapped, at a page boundary), who keeps it: nothing
 * of it is unmapped here. Also E_LIMIT: the table is larger. */
int rights_open_at(const char *path, void *space, size_t space_size, struct rights **ret);

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

#define RIGHTS_NOW INT64_MIN /* now_ms: when it is asked, to 10 ms, should it matter */

/* The same for who opens tables again, and for who asks for one permission often. E_UNAVAIL, with
 * *ret untouched: the table is replaced, as rights_replaced tells; it is asked at one look at the
 * clock. now_ms may be RIGHTS_NOW. *place (place may be NULL), zero at first, remembers where the
 * permission was found, in whichever table: it need not be hashed and searched for while it stands
 * there. Any number of threads may share it. */
int rights_check_at(const struct rights *rights, struct slice organization, struct slice uid,
                    const struct query *query, int64_t now_ms, _Atomic uint64_t *place,
                    struct decision *ret);

void rights_status(const struct rights *rights, struct rights_status *ret);

#endif
