/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A row of BATCH_PROFILE is a head, the ids it depends on, and the serialized sources. BATCH_SOURCE
 * leads from the hash of the sources to the number; what it finds is compared byte for byte.
 */
#include "cache/profiles.h"
#include "base/err.h"
#include "cache/number.h"
#include "cache/scopes.h"

#include <string.h>

struct head {
    uint32_t uses;
    uint32_t depend_count;
};

struct row {
    struct head head;
    const struct id *depends;
    struct slice sources;
};

/* Points into bytes. */
static bool row_read(struct slice bytes, struct row *ret)
{
    size_t ids;

    if (bytes.len < sizeof(ret->head))
        return false;
    memcpy(&ret->head, bytes.data, sizeof(ret->head));
    ids = ret->head.depend_count * sizeof(struct id);
    if (bytes.len - sizeof(ret->head) < ids)
        return false;
    ret->depends = (const struct id *)(bytes.data + sizeof(ret->head));
    ret->sources = (struct slice){.data = bytes.data + sizeof(ret->head) + ids,
                                  .len = bytes.len - sizeof(ret->head) - ids};
    return true;
}

/* Copied to the batch's arena. */
static bool row_get(struct batch *batch, uint32_t number, struct row *ret)
{
    struct number_key key = number_key(number);
    struct slice bytes;

    if (!db_get(&batch->txn, BATCH_PROFILE, SLICE_BYTES(key), &bytes))
        return false;
    if (row_read(arena_copy(batch->arena, bytes), ret))
        return true;
    batch_fail(batch, E_PROTO);
    return false;
}

static void row_put(struct batch *batch, uint32_t number, const struct row *row)
{
    struct number_key key = number_key(number);
    size_t ids = row->head.depend_count * sizeof(struct id);
    size_t len = sizeof(row->head) + ids + row->sources.len;
    char *bytes = arena_alloc(batch->arena, len);

    memcpy(bytes, &row->head, sizeof(row->head));
    if (ids > 0)
        memcpy(bytes + sizeof(row->head), row->depends, ids);
    memcpy(bytes + sizeof(row->head) + ids, row->sources.data, row->sources.len);
    db_put(&batch->txn, BATCH_PROFILE, SLICE_BYTES(key), (struct slice){.data = bytes, .len = len});
}

/* Writes which profiles depend on what: what only old has is removed, what only new has is added;
 * both sorted. */
static void depends_write(struct batch *batch, uint32_t number, const struct id *old,
                          size_t old_count, const struct id *new, size_t new_count)
{
    struct number_key key = number_key(number);
    size_t i = 0, j = 0;

    while (i < old_count || j < new_count) {
        int order = i == old_count ? 1 : j == new_count ? -1 : id_compare(&old[i], &new[j]);

        if (order < 0)
            db_delete_pair(&batch->txn, BATCH_DEPENDENCY, SLICE_BYTES(old[i]), SLICE_BYTES(key));
        if (order > 0)
            db_put(&batch->txn, BATCH_DEPENDENCY, SLICE_BYTES(new[j]), SLICE_BYTES(key));
        i += order <= 0;
        j += order >= 0;
    }
}

static void mark(struct batch *batch, uint32_t number)
{
    struct number_key key = number_key(number);

    todo_add(batch, TODO_PROFILE, SLICE_BYTES(key));
}

/* Finds what the profile depends on, and keeps its scopes in step. */
static void row_fill(struct batch *batch, struct pool *pool, uint32_t number,
                     const struct sources *sources, struct row *row)
{
    struct pool_input input;

    pool_input(pool, sources, &input);
    row->depends = input.depends;
    row->head.depend_count = (uint32_t)input.depend_count;
    scopes_update(batch, number, &input.input);
}

static bool find(struct batch *batch, const struct id *hash, struct slice encoded,
                 uint32_t *ret_number, struct row *ret)
{
    struct db_cursor cursor;
    struct slice key, value;
    bool found = false;

    db_walk(&batch->txn, BATCH_SOURCE, SLICE_BYTES(*hash), &cursor);
    while (!found && db_next(&cursor, &key, &value) && value.len == sizeof(struct number_key)) {
        *ret_number = number_of(value.data);
        found = row_get(batch, *ret_number, ret) && slice_equal(ret->sources, encoded);
    }
    db_walk_end(&cursor);
    return found;
}

static uint32_t take(struct batch *batch, struct pool *pool, const struct sources *sources,
                     struct slice encoded)
{
    struct id hash = id_of_dn(encoded, batch->secret);
    struct row row = {0};
    struct number_key key;
    uint32_t number;

    if (find(batch, &hash, encoded, &number, &row)) {
        row.head.uses++;
        row_put(batch, number, &row);
        return number;
    }
    row = (struct row){.head = {.uses = 1}, .sources = encoded};
    number = number_take(batch);
    key = number_key(number);
    row_fill(batch, pool, number, sources, &row);
    row_put(batch, number, &row);
    db_put(&batch->txn, BATCH_SOURCE, SLICE_BYTES(hash), SLICE_BYTES(key));
    depends_write(batch, number, NULL, 0, row.depends, row.head.depend_count);
    mark(batch, number);
    return number;
}

uint32_t profile_take(struct batch *batch, struct pool *pool, const struct sources *sources)
{
    struct buffer encoded;
    uint32_t number = 0;

    buffer_init(&encoded);
    if (sources_encode(sources, &encoded) != 0)
        batch_fail(batch, E_NOMEM);
    else
        number = take(batch, pool, sources, buffer_slice(&encoded));
    buffer_clear(&encoded);
    return number;
}

void profile_use(struct batch *batch, uint32_t number, uint32_t more)
{
    struct row row;

    if (!row_get(batch, number, &row))
        return;
    row.head.uses += more;
    row_put(batch, number, &row);
}

void profile_drop(struct batch *batch, uint32_t number)
{
    struct number_key key = number_key(number);
    struct row row;
    struct id hash;

    if (!row_get(batch, number, &row))
        return;
    if (row.head.uses > 1) {
        row.head.uses--;
        row_put(batch, number, &row);
        return;
    }
    hash = id_of_dn(row.sources, batch->secret);
    depends_write(batch, number, row.depends, row.head.depend_count, NULL, 0);
    db_delete_pair(&batch->txn, BATCH_SOURCE, SLICE_BYTES(hash), SLICE_BYTES(key));
    db_delete(&batch->txn, BATCH_PROFILE, SLICE_BYTES(key));
    scopes_drop(batch, number);
    number_drop(batch, number);
}

void profile_depend(struct batch *batch, struct pool *pool, uint32_t number)
{
    struct sources sources;
    struct row row, old;

    if (!row_get(batch, number, &row))
        return;
    old = row;
    if (sources_decode(row.sources, batch->arena, &sources) != 0) {
        batch_fail(batch, E_PROTO);
        return;
    }
    row_fill(batch, pool, number, &sources, &row);
    if (row.head.depend_count == old.head.depend_count &&
        (row.head.depend_count == 0 ||
         memcmp(row.depends, old.depends, row.head.depend_count * sizeof(struct id)) == 0))
        return;
    depends_write(batch, number, old.depends, old.head.depend_count, row.depends,
                  row.head.depend_count);
    row_put(batch, number, &row);
}

void profiles_mark(struct batch *batch, const struct id *source)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_DEPENDENCY, SLICE_BYTES(*source), &cursor);
    while (db_next(&cursor, &key, &value) && value.len == sizeof(struct number_key))
        mark(batch, number_of(value.data));
    db_walk_end(&cursor);
}

void profiles_mark_all(struct batch *batch)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_PROFILE, (struct slice){0}, &cursor);
    while (db_next(&cursor, &key, &value) && key.len == sizeof(struct number_key))
        mark(batch, number_of(key.data));
    db_walk_end(&cursor);
}

bool profile_sources(struct batch *batch, uint32_t number, struct sources *ret)
{
    struct row row;

    if (!row_get(batch, number, &row))
        return false;
    if (sources_decode(row.sources, batch->arena, ret) == 0)
        return true;
    batch_fail(batch, E_PROTO);
    return false;
}
