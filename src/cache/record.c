/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names are bounded by tree_name_valid, 64 bytes each, so they fit.
 */
#include "cache/record.h"

#include <stddef.h>
#include <string.h>

bool record_get(struct batch *batch, const struct id *uuid, struct record *ret)
{
    size_t head = offsetof(struct record, names);
    struct slice bytes;

    if (!db_get(&batch->txn, BATCH_RECORD, SLICE_BYTES(*uuid), &bytes) || bytes.len < head ||
        bytes.len > sizeof(*ret))
        return false;
    memcpy(ret, bytes.data, bytes.len);
    ret->names_len = (uint32_t)(bytes.len - head);
    return true;
}

static struct slice record_bytes(const struct record *record)
{
    size_t len = offsetof(struct record, names) + record->names_len;

    return (struct slice){.data = (const char *)record, .len = len};
}

void record_put(struct batch *batch, const struct id *uuid, const struct record *record)
{
    db_put(&batch->txn, BATCH_RECORD, SLICE_BYTES(*uuid), record_bytes(record));
}

void record_load(struct db_load *load, const struct id *uuid, const struct record *record)
{
    db_load_put(load, SLICE_BYTES(*uuid), record_bytes(record));
}

void record_name(const struct tree_place *place, struct record *record)
{
    const struct slice names[NAMES_MAX] = {place->organization, place->event, place->name};

    record->names_len = (uint32_t)names_join(names, record->names).len;
}

struct slice record_names(const struct record *record)
{
    return (struct slice){.data = record->names, .len = record->names_len};
}

_Static_assert(TODO_MAX == NAMES_MAX * (TREE_NAME_MAX + 1) - 1,
               "a row holds the names of a record");

struct slice names_join(const struct slice names[NAMES_MAX], char buf[TODO_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < NAMES_MAX; i++) {
        if (names[i].len == 0)
            continue;
        if (len > 0)
            buf[len++] = '\0';
        memcpy(buf + len, names[i].data, names[i].len);
        len += names[i].len;
    }
    return (struct slice){.data = buf, .len = len};
}

size_t names_split(struct slice joined, struct slice ret[NAMES_MAX])
{
    size_t count = 0;

    while (joined.len > 0) {
        const char *end = memchr(joined.data, '\0', joined.len);
        size_t len = end != NULL ? (size_t)(end - joined.data) : joined.len;

        if (count == NAMES_MAX || len == 0)
            return 0;
        ret[count++] = (struct slice){.data = joined.data, .len = len};
        len += end != NULL;
        joined.data += len;
        joined.len -= len;
    }
    return count;
}
