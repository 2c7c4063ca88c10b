/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A membership that moved or went takes its old record with it, whose names stand in BATCH_RECORD.
 * Bits are numbered anew only together with a table made anew.
 */
#include "cache/recompute.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/member.h"
#include "cache/profiles.h"
#include "cache/record.h"
#include "cache/table.h"
#include "model/catalogue.h"

#include <stdlib.h>
#include <string.h>

/* Whether the membership counts: named as a person that exists. */
static bool counts(struct batch *batch, const struct entry *entry)
{
    enum tree_kind kind;
    struct id person;

    if (!member_named(batch, entry))
        return false;
    if (index_find(batch, entry_value(entry, ENTRY_PERSON), &person, &kind) && kind == TREE_PERSON)
        return true;
    problem_tell(batch->problems, entry->dn,
                 "is for a person who is not there, and counts for nobody", (struct slice){0});
    return false;
}

static uint32_t profile_for(struct batch *batch, struct pool *pool, const struct entry *entry)
{
    struct sources sources;

    member_sources(batch, entry, &sources);
    return sources_empty(&sources) ? TABLE_NO_PROFILE : profile_take(batch, pool, &sources);
}

static void recompute_membership(struct batch *batch, struct pool *pool, const struct id *uuid)
{
    struct record old, record;
    struct entry entry;
    bool had = record_get(batch, uuid, &old);
    bool has = index_get(batch, uuid, &entry) && counts(batch, &entry);

    if (had)
        todo_add(batch, TODO_RECORD, record_names(&old));
    /* The new is taken before the old is dropped: what stays the same stays. */
    if (has) {
        record.profile = profile_for(batch, pool, &entry);
        record_name(&entry.place, &record);
        record_put(batch, uuid, &record);
        todo_add(batch, TODO_RECORD, record_names(&record));
    } else if (had) {
        db_delete(&batch->txn, BATCH_RECORD, SLICE_BYTES(*uuid));
    }
    if (had && old.profile != TABLE_NO_PROFILE)
        profile_drop(batch, old.profile);
}

/* Closes the holes that removed permissions left. Returns how many there are. */
static uint64_t renumber_permissions(struct batch *batch)
{
    uint64_t count = db_count(&batch->txn, BATCH_PERMISSION);
    struct permission_row row;
    struct db_cursor cursor;
    struct slice key, value;
    struct buffer rows;
    int err = 0;

    if (count >= CATALOGUE_MAX)
        return count;
    buffer_init(&rows);
    db_walk(&batch->txn, BATCH_PERMISSION, (struct slice){0}, &cursor);
    while (err == 0 && db_next(&cursor, &key, &value)) {
        uint8_t len = (uint8_t)key.len; /* a name has 64 bytes at most */

        err = buffer_append(&rows, &len, 1);
        if (err == 0)
            err = buffer_append(&rows, key.data, key.len);
        if (err == 0)
            err = buffer_append(&rows, value.data, sizeof(row));
    }
    db_walk_end(&cursor);
    if (err != 0)
        batch_fail(batch, err);
    batch->numbers.next_bit = 0;
    for (size_t at = 0; err == 0 && at < rows.len;) {
        size_t len = (uint8_t)rows.data[at];

        key = (struct slice){.data = rows.data + at + 1, .len = len};
        memcpy(&row, key.data + len, sizeof(row));
        row.bit = batch->numbers.next_bit++;
        db_put(&batch->txn, BATCH_PERMISSION, key, SLICE_BYTES(row));
        at += 1 + len + sizeof(row);
    }
    buffer_clear(&rows);
    todo_add(batch, TODO_TABLE, (struct slice){0});
    return count;
}

void recompute_permission(struct batch *batch, const struct id *uuid, const struct entry *entry,
                          bool present)
{
    struct slice id = entry->place.name, value;
    struct permission_row row = {.uuid = *uuid};

    if (!permission_valid(id))
        return;
    batch->catalogue = true;
    if (!present) {
        if (db_get(&batch->txn, BATCH_PERMISSION, id, &value) && value.len == sizeof(row) &&
            memcmp(value.data + offsetof(struct permission_row, uuid), uuid, sizeof(*uuid)) == 0)
            db_delete(&batch->txn, BATCH_PERMISSION, id);
        return;
    }
    if (batch->numbers.next_bit >= CATALOGUE_MAX && renumber_permissions(batch) >= CATALOGUE_MAX) {
        problem_tell(batch->problems, entry->dn, "is one permission too many, and left out",
                     (struct slice){0});
        return;
    }
    row.bit = batch->numbers.next_bit++;
    db_put(&batch->txn, BATCH_PERMISSION, id, SLICE_BYTES(row));
}

/* The profiles on the to-do list may depend on others than before. */
static void recompute_depends(struct batch *batch, struct pool *pool)
{
    uint32_t *numbers = mem_array(db_count(&batch->txn, BATCH_TODO), sizeof(*numbers));
    struct db_cursor cursor;
    struct slice what;
    size_t count = 0;

    todo_walk(batch, TODO_PROFILE, (struct slice){0}, &cursor);
    while (todo_next(&cursor, &what, NULL) && what.len == sizeof(struct number_key))
        numbers[count++] = number_of(what.data);
    db_walk_end(&cursor);
    for (size_t i = 0; i < count; i++) {
        arena_reset(batch->arena);
        profile_depend(batch, pool, numbers[i]);
    }
    free(numbers);
}

void recompute_touched(struct batch *batch)
{
    struct pool *pool = pool_new(batch);

    ids_sort(&batch->stale);
    ids_sort(&batch->touched);
    for (size_t i = 0; i < batch->stale.count; i++)
        profiles_mark(batch, &batch->stale.ids[i]);
    for (size_t i = 0; i < batch->touched.count; i++) {
        arena_reset(batch->arena);
        recompute_membership(batch, pool, &batch->touched.ids[i]);
    }
    if (batch->stale.count > 0)
        recompute_depends(batch, pool);
    if (batch->all_profiles)
        profiles_mark_all(batch);
    if (batch->catalogue)
        todo_add(batch, TODO_CATALOGUE, (struct slice){0});
    pool_free(pool);
}

static void on_permission(struct batch *batch, const struct id *uuid, void *context)
{
    struct entry entry;

    (void)context;
    if (index_get(batch, uuid, &entry))
        recompute_permission(batch, uuid, &entry, true);
}

/* There is no record yet, and no list of what to publish: the table is made anew. */
static void on_membership(struct batch *batch, const struct id *uuid, const struct entry *entry,
                          void *context)
{
    struct record record;

    if (!counts(batch, entry))
        return;
    record.profile = profile_for(batch, context, entry);
    record_name(&entry->place, &record);
    record_append(batch, uuid, &record);
}

void recompute_all(struct batch *batch)
{
    static const enum batch_table computed[] = {
        BATCH_RECORD, BATCH_PROFILE, BATCH_SOURCE,     BATCH_DEPENDENCY,
        BATCH_SCOPE,  BATCH_FREE,    BATCH_PERMISSION, BATCH_TODO,
    };
    struct pool *pool;

    for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++)
        db_empty(&batch->txn, computed[i]);
    batch->numbers.next_profile = 0;
    batch->numbers.next_bit = 0;
    index_each(batch, TREE_PERMISSION, on_permission, NULL);
    pool = pool_new(batch);
    index_entries(batch, 1U << TREE_MEMBERSHIP | 1U << TREE_EVENT_MEMBERSHIP, on_membership, pool);
    pool_free(pool);
    db_empty(&batch->txn, BATCH_TODO);
    todo_add(batch, TODO_TABLE, (struct slice){0});
    batch->numbers.filled = 1;
}
