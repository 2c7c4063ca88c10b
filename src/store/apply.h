/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the sync (RFC 4533) delivers, turned into batches of the cache's state. Invariants: a cookie
 * is committed only together with, or after, everything that it covers; within a refresh none is,
 * since what is gone is known only at its end; of an entry of a class that the evaluator does not
 * know the state keeps where it stands and nothing else, so that nothing is left of one that ceases
 * to be ours, and what is below it moves along when it is renamed. Knows no connection.
 */
#ifndef USHER_STORE_APPLY_H
#define USHER_STORE_APPLY_H

#include "cache/state.h"
#include "store/csn.h"
#include "store/entry.h"
#include "store/syncmsg.h"

#define APPLY_ENTRIES_MAX 2000  /* of one batch */
#define APPLY_FILL_MAX    20000 /* the same before the first refresh is complete: nobody waits */
#define APPLY_VAIN_MAX    3     /* refreshes given up in a row for what may be no rename */
#define APPLY_BYTES_MAX   (64ul << 20)

struct apply {
    struct state *state;
    struct csn_set committed; /* what the state is known to hold */
    struct csn_set pending;   /* committed, and the cookies that came since */
    bool open;                /* a batch has begun */
    bool refreshing;
    bool refreshed; /* the refresh ends in the open batch */
    bool purge;     /* what this refresh does not name is gone */
    bool asked;     /* this refresh began with a cookie */
    bool watching;  /* not proven since the last refresh: see apply_entry */
    unsigned vain;  /* refreshes given up for a rename since then */
    size_t entries, bytes;
    /* Since the start: entries; batches; refreshes ended, refreshes begun without a cookie. */
    uint64_t received, batches, refreshes, full;
};

/* Reads the cookie that the state holds. A cookie that is none of OpenLDAP's counts as none. */
int apply_init(struct apply *apply, struct state *state);

/* A refresh begins, from apply->committed (nothing, when that is empty: then all is named). */
int apply_refresh(struct apply *apply);

/* One entry with its Sync State control. entry is used for ADD and MODIFY only. E_PROTO, E_STALE
 * (see apply_info), and the state's errors.
 *
 * A refresh is no snapshot: slapd gives its view up while it waits for us to read, and what is
 * below an entry that is renamed then may come under its old name, under its new one, or not at
 * all; the rename itself is told of the one entry alone, behind the refresh. So until the state was
 * once seen to match the store (apply_proven) such a rename is E_STALE, too. That of an entry that
 * the evaluator does not know may have been told within the refresh already: then every change of
 * one with others below it counts as a rename, but APPLY_VAIN_MAX times at most, since somebody may
 * change such an entry all the time. */
int apply_entry(struct apply *apply, const struct syncmsg_state *message,
                const struct store_entry *entry);

/* All that the store had is applied. */
void apply_proven(struct apply *apply);

/* One Sync Info message. E_STALE: the store cannot say what changed since the cookie, only what is
 * there: drop it (apply_forget) and ask for everything. Its sets of present entries would leave
 * what we hold of them as it is, which is wrong when the store was restored from an older copy. */
int apply_info(struct apply *apply, const struct syncmsg_info *message);

/* Whether the batch is as large as it may be. */
bool apply_full(const struct apply *apply);

/* Ends the batch, if there is one (apply->batches tells). Afterwards apply->committed holds. */
int apply_commit(struct apply *apply);

/* The connection was lost: what came since the last commit will come again. */
void apply_abort(struct apply *apply);

/* Drops the cookie, so that the next refresh names everything. The entries stay until its end. */
int apply_forget(struct apply *apply);

#endif
