/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The lowest free number goes first, so that the table grows only when it must.
 */
#include "cache/number.h"

#include <string.h>

uint32_t number_take(struct batch *batch)
{
    struct db_cursor cursor;
    struct slice key, value;
    struct number_key found;
    bool free_one;

    db_walk(&batch->txn, BATCH_FREE, (struct slice){0}, &cursor);
    free_one = db_next(&cursor, &key, &value) && key.len == sizeof(found);
    if (free_one)
        memcpy(&found, key.data, sizeof(found));
    db_walk_end(&cursor);
    if (!free_one)
        return batch->numbers.next_profile++;
    db_delete(&batch->txn, BATCH_FREE, SLICE_BYTES(found));
    return number_of(&found);
}

void number_drop(struct batch *batch, uint32_t number)
{
    struct number_key key = number_key(number);

    todo_add(batch, TODO_FREED, SLICE_BYTES(key));
}
