/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One function a kind of entry. An entry that changed its kind or its DN is one that went and
 * another that came, save that memberships and groups go by their entryUUID.
 */
#include "cache/touch.h"
#include "cache/backref.h"
#include "cache/index.h"
#include "cache/permissions.h"
#include "cache/record.h"
#include "cache/todo.h"

struct change {
    const struct id *uuid;
    const struct entry *old;
    const struct entry *entry;
};

/* What a role or group says, but for who is in it. */
static bool same_words(const struct entry *a, const struct entry *b)
{
    return a->active == b->active && entry_same_list(a, b, ENTRY_GRANTS) &&
           entry_same_list(a, b, ENTRY_SETTINGS) && entry_same_list(a, b, ENTRY_ROLES) &&
           entry_same_list(a, b, ENTRY_INCLUDES);
}

static bool both(const struct change *change)
{
    return change->old != NULL && change->entry != NULL;
}

static bool same_dn(const struct change *change)
{
    return both(change) && slice_equal(change->old->dn, change->entry->dn);
}

static void touch_person(struct batch *batch, const struct change *change)
{
    const struct entry *each[] = {change->old, change->entry};

    if (same_dn(change) && change->old->active == change->entry->active)
        return;
    for (size_t i = 0; i < 2; i++) {
        struct id person;

        if (each[i] == NULL)
            continue;
        todo_add(batch, TODO_PERSON, each[i]->place.name);
        person = id_of_dn(each[i]->dn, batch->secret);
        backref_memberships(batch, &person, &batch->touched);
    }
}

static void touch_role(struct batch *batch, const struct change *change)
{
    const struct entry *each[] = {change->old, change->entry};

    if (same_dn(change) && same_words(change->old, change->entry))
        return;
    for (size_t i = 0; i < 2; i++) {
        struct id role;

        if (each[i] == NULL)
            continue;
        role = id_of_dn(each[i]->dn, batch->secret);
        ids_add(&batch->stale, &role);
    }
}

/* The memberships that the person has in an organization. */
static void touch_member(struct batch *batch, const struct id *person, struct slice organization)
{
    struct ids memberships = {0};
    struct entry entry;

    backref_memberships(batch, person, &memberships);
    for (size_t i = 0; i < memberships.count; i++)
        if (index_get(batch, &memberships.ids[i], &entry) && entry.kind == TREE_MEMBERSHIP &&
            slice_equal(entry.place.organization, organization))
            ids_add(&batch->touched, &memberships.ids[i]);
    ids_clear(&memberships);
}

static void touch_group(struct batch *batch, const struct change *change)
{
    const struct entry *old = change->old, *entry = change->entry;
    size_t old_count = 0, count = 0, i = 0, j = 0;
    const struct id *olds = old != NULL ? entry_members(old, &old_count) : NULL;
    const struct id *news = entry != NULL ? entry_members(entry, &count) : NULL;
    bool moved = both(change) && !slice_equal(old->place.organization, entry->place.organization);

    if (!both(change) || moved || !same_words(old, entry))
        ids_add(&batch->stale, change->uuid);
    while (i < old_count || j < count) {
        int order = i == old_count ? 1 : j == count ? -1 : id_compare(&olds[i], &news[j]);

        if (order < 0 || (order == 0 && moved))
            touch_member(batch, &olds[i], old->place.organization);
        if (order > 0 || (order == 0 && moved))
            touch_member(batch, &news[j], entry->place.organization);
        i += order <= 0;
        j += order >= 0;
    }
}

static void touch_membership(struct batch *batch, const struct change *change)
{
    ids_add(&batch->touched, change->uuid);
}

static void touch_organization(struct batch *batch, const struct change *change)
{
    if (change->old != NULL)
        todo_add(batch, TODO_ORGANIZATION, change->old->place.name);
    if (change->entry != NULL)
        todo_add(batch, TODO_ORGANIZATION, change->entry->place.name);
}

/* An event, and each organization that it was or is shared with: which of them still holds is found
 * out when it is published. */
static void touch_event(struct batch *batch, const struct change *change)
{
    const struct entry *each[] = {change->old, change->entry};
    char buf[TODO_MAX];

    for (size_t i = 0; i < 2; i++) {
        struct slice names[NAMES_MAX] = {0};

        if (each[i] == NULL)
            continue;
        names[0] = each[i]->place.organization;
        names[1] = each[i]->place.name;
        todo_add(batch, TODO_EVENT, names_join(names, buf));
        for (size_t j = 0; j < each[i]->lists[ENTRY_SHARED].count; j++) {
            struct slice dn = each[i]->lists[ENTRY_SHARED].values[j];

            if (tree_organization(dn, batch->base, &names[2]) == 0)
                todo_add(batch, TODO_SHARE, names_join(names, buf));
        }
    }
}

static void touch_permission(struct batch *batch, const struct change *change)
{
    batch->catalogue = true;
    if (same_dn(change))
        return;
    batch->all_profiles = true;
    if (change->old != NULL)
        permission_number(batch, change->uuid, change->old, false);
    if (change->entry != NULL)
        permission_number(batch, change->uuid, change->entry, true);
}

static void (*const touches[BATCH_KINDS])(struct batch *batch, const struct change *change) = {
    [TREE_PERSON] = touch_person,
    [TREE_PERMISSION] = touch_permission,
    [TREE_ROLE] = touch_role,
    [TREE_ORGANIZATION] = touch_organization,
    [TREE_MEMBERSHIP] = touch_membership,
    [TREE_GROUP] = touch_group,
    [TREE_EVENT] = touch_event,
    [TREE_EVENT_MEMBERSHIP] = touch_membership,
};

static void touch_kind(struct batch *batch, enum tree_kind kind, struct change change)
{
    if (touches[kind] != NULL && (change.old != NULL || change.entry != NULL))
        touches[kind](batch, &change);
}

void touch(struct batch *batch, const struct id *uuid, const struct entry *old,
           const struct entry *entry)
{
    if (old != NULL && entry != NULL && old->kind == entry->kind) {
        touch_kind(batch, entry->kind, (struct change){uuid, old, entry});
        return;
    }
    if (old != NULL)
        touch_kind(batch, old->kind, (struct change){uuid, old, NULL});
    if (entry != NULL)
        touch_kind(batch, entry->kind, (struct change){uuid, NULL, entry});
}
