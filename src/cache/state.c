/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state opened, published, proven fresh and closed. The to-do list is published after its
 * commit and struck with the next transaction, which spares a second wait for the disk. Published
 * twice is published once.
 */
#include "cache/stating.h"
#include "base/err.h"
#include "cache/todo.h"
#include "model/catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FORMAT         5
#define MAP_SIZE       (UINT64_C(16) << 30)
#define DIRECTORY_MODE 0750
#define STATE_TRIES    2   /* as it is, and after what is damaged was put away */
#define ROWS_KEPT      256 /* of the to-do list, published but struck only with the next batch */

/* Empties the state and gives it its marks, in a transaction of its own. */
static int state_empty(struct state *state)
{
    struct batch *batch = &state->batch;
    uint8_t secret[ID_SECRET];
    int err;

    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        return E_IO;
    err = batch_begin(batch, state->db, true);
    if (err != 0)
        return err;
    for (unsigned i = 0; i < BATCH_TABLES; i++)
        db_empty(&batch->txn, i);
    batch->numbers = (struct batch_numbers){.format = FORMAT};
    db_put(&batch->txn, BATCH_META, slice_of("base"), batch->base);
    db_put(&batch->txn, BATCH_META, slice_of("secret"), SLICE_BYTES(secret));
    err = batch_commit(batch);
    if (err == 0)
        memcpy(state->secret, secret, sizeof(secret));
    return err;
}

/* Whether the state is of this format and base; reads its secret. */
static bool state_fits(struct state *state)
{
    struct batch *batch = &state->batch;
    struct slice base, secret;

    if (batch->numbers.format != FORMAT ||
        !db_get(&batch->txn, BATCH_META, slice_of("base"), &base) ||
        !slice_equal(base, batch->base) ||
        !db_get(&batch->txn, BATCH_META, slice_of("secret"), &secret) || secret.len != ID_SECRET)
        return false;
    memcpy(state->secret, secret.data, ID_SECRET);
    return true;
}

/* Whether the state is of another base: so is the table that was published from it. */
static bool state_foreign(struct state *state)
{
    struct batch *batch = &state->batch;
    struct slice base;

    return db_get(&batch->txn, BATCH_META, slice_of("base"), &base) &&
           !slice_equal(base, batch->base);
}

static int state_load(struct state *state)
{
    int err = batch_begin(&state->batch, state->db, false);
    bool fits;

    if (err != 0)
        return err;
    fits = state_fits(state);
    if (state_foreign(state))
        table_withdraw(state->path);
    state->filled = fits && state->batch.numbers.filled != 0;
    batch_abort(&state->batch);
    return fits ? 0 : state_empty(state);
}

int state_pace(struct state *state)
{
    return state->filled ? db_settle(state->db) : db_relax(state->db);
}

/* A long list, or the whole table, is not to be published again at the next start. */
static int state_strike(struct state *state)
{
    int err = batch_begin(&state->batch, state->db, true);

    if (err != 0)
        return err;
    todo_strike(&state->batch);
    return batch_commit(&state->batch);
}

int state_publish(struct state *state)
{
    struct batch *batch = &state->batch;
    bool whole = state->publish.table == NULL;
    uint64_t rows;
    int err = 0;

    if (!state->filled)
        return 0;
    err = batch_begin(batch, state->db, false);
    if (err != 0)
        return err;
    rows = db_count(&batch->txn, BATCH_TODO);
    whole = whole || todo_has(batch, TODO_TABLE);
    if (!whole && rows > 0)
        err = publish_todo(batch, &state->publish);
    if (whole || err == E_LIMIT)
        err = publish_whole(batch, state->path, state->gid, &state->publish);
    batch_abort(batch);
    state->published = err == 0;
    if (err == 0 && rows > 0 && (whole || rows > ROWS_KEPT))
        err = state_strike(state);
    return err;
}

static struct state *state_new(const struct state_options *options)
{
    struct state *state = mem_alloc(sizeof(*state));

    state->base = slice_dup(options->base);
    state->path = mem_printf("%s/rights", options->directory);
    state->gid = options->gid;
    state->max_age_ms = options->max_age_ms;
    state->problems = problems_new(options->on_problem, options->context);
    state->pending = pending_new();
    buffer_init(&state->encoded);
    state->batch.base = (struct slice){.data = state->base, .len = options->base.len};
    state->batch.secret = state->secret;
    state->batch.problems = state->problems;
    state->batch.arena = arena_new();
    return state;
}

/* What is damaged is not known before it is read. */
static int state_data(struct state *state, const struct db_options *options)
{
    int err = 0;

    for (int tries = 0; tries < STATE_TRIES; tries++) {
        err = db_open(options, &state->db);
        if (err == 0)
            err = state_load(state);
        if (err != E_IO || state->db == NULL || !db_damaged(state->db))
            break;
        db_close(state->db);
        state->db = NULL;
    }
    return err;
}

int state_open(const struct state_options *options, struct state **ret)
{
    struct state *state = state_new(options);
    char *directory = mem_printf("%s/state", options->directory);
    const struct db_options db = {
        .directory = directory,
        .map_size = options->map_size > 0 ? options->map_size : MAP_SIZE,
        .tables = batch_tables,
        .table_count = BATCH_TABLES,
    };
    int err = 0;

    if (mkdir(options->directory, DIRECTORY_MODE) != 0 && errno != EEXIST)
        err = err_errno(errno);
    if (err == 0)
        err = state_data(state, &db);
    if (err == 0 && !state->filled)
        err = state_pace(state);
    /* Another boot's table, a damaged one or none: it is made anew if there is something to make it
     * from. */
    if (err == 0 && table_open(state->path, &state->publish.table) != 0)
        state->publish.table = NULL;
    if (err == 0 && state->publish.table != NULL)
        table_max_age(state->publish.table, state->max_age_ms);
    if (err == 0)
        err = state_publish(state);
    if (err == 0) {
        *ret = state;
        state = NULL;
    }
    state_close(state);
    free(directory);
    return err;
}

void state_close(struct state *state)
{
    if (state == NULL)
        return;
    if (state->open)
        state_abort(state);
    table_close(state->publish.table);
    catalogue_free(state->publish.catalogue);
    db_close(state->db);
    problems_free(state->problems);
    pending_free(state->pending);
    arena_free(state->batch.arena);
    buffer_clear(&state->encoded);
    free(state->base);
    free(state->path);
    free(state);
}

bool state_filled(const struct state *state)
{
    return state->filled;
}

int state_reset(struct state *state)
{
    int err = state->open ? E_INTERNAL : state_empty(state);

    if (err != 0)
        return err;
    state->filled = state->published = false;
    state->refreshing = state->all_named = false;
    return state_pace(state);
}

void state_fresh(struct state *state, struct slice csn)
{
    if (state->open || !state->filled)
        return;
    /* What could not be published then perhaps can now; until then the table ages. */
    if (!state->published)
        (void)state_publish(state);
    if (state->published)
        table_fresh(state->publish.table, csn, state->max_age_ms);
    (void)state_pace(state); /* tried again with the next proof */
}

void state_beat(struct state *state)
{
    if (state->publish.table != NULL)
        table_beat(state->publish.table);
}
