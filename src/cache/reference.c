/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A table says which list leads to which kind of entry. What is pending are pairs of DNs.
 */
#include "cache/reference.h"
#include "base/err.h"
#include "cache/index.h"
#include "ldap/dn.h"
#include "model/grant.h"
#include "model/role.h"

#include <stdlib.h>
#include <string.h>

#define KIND(kind)  (1U << (kind))
#define MEMBERSHIPS (KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP))
#define IN_ORGANIZATION                                                                            \
    (KIND(TREE_MEMBERSHIP) | KIND(TREE_EVENT_MEMBERSHIP) | KIND(TREE_GROUP) | KIND(TREE_EVENT) |   \
     KIND(TREE_ROLE) | KIND(TREE_SERVICE))

const char reference_circle[] = "stands on a circle of includes, and grants nothing";
static const char absent_member[] = "has a member who is not there";
static const char no_organization[] = "stands below an o= that is no organization of usher";
static const char no_event[] = "stands below what is no event of usher";
static const char no_permission[] = "requires a permission that is not there";

/* told: of these kinds publishing tells, when the reference is used. */
static const struct {
    enum entry_list list;
    unsigned kinds, told;
    enum tree_kind target;
    const char *text;
} references[] = {
    {ENTRY_PERSON, MEMBERSHIPS, MEMBERSHIPS, TREE_PERSON,
     "is for a person who is not there, and counts for nobody"},
    {ENTRY_PRIMARY, KIND(TREE_ORGANIZATION), 0, TREE_ORGANIZATION,
     "has a primary organization that is not there"},
    {ENTRY_SHARED, KIND(TREE_EVENT), 0, TREE_ORGANIZATION,
     "is shared with an organization that is not there"},
    {ENTRY_ROLES, MEMBERSHIPS | KIND(TREE_GROUP) | KIND(TREE_SERVICE),
     MEMBERSHIPS | KIND(TREE_GROUP), TREE_ROLE, "refers to a role that is not there"},
    {ENTRY_INCLUDES, KIND(TREE_ROLE), KIND(TREE_ROLE), TREE_ROLE,
     "includes a role that is not there"},
};

static bool is_there(struct batch *batch, struct slice dn, enum tree_kind kind)
{
    enum tree_kind found;
    struct id uuid;

    return index_find(batch, dn, &uuid, &found) && found == kind;
}

bool reference_permission(struct batch *batch, struct slice id)
{
    struct slice row;

    return id.len <= DB_KEY_MAX && id.len > 0 && db_get(&batch->txn, BATCH_PERMISSION, id, &row);
}

/* Looks at the organization and the event that the entry stands in. */
static const char *place_defect(struct batch *batch, const struct entry *entry)
{
    struct slice organization = entry->place.organization, event = entry->place.event;
    const char *text = NULL;
    struct buffer dn;
    int err;

    if ((IN_ORGANIZATION & KIND(entry->kind)) == 0 || organization.len == 0)
        return NULL;
    buffer_init(&dn);
    err = tree_organization_dn(batch->base, organization, &dn);
    if (err == 0 && !is_there(batch, buffer_slice(&dn), TREE_ORGANIZATION))
        text = no_organization;
    dn.len = 0;
    if (err == 0 && text == NULL && entry->kind == TREE_EVENT_MEMBERSHIP) {
        err = tree_event_dn(batch->base, organization, event, &dn);
        if (err == 0 && !is_there(batch, buffer_slice(&dn), TREE_EVENT))
            text = no_event;
    }
    buffer_clear(&dn);
    return text;
}

/* Whether the reference may lead to such an entry at all; if not, that is inspect's business. */
static bool may_lead(struct batch *batch, struct slice dn, enum tree_kind target)
{
    struct tree_place place;

    return target != TREE_ROLE ||
           (tree_place(dn, batch->base, &place) == 0 && place.kind == TREE_ROLE);
}

/* Calls for each reference that leads nowhere, but for those of kinds that are told of elsewhere
 * where untold is set. */
static void each_absent(struct batch *batch, const struct entry *entry, bool untold,
                        void (*call)(void *context, const char *text, struct slice value),
                        void *context)
{
    const char *text = place_defect(batch, entry);
    struct slice requires = entry_value(entry, ENTRY_REQUIRES);

    if (text != NULL)
        call(context, text, (struct slice){0});
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        const struct entry_values *values = &entry->lists[references[i].list];
        enum tree_kind target = references[i].target;

        if ((references[i].kinds & KIND(entry->kind)) == 0 ||
            (untold && (references[i].told & KIND(entry->kind)) != 0))
            continue;
        for (size_t j = 0; j < values->count; j++)
            if (may_lead(batch, values->values[j], target) &&
                !is_there(batch, values->values[j], target))
                call(context, references[i].text, values->values[j]);
    }
    if (entry->kind == TREE_PERMISSION && permission_valid(requires) &&
        !reference_permission(batch, requires))
        call(context, no_permission, requires);
}

struct telling {
    const struct entry *entry;
    struct problems *problems;
};

static void on_absent_told(void *context, const char *text, struct slice value)
{
    const struct telling *telling = context;

    problem_tell(telling->problems, telling->entry->dn, text, value);
}

static void check(struct batch *batch, const struct entry *entry, bool untold,
                  struct problems *problems)
{
    struct telling telling = {.entry = entry, .problems = problems};

    each_absent(batch, entry, untold, on_absent_told, &telling);
}

void references_check(struct batch *batch, const struct entry *entry, struct problems *problems)
{
    check(batch, entry, false, problems);
}

/* One entry to look at again, or one member of a group. */
struct pair {
    struct slice dn;
    struct slice member; /* empty: the entry */
};

struct pending {
    struct arena *arena;
    struct pair *pairs;
    size_t count, size;
    struct slice *roles; /* that may stand on a circle now */
    size_t role_count, role_size;
};

struct pending *pending_new(void)
{
    struct pending *pending = mem_alloc(sizeof(*pending));

    pending->arena = arena_new();
    return pending;
}

void pending_free(struct pending *pending)
{
    if (pending == NULL)
        return;
    arena_free(pending->arena);
    free(pending->pairs);
    free(pending->roles);
    free(pending);
}

void pending_clear(struct pending *pending)
{
    if (pending->count > 0 || pending->role_count > 0)
        arena_reset(pending->arena);
    pending->count = pending->role_count = 0;
}

static void pending_add(struct pending *pending, struct slice dn, struct slice member)
{
    if (pending->count == PENDING_MAX)
        return;
    pending->pairs =
        mem_room(pending->pairs, pending->count, &pending->size, sizeof(*pending->pairs));
    pending->pairs[pending->count++] = (struct pair){.dn = arena_copy(pending->arena, dn),
                                                     .member = arena_copy(pending->arena, member)};
}

static void pending_add_role(struct pending *pending, struct slice dn)
{
    if (pending->role_count == PENDING_MAX)
        return;
    pending->roles =
        mem_room(pending->roles, pending->role_count, &pending->role_size, sizeof(*pending->roles));
    pending->roles[pending->role_count++] = arena_copy(pending->arena, dn);
}

static bool was_member(const struct id *ids, size_t count, const struct id *id)
{
    return count > 0 && bsearch(id, ids, count, sizeof(*ids), id_compare) != NULL;
}

static void note_members(struct pending *pending, struct batch *batch, const struct id *uuid,
                         const struct entry *entry, const struct attribute *members)
{
    size_t count = 0;
    const struct id *ids = NULL;
    struct entry old;

    if (index_get(batch, uuid, &old))
        ids = entry_members(&old, &count);
    for (size_t i = 0; i < members->value_count; i++) {
        char buf[DN_MAX];
        struct slice dn;
        struct id id;

        if (dn_normalize(members->values[i], buf, &dn) != 0)
            continue;
        id = id_of_dn(dn, batch->secret);
        if (!was_member(ids, count, &id) && !is_there(batch, dn, TREE_PERSON))
            pending_add(pending, entry->dn, dn);
    }
}

static void on_absent_noted(void *context, const char *text, struct slice value)
{
    (void)text;
    (void)value;
    *(bool *)context = true;
}

void pending_note(struct pending *pending, struct batch *batch, const struct id *uuid,
                  const struct entry *entry, const struct attribute *attributes,
                  size_t attribute_count)
{
    bool absent = false;

    /* The many: of what matters there publishing tells. */
    if (entry->kind == TREE_PERSON || entry->kind == TREE_MEMBERSHIP || entry->kind == TREE_OTHER)
        return;
    each_absent(batch, entry, true, on_absent_noted, &absent);
    if (absent)
        pending_add(pending, entry->dn, (struct slice){0});
    if (entry->kind == TREE_ROLE && entry->lists[ENTRY_INCLUDES].count > 0)
        pending_add_role(pending, entry->dn);
    for (size_t i = 0; entry->kind == TREE_GROUP && i < attribute_count; i++)
        if (slice_equal_fold(attributes[i].name, slice_of("member")))
            note_members(pending, batch, uuid, entry, &attributes[i]);
}

static void tell_pair(struct batch *batch, const struct pair *pair)
{
    enum tree_kind kind;
    struct entry entry;
    struct id uuid;

    arena_reset(batch->arena);
    if (!index_find(batch, pair->dn, &uuid, &kind))
        return;
    if (pair->member.len == 0) {
        if (index_get(batch, &uuid, &entry))
            check(batch, &entry, true, batch->problems);
    } else if (kind == TREE_GROUP && !is_there(batch, pair->member, TREE_PERSON)) {
        problem_tell(batch->problems, pair->dn, absent_member, pair->member);
    }
}

struct circles {
    struct problems *problems;
    const struct pool_input *input;
};

static void on_circle(void *context, const struct resolve_problem *problem)
{
    const struct circles *circles = context;

    if (problem->role != ROLE_MISSING && strcmp(problem->where, "circle") == 0)
        problem_tell(circles->problems, circles->input->role_dns[problem->role], reference_circle,
                     (struct slice){0});
}

void references_circles(struct batch *batch, struct pool *pool, const struct slice *roles,
                        size_t count, struct problems *problems)
{
    const struct sources sources = {.roles = {.values = (struct slice *)roles, .count = count}};
    struct pool_input input;
    struct circles circles = {.problems = problems, .input = &input};
    struct role_set *set;
    int *all;

    arena_reset(batch->arena);
    pool_input(pool, &sources, &input);
    set =
        role_set_new((struct role_pool){.roles = input.input.pool, .count = input.input.pool_count},
                     batch->arena, on_circle, &circles);
    /* What is met beyond a circle counts too: each role by itself. */
    all = arena_alloc(batch->arena, input.input.pool_count * sizeof(*all));
    for (size_t i = 0; i < input.input.pool_count; i++)
        all[i] = (int)i;
    role_set_add(set, all, input.input.pool_count);
}

static void tell_circles(struct pending *pending, struct batch *batch)
{
    struct pool *pool;

    if (pending->role_count == 0)
        return;
    pool = pool_new(batch);
    references_circles(batch, pool, pending->roles, pending->role_count, batch->problems);
    pool_free(pool);
}

void pending_tell(struct pending *pending, struct batch *batch)
{
    tell_circles(pending, batch);
    for (size_t i = 0; i < pending->count; i++)
        tell_pair(batch, &pending->pairs[i]);
    pending_clear(pending);
}
