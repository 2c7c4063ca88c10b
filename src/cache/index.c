/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The DN index is keyed from the last RDN to the first, each ended by a zero byte, which no
 * normalized DN holds: what lies below an entry is one range of keys behind it.
 */
#include "cache/index.h"
#include "base/err.h"
#include "cache/backref.h"
#include "ldap/dn.h"

#include <string.h>

struct place {
    struct id uuid;
    uint8_t kind;
    uint8_t active;
};

bool index_fits(struct slice dn)
{
    return dn.len + 1 <= DB_KEY_MAX;
}

static struct slice dn_key(struct slice dn, char buf[DB_KEY_MAX])
{
    size_t end = dn.len, len = 0;

    while (end > 0 && index_fits(dn)) {
        const char *comma = memrchr(dn.data, ',', end);
        size_t start = comma != NULL ? (size_t)(comma - dn.data) + 1 : 0;

        memcpy(buf + len, dn.data + start, end - start);
        len += end - start;
        buf[len++] = '\0';
        end = start > 0 ? start - 1 : 0;
    }
    return (struct slice){.data = buf, .len = len};
}

/* The entry in a row, in the batch's arena. */
static bool row_decode(struct batch *batch, struct slice row, struct entry *ret)
{
    int err = entry_decode(arena_copy(batch->arena, row), batch->base, batch->arena, ret);

    if (err != 0)
        batch_fail(batch, err);
    return err == 0;
}

bool index_get(struct batch *batch, const struct id *uuid, struct entry *ret)
{
    struct slice row;

    return db_get(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid), &row) &&
           row_decode(batch, row, ret);
}

bool index_same(struct batch *batch, const struct id *uuid, struct slice encoded)
{
    struct slice bytes;

    return db_get(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid), &bytes) &&
           slice_equal(bytes, encoded);
}

static bool place_get(struct batch *batch, struct slice dn, struct place *ret)
{
    char buf[DB_KEY_MAX];
    struct slice key = dn_key(dn, buf), value;

    if (key.len == 0 || !db_get(&batch->txn, BATCH_DN, key, &value) || value.len != sizeof(*ret))
        return false;
    memcpy(ret, value.data, sizeof(*ret));
    return true;
}

bool index_active(struct batch *batch, struct slice dn, enum tree_kind kind)
{
    struct place place;

    return place_get(batch, dn, &place) && place.kind == kind && place.active != 0;
}

bool index_find(struct batch *batch, struct slice dn, struct id *ret, enum tree_kind *ret_kind)
{
    struct place place;

    if (!place_get(batch, dn, &place))
        return false;
    *ret = place.uuid;
    if (ret_kind != NULL)
        *ret_kind = place.kind;
    return true;
}

bool index_at(struct batch *batch, struct slice dn, enum tree_kind kind, struct id *ret_uuid,
              struct entry *ret)
{
    enum tree_kind found;
    struct id uuid;

    if (!index_find(batch, dn, &uuid, &found) || found != kind || !index_get(batch, &uuid, ret))
        return false;
    if (ret_uuid != NULL)
        *ret_uuid = uuid;
    return true;
}

static struct place place_of(const struct id *uuid, const struct entry *entry)
{
    return (struct place){.uuid = *uuid, .kind = (uint8_t)entry->kind, .active = entry->active};
}

static void write_dn(struct batch *batch, const struct id *uuid, const struct entry *old,
                     const struct entry *entry)
{
    char buf[DB_KEY_MAX];
    struct place place;

    if (old != NULL && entry != NULL && slice_equal(old->dn, entry->dn) &&
        old->kind == entry->kind && old->active == entry->active)
        return;
    if (old != NULL && (entry == NULL || !slice_equal(old->dn, entry->dn)))
        db_delete(&batch->txn, BATCH_DN, dn_key(old->dn, buf));
    if (entry == NULL)
        return;
    place = place_of(uuid, entry);
    db_put(&batch->txn, BATCH_DN, dn_key(entry->dn, buf), SLICE_BYTES(place));
}

static size_t share_count(const struct entry *entry)
{
    return entry->kind == TREE_EVENT ? entry->lists[ENTRY_SHARED].count : 0;
}

bool index_add(struct batch *batch, const struct id *uuid, const struct entry *entry,
               struct slice encoded)
{
    struct place place = place_of(uuid, entry);
    char buf[DB_KEY_MAX];

    if (!db_add(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid), encoded))
        return false;
    if (!db_add(&batch->txn, BATCH_DN, dn_key(entry->dn, buf), SLICE_BYTES(place))) {
        db_delete(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid));
        return false;
    }
    batch->numbers.counts[entry->kind]++;
    batch->numbers.shares += share_count(entry);
    return true;
}

void index_write(struct batch *batch, const struct id *uuid, const struct entry *old,
                 const struct entry *entry)
{
    struct buffer encoded;

    buffer_init(&encoded);
    write_dn(batch, uuid, old, entry);
    if (batch->numbers.filled != 0)
        backref_write(batch, uuid, old, entry);
    if (entry == NULL) {
        db_delete(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid));
    } else if (entry_encode(entry, &encoded) != 0) {
        batch_fail(batch, E_NOMEM);
    } else {
        db_put(&batch->txn, BATCH_ENTRY, SLICE_BYTES(*uuid), buffer_slice(&encoded));
    }
    if (old != NULL) {
        batch->numbers.counts[old->kind]--;
        batch->numbers.shares -= share_count(old);
    }
    if (entry != NULL) {
        batch->numbers.counts[entry->kind]++;
        batch->numbers.shares += share_count(entry);
    }
    buffer_clear(&encoded);
}

void index_below(struct batch *batch, struct slice dn, struct ids *out)
{
    char buf[DB_KEY_MAX];
    struct slice prefix = dn_key(dn, buf), key, value;
    struct db_cursor cursor;

    db_walk(&batch->txn, BATCH_DN, prefix, &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct id uuid;

        if (key.len == prefix.len || value.len != sizeof(struct place))
            continue;
        memcpy(&uuid, value.data, sizeof(uuid));
        ids_add(out, &uuid);
    }
    db_walk_end(&cursor);
}

bool index_has_below(struct batch *batch, struct slice dn)
{
    char buf[DB_KEY_MAX];
    struct slice prefix = dn_key(dn, buf), key, value;
    struct db_cursor cursor;
    bool found = false;

    db_walk(&batch->txn, BATCH_DN, prefix, &cursor);
    while (!found && db_next(&cursor, &key, &value))
        found = key.len > prefix.len;
    db_walk_end(&cursor);
    return found;
}

void index_each(struct batch *batch, enum tree_kind kind,
                void (*call)(struct batch *batch, const struct id *uuid, void *context),
                void *context)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_DN, (struct slice){0}, &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct place place;

        if (value.len != sizeof(place))
            continue;
        memcpy(&place, value.data, sizeof(place));
        if (place.kind != kind)
            continue;
        arena_reset(batch->arena);
        call(batch, &place.uuid, context);
    }
    db_walk_end(&cursor);
    arena_reset(batch->arena);
}

void index_entries(struct batch *batch, unsigned kinds,
                   void (*call)(struct batch *batch, const struct id *uuid,
                                const struct entry *entry, void *context),
                   void *context)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_ENTRY, (struct slice){0}, &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct entry entry;
        struct id uuid;

        if (key.len != sizeof(uuid) || !entry_may_be(value, kinds))
            continue;
        memcpy(&uuid, key.data, sizeof(uuid));
        arena_reset(batch->arena);
        if (row_decode(batch, value, &entry) && (kinds >> entry.kind & 1) != 0)
            call(batch, &uuid, &entry, context);
    }
    db_walk_end(&cursor);
    arena_reset(batch->arena);
}

/* The value of the RDN that the key of an entry below another ends with; empty when it stands
 * deeper. */
static struct slice name_of_key(struct slice key, size_t above)
{
    struct slice rdn = {.data = key.data + above, .len = key.len - above};
    const char *equals;

    if (rdn.len < 2 || memchr(rdn.data, '\0', rdn.len) != rdn.data + rdn.len - 1)
        return (struct slice){0};
    equals = memchr(rdn.data, '=', rdn.len);
    if (equals == NULL)
        return (struct slice){0};
    rdn.len -= (size_t)(equals - rdn.data) + 2;
    rdn.data = equals + 1;
    return rdn;
}

int index_names(struct batch *batch, struct slice dn, enum tree_kind kind,
                int (*call)(void *context, struct slice name), void *context)
{
    char buf[DB_KEY_MAX];
    struct slice prefix = dn_key(dn, buf), key, value;
    struct db_cursor cursor;
    int result = 0;

    if (prefix.len == 0)
        return 0;
    db_walk(&batch->txn, BATCH_DN, prefix, &cursor);
    while (result == 0 && db_next(&cursor, &key, &value)) {
        struct slice name = name_of_key(key, prefix.len);
        struct place place;

        if (name.len == 0 || value.len != sizeof(place))
            continue;
        memcpy(&place, value.data, sizeof(place));
        if (place.kind == kind)
            result = call(context, name);
    }
    db_walk_end(&cursor);
    return result;
}
