/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bits are numbered anew only together with a table made anew, for within a table a bit belongs to
 * one permission for good.
 */
#include "cache/permissions.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/todo.h"
#include "model/grant.h"

#include <stddef.h>
#include <string.h>

/* A row of BATCH_PERMISSION. */
struct permission_row {
    uint32_t bit;
    struct id uuid;
};

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

void permission_number(struct batch *batch, const struct id *uuid, const struct entry *entry,
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

static void on_permission(struct batch *batch, const struct id *uuid, void *context)
{
    struct entry entry;

    (void)context;
    if (index_get(batch, uuid, &entry))
        permission_number(batch, uuid, &entry, true);
}

void permissions_number(struct batch *batch)
{
    batch->numbers.next_bit = 0;
    index_each(batch, TREE_PERMISSION, on_permission, NULL);
}

struct catalogue *permissions_load(struct batch *batch)
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
