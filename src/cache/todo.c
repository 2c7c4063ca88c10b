/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A row is a key: the kind, then what it names. A number freed and taken again before it was struck
 * cannot be, for only BATCH_FREE gives numbers away.
 */
#include "cache/todo.h"
#include "base/err.h"

#include <string.h>

void todo_add(struct batch *batch, enum todo_kind kind, struct slice what)
{
    todo_add_value(batch, kind, what, (struct slice){.data = "", .len = 0});
}

void todo_add_value(struct batch *batch, enum todo_kind kind, struct slice what, struct slice value)
{
    char key[1 + TODO_MAX];

    if (what.len > TODO_MAX) {
        batch_fail(batch, E_INTERNAL);
        return;
    }
    key[0] = (char)kind;
    if (what.len > 0)
        memcpy(key + 1, what.data, what.len);
    db_put(&batch->txn, BATCH_TODO, (struct slice){.data = key, .len = 1 + what.len}, value);
}

void todo_walk(struct batch *batch, enum todo_kind kind, struct slice prefix, struct db_cursor *ret)
{
    char key[1 + TODO_MAX] = {(char)kind};
    size_t len = prefix.len < TODO_MAX ? prefix.len : TODO_MAX;

    if (len > 0)
        memcpy(key + 1, prefix.data, len);
    db_walk(&batch->txn, BATCH_TODO, (struct slice){.data = key, .len = 1 + len}, ret);
}

bool todo_next(struct db_cursor *cursor, struct slice *ret_what, struct slice *ret_value)
{
    struct slice key, value;

    if (!db_next(cursor, &key, &value))
        return false;
    *ret_what = (struct slice){.data = key.data + 1, .len = key.len - 1};
    if (ret_value != NULL)
        *ret_value = value;
    return true;
}

bool todo_has(struct batch *batch, enum todo_kind kind)
{
    struct db_cursor cursor;
    struct slice what;
    bool has;

    todo_walk(batch, kind, (struct slice){0}, &cursor);
    has = todo_next(&cursor, &what, NULL);
    db_walk_end(&cursor);
    return has;
}

void todo_strike(struct batch *batch)
{
    struct db_cursor cursor;
    struct slice what;

    todo_walk(batch, TODO_FREED, (struct slice){0}, &cursor);
    while (todo_next(&cursor, &what, NULL)) {
        char number[TODO_MAX];
        struct slice key = {.data = number, .len = what.len};

        memcpy(number, what.data, what.len < sizeof(number) ? what.len : sizeof(number));
        db_put(&batch->txn, BATCH_FREE, key, (struct slice){.data = "", .len = 0});
    }
    db_walk_end(&cursor);
    db_empty(&batch->txn, BATCH_TODO);
}
