/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What usherd's cache does with real entries, done for a naive tree: references become indexes,
 * memberships become profiles and windows.
 */
#include "model_tree.h"
#include "base/err.h"
#include "model/catalogue.h"
#include "model/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct model_tree {
    const struct naive *tree;
    struct catalogue *catalogue;
    struct arena *arena;
    struct resolve_role *pool;
    const struct naive_entry **pool_entries;
    size_t pool_count;
};

/* One question's answers for decide(). */
struct asked {
    const struct model_tree *model;
    struct profile profiles[MEMBERSHIP_KINDS];
};

static bool same(const char *a, const char *b)
{
    return strcasecmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static size_t list_length(const char *const *list)
{
    size_t count = 0;

    while (list[count] != NULL)
        count++;
    return count;
}

static const struct slice *slices(struct arena *arena, const char *const *list, size_t *ret_count)
{
    size_t count = list_length(list);
    struct slice *result = arena_alloc(arena, count * sizeof(*result));

    for (size_t i = 0; i < count; i++)
        result[i] = slice_of(list[i]);
    *ret_count = count;
    return result;
}

static struct resolve_values values_of(struct arena *arena, const struct naive_entry *entry)
{
    struct resolve_values values;

    values.grants = slices(arena, entry->grants, &values.grant_count);
    values.settings = slices(arena, entry->settings, &values.setting_count);
    return values;
}

/* The index of a role, if an entry of this organization may refer to it. */
static int role_index(const struct model_tree *model, const char *organization, const char *ref)
{
    const char *slash = strchr(ref, '/');
    struct slice place;

    if (slash == NULL)
        return ROLE_MISSING;
    place = (struct slice){.data = ref, .len = (size_t)(slash - ref)};
    if (place.len > 0 && !slice_equal_fold(place, slice_of(organization)))
        return ROLE_MISSING;
    for (size_t i = 0; i < model->pool_count; i++)
        if (slice_equal_fold(model->pool[i].organization, place) &&
            strcmp(model->pool_entries[i]->name, slash + 1) == 0)
            return (int)i;
    return ROLE_MISSING;
}

static const int *role_indexes(const struct model_tree *model, struct arena *arena,
                               const struct naive_entry *entry, size_t *ret_count)
{
    size_t count = list_length(entry->roles);
    int *result = arena_alloc(arena, count * sizeof(*result));

    for (size_t i = 0; i < count; i++)
        result[i] = role_index(model, entry->organization, entry->roles[i]);
    *ret_count = count;
    return result;
}

static void build_pool(struct model_tree *model)
{
    size_t count = naive_count(model->tree);

    model->pool = arena_alloc(model->arena, count * sizeof(*model->pool));
    model->pool_entries = arena_alloc(model->arena, count * sizeof(struct naive_entry *));
    for (size_t i = 0; i < count; i++) {
        const struct naive_entry *entry = naive_at(model->tree, i);
        struct resolve_role *role = &model->pool[model->pool_count];

        if (entry->kind != NAIVE_ROLE)
            continue;
        role->active = !entry->inactive;
        role->organization = slice_of(entry->organization);
        role->values = values_of(model->arena, entry);
        model->pool_entries[model->pool_count++] = entry;
    }
    for (size_t i = 0; i < model->pool_count; i++)
        model->pool[i].includes = role_indexes(model, model->arena, model->pool_entries[i],
                                               &model->pool[i].include_count);
}

struct model_tree *model_tree_new(const struct naive *tree)
{
    struct model_tree *model = mem_alloc(sizeof(*model));

    model->tree = tree;
    model->catalogue = catalogue_new();
    model->arena = arena_new();
    for (size_t i = 0, bit = 3; i < naive_count(tree); i++) {
        const struct naive_entry *entry = naive_at(tree, i);

        /* Bits with holes between them, over several words. */
        if (entry->kind == NAIVE_PERMISSION &&
            catalogue_put(model->catalogue, (unsigned)bit, slice_of(entry->name),
                          slice_of(entry->channel), entry->editing, entry->factor,
                          slice_of(entry->requires)) == 0)
            bit += 11;
    }
    build_pool(model);
    return model;
}

void model_tree_free(struct model_tree *model)
{
    if (model == NULL)
        return;
    catalogue_free(model->catalogue);
    arena_free(model->arena);
    free(model);
}

static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    const struct asked *asked = context;

    return profile_verdict(&asked->profiles[kind], bit, scope);
}

static int on_permission(void *context, unsigned bit, struct permission *ret)
{
    const struct asked *asked = context;

    return catalogue_at(asked->model->catalogue, bit, ret, NULL);
}

static bool has_member(const struct naive_entry *group, const char *uid)
{
    for (size_t i = 0; group->members[i] != NULL; i++)
        if (strcmp(group->members[i], uid) == 0)
            return true;
    return false;
}

static void gather_groups(const struct model_tree *model, struct arena *arena,
                          const struct naive_entry *entry, struct resolve_input *input)
{
    struct resolve_group *groups = arena_alloc(arena, naive_count(model->tree) * sizeof(*groups));

    for (size_t i = 0; i < naive_count(model->tree); i++) {
        const struct naive_entry *group = naive_at(model->tree, i);
        struct resolve_group *into = &groups[input->group_count];

        if (group->kind != NAIVE_GROUP || !same(group->organization, entry->organization) ||
            !has_member(group, entry->name))
            continue;
        into->active = !group->inactive;
        into->values = values_of(arena, group);
        into->roles = role_indexes(model, arena, group, &into->role_count);
        input->group_count++;
    }
    input->groups = groups;
}

static void profile_of(const struct model_tree *model, struct arena *arena,
                       const struct naive_entry *entry, struct profile *ret)
{
    struct resolve_input input = {
        .organization = slice_of(entry->organization),
        .platform = same(entry->organization, "platform"),
        .values = values_of(arena, entry),
        .pool = model->pool,
        .pool_count = model->pool_count,
    };

    input.roles = role_indexes(model, arena, entry, &input.role_count);
    if (entry->kind == NAIVE_MEMBERSHIP)
        gather_groups(model, arena, entry, &input);
    if (resolve(model->catalogue, &input, arena, NULL, NULL, ret) != 0)
        abort();
}

static struct window window_of(const struct naive_entry *entry)
{
    if (entry == NULL)
        return (struct window){0};
    return (struct window){
        .present = true,
        .active = !entry->inactive,
        .not_before = entry->not_before != 0 ? entry->not_before : INT64_MIN,
        .not_after = entry->not_after != 0 ? entry->not_after : INT64_MAX,
    };
}

/* Whether the setting's effective value is this, over the memberships that are given and valid. */
static bool setting_is(const struct asked *asked, const bool valid[MEMBERSHIP_KINDS],
                       const struct profile *organization, const char *name, const char *value)
{
    struct slice found;

    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        if (!valid[kind])
            continue;
        found = profile_setting(&asked->profiles[kind], slice_of(name));
        if (found.data != NULL)
            return slice_is(found, value);
    }
    return slice_is(profile_setting(organization, slice_of(name)), value);
}

/* The organization's own settings: the one layer of a profile. */
static void organization_profile(const struct model_tree *model, struct arena *arena,
                                 const struct naive_entry *organization, struct profile *ret)
{
    struct resolve_input input = {.values = values_of(arena, organization)};

    if (resolve(model->catalogue, &input, arena, NULL, NULL, ret) != 0)
        abort();
}

static void fill_event(const struct model_tree *model, const struct query *query, const char *q,
                       struct subject *subject, const struct naive_entry **ret_event)
{
    char organization[65] = "", name[65] = "";
    const struct naive_entry *event, *owner;

    if (query->scope.organization.len >= sizeof(organization))
        return;
    memcpy(organization, query->scope.organization.data, query->scope.organization.len);
    memcpy(name, query->scope.name.data, query->scope.name.len);
    event = naive_find(model->tree, NAIVE_EVENT, organization, NULL, name);
    if (event == NULL)
        return;
    owner = naive_find(model->tree, NAIVE_ORGANIZATION, NULL, NULL, organization);
    subject->event_known = true;
    subject->event_foreign = !same(organization, q);
    subject->event_open = !subject->event_foreign;
    if (owner != NULL && owner->primary != NULL && same(owner->primary, q))
        subject->event_open = true;
    for (size_t i = 0; event->shared_with[i] != NULL; i++)
        if (same(event->shared_with[i], q))
            subject->event_open = true;
    subject->event = window_of(event);
    *ret_event = event;
}

/* Profiles, windows and settings from the entries of the memberships (NULL: none). */
static void fill_memberships(const struct model_tree *model, struct arena *arena,
                             const struct naive_entry *const entries[MEMBERSHIP_KINDS],
                             const struct naive_entry *organization, bool on_event, int64_t now_ms,
                             struct subject *subject, struct asked *asked)
{
    bool valid[MEMBERSHIP_KINDS], own_only[MEMBERSHIP_KINDS] = {0};
    struct profile own_settings;

    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        subject->membership[kind] = window_of(entries[kind]);
        if (entries[kind] != NULL)
            profile_of(model, arena, entries[kind], &asked->profiles[kind]);
        valid[kind] = subject_valid(subject, kind, on_event, now_ms);
    }
    own_only[MEMBERSHIP_OWN] = valid[MEMBERSHIP_OWN];
    organization_profile(model, arena, organization, &own_settings);
    subject->event_scope_specific =
        setting_is(asked, own_only, &own_settings, "event-scope", "specific");
    subject->shared_read_only =
        setting_is(asked, valid, &own_settings, "shared-events", "read-only");
}

/* Whose question: a person, or a service where service is set. */
struct who {
    const char *person;
    const char *service;
    const char *service_organization;
};

static const struct naive_entry *fill_person(const struct model_tree *model, const struct who *who,
                                             const char *q, const struct naive_entry *event,
                                             const struct naive_entry *ret[MEMBERSHIP_KINDS])
{
    const struct naive *tree = model->tree;
    const struct naive_entry *service;

    if (who->service != NULL) {
        service = naive_find(tree, NAIVE_SERVICE, who->service_organization, NULL, who->service);
        if (same(who->service_organization, NULL) || same(who->service_organization, q))
            ret[MEMBERSHIP_OWN] = service;
        return service;
    }
    ret[MEMBERSHIP_OWN] = naive_find(tree, NAIVE_MEMBERSHIP, q, NULL, who->person);
    ret[MEMBERSHIP_PLATFORM] = naive_find(tree, NAIVE_MEMBERSHIP, "platform", NULL, who->person);
    if (event != NULL)
        ret[MEMBERSHIP_EVENT] =
            naive_find(tree, NAIVE_EVENT_MEMBERSHIP, event->organization, event->name, who->person);
    return naive_find(tree, NAIVE_PERSON, NULL, NULL, who->person);
}

static struct decision decide_for(const struct model_tree *model, const struct who *who,
                                  const char *q, const char *text, int64_t now_ms)
{
    const struct naive_entry *entries[MEMBERSHIP_KINDS] = {0}, *event = NULL, *organization,
                             *subject_entry;
    struct asked asked = {.model = model};
    struct decide_source source = {&asked, on_verdict, on_permission};
    struct subject subject = {0};
    struct permission permission;
    struct decision decision;
    struct query query;
    struct arena *arena;
    bool on_event, known;

    if (query_parse(slice_of(text), &query) != 0)
        return (struct decision){.result = E_SYNTAX, .step = 1, .kind = MEMBERSHIP_KINDS};
    arena = arena_new();
    on_event = query.scope.kind == SCOPE_EVENT;
    if (on_event && query.scope.organization.len == 0)
        query.scope.organization = slice_of(q);
    known = catalogue_find(model->catalogue, query.permission, &permission) == 0;
    organization = naive_find(model->tree, NAIVE_ORGANIZATION, NULL, NULL, q);
    subject.organization_known = organization != NULL;
    subject.organization_active = organization != NULL && !organization->inactive;
    if (on_event)
        fill_event(model, &query, q, &subject, &event);
    subject_entry = fill_person(model, who, q, event, entries);
    subject.person_known = subject_entry != NULL;
    subject.person_active = subject_entry != NULL && !subject_entry->inactive;
    if (organization != NULL)
        fill_memberships(model, arena, entries, organization, on_event, now_ms, &subject, &asked);
    decision = decide(&query, known ? &permission : NULL, &subject, &source, now_ms);
    arena_free(arena);
    return decision;
}

struct decision model_tree_decide(const struct model_tree *model, const char *person,
                                  const char *organization, const char *query, int64_t now_ms)
{
    struct who who = {.person = person};

    return decide_for(model, &who, organization, query, now_ms);
}

struct decision model_tree_decide_service(const struct model_tree *model,
                                          const char *service_organization, const char *service,
                                          const char *organization, const char *query,
                                          int64_t now_ms)
{
    struct who who = {.service = service, .service_organization = service_organization};

    return decide_for(model, &who, organization, query, now_ms);
}
