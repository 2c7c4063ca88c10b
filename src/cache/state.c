/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Batches: a transaction takes changes, works out what they touch, and is committed together with
 * the to-do list; then the list is published; it is struck with the next transaction, which spares
 * a second wait for the disk. Published twice is published once.
 */
#include "cache/state.h"
#include "base/err.h"
#include "cache/change.h"
#include "cache/index.h"
#include "cache/inspect.h"
#include "cache/publish.h"
#include "cache/recompute.h"
#include "cache/reference.h"
#include "cache/snapshot.h"
#include "cache/todo.h"
#include "ldap/dn.h"
#include "model/catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FORMAT         4
#define MAP_SIZE       (UINT64_C(16) << 30)
#define DIRECTORY_MODE 0750
#define ROWS_KEPT      256 /* of the to-do list, published but struck only with the next batch */

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

static int state_load(struct state *state)
{
    int err = batch_begin(&state->batch, state->db, false);
    bool fits;

    if (err != 0)
        return err;
    fits = state_fits(state);
    state->filled = fits && state->batch.numbers.filled != 0;
    batch_abort(&state->batch);
    return fits ? 0 : state_empty(state);
}

/* Till the first refresh is complete nothing is worth waiting for the disk. */
static int state_pace(struct state *state)
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

/* Brings the table up to the state. */
static int state_publish(struct state *state)
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
        err = db_open(&db, &state->db);
    if (err == 0)
        err = state_load(state);
    if (err == 0)
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

/* Begins to read, unless a batch is open, which is read then. */
static int read_begin(struct state *state)
{
    return state->open ? state->batch.txn.err : batch_begin(&state->batch, state->db, false);
}

static void read_end(struct state *state)
{
    if (!state->open)
        batch_abort(&state->batch);
}

int state_cookie(struct state *state, struct arena *arena, struct slice *ret)
{
    struct slice cookie = {0};
    int err = read_begin(state);

    if (err != 0)
        return err;
    if (db_get(&state->batch.txn, BATCH_META, slice_of("cookie"), &cookie))
        cookie = arena_copy(arena, cookie);
    err = state->batch.txn.err;
    read_end(state);
    if (err == 0)
        *ret = cookie;
    return err;
}

int state_begin(struct state *state)
{
    int err = state->open ? E_INTERNAL : batch_begin(&state->batch, state->db, true);

    if (err != 0)
        return err;
    state->open = true;
    state->complete = false;
    state->batch.refreshing = state->refreshing;
    state->batch.all_named = state->all_named;
    if (problems_full(state->problems))
        problems_forget(state->problems);
    if (state->published)
        todo_strike(&state->batch);
    return state->batch.txn.err;
}

/* In the first refresh nearly every entry is one that nobody knows: nothing is looked for. */
static bool is_first(const struct batch *batch)
{
    return batch->refreshing && batch->all_named && batch->numbers.filled == 0;
}

static struct id id_from(const uint8_t uuid[STATE_UUID])
{
    struct id id;

    memcpy(id.bytes, uuid, sizeof(id.bytes));
    return id;
}

int state_put(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
              const struct attribute *attributes, size_t attribute_count)
{
    struct batch *batch = &state->batch;
    const struct entry_reader reader = {
        .base = batch->base, .secret = batch->secret, .problems = batch->problems};
    struct id id = id_from(uuid);
    uint64_t mark = problems_mark(state->problems);
    char buf[DN_MAX];
    struct slice encoded;
    struct entry entry;
    int err;

    if (!state->open)
        return E_INTERNAL;
    if (batch->txn.err != 0)
        return batch->txn.err;
    arena_reset(batch->arena);
    change_seen(batch, &id, true);
    err = dn_normalize(dn, buf, &dn);
    if (err == 0 && !index_fits(dn))
        err = E_LIMIT;
    if (err == 0)
        err = entry_read(&reader, dn, attributes, attribute_count, batch->arena, &entry);
    if (err != 0) {
        /* Left out, and what stood for it with it. */
        problem_tell(batch->problems, dn, "cannot be held by the cache, and is left out",
                     slice_of(err_text(err)));
        change_delete(batch, &id);
        return batch->txn.err;
    }
    state->encoded.len = 0;
    if (entry_encode(&entry, &state->encoded) != 0) {
        batch_fail(batch, E_NOMEM);
        return E_NOMEM;
    }
    encoded = (struct slice){.data = state->encoded.data, .len = state->encoded.len};
    if (is_first(batch) || !index_same(batch, &id, encoded)) {
        inspect(&entry, batch->base, batch->problems);
        problems_forget_of(state->problems, entry.dn, mark);
        /* Before it is put: whom a group names is compared with whom it named so far. */
        pending_note(state->pending, batch, &id, &entry, attributes, attribute_count);
        if (!is_first(batch) || !index_add(batch, &id, &entry, encoded))
            change_put(batch, &id, &entry);
    }
    return batch->txn.err;
}

int state_delete(struct state *state, const uint8_t uuid[STATE_UUID])
{
    struct id id = id_from(uuid);
    struct entry old;

    if (!state->open)
        return E_INTERNAL;
    arena_reset(state->batch.arena);
    if (index_get(&state->batch, &id, &old))
        problems_forget_of(state->problems, old.dn, problems_mark(state->problems));
    change_delete(&state->batch, &id);
    return state->batch.txn.err;
}

int state_set_cookie(struct state *state, struct slice cookie)
{
    if (!state->open)
        return E_INTERNAL;
    db_put(&state->batch.txn, BATCH_META, slice_of("cookie"), cookie);
    return state->batch.txn.err;
}

int state_refresh_begin(struct state *state)
{
    if (!state->open)
        return E_INTERNAL;
    change_refresh_begin(&state->batch);
    return state->batch.txn.err;
}

int state_present(struct state *state, const uint8_t uuid[STATE_UUID])
{
    struct id id = id_from(uuid);

    if (!state->open)
        return E_INTERNAL;
    change_seen(&state->batch, &id, false);
    return state->batch.txn.err;
}

int state_refresh_end(struct state *state)
{
    if (!state->open)
        return E_INTERNAL;
    change_refresh_end(&state->batch);
    return state->batch.txn.err;
}

int state_refresh_done(struct state *state)
{
    struct batch *batch = &state->batch;

    if (!state->open)
        return E_INTERNAL;
    if (batch->refreshing)
        change_refresh_stop(batch);
    state->complete = batch->numbers.filled == 0;
    return batch->txn.err;
}

int state_commit(struct state *state)
{
    struct batch *batch = &state->batch;
    bool filled, refreshing, all_named;
    int err;

    if (!state->open)
        return E_INTERNAL;
    arena_reset(batch->arena);
    if (batch->txn.err == 0 && state->complete)
        recompute_all(batch);
    else if (batch->txn.err == 0 && batch->numbers.filled != 0)
        recompute_touched(batch);
    if (batch->numbers.filled != 0 && !batch->refreshing)
        pending_tell(state->pending, batch);
    filled = batch->numbers.filled != 0;
    refreshing = batch->refreshing;
    all_named = batch->all_named;
    err = batch_commit(batch);
    state->open = false;
    if (err != 0)
        return err;
    state->filled = filled;
    state->refreshing = refreshing;
    state->all_named = all_named;
    state->published = false;
    err = state_pace(state);
    return err != 0 ? err : state_publish(state);
}

void state_abort(struct state *state)
{
    if (!state->open)
        return;
    batch_abort(&state->batch);
    state->open = false;
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
}

void state_beat(struct state *state)
{
    if (state->publish.table != NULL)
        table_beat(state->publish.table);
}

int state_count(struct state *state, struct state_counts *ret)
{
    struct batch *batch = &state->batch;
    int err = read_begin(state);

    if (err != 0)
        return err;
    *ret = (struct state_counts){
        .entries = db_count(&batch->txn, BATCH_ENTRY),
        .memberships = batch->numbers.counts[TREE_MEMBERSHIP],
        .profiles = db_count(&batch->txn, BATCH_PROFILE),
        .scopes = db_count(&batch->txn, BATCH_SCOPE),
        .permissions = db_count(&batch->txn, BATCH_PERMISSION),
        .organizations = batch->numbers.counts[TREE_ORGANIZATION],
        .events = batch->numbers.counts[TREE_EVENT],
        .event_memberships = batch->numbers.counts[TREE_EVENT_MEMBERSHIP],
        .shares = batch->numbers.shares,
        .groups = batch->numbers.counts[TREE_GROUP],
        .roles = batch->numbers.counts[TREE_ROLE],
        .to_do = state->published ? 0 : db_count(&batch->txn, BATCH_TODO),
    };
    err = batch->txn.err;
    read_end(state);
    return err;
}

int snapshot_begin(struct state *state, struct batch *ret)
{
    struct batch batch = {.base = state->batch.base};
    struct slice secret;
    int err = batch_begin(&batch, state->db, false);

    if (err != 0)
        return err;
    if (batch.numbers.filled == 0 || !db_get(&batch.txn, BATCH_META, slice_of("secret"), &secret) ||
        secret.len != ID_SECRET) {
        err = batch.txn.err != 0 ? batch.txn.err : E_STALE;
        db_abort(&batch.txn);
        return err;
    }
    batch.secret = (const uint8_t *)secret.data;
    batch.arena = arena_new();
    *ret = batch;
    return 0;
}

void snapshot_end(struct batch *batch)
{
    struct arena *arena = batch->arena;

    if (arena == NULL)
        return;
    batch_abort(batch);
    arena_free(arena);
    batch->arena = NULL;
}
