/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers are held in memory while the transaction lasts and written with it, so that an aborted
 * one leaves nothing behind.
 */
#include "cache/batch.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

const struct db_table batch_tables[BATCH_TABLES] = {
    [BATCH_META] = {"meta", false},
    [BATCH_ENTRY] = {"entry", false},
    [BATCH_DN] = {"dn", false},
    [BATCH_REF] = {"ref", true},
    [BATCH_SEEN] = {"seen", false},
    [BATCH_RECORD] = {"record", false},
    [BATCH_PROFILE] = {"profile", false},
    [BATCH_SOURCE] = {"source", true},
    [BATCH_DEPENDENCY] = {"dependency", true},
    [BATCH_SCOPE] = {"scope", false},
    [BATCH_FREE] = {"free", false},
    [BATCH_PERMISSION] = {"permission", false},
    [BATCH_TODO] = {"todo", false},
};

void ids_add(struct ids *ids, const struct id *id)
{
    if (ids->count == ids->size) {
        /* What is named again and again stays as long as what there is to name. */
        ids_sort(ids);
        if (ids->count * 2 >= ids->size) {
            ids->size = ids->size > 0 ? ids->size * 2 : 64;
            ids->ids = mem_grow(ids->ids, ids->size, sizeof(*ids->ids));
        }
    }
    ids->ids[ids->count++] = *id;
}

void ids_sort(struct ids *ids)
{
    size_t kept = 0;

    if (ids->count < 2)
        return;
    qsort(ids->ids, ids->count, sizeof(*ids->ids), id_compare);
    for (size_t i = 0; i < ids->count; i++)
        if (i == 0 || id_compare(&ids->ids[i], &ids->ids[kept - 1]) != 0)
            ids->ids[kept++] = ids->ids[i];
    ids->count = kept;
}

void ids_clear(struct ids *ids)
{
    free(ids->ids);
    *ids = (struct ids){0};
}

struct number_key number_key(uint32_t number)
{
    return (struct number_key){{(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 8), (uint8_t)number}};
}

uint32_t number_of(const void *bytes)
{
    const uint8_t *byte = bytes;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

int batch_begin(struct batch *batch, struct db *db, bool write)
{
    struct slice value;
    int err = db_begin(db, write, &batch->txn);

    if (err != 0)
        return err;
    batch->numbers = (struct batch_numbers){0};
    if (db_get(&batch->txn, BATCH_META, slice_of("meta"), &value) &&
        value.len == sizeof(batch->numbers))
        memcpy(&batch->numbers, value.data, sizeof(batch->numbers));
    return 0;
}

static void batch_end(struct batch *batch)
{
    ids_clear(&batch->touched);
    ids_clear(&batch->stale);
    batch->all_profiles = false;
    batch->catalogue = false;
    arena_reset(batch->arena);
}

int batch_commit(struct batch *batch)
{
    int err;

    db_put(&batch->txn, BATCH_META, slice_of("meta"), SLICE_BYTES(batch->numbers));
    err = db_commit(&batch->txn);
    batch_end(batch);
    return err;
}

void batch_abort(struct batch *batch)
{
    db_abort(&batch->txn);
    batch_end(batch);
}

void batch_fail(struct batch *batch, int err)
{
    if (batch->txn.err == 0)
        batch->txn.err = err;
}
