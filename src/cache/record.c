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

void record_put(struct batch *batch, const struct id *uuid, const struct record *record)
{
    size_t len = offsetof(struct record, names) + record->names_len;

    db_put(&batch->txn, BATCH_RECORD, SLICE_BYTES(*uuid),
           (struct slice){.data = (const char *)record, .len = len});
}

void record_name(const struct tree_place *place, struct record *record)
{
    size_t len = place->organization.len;

    memcpy(record->names, place->organization.data, len);
    record->names[len] = '\0';
    memcpy(record->names + len + 1, place->name.data, place->name.len);
    record->names_len = (uint32_t)(len + 1 + place->name.len);
}

struct slice record_names(const struct record *record)
{
    return (struct slice){.data = record->names, .len = record->names_len};
}

bool record_split(struct slice names, struct slice *ret_organization, struct slice *ret_uid)
{
    const char *end = names.len > 0 ? memchr(names.data, '\0', names.len) : NULL;
    size_t len = end != NULL ? (size_t)(end - names.data) : 0;

    if (end == NULL)
        return false;
    *ret_organization = (struct slice){.data = names.data, .len = len};
    *ret_uid = (struct slice){.data = end + 1, .len = names.len - len - 1};
    return true;
}
