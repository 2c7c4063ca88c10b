/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The order of publishing, and the catalogue: the one held in memory says what the table has, so
 * that only permissions that differ are put.
 */
#include "cache/publish.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/permissions.h"
#include "cache/publishing.h"
#include "cache/record.h"
#include "cache/todo.h"
#include "model/catalogue.h"

#include <string.h>

#define TRIES 4 /* tables made anew, each twice as large */

static bool permission_same(const struct permission *a, const struct permission *b)
{
    return a->editing == b->editing && a->factor == b->factor && a->requires == b->requires &&
           slice_equal(a->channel, b->channel);
}

static void put_permission(struct run *run, const struct permission *permission, struct slice id)
{
    run->err = table_put_permission(run->table, permission, id);
    if (run->err != E_SYNTAX)
        return;
    problem_tell(run->batch->problems, id, "does not fit into the table, and is left out",
                 permission->channel);
    run->err = table_remove_permission(run->table, permission->bit);
}

/* Puts what differs from old (NULL: nothing is known). */
static void publish_catalogue(struct run *run, const struct catalogue *old)
{
    unsigned bits = run->batch->numbers.next_bit;

    for (unsigned bit = 0; run->err == 0 && bit < bits; bit++) {
        struct permission before, now;
        bool had = old != NULL && catalogue_at(old, bit, &before, NULL) == 0;
        struct slice id;

        if (catalogue_at(run->catalogue, bit, &now, &id) != 0) {
            if (old == NULL || had)
                run->err = table_remove_permission(run->table, bit);
        } else if (!had || !permission_same(&before, &now)) {
            put_permission(run, &now, id);
        }
    }
}

static void publish_rows(struct run *run, enum todo_kind kind,
                         void (*call)(struct run *run, struct slice what, struct slice value))
{
    struct slice what, value;
    struct db_cursor cursor;

    todo_walk(run->batch, kind, (struct slice){0}, &cursor);
    while (run->err == 0 && run->batch->txn.err == 0 && todo_next(&cursor, &what, &value)) {
        arena_reset(run->batch->arena);
        call(run, what, value);
    }
    db_walk_end(&cursor);
}

static int run_error(const struct run *run)
{
    return run->err != 0 ? run->err : run->batch->txn.err;
}

/* Keeps the new catalogue in place of the old after success. Otherwise nobody knows which of the
 * two the table has more of: next time all of it is put. */
static void run_end(struct run *run, struct publish *publish)
{
    pool_free(run->pool);
    if (run->catalogue == publish->catalogue)
        return;
    catalogue_free(publish->catalogue);
    publish->catalogue = run->catalogue;
    if (run_error(run) != 0) {
        catalogue_free(run->catalogue);
        publish->catalogue = NULL;
    }
}

int publish_todo(struct batch *batch, struct publish *publish)
{
    bool changed = publish->catalogue == NULL || todo_has(batch, TODO_CATALOGUE);
    struct run run = {
        .batch = batch,
        .table = publish->table,
        .catalogue = changed ? permissions_load(batch) : publish->catalogue,
        .pool = pool_new(batch),
    };

    publish_rows(&run, TODO_PROFILE, publish_profile);
    if (changed && run_error(&run) == 0)
        publish_catalogue(&run, publish->catalogue);
    publish_rows(&run, TODO_ORGANIZATION, publish_organization);
    publish_rows(&run, TODO_PERSON, publish_person);
    publish_rows(&run, TODO_EVENT, publish_event);
    publish_rows(&run, TODO_SHARE, publish_share);
    publish_rows(&run, TODO_RECORD, publish_record);
    publish_rows(&run, TODO_SCOPE, publish_scope);
    run_end(&run, publish);
    return run_error(&run);
}

#define FILLED                                                                                     \
    (1U << TREE_ORGANIZATION | 1U << TREE_PERSON | 1U << TREE_EVENT | 1U << TREE_MEMBERSHIP |      \
     1U << TREE_EVENT_MEMBERSHIP)

static void fill_entry(struct batch *batch, const struct id *uuid, const struct entry *entry,
                       void *context)
{
    struct run *run = context;
    struct record record;

    if (run->err != 0)
        return;
    if (entry->kind == TREE_ORGANIZATION) {
        put_organization(run, entry);
    } else if (entry->kind == TREE_PERSON) {
        put_person(run, entry);
    } else if (entry->kind == TREE_EVENT) {
        put_event(run, entry);
        put_shares(run, entry);
    } else if (record_get(batch, uuid, &record)) {
        put_record(run, entry, record.profile);
    }
}

static void fill_profiles(struct run *run)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&run->batch->txn, BATCH_PROFILE, (struct slice){0}, &cursor);
    while (run->err == 0 && db_next(&cursor, &key, &value))
        if (key.len == sizeof(struct number_key))
            put_profile(run, number_of(key.data));
    db_walk_end(&cursor);
}

/* Room for what there is and some more, also where there is little. */
static struct table_size size_for(struct batch *batch, unsigned try)
{
    const struct batch_numbers *numbers = &batch->numbers;
    uint64_t records = numbers->counts[TREE_MEMBERSHIP] + numbers->counts[TREE_EVENT_MEMBERSHIP] +
                       numbers->counts[TREE_ORGANIZATION] + numbers->counts[TREE_EVENT] +
                       numbers->shares + db_count(&batch->txn, BATCH_SCOPE);
    uint64_t people = numbers->counts[TREE_PERSON];
    uint64_t bits = TABLE_ROOM((uint64_t)numbers->next_bit) + 64;

    return (struct table_size){
        .records = (TABLE_ROOM(records) + 256) << try,
        .profiles = (TABLE_ROOM(numbers->next_profile) + 64) << try,
        .bits = (uint32_t)(bits < CATALOGUE_MAX ? bits : CATALOGUE_MAX),
        .people = (TABLE_ROOM(people) + 256) << try,
    };
}

static void fill(struct run *run)
{
    fill_profiles(run);
    if (run_error(run) == 0)
        publish_catalogue(run, NULL);
    index_entries(run->batch, FILLED, fill_entry, run);
}

int publish_whole(struct batch *batch, const char *path, gid_t gid, struct publish *publish)
{
    struct run run = {
        .batch = batch, .catalogue = permissions_load(batch), .pool = pool_new(batch)};

    for (unsigned try = 0; try < TRIES; try++) {
        run.err = table_create(path, size_for(batch, try), gid, &run.table);
        if (run.err != 0)
            break;
        fill(&run);
        if (run_error(&run) != E_LIMIT)
            break;
        table_close(run.table);
        run.table = NULL;
    }
    if (run_error(&run) == 0 && publish->table != NULL)
        table_inherit(run.table, publish->table);
    if (run_error(&run) == 0)
        run.err = table_publish(run.table);
    if (run_error(&run) == 0) {
        table_close(publish->table);
        publish->table = run.table;
    } else {
        table_close(run.table);
    }
    run_end(&run, publish);
    return run_error(&run);
}
