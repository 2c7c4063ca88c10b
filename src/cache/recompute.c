/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A membership that moved or went takes its old record with it, whose names stand in BATCH_RECORD.
 */
#include "cache/recompute.h"
#include "cache/index.h"
#include "cache/member.h"
#include "cache/profiles.h"
#include "cache/record.h"
#include "cache/table.h"

#include <stdlib.h>

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
    bool has = index_get(batch, uuid, &entry) && member_counts(batch, &entry);

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
