/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the state: by the thread that writes it, which sees its own open batch, and by others,
 * who see what was last committed.
 */
#include "cache/snapshot.h"
#include "base/err.h"
#include "cache/stating.h"

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
