/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A table says which check fits which list; each is done for the kinds of entry that use the list.
 * What could not even be read is told of whatever kind the entry is.
 */
#include "cache/inspect.h"
#include "cache/sources.h"
#include "model/grant.h"

#define KIND(kind) (1U << (kind))
#define GRANTED                                                                                    \
    (KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP) | KIND(TREE_GROUP) | KIND(TREE_ROLE) |    \
     KIND(TREE_SERVICE))

struct view {
    const struct entry *entry;
    struct slice base;
};

static bool grant_ok(const struct view *view, struct slice value)
{
    struct grant grant;

    (void)view;
    return grant_parse(value, &grant) == 0;
}

/* In o=platform only two-name events count (DESIGN 4). */
static bool event_ok(const struct view *view, struct slice value)
{
    struct grant grant;

    return !slice_is(view->entry->place.organization, TREE_PLATFORM) ||
           grant_parse(value, &grant) != 0 || grant.scope.kind != SCOPE_EVENT ||
           grant.scope.organization.len > 0;
}

static bool setting_ok(const struct view *view, struct slice value)
{
    struct slice name, text;

    (void)view;
    return setting_parse(value, &name, &text) == 0;
}

static bool role_ok(const struct view *view, struct slice value)
{
    return sources_may_refer(view->base, view->entry->place.organization, value);
}

static bool person_ok(const struct view *view, struct slice value)
{
    struct tree_place place;

    return tree_place(value, view->base, &place) == 0 && place.kind == TREE_PERSON &&
           slice_equal(place.name, view->entry->place.name);
}

static bool permission_ok(const struct view *view, struct slice value)
{
    (void)view;
    return permission_valid(value);
}

static const struct {
    enum entry_list list;
    unsigned kinds;
    bool (*ok)(const struct view *view, struct slice value);
    const char *text;
} checks[] = {
    {ENTRY_PERSON, KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP), person_ok,
     "is not named as the person that it is for, and counts for nobody"},
    {ENTRY_GRANTS, GRANTED, grant_ok, "has a grant that does not parse"},
    {ENTRY_GRANTS, GRANTED, event_ok,
     "has a grant on an event without its organization's name, which counts for nothing in "
     "o=" TREE_PLATFORM},
    {ENTRY_SETTINGS,
     KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP) | KIND(TREE_GROUP) | KIND(TREE_ROLE) |
         KIND(TREE_ORGANIZATION),
     setting_ok, "has a setting that does not parse"},
    {ENTRY_ROLES,
     KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP) | KIND(TREE_GROUP) | KIND(TREE_SERVICE),
     role_ok, "refers to what is no role it may use"},
    {ENTRY_INCLUDES, KIND(TREE_ROLE), role_ok, "includes what is no role it may use"},
    {ENTRY_REQUIRES, KIND(TREE_PERMISSION), permission_ok, "requires what is no permission"},
};

static const struct {
    enum entry_fault fault;
    const char *text;
} faults[] = {
    {FAULT_FLAG, "has a flag that is neither TRUE nor FALSE"},
    {FAULT_INSTANT, "has a time that does not parse, and is inactive for it"},
    {FAULT_DN, "has a value that is no DN"},
    {FAULT_LONG, "has a value that is too long"},
    {FAULT_MEMBER, "has a member that is no DN"},
};

static void tell_faults(const struct entry *entry, struct problems *problems)
{
    const struct entry_values *values = &entry->lists[ENTRY_FAULTS];

    for (size_t i = 0; i < values->count; i++)
        for (size_t j = 0; j < sizeof(faults) / sizeof(faults[0]); j++)
            if (values->values[i].data[0] == (char)faults[j].fault)
                problem_tell(problems, entry->dn, faults[j].text,
                             (struct slice){.data = values->values[i].data + 1,
                                            .len = values->values[i].len - 1});
}

void inspect(const struct entry *entry, struct slice base, struct problems *problems)
{
    const struct view view = {.entry = entry, .base = base};

    if (entry->kind == TREE_OTHER && entry->classes != 0)
        problem_tell(problems, entry->dn,
                     "does not stand where such an entry belongs, or its name does not fit",
                     (struct slice){0});
    tell_faults(entry, problems);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const struct entry_values *values = &entry->lists[checks[i].list];

        if ((checks[i].kinds & KIND(entry->kind)) == 0)
            continue;
        for (size_t j = 0; j < values->count; j++)
            if (!checks[i].ok(&view, values->values[j]))
                problem_tell(problems, entry->dn, checks[i].text, values->values[j]);
    }
    if (entry->kind == TREE_MEMBERSHIP && entry->lists[ENTRY_PERSON].count != 1)
        problem_tell(problems, entry->dn, "does not name one person, and counts for nobody",
                     (struct slice){0});
    if (entry->kind == TREE_PERMISSION && !permission_valid(entry->place.name))
        problem_tell(problems, entry->dn, "has a name that is no permission", (struct slice){0});
}
