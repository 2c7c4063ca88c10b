/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Layer by layer, which entry holds which value: what resolve() is given, told one by one, with
 * what it leaves out and why. Decides nothing.
 */
#include "base/err.h"
#include "cache/index.h"
#include "cache/member.h"
#include "cache/viewing.h"
#include "model/role.h"

#include <string.h>

/* The layers that a kind of membership gives; 0: none. */
static const struct {
    unsigned own, groups, roles;
} layers[MEMBERSHIP_KINDS] = {
    [MEMBERSHIP_EVENT] = {1, 0, 2},
    [MEMBERSHIP_OWN] = {3, 4, 5},
    [MEMBERSHIP_PLATFORM] = {6, 7, 8},
};

struct teller {
    struct view *view;
    bool settings; /* else grants */
    view_on_value *on_value;
    void *context;
};

/* One membership and what it leads to. */
struct member {
    const struct teller *teller;
    const struct entry *entry;
    enum membership_kind kind;
    const char *why; /* the membership does not count; NULL: it does */
    struct sources sources;
    struct pool_input input;
    struct entry *groups; /* as input.groups */
};

/* A role on its way to being told: where it was met. */
struct met {
    int role;
    int includer; /* a role, or ROLE_MISSING when held directly */
    struct slice via;
};

struct roles {
    const struct member *member;
    bool *circle; /* for each role of the pool */
    bool *told;
    struct met *queue;
    size_t count;
};

/* Why a value by itself does not count. */
static const char *value_why(const struct teller *teller, const struct view_value *value)
{
    struct slice name, text;
    struct grant grant;

    if (teller->settings)
        return setting_parse(value->value, &name, &text) == 0 ? NULL : "it does not parse";
    if (grant_parse(value->value, &grant) != 0)
        return "it does not parse";
    if (grant.scope.kind == SCOPE_EVENT && grant.scope.organization.len == 0 &&
        value->organization.len == 0)
        return "an event of the platform's values needs its organization's name";
    return NULL;
}

static void tell(const struct teller *teller, const struct slice *values, size_t count,
                 struct view_value value, const char *why)
{
    for (size_t i = 0; i < count; i++) {
        value.value = values[i];
        value.why = why != NULL ? why : value_why(teller, &value);
        value.counts = value.why == NULL;
        teller->on_value(teller->context, &value);
    }
}

static void tell_entry(const struct teller *teller, const struct entry *entry,
                       struct view_value value, const char *why)
{
    const struct entry_values *list =
        &entry->lists[teller->settings ? ENTRY_SETTINGS : ENTRY_GRANTS];

    value.dn = entry->dn;
    tell(teller, list->values, list->count, value, why);
}

/* To which organization a one-name event belongs that an entry of holder (empty: of <base>) names.
 */
static struct slice events_of(const struct member *member, struct slice holder)
{
    if (member->input.input.platform)
        return (struct slice){0};
    return holder.len > 0 ? holder : member->sources.organization;
}

static void on_circle(void *context, const struct resolve_problem *problem)
{
    struct roles *roles = context;

    if (problem->role != ROLE_MISSING && strcmp(problem->where, "circle") == 0)
        roles->circle[problem->role] = true;
}

static void meet(struct roles *roles, const int *list, size_t count, struct slice via, int includer)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == ROLE_MISSING || roles->told[list[i]])
            continue;
        roles->told[list[i]] = true;
        roles->queue[roles->count++] =
            (struct met){.role = list[i], .includer = includer, .via = via};
    }
}

/* Tells of the roles met from the one at next on, and of all that they include. why: they are held
 * by what does not count. */
static void tell_roles(struct roles *roles, size_t next, const char *why)
{
    const struct member *member = roles->member;
    const struct slice *dns = member->input.role_dns;

    for (; next < roles->count; next++) {
        const struct met *met = &roles->queue[next];
        const struct resolve_role *role = &member->input.input.pool[met->role];
        const struct resolve_values *values = &role->values;
        bool settings = member->teller->settings;
        struct view_value value = {
            .layer = layers[member->kind].roles,
            .dn = dns[met->role],
            .via = met->via,
            .organization = events_of(member, role->organization),
        };
        const char *because = why;

        if (met->includer != ROLE_MISSING)
            value.included_by = dns[met->includer];
        if (because == NULL && roles->circle[met->role])
            because = "the role stands on a circle of includes";
        else if (because == NULL && !role->active)
            because = "the role is inactive";
        tell(member->teller, settings ? values->settings : values->grants,
             settings ? values->setting_count : values->grant_count, value, because);
        if (because == why)
            meet(roles, role->includes, role->include_count, met->via, met->role);
    }
}

/* The roles of the membership and of its active groups, then those that only inactive groups hold.
 */
static void tell_layer_of_roles(const struct member *member)
{
    const struct resolve_input *input = &member->input.input;
    struct arena *arena = member->teller->view->batch.arena;
    struct roles roles = {.member = member};
    struct role_pool pool = {.roles = input->pool, .count = input->pool_count};
    struct role_set *set;
    size_t next;

    roles.circle = arena_alloc(arena, input->pool_count * sizeof(*roles.circle));
    roles.told = arena_alloc(arena, input->pool_count * sizeof(*roles.told));
    roles.queue = arena_alloc(arena, input->pool_count * sizeof(*roles.queue));
    set = role_set_new(pool, arena, on_circle, &roles);
    role_set_add(set, input->roles, input->role_count);
    meet(&roles, input->roles, input->role_count, member->entry->dn, ROLE_MISSING);
    for (size_t i = 0; i < input->group_count; i++) {
        if (!input->groups[i].active)
            continue;
        role_set_add(set, input->groups[i].roles, input->groups[i].role_count);
        meet(&roles, input->groups[i].roles, input->groups[i].role_count, member->groups[i].dn,
             ROLE_MISSING);
    }
    tell_roles(&roles, 0, member->why);
    next = roles.count;
    for (size_t i = 0; i < input->group_count; i++)
        if (!input->groups[i].active)
            meet(&roles, input->groups[i].roles, input->groups[i].role_count, member->groups[i].dn,
                 ROLE_MISSING);
    tell_roles(&roles, next, member->why != NULL ? member->why : "the group is inactive");
}

/* Reads the groups of the membership: those that pool_input found, in its order. */
static void read_groups(struct member *member)
{
    struct batch *batch = &member->teller->view->batch;
    size_t count = 0;

    member->groups =
        arena_alloc(batch->arena, member->sources.group_count * sizeof(*member->groups));
    for (size_t i = 0; i < member->sources.group_count; i++) {
        struct entry *group = &member->groups[count];

        count += index_get(batch, &member->sources.groups[i], group) && group->kind == TREE_GROUP;
    }
}

static void tell_member(struct member *member)
{
    const struct teller *teller = member->teller;
    struct view *view = teller->view;
    struct view_value value = {.layer = layers[member->kind].own};

    member_sources(&view->batch, member->entry, &member->sources);
    pool_input(view->pool, &member->sources, &member->input);
    read_groups(member);
    if (view->batch.txn.err != 0)
        return;
    value.organization = events_of(member, member->sources.organization);
    tell_entry(teller, member->entry, value, member->why);
    value.layer = layers[member->kind].groups;
    for (size_t i = 0; i < member->input.input.group_count; i++) {
        bool active = member->input.input.groups[i].active;

        tell_entry(teller, &member->groups[i], value,
                   member->why != NULL || active ? member->why : "the group is inactive");
    }
    tell_layer_of_roles(member);
}

static const char *membership_why(const struct subject *subject, enum membership_kind kind,
                                  bool on_event, int64_t now_ms)
{
    if (subject_valid(subject, kind, on_event, now_ms))
        return NULL;
    return subject->membership[kind].present ? "the membership does not count now"
                                             : "the membership is not for the one it is named as";
}

static int tell_all(struct view *view, bool settings, const struct viewing_names *names,
                    int64_t now_ms, view_on_value *on_value, void *context)
{
    struct teller teller = {
        .view = view, .settings = settings, .on_value = on_value, .context = context};
    struct viewing_entries entries;
    struct subject subject;

    arena_reset(view->batch.arena);
    viewing_read(view, names, &entries, &subject);
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        struct member member = {
            .teller = &teller,
            .entry = &entries.membership[kind],
            .kind = kind,
            .why = membership_why(&subject, kind, names->on_event, now_ms),
        };

        if (view->batch.txn.err == 0 && entries.membership[kind].kind != TREE_OTHER)
            tell_member(&member);
    }
    if (settings && view->batch.txn.err == 0)
        tell_entry(&teller, &entries.organization,
                   (struct view_value){.layer = VIEW_LAYER_ORGANIZATION}, NULL);
    return view->batch.txn.err;
}

int view_values(struct view *view, struct slice organization, struct slice uid,
                struct slice event_organization, struct slice event, int64_t now_ms,
                view_on_value *on_value, void *context)
{
    struct viewing_names names;

    viewing_fold(organization, uid, event_organization, event, &names);
    return tell_all(view, false, &names, now_ms, on_value, context);
}

int view_settings(struct view *view, struct slice organization, struct slice uid,
                  struct slice event_organization, struct slice event, int64_t now_ms,
                  view_on_value *on_value, void *context)
{
    struct viewing_names names;

    viewing_fold(organization, uid, event_organization, event, &names);
    return tell_all(view, true, &names, now_ms, on_value, context);
}
