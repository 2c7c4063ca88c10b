/* SPDX-License-Identifier: BSD-2-Clause
 *
 * References that lead where they may not are left out here, so that two memberships which differ
 * in nothing else share a profile.
 */
#include "cache/member.h"
#include "cache/backref.h"
#include "cache/index.h"

#include <string.h>

bool member_named(const struct batch *batch, const struct entry *entry)
{
    struct tree_place place;

    return (entry->kind == TREE_MEMBERSHIP || entry->kind == TREE_EVENT_MEMBERSHIP) &&
           entry->lists[ENTRY_PERSON].count == 1 &&
           tree_place(entry_value(entry, ENTRY_PERSON), batch->base, &place) == 0 &&
           place.kind == TREE_PERSON && slice_equal(place.name, entry->place.name);
}

bool member_counts(struct batch *batch, const struct entry *entry)
{
    enum tree_kind kind;
    struct id person;

    if (!member_named(batch, entry))
        return false;
    if (index_find(batch, entry_value(entry, ENTRY_PERSON), &person, &kind) && kind == TREE_PERSON)
        return true;
    problem_tell(batch->problems, entry->dn,
                 "is for a person who is not there, and counts for nobody", (struct slice){0});
    return false;
}

/* The person's groups in the organization. */
static void find_groups(struct batch *batch, const struct entry *entry, struct sources *sources)
{
    struct id person = id_of_dn(entry_value(entry, ENTRY_PERSON), batch->secret);
    struct ids groups = {0};
    struct id *copy;

    backref_groups(batch, entry->place.organization, &person, &groups);
    ids_sort(&groups);
    copy = arena_alloc(batch->arena, groups.count * sizeof(*copy));
    if (groups.count > 0)
        memcpy(copy, groups.ids, groups.count * sizeof(*copy));
    sources->groups = copy;
    sources->group_count = groups.count;
    ids_clear(&groups);
}

void member_sources(struct batch *batch, const struct entry *entry, struct sources *ret)
{
    const struct entry_values *roles = &entry->lists[ENTRY_ROLES];
    struct sources sources = {
        .organization = entry->place.organization,
        .grants = entry->lists[ENTRY_GRANTS],
        .settings = entry->lists[ENTRY_SETTINGS],
    };

    sources.roles.values = arena_alloc(batch->arena, roles->count * sizeof(*roles->values));
    for (size_t i = 0; i < roles->count; i++)
        if (sources_may_refer(batch->base, sources.organization, roles->values[i]))
            sources.roles.values[sources.roles.count++] = roles->values[i];
    if (entry->kind == TREE_MEMBERSHIP)
        find_groups(batch, entry, &sources);
    *ret = sources;
}
