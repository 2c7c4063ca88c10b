/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the state share: cache/state.c opens and publishes it, cache/state_change.c
 * takes batches of changes, cache/snapshot.c reads it. Private to them; everybody else sees
 * cache/state.h.
 */
#ifndef USHER_CACHE_STATING_H
#define USHER_CACHE_STATING_H

#include "cache/publish.h"
#include "cache/reference.h"
#include "cache/state.h"

struct state {
    struct db *db;
    struct batch batch;
    struct publish publish;
    struct problems *problems;
    struct pending *pending; /* references to look at again when the batch or refresh is complete */
    struct buffer encoded;   /* of the entry at hand */
    char *base;
    char *path; /* of the rights file */
    gid_t gid;
    int64_t max_age_ms;
    uint8_t secret[ID_SECRET];
    bool open;                  /* a batch is */
    bool complete;              /* the batch ends the first refresh */
    bool filled;                /* as committed */
    bool published;             /* the to-do list is worked off, and not yet struck */
    bool refreshing, all_named; /* as committed */
};

/* Brings the table up to the state. */
int state_publish(struct state *state);

/* Till the first refresh is complete nothing is worth waiting for the disk. */
int state_pace(struct state *state);

#endif
