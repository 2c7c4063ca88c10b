/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A profile that cannot be resolved within the evaluator's limits denies everything. The catalogue
 * held in memory says what the table has, so that only permissions that differ are put.
 */
#include "cache/publish.h"
#include "base/bitset.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/profiles.h"
#include "cache/record.h"
#include "cache/todo.h"
#include "model/catalogue.h"

#include <string.h>

#define TRIES 4 /* tables made anew, each twice as large */

/* One go at publishing. */
struct run {
    struct batch *batch;
    struct table *table;
    struct catalogue *catalogue; /* as the state has it */
    struct pool *pool;
    int err; /* the table's */
};

struct resolving {
    struct problems *problems;
    const struct pool_input *input;
};

static void on_resolve_problem(void *context, const struct resolve_problem *problem)
{
    const struct resolving *resolving = context;
    struct slice dn;

    if (problem->role == ROLE_MISSING)
        return;
    dn = resolving->input->role_dns[problem->role];
    if (strcmp(problem->where, "circle") == 0)
        problem_tell(resolving->problems, dn, "stands on a circle of includes, and grants nothing",
                     problem->value);
    else if (strcmp(problem->where, "setting") == 0)
        problem_tell(resolving->problems, dn, "gives a setting a lesser value than its layer has",
                     problem->value);
}

/* Denies what there is. */
static struct profile profile_denied(const struct run *run)
{
    struct profile profile = {.words = BITSET_WORDS(catalogue_bits(run->catalogue))};
    size_t size = profile.words * sizeof(uint64_t);

    profile.bits.granted = arena_alloc(run->batch->arena, size);
    profile.bits.denied = arena_alloc(run->batch->arena, size);
    memset(profile.bits.denied, 0xff, size);
    for (size_t bit = catalogue_bits(run->catalogue); bit < profile.words * 64; bit++)
        bitset_unset(profile.bits.denied, (unsigned)bit);
    return profile;
}

static void put_profile(struct run *run, uint32_t number)
{
    struct batch *batch = run->batch;
    struct sources sources;
    struct pool_input input;
    struct profile profile;
    struct resolving resolving = {.problems = batch->problems, .input = &input};

    arena_reset(batch->arena);
    if (!profile_sources(batch, number, &sources))
        return;
    pool_input(run->pool, &sources, &input);
    if (resolve(run->catalogue, &input.input, batch->arena, on_resolve_problem, &resolving,
                &profile) != 0) {
        problem_tell(batch->problems, sources.organization,
                     "has a membership with more scopes than can be told apart; it is denied all",
                     (struct slice){0});
        profile = profile_denied(run);
    }
    run->err = table_put_profile(run->table, number, &profile);
}

static bool person_active(struct batch *batch, const struct entry *entry)
{
    struct entry person;

    return index_at(batch, entry_value(entry, ENTRY_PERSON), TREE_PERSON, NULL, &person) &&
           person.active;
}

static void put_record(struct run *run, const struct entry *entry, uint32_t profile)
{
    struct table_record record = {
        .person_active = person_active(run->batch, entry),
        .active = entry->active,
        .not_before = entry->not_before,
        .not_after = entry->not_after,
        .profile = profile,
        .scoped = profile != TABLE_NO_PROFILE,
    };

    run->err = table_put_record(run->table, entry->place.organization, entry->place.name, &record);
}

/* Puts or removes the record of these names. */
static void publish_record(struct run *run, struct slice names)
{
    struct batch *batch = run->batch;
    struct slice organization, uid;
    struct record record;
    struct entry entry;
    struct buffer dn;
    struct id uuid;

    if (!record_split(names, &organization, &uid))
        return;
    buffer_init(&dn);
    arena_reset(batch->arena);
    run->err = tree_membership_dn(batch->base, organization, (struct slice){0}, uid, &dn);
    if (run->err != 0)
        goto out;
    if (index_at(batch, (struct slice){.data = dn.data, .len = dn.len}, TREE_MEMBERSHIP, &uuid,
                 &entry) &&
        record_get(batch, &uuid, &record))
        put_record(run, &entry, record.profile);
    else
        run->err = table_remove_record(run->table, organization, uid);
out:
    buffer_clear(&dn);
}

static void publish_organization(struct run *run, struct slice name)
{
    struct batch *batch = run->batch;
    struct buffer dn;
    struct entry entry;

    buffer_init(&dn);
    arena_reset(batch->arena);
    run->err = tree_organization_dn(batch->base, name, &dn);
    if (run->err != 0)
        goto out;
    if (index_at(batch, (struct slice){.data = dn.data, .len = dn.len}, TREE_ORGANIZATION, NULL,
                 &entry))
        run->err = table_put_organization(run->table, name, entry.active);
    else
        run->err = table_remove_organization(run->table, name);
out:
    buffer_clear(&dn);
}

static void publish_profile(struct run *run, struct slice number)
{
    if (number.len == sizeof(struct number_key))
        put_profile(run, number_of(number.data));
}

/* The catalogue as the state has it. */
static struct catalogue *catalogue_load(struct batch *batch)
{
    struct catalogue *catalogue = catalogue_new();
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_PERMISSION, (struct slice){0}, &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct permission_row row;
        struct entry entry;
        int err;

        if (value.len != sizeof(row))
            continue;
        memcpy(&row, value.data, sizeof(row));
        arena_reset(batch->arena);
        if (!index_get(batch, &row.uuid, &entry))
            continue;
        err = catalogue_put(catalogue, row.bit, key, entry_value(&entry, ENTRY_CHANNEL),
                            entry.editing, entry.factor, entry_value(&entry, ENTRY_REQUIRES));
        if (err != 0)
            problem_tell(batch->problems, entry.dn, "cannot be taken into the catalogue",
                         slice_of(err_text(err)));
    }
    db_walk_end(&cursor);
    return catalogue;
}

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
                         void (*call)(struct run *run, struct slice what))
{
    struct db_cursor cursor;
    struct slice what;

    todo_walk(run->batch, kind, &cursor);
    while (run->err == 0 && run->batch->txn.err == 0 && todo_next(&cursor, &what))
        call(run, what);
    db_walk_end(&cursor);
}

static int run_error(const struct run *run)
{
    return run->err != 0 ? run->err : run->batch->txn.err;
}

/* Keeps the new catalogue in place of the old after success. */
static void run_end(struct run *run, struct publish *publish)
{
    pool_free(run->pool);
    if (run->catalogue == publish->catalogue)
        return;
    if (run_error(run) == 0) {
        catalogue_free(publish->catalogue);
        publish->catalogue = run->catalogue;
    } else {
        catalogue_free(run->catalogue);
    }
}

int publish_todo(struct batch *batch, struct publish *publish)
{
    bool changed = publish->catalogue == NULL || todo_has(batch, TODO_CATALOGUE);
    struct run run = {
        .batch = batch,
        .table = publish->table,
        .catalogue = changed ? catalogue_load(batch) : publish->catalogue,
        .pool = pool_new(batch),
    };

    publish_rows(&run, TODO_PROFILE, publish_profile);
    if (changed && run_error(&run) == 0)
        publish_catalogue(&run, publish->catalogue);
    publish_rows(&run, TODO_ORGANIZATION, publish_organization);
    publish_rows(&run, TODO_RECORD, publish_record);
    run_end(&run, publish);
    return run_error(&run);
}

static void fill_organization(struct batch *batch, const struct id *uuid, void *context)
{
    struct run *run = context;
    struct entry entry;

    if (run->err == 0 && index_get(batch, uuid, &entry))
        run->err = table_put_organization(run->table, entry.place.name, entry.active);
}

static void fill_record(struct batch *batch, const struct id *uuid, void *context)
{
    struct run *run = context;
    struct record record;
    struct entry entry;

    if (run->err == 0 && record_get(batch, uuid, &record) && index_get(batch, uuid, &entry))
        put_record(run, &entry, record.profile);
}

static void fill_profiles(struct run *run)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&run->batch->txn, BATCH_PROFILE, (struct slice){0}, &cursor);
    while (run->err == 0 && db_next(&cursor, &key, &value))
        publish_profile(run, key);
    db_walk_end(&cursor);
}

/* Room for what there is and half as much again: at 64 bytes a record, more would be dear. */
static struct table_size size_for(const struct batch_numbers *numbers, unsigned try)
{
    uint64_t records = numbers->counts[TREE_MEMBERSHIP] + numbers->counts[TREE_ORGANIZATION];
    uint64_t bits = (uint64_t)numbers->next_bit + numbers->next_bit / 4 + 64;

    return (struct table_size){
        .records = (records + records / 2 + 1024) << try,
        .profiles = (numbers->next_profile + numbers->next_profile / 2 + 256) << try,
        .bits = (uint32_t)(bits < CATALOGUE_MAX ? bits : CATALOGUE_MAX),
    };
}

static void fill(struct run *run)
{
    fill_profiles(run);
    if (run_error(run) == 0)
        publish_catalogue(run, NULL);
    index_each(run->batch, TREE_ORGANIZATION, fill_organization, run);
    index_each(run->batch, TREE_MEMBERSHIP, fill_record, run);
}

int publish_whole(struct batch *batch, const char *path, gid_t gid, struct publish *publish)
{
    struct run run = {.batch = batch, .catalogue = catalogue_load(batch), .pool = pool_new(batch)};

    for (unsigned try = 0; try < TRIES; try++) {
        run.err = table_create(path, size_for(&batch->numbers, try), gid, &run.table);
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
