/* SPDX-License-Identifier: BSD-2-Clause
 *
 * 'm' and the person's id lead to memberships; 'g', the organization's hash and the person's id to
 * groups, so that the groups of one person in one organization are one key, and the references of a
 * group stay in the order of its members. Keys lie all over the table: many are sorted before they
 * are put, a bounded number at a time.
 */
#include "cache/backref.h"
#include "cache/grouping.h"
#include "cache/index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MAX (256 * 1024) /* references sorted at a time: 12 MB */

struct ref {
    uint8_t type;
    uint8_t organization[8];
    struct id person;
};

struct membership_ref {
    uint8_t type;
    struct id person;
};

static struct membership_ref membership_ref(const struct id *person)
{
    return (struct membership_ref){.type = 'm', .person = *person};
}

static struct ref group_ref(const struct batch *batch, struct slice organization,
                            const struct id *person)
{
    struct ref ref = {.type = 'g'};
    XXH64_hash_t hash =
        XXH3_64bits_withSecret(organization.data, organization.len, batch->secret, ID_SECRET);

    memcpy(ref.organization, &hash, sizeof(ref.organization));
    if (person != NULL)
        ref.person = *person;
    return ref;
}

static void ref_write(struct batch *batch, struct slice key, const struct id *uuid, bool add)
{
    if (add)
        db_put(&batch->txn, BATCH_REF, key, SLICE_BYTES(*uuid));
    else
        db_delete_pair(&batch->txn, BATCH_REF, key, SLICE_BYTES(*uuid));
}

/* Whom a membership names; false when it is none, or names nobody. */
static bool membership_person(struct batch *batch, const struct entry *entry, struct id *ret)
{
    struct slice dn = entry != NULL ? entry_value(entry, ENTRY_PERSON) : (struct slice){0};

    if (entry == NULL || dn.len == 0 ||
        (entry->kind != TREE_MEMBERSHIP && entry->kind != TREE_EVENT_MEMBERSHIP))
        return false;
    *ret = id_of_dn(dn, batch->secret);
    return true;
}

static void membership_refs(struct batch *batch, const struct id *uuid, const struct entry *entry,
                            bool add)
{
    struct membership_ref ref;
    struct id person;

    if (!membership_person(batch, entry, &person))
        return;
    ref = membership_ref(&person);
    ref_write(batch, SLICE_BYTES(ref), uuid, add);
}

/* The members who count: those of a group. */
static const struct id *group_members(const struct entry *entry, size_t *ret_count)
{
    *ret_count = 0;
    return entry != NULL && entry->kind == TREE_GROUP ? entry_members(entry, ret_count) : NULL;
}

/* Removes what only old refers to and adds what only entry does. */
static void group_refs(struct batch *batch, const struct id *uuid, const struct entry *old,
                       const struct entry *entry)
{
    size_t old_count, count, i = 0, j = 0;
    const struct id *olds = group_members(old, &old_count);
    const struct id *news = group_members(entry, &count);
    bool moved = old_count > 0 && count > 0 &&
                 !slice_equal(old->place.organization, entry->place.organization);
    struct ref before = {0}, after = {0};

    if (old_count > 0)
        before = group_ref(batch, old->place.organization, NULL);
    if (count > 0)
        after = group_ref(batch, entry->place.organization, NULL);
    while (i < old_count || j < count) {
        int order = i == old_count ? 1 : j == count ? -1 : id_compare(&olds[i], &news[j]);

        if (order < 0 || (order == 0 && moved)) {
            before.person = olds[i];
            ref_write(batch, SLICE_BYTES(before), uuid, false);
        }
        if (order > 0 || (order == 0 && moved)) {
            after.person = news[j];
            ref_write(batch, SLICE_BYTES(after), uuid, true);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

void backref_write(struct batch *batch, const struct id *uuid, const struct entry *old,
                   const struct entry *entry)
{
    bool same = old != NULL && entry != NULL && old->kind == entry->kind &&
                entry_same_list(old, entry, ENTRY_PERSON);

    if (!same) {
        membership_refs(batch, uuid, old, false);
        membership_refs(batch, uuid, entry, true);
    }
    group_refs(batch, uuid, old, entry);
}

/* A reference to be put: what it is sorted by, then the length of its key. */
struct pair {
    uint8_t key[sizeof(struct ref)]; /* zeros behind the shorter one, whose type is another */
    struct id uuid;
    uint8_t key_len;
};

#define PAIR_SORTED offsetof(struct pair, key_len)

struct run {
    struct pair *pairs;
    size_t count, room;
};

static int pair_order(const void *a, const void *b)
{
    return memcmp(a, b, PAIR_SORTED);
}

static void run_put(struct batch *batch, struct run *run)
{
    struct db_load load;

    if (run->count == 0)
        return;
    qsort(run->pairs, run->count, sizeof(*run->pairs), pair_order);
    db_load_begin(&batch->txn, BATCH_REF, &load);
    for (size_t i = 0; i < run->count; i++)
        db_load_put(
            &load,
            (struct slice){.data = (const char *)run->pairs[i].key, .len = run->pairs[i].key_len},
            SLICE_BYTES(run->pairs[i].uuid));
    db_load_end(&load);
    run->count = 0;
}

static void run_add(struct batch *batch, struct run *run, struct slice key, const struct id *uuid)
{
    struct pair pair = {.uuid = *uuid, .key_len = (uint8_t)key.len};

    memcpy(pair.key, key.data, key.len);
    if (run->count == RUN_MAX)
        run_put(batch, run);
    run->pairs = mem_room(run->pairs, run->count, &run->room, sizeof(*run->pairs));
    run->pairs[run->count++] = pair;
}

static struct id group_key(const struct batch *batch, const struct ref *ref)
{
    return id_of_dn(SLICE_BYTES(*ref), batch->secret);
}

static void group_remember(struct batch *batch, const struct ref *ref, const struct id *group)
{
    struct id key = group_key(batch, ref);

    grouping_add(batch->grouping, &key, group);
}

static void on_entry(struct batch *batch, const struct id *uuid, const struct entry *entry,
                     void *context)
{
    struct run *run = context;
    struct membership_ref membership;
    struct id person;
    size_t count;
    const struct id *members = group_members(entry, &count);
    struct ref group = {0};

    if (membership_person(batch, entry, &person)) {
        membership = membership_ref(&person);
        run_add(batch, run, SLICE_BYTES(membership), uuid);
    }
    if (count > 0)
        group = group_ref(batch, entry->place.organization, NULL);
    for (size_t i = 0; i < count; i++) {
        group.person = members[i];
        if (batch->grouping != NULL)
            group_remember(batch, &group, uuid);
        run_add(batch, run, SLICE_BYTES(group), uuid);
    }
}

void backref_build(struct batch *batch)
{
    struct run run = {0};

    db_empty(&batch->txn, BATCH_REF);
    index_entries(batch, 1U << TREE_MEMBERSHIP | 1U << TREE_EVENT_MEMBERSHIP | 1U << TREE_GROUP,
                  on_entry, &run);
    run_put(batch, &run);
    free(run.pairs);
}

static void refs_add(struct batch *batch, struct slice prefix, struct ids *out)
{
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_REF, prefix, &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct id uuid;

        if (value.len != sizeof(uuid))
            continue;
        memcpy(&uuid, value.data, sizeof(uuid));
        ids_add(out, &uuid);
    }
    db_walk_end(&cursor);
}

void backref_memberships(struct batch *batch, const struct id *person, struct ids *out)
{
    struct membership_ref ref = membership_ref(person);

    refs_add(batch, SLICE_BYTES(ref), out);
}

void backref_groups(struct batch *batch, struct slice organization, const struct id *person,
                    struct ids *out)
{
    struct ref ref = group_ref(batch, organization, person);
    struct id key;

    if (batch->grouping != NULL) {
        key = group_key(batch, &ref);
        if (grouping_find(batch->grouping, &key, out))
            return;
    }
    refs_add(batch, SLICE_BYTES(ref), out);
}
