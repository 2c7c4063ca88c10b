/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries set aside stand at displaced=<entryUUID>, outside the base, and are of no kind there.
 * Lists of entries to move are gathered before the first is moved, since the index may not change
 * under a walk.
 */
#include "cache/change.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/touch.h"

#include <stdio.h>
#include <string.h>

#define DISPLACED    "displaced="
#define SEEN_PUT     'p'
#define SEEN_PRESENT 's'

static void write_entry(struct batch *batch, const struct id *uuid, const struct entry *old,
                        const struct entry *entry)
{
    index_write(batch, uuid, old, entry);
    if (batch->numbers.filled != 0)
        touch(batch, uuid, old, entry);
}

void change_delete(struct batch *batch, const struct id *uuid)
{
    struct entry old;

    if (index_get(batch, uuid, &old))
        write_entry(batch, uuid, &old, NULL);
}

/* Whether the refresh at hand told where this entry stands. */
static bool is_placed(struct batch *batch, const struct id *uuid)
{
    struct slice value;

    if (!batch->refreshing)
        return false;
    return batch->all_named || (db_get(&batch->txn, BATCH_SEEN, SLICE_BYTES(*uuid), &value) &&
                                value.len == 1 && value.data[0] == SEEN_PUT);
}

bool change_displaced(struct slice dn)
{
    return dn.len > strlen(DISPLACED) && memcmp(dn.data, DISPLACED, strlen(DISPLACED)) == 0;
}

static struct slice displaced_dn(struct batch *batch, const struct id *uuid)
{
    char hex[2 * sizeof(uuid->bytes) + 1];

    for (size_t i = 0; i < sizeof(uuid->bytes); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", uuid->bytes[i]);
    return slice_of(arena_printf(batch->arena, DISPLACED "%s", hex));
}

static void move_one(struct batch *batch, const struct id *uuid, const struct entry *old,
                     struct slice dn)
{
    struct entry entry = *old;

    entry_move(&entry, dn, batch->base);
    if (index_fits(dn)) {
        write_entry(batch, uuid, old, &entry);
        return;
    }
    problem_tell(batch->problems, dn, "has a DN too long for the cache, and is left out",
                 (struct slice){0});
    write_entry(batch, uuid, old, NULL);
}

/* Sets a single entry aside. */
static void displace_one(struct batch *batch, const struct id *uuid)
{
    struct entry old;

    if (index_get(batch, uuid, &old))
        move_one(batch, uuid, &old, displaced_dn(batch, uuid));
}

/* Moves what is below from to below to, save what the refresh has placed. */
static void move_below(struct batch *batch, struct slice from, struct slice to)
{
    struct arena *arena = batch->arena, *each = arena_new();
    struct ids ids = {0};

    index_below(batch, from, &ids);
    batch->arena = each;
    for (size_t i = 0; i < ids.count; i++) {
        struct entry old;
        struct id other;
        struct slice dn;

        arena_reset(each);
        if (is_placed(batch, &ids.ids[i]) || !index_get(batch, &ids.ids[i], &old))
            continue;
        dn = slice_of(arena_printf(each, "%.*s%.*s", (int)(old.dn.len - from.len), old.dn.data,
                                   SLICE_ARG(to)));
        if (index_find(batch, dn, &other, NULL)) {
            if (is_placed(batch, &other))
                dn = displaced_dn(batch, &ids.ids[i]);
            else
                displace_one(batch, &other);
        }
        move_one(batch, &ids.ids[i], &old, dn);
    }
    batch->arena = arena;
    arena_free(each);
    ids_clear(&ids);
}

/* Sets an entry aside with what is below it. */
static void displace(struct batch *batch, const struct id *uuid)
{
    struct entry old;
    struct slice dn;

    if (!index_get(batch, uuid, &old))
        return;
    dn = displaced_dn(batch, uuid);
    move_below(batch, old.dn, dn);
    move_one(batch, uuid, &old, dn);
}

void change_put(struct batch *batch, const struct id *uuid, const struct entry *entry)
{
    struct entry old;
    struct id other;
    bool had;

    if (index_find(batch, entry->dn, &other, NULL) && id_compare(&other, uuid) != 0)
        displace(batch, &other);
    had = index_get(batch, uuid, &old);
    if (had && !slice_equal(old.dn, entry->dn))
        move_below(batch, old.dn, entry->dn);
    write_entry(batch, uuid, had ? &old : NULL, entry);
}

void change_seen(struct batch *batch, const struct id *uuid, bool put)
{
    char how = put ? SEEN_PUT : SEEN_PRESENT;
    struct slice value;

    if (!batch->refreshing || batch->all_named)
        return;
    if (!put && db_get(&batch->txn, BATCH_SEEN, SLICE_BYTES(*uuid), &value))
        return;
    db_put(&batch->txn, BATCH_SEEN, SLICE_BYTES(*uuid), (struct slice){.data = &how, .len = 1});
}

void change_refresh_begin(struct batch *batch)
{
    db_empty(&batch->txn, BATCH_SEEN);
    batch->refreshing = true;
    batch->all_named = db_count(&batch->txn, BATCH_ENTRY) == 0;
}

/* Those of BATCH_ENTRY that are not in BATCH_SEEN; both are in order. */
static void unnamed(struct batch *batch, struct ids *out)
{
    struct db_cursor entries, seen;
    struct slice uuid, name, value;
    bool more;

    db_walk(&batch->txn, BATCH_ENTRY, (struct slice){0}, &entries);
    db_walk(&batch->txn, BATCH_SEEN, (struct slice){0}, &seen);
    more = db_next(&seen, &name, &value);
    while (db_next(&entries, &uuid, &value)) {
        struct id id;

        while (more && slice_compare(name, uuid) < 0)
            more = db_next(&seen, &name, &value);
        if ((more && slice_equal(name, uuid)) || uuid.len != sizeof(id))
            continue;
        memcpy(&id, uuid.data, sizeof(id));
        ids_add(out, &id);
    }
    db_walk_end(&seen);
    db_walk_end(&entries);
}

void change_refresh_end(struct batch *batch)
{
    struct ids ids = {0};

    if (batch->refreshing && !batch->all_named)
        unnamed(batch, &ids);
    for (size_t i = 0; i < ids.count; i++) {
        arena_reset(batch->arena);
        change_delete(batch, &ids.ids[i]);
    }
    ids_clear(&ids);
    change_refresh_stop(batch);
}

void change_refresh_stop(struct batch *batch)
{
    db_empty(&batch->txn, BATCH_SEEN);
    batch->refreshing = false;
    batch->all_named = false;
}
