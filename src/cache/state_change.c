/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Batches: a transaction takes changes, works out what they touch, and is committed together with
 * the to-do list; then the list is published.
 */
#include "base/err.h"
#include "cache/change.h"
#include "cache/filling.h"
#include "cache/index.h"
#include "cache/inspect.h"
#include "cache/recompute.h"
#include "cache/stating.h"
#include "cache/todo.h"
#include "ldap/dn.h"

#include <string.h>

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

/* An entry that cannot be held, and what stood for it with it. */
static void leave_out(struct state *state, const struct id *id, struct slice dn, int err)
{
    problem_tell(state->problems, dn, "cannot be held by the cache, and is left out",
                 slice_of(err_text(err)));
    change_delete(&state->batch, id);
}

/* Puts the entry that has been read, if it is another one than before. */
static int put_entry(struct state *state, const struct id *id, const struct entry *entry,
                     const struct attribute *attributes, size_t attribute_count, uint64_t mark)
{
    struct batch *batch = &state->batch;
    struct slice encoded;

    state->encoded.len = 0;
    if (entry_encode(entry, &state->encoded) != 0) {
        batch_fail(batch, E_NOMEM);
        return E_NOMEM;
    }
    encoded = buffer_slice(&state->encoded);
    if (is_first(batch) || !index_same(batch, id, encoded)) {
        inspect(entry, batch->base, batch->problems);
        problems_forget_of(state->problems, entry->dn, mark);
        /* Before it is put: whom a group names is compared with whom it named so far. */
        pending_note(state->pending, batch, id, entry, attributes, attribute_count);
        if (!is_first(batch) || !index_add(batch, id, entry, encoded))
            change_put(batch, id, entry);
    }
    return batch->txn.err;
}

int state_put(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
              const struct attribute *attributes, size_t attribute_count)
{
    struct batch *batch = &state->batch;
    const struct entry_reader reader = {.base = batch->base, .secret = batch->secret};
    struct id id = id_from(uuid);
    uint64_t mark = problems_mark(state->problems);
    char buf[DN_MAX];
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
    if (err == 0)
        return put_entry(state, &id, &entry, attributes, attribute_count, mark);
    leave_out(state, &id, dn, err);
    return batch->txn.err;
}

int state_put_other(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn)
{
    char buf[DN_MAX];
    struct slice normal;

    /* What lies below one that cannot be held cannot be held either, and is told of then. */
    if (dn_normalize(dn, buf, &normal) != 0 || !index_fits(normal))
        return state_delete(state, uuid);
    return state_put(state, uuid, dn, NULL, 0);
}

bool state_moves(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
                 bool only_renamed)
{
    struct batch *batch = &state->batch;
    struct id id = id_from(uuid), other;
    struct entry old;
    struct slice normal;
    char buf[DN_MAX];
    bool had;

    if (dn_normalize(dn, buf, &normal) != 0 || !index_fits(normal))
        return false;
    had = index_get(batch, &id, &old);
    if (had && (change_displaced(old.dn) ||
                (!slice_equal(old.dn, normal) && index_has_below(batch, old.dn))))
        return true;
    had = had && index_find(batch, normal, &other, NULL) && id_compare(&other, &id) == 0;
    return (only_renamed || !had) && index_has_below(batch, normal);
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
        filling_compute(batch);
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
    /* What the first refresh made is waited for by many, and durable a moment later. */
    err = state->filled ? 0 : state_pace(state);
    return err != 0 ? err : state_publish(state);
}

void state_abort(struct state *state)
{
    if (!state->open)
        return;
    batch_abort(&state->batch);
    state->open = false;
}
