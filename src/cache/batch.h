/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One transaction on the state and what its parts share meanwhile: the tables, the numbers that
 * they count with, and what has been touched and is to be recomputed before the commit. Private to
 * the state; everybody else sees cache/state.h.
 */
#ifndef USHER_CACHE_BATCH_H
#define USHER_CACHE_BATCH_H

#include "cache/db.h"
#include "cache/entry.h"
#include "cache/problem.h"

/* The tables of the state. Keys and values are bytes as told; "id" is a struct id, numbers are 32
 * bits, big-endian in keys. */
enum batch_table {
    BATCH_META,       /* "meta" struct batch_numbers, "base", "secret", "cookie" */
    BATCH_ENTRY,      /* entryUUID: serialized entry */
    BATCH_DN,         /* DN from the last RDN to the first: entryUUID and kind */
    BATCH_REF,        /* who is meant: entryUUIDs of those who refer to it (cache/backref.c) */
    BATCH_SEEN,       /* entryUUID: 'p' put or 's' said to be present since the refresh began */
    BATCH_RECORD,     /* entryUUID of a membership that counts: profile, names (cache/record.h) */
    BATCH_PROFILE,    /* number: uses, dependencies, sources (cache/profiles.c) */
    BATCH_SOURCE,     /* hash of sources: numbers of profiles */
    BATCH_DEPENDENCY, /* id of a role's DN or of a group's entryUUID: numbers of profiles */
    BATCH_SCOPE,      /* number of a profile, id of a scope: number of its page, scope as text */
    BATCH_FREE,       /* number that may be given to a new profile or page of a scope */
    BATCH_PERMISSION, /* permission: bit, entryUUID */
    BATCH_TODO,       /* what is to be published (cache/todo.h) */
    BATCH_TABLES,
};

extern const struct db_table batch_tables[BATCH_TABLES];

#define BATCH_KINDS 10 /* of enum tree_kind */

struct batch_numbers {
    uint32_t format;
    uint32_t filled;
    uint32_t next_profile; /* number never given */
    uint32_t next_bit;
    uint64_t counts[BATCH_KINDS]; /* entries of each kind */
    uint64_t shares;              /* values of usherSharedWith on all events */
};

/* A growing list of ids. */
struct ids {
    struct id *ids;
    size_t count, size;
};

void ids_add(struct ids *ids, const struct id *id);
void ids_sort(struct ids *ids); /* and drops repetitions */
void ids_clear(struct ids *ids);

struct grouping;

struct batch {
    struct db_txn txn;
    struct slice base;
    const uint8_t *secret;
    struct problems *problems;
    struct arena *arena;       /* of the change at hand: reset between changes */
    struct grouping *grouping; /* during the first fill, else NULL */
    struct batch_numbers numbers;
    bool refreshing; /* between refresh begin and end */
    bool all_named;  /* the refresh began on nothing, so that all there is has been put since */
    struct ids
        touched;      /* memberships of both kinds whose record or profile may be another one now */
    struct ids stale; /* ids of roles and groups whose dependants are to be recomputed */
    bool all_profiles; /* every profile is to be recomputed */
    bool catalogue;    /* a permission was put or removed */
};

/* Begins a transaction: numbers are read from the state. Sticky error in batch->txn. */
int batch_begin(struct batch *batch, struct db *db, bool write);

/* Writes the numbers and commits; drops what was touched either way. */
int batch_commit(struct batch *batch);
void batch_abort(struct batch *batch);

/* Notes an error that no table gave. */
void batch_fail(struct batch *batch, int err);

/* Bytes of a key or value. */
#define SLICE_BYTES(object) ((struct slice){.data = (const char *)&(object), .len = sizeof(object)})

/* A number as a key. */
struct number_key {
    uint8_t bytes[4];
};
struct number_key number_key(uint32_t number);
uint32_t number_of(const void *bytes);

#endif
