/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_state.h"
#include "base/err.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 8192
#define VALUES_MAX  32

const char *const state_attributes[] = {"objectclass", "uid",          "usherid",     "ushermember",
                                        "usherrole",   "ushergrant",   "usheractive", "member",
                                        "usherhome",   "usherinclude", "usherfactor", NULL};

struct fake_entry {
    uint8_t uuid[STATE_UUID];
    char dn[256];
    struct {
        char name[64];
        char value[256];
    } values[VALUES_MAX];
    size_t value_count;
    bool named;
};

struct content {
    struct fake_entry *entries;
    size_t count;
    char cookie[1024];
    bool filled, refreshing;
};

struct state {
    pthread_mutex_t mutex;
    struct content committed, open;
    bool in_batch;
    int fail;
    struct fake_counts counts; /* the writer's */
    struct fake_counts shown;  /* under the mutex */
};

struct state *fake_state_new(void)
{
    struct state *state = mem_alloc(sizeof(*state));

    (void)pthread_mutex_init(&state->mutex, NULL);
    state->committed.entries = mem_array(ENTRIES_MAX, sizeof(struct fake_entry));
    state->open.entries = mem_array(ENTRIES_MAX, sizeof(struct fake_entry));
    return state;
}

void fake_state_free(struct state *state)
{
    free(state->committed.entries);
    free(state->open.entries);
    (void)pthread_mutex_destroy(&state->mutex);
    free(state);
}

static void content_copy(struct content *to, const struct content *from)
{
    struct fake_entry *entries = to->entries;

    memcpy(entries, from->entries, from->count * sizeof(entries[0]));
    *to = *from;
    to->entries = entries;
}

static int check(struct state *state, bool good)
{
    if (!good)
        state->counts.faults++;
    return good ? 0 : E_INTERNAL;
}

int state_cookie(struct state *state, struct arena *arena, struct slice *ret)
{
    *ret = arena_copy(arena, slice_of(state->committed.cookie));
    return 0;
}

bool state_filled(const struct state *state)
{
    return state->committed.filled;
}

int state_begin(struct state *state)
{
    if (check(state, !state->in_batch) != 0)
        return E_INTERNAL;
    state->in_batch = true;
    content_copy(&state->open, &state->committed);
    return 0;
}

static struct fake_entry *entry_find(struct content *content, const uint8_t *uuid)
{
    for (size_t i = 0; i < content->count; i++)
        if (memcmp(content->entries[i].uuid, uuid, STATE_UUID) == 0)
            return &content->entries[i];
    return NULL;
}

int state_put(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
              const struct attribute *attributes, size_t attribute_count)
{
    struct fake_entry *entry = entry_find(&state->open, uuid);

    if (check(state, state->in_batch && dn.len < sizeof(entry->dn)) != 0)
        return E_INTERNAL;
    if (entry == NULL) {
        if (state->open.count == ENTRIES_MAX)
            return E_LIMIT;
        entry = &state->open.entries[state->open.count++];
    }
    memset(entry, 0, sizeof(*entry));
    memcpy(entry->uuid, uuid, STATE_UUID);
    memcpy(entry->dn, dn.data, dn.len);
    for (size_t i = 0; i < attribute_count; i++)
        for (size_t j = 0; j < attributes[i].value_count && entry->value_count < VALUES_MAX; j++) {
            (void)snprintf(entry->values[entry->value_count].name, 64, "%.*s",
                           SLICE_ARG(attributes[i].name));
            (void)snprintf(entry->values[entry->value_count++].value, 256, "%.*s",
                           SLICE_ARG(attributes[i].values[j]));
        }
    entry->named = true;
    state->counts.puts++;
    return 0;
}

static void entry_remove(struct content *content, struct fake_entry *entry)
{
    *entry = content->entries[--content->count];
}

int state_delete(struct state *state, const uint8_t uuid[STATE_UUID])
{
    struct fake_entry *entry = entry_find(&state->open, uuid);

    if (entry != NULL)
        entry_remove(&state->open, entry);
    state->counts.deletes++;
    return check(state, state->in_batch);
}

/* Tests of the sync ask for no places: nothing stands for such an entry here. */
int state_put_other(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn)
{
    (void)dn;
    return state_delete(state, uuid);
}

/* Nothing is moved during a refresh here: tests/test_refresh_moves.py has that. */
bool state_moves(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
                 bool only_renamed)
{
    (void)state;
    (void)uuid;
    (void)dn;
    (void)only_renamed;
    return false;
}

int state_present(struct state *state, const uint8_t uuid[STATE_UUID])
{
    struct fake_entry *entry = entry_find(&state->open, uuid);

    if (entry != NULL)
        entry->named = true;
    state->counts.presents++;
    return check(state, state->in_batch && state->open.refreshing);
}

int state_set_cookie(struct state *state, struct slice cookie)
{
    (void)snprintf(state->open.cookie, sizeof(state->open.cookie), "%.*s", SLICE_ARG(cookie));
    return check(state, state->in_batch && (cookie.len == 0 || !state->open.refreshing));
}

int state_commit(struct state *state)
{
    int err;

    if (check(state, state->in_batch) != 0)
        return E_INTERNAL;
    (void)pthread_mutex_lock(&state->mutex);
    state->in_batch = false;
    err = state->fail;
    if (err == 0) {
        content_copy(&state->committed, &state->open);
        state->counts.commits++;
    }
    state->shown = state->counts;
    (void)pthread_mutex_unlock(&state->mutex);
    return err;
}

void state_abort(struct state *state)
{
    (void)check(state, state->in_batch);
    state->in_batch = false;
    state->counts.aborts++;
}

int state_refresh_begin(struct state *state)
{
    for (size_t i = 0; i < state->open.count; i++)
        state->open.entries[i].named = false;
    state->open.refreshing = true;
    state->counts.begins++;
    return check(state, state->in_batch);
}

int state_refresh_end(struct state *state)
{
    for (size_t i = state->open.count; i > 0; i--)
        if (!state->open.entries[i - 1].named)
            entry_remove(&state->open, &state->open.entries[i - 1]);
    state->counts.ends++;
    return check(state, state->in_batch && state->open.refreshing);
}

int state_refresh_done(struct state *state)
{
    state->open.refreshing = false;
    state->open.filled = true;
    state->counts.dones++;
    return check(state, state->in_batch);
}

void state_fresh(struct state *state, struct slice csn)
{
    (void)pthread_mutex_lock(&state->mutex);
    (void)check(state, csn.len > 0);
    state->counts.fresh++;
    state->shown = state->counts;
    (void)pthread_mutex_unlock(&state->mutex);
}

void state_beat(struct state *state)
{
    (void)pthread_mutex_lock(&state->mutex);
    state->counts.beats++;
    state->shown = state->counts;
    (void)pthread_mutex_unlock(&state->mutex);
}

struct fake_counts fake_state_counts(struct state *state)
{
    struct fake_counts counts;

    (void)pthread_mutex_lock(&state->mutex);
    counts = state->shown;
    (void)pthread_mutex_unlock(&state->mutex);
    return counts;
}

size_t fake_state_size(struct state *state)
{
    size_t count;

    (void)pthread_mutex_lock(&state->mutex);
    count = state->committed.count;
    (void)pthread_mutex_unlock(&state->mutex);
    return count;
}

const char *fake_state_value(struct state *state, const char *dn, const char *name, char *buf)
{
    const char *found = NULL;

    (void)pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->committed.count && found == NULL; i++) {
        const struct fake_entry *entry = &state->committed.entries[i];

        if (strcmp(entry->dn, dn) != 0)
            continue;
        found = strcpy(buf, "");
        for (size_t j = 0; j < entry->value_count; j++)
            if (strcmp(entry->values[j].name, name) == 0) {
                (void)strcpy(buf, entry->values[j].value);
                break;
            }
    }
    (void)pthread_mutex_unlock(&state->mutex);
    return found;
}

void fake_state_fail(struct state *state, int err)
{
    (void)pthread_mutex_lock(&state->mutex);
    state->fail = err;
    (void)pthread_mutex_unlock(&state->mutex);
}

int state_count(struct state *state, struct state_counts *ret)
{
    *ret = (struct state_counts){.entries = state->committed.count};
    return 0;
}
