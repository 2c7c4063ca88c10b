/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The serialized entry: a fixed head, the DN, and each list that is not empty with its number,
 * count and values. Native byte order, for it does not leave the machine; read with checks all the
 * same, for a disk may rot.
 */
#include "base/err.h"
#include "cache/entry.h"

#include <string.h>

#define ENCODED_ACTIVE  1
#define ENCODED_EDITING 2
#define ENCODED_FACTOR  4

struct head {
    int64_t not_before;
    int64_t not_after;
    uint32_t classes;
    uint16_t flags;
    uint16_t dn_len;
};

struct list_head {
    uint32_t list;
    uint32_t count;
};

static int append_value(struct slice value, struct buffer *out)
{
    uint32_t len = (uint32_t)value.len;
    int err = buffer_append(out, &len, sizeof(len));

    return err != 0 ? err : buffer_append(out, value.data, value.len);
}

int entry_encode(const struct entry *entry, struct buffer *out)
{
    struct head head = {
        .not_before = entry->not_before,
        .not_after = entry->not_after,
        .classes = entry->classes,
        .flags = (uint16_t)((entry->active ? ENCODED_ACTIVE : 0) |
                            (entry->editing ? ENCODED_EDITING : 0) |
                            (entry->factor ? ENCODED_FACTOR : 0)),
        .dn_len = (uint16_t)entry->dn.len,
    };
    int err = buffer_append(out, &head, sizeof(head));

    if (err == 0)
        err = buffer_append(out, entry->dn.data, entry->dn.len);
    for (uint32_t list = 0; list < ENTRY_LISTS; list++) {
        const struct entry_values *values = &entry->lists[list];
        struct list_head row = {.list = list, .count = (uint32_t)values->count};

        if (row.count == 0)
            continue;
        if (err == 0)
            err = buffer_append(out, &row, sizeof(row));
        for (size_t i = 0; err == 0 && i < values->count; i++)
            err = append_value(values->values[i], out);
    }
    return err;
}

/* Takes len bytes off the front; NULL when there are fewer. */
static const char *take(struct slice *bytes, size_t len)
{
    const char *start = bytes->data;

    if (bytes->len < len)
        return NULL;
    bytes->data += len;
    bytes->len -= len;
    return start;
}

static int decode_list(struct slice *bytes, struct arena *arena, struct entry *entry)
{
    const char *start = take(bytes, sizeof(struct list_head));
    struct list_head row;
    struct entry_values *to;

    if (start == NULL)
        return E_PROTO;
    memcpy(&row, start, sizeof(row));
    if (row.list >= ENTRY_LISTS || row.count > bytes->len / sizeof(uint32_t))
        return E_PROTO;
    to = &entry->lists[row.list];
    to->count = row.count;
    to->values = arena_alloc(arena, row.count * sizeof(*to->values));
    for (uint32_t i = 0; i < row.count; i++) {
        uint32_t len;

        start = take(bytes, sizeof(len));
        if (start == NULL)
            return E_PROTO;
        memcpy(&len, start, sizeof(len));
        start = take(bytes, len);
        if (start == NULL)
            return E_PROTO;
        to->values[i] = (struct slice){.data = start, .len = len};
    }
    return 0;
}

bool entry_may_be(struct slice bytes, unsigned kinds)
{
    struct head head;

    if (bytes.len < sizeof(head))
        return false;
    memcpy(&head, bytes.data, sizeof(head));
    return (head.classes & kinds) != 0;
}

int entry_decode(struct slice bytes, struct slice base, struct arena *arena, struct entry *ret)
{
    const char *start = take(&bytes, sizeof(struct head));
    struct entry entry = {0};
    struct head head;
    int err = 0;

    if (start == NULL)
        return E_PROTO;
    memcpy(&head, start, sizeof(head));
    entry.not_before = head.not_before;
    entry.not_after = head.not_after;
    entry.classes = head.classes;
    entry.active = (head.flags & ENCODED_ACTIVE) != 0;
    entry.editing = (head.flags & ENCODED_EDITING) != 0;
    entry.factor = (head.flags & ENCODED_FACTOR) != 0;
    start = take(&bytes, head.dn_len);
    if (start == NULL)
        return E_PROTO;
    entry_move(&entry, (struct slice){.data = start, .len = head.dn_len}, base);
    while (err == 0 && bytes.len > 0)
        err = decode_list(&bytes, arena, &entry);
    if (err == 0)
        *ret = entry;
    return err;
}
