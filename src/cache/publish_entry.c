/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A profile that cannot be resolved within the evaluator's limits denies everything. What a row of
 * the to-do list names is looked up as it is by now, whatever happened to it in between.
 */
#include "base/bitset.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/profiles.h"
#include "cache/publishing.h"
#include "cache/record.h"
#include "cache/scopes.h"
#include "model/catalogue.h"

#include <stdlib.h>
#include <string.h>

struct resolving {
    struct problems *problems;
    const struct pool_input *input;
};

static void on_resolve_problem(void *context, const struct resolve_problem *problem)
{
    const struct resolving *resolving = context;
    struct slice dn;

    if (problem->role == ROLE_MISSING)
        return;
    dn = resolving->input->role_dns[problem->role];
    if (strcmp(problem->where, "circle") == 0)
        problem_tell(resolving->problems, dn, "stands on a circle of includes, and grants nothing",
                     problem->value);
    else if (strcmp(problem->where, "setting") == 0)
        problem_tell(resolving->problems, dn, "gives a setting a lesser value than its layer has",
                     problem->value);
}

/* Denies what there is. */
static struct profile profile_denied(const struct run *run)
{
    struct profile profile = {.words = BITSET_WORDS(catalogue_bits(run->catalogue))};
    size_t size = profile.words * sizeof(uint64_t);

    profile.bits.granted = arena_alloc(run->batch->arena, size);
    profile.bits.denied = arena_alloc(run->batch->arena, size);
    memset(profile.bits.denied, 0xff, size);
    for (size_t bit = catalogue_bits(run->catalogue); bit < profile.words * 64; bit++)
        bitset_unset(profile.bits.denied, (unsigned)bit);
    return profile;
}

/* The pages of the profile's scopes, as the state has them. */
static const uint32_t *scope_pages(struct run *run, uint32_t number, const struct profile *profile)
{
    uint32_t *pages = arena_alloc(run->batch->arena, profile->scope_count * sizeof(*pages));

    for (size_t i = 0; i < profile->scope_count; i++)
        if (!scope_page_of(run->batch, number, &profile->scopes[i].scope, &pages[i]))
            batch_fail(run->batch, E_PROTO);
    return pages;
}

/* Scopes of the to-do list that the profile names no more. The caller frees them. */
static struct scope *scopes_gone(struct run *run, uint32_t number, size_t *ret_count)
{
    struct number_key prefix = number_key(number);
    struct scope *gone = NULL, scope;
    size_t count = 0, size = 0;
    struct db_cursor cursor;
    struct slice what, value;

    todo_walk(run->batch, TODO_SCOPE, SLICE_BYTES(prefix), &cursor);
    while (todo_next(&cursor, &what, &value)) {
        if (!scope_gone(run->batch, what, value, &number, &scope))
            continue;
        gone = mem_room(gone, count, &size, sizeof(*gone));
        gone[count++] = scope;
    }
    db_walk_end(&cursor);
    *ret_count = count;
    return gone;
}

void put_profile(struct run *run, uint32_t number)
{
    struct batch *batch = run->batch;
    struct table_scopes scopes = {0};
    struct sources sources;
    struct pool_input input;
    struct profile profile;
    struct resolving resolving = {.problems = batch->problems, .input = &input};
    struct scope *gone;

    arena_reset(batch->arena);
    if (!profile_sources(batch, number, &sources))
        return;
    pool_input(run->pool, &sources, &input);
    if (resolve(run->catalogue, &input.input, batch->arena, on_resolve_problem, &resolving,
                &profile) != 0) {
        problem_tell(batch->problems, sources.organization,
                     "has a membership with more scopes than can be told apart; it is denied all",
                     (struct slice){0});
        profile = profile_denied(run);
    }
    scopes.pages = scope_pages(run, number, &profile);
    if (batch->txn.err != 0)
        return;
    gone = scopes_gone(run, number, &scopes.gone_count);
    scopes.gone = gone;
    run->err = table_put_profile(run->table, number, &profile, &scopes);
    free(gone);
}

void put_record(struct run *run, const struct entry *membership, uint32_t profile)
{
    const struct tree_place *place = &membership->place;
    struct table_record record = {
        .person_active =
            index_active(run->batch, entry_value(membership, ENTRY_PERSON), TREE_PERSON),
        .active = membership->active,
        .not_before = membership->not_before,
        .not_after = membership->not_after,
        .profile = profile,
    };

    run->err =
        table_put_record(run->table, place->organization, place->event, place->name, &record);
}

void put_organization(struct run *run, const struct entry *entry)
{
    const struct entry_values *values = &entry->lists[ENTRY_SETTINGS];
    const struct resolve_input input = {
        .values = {.settings = values->values, .setting_count = values->count}};
    struct table_organization organization = {.active = entry->active};
    struct profile settings;

    run->err = resolve(run->catalogue, &input, run->batch->arena, NULL, NULL, &settings);
    if (run->err != 0)
        return;
    organization.event_scope = table_setting(&settings, SETTING_EVENT_SCOPE);
    organization.shared_events = table_setting(&settings, SETTING_SHARED_EVENTS);
    (void)tree_organization(entry_value(entry, ENTRY_PRIMARY), run->batch->base,
                            &organization.primary);
    run->err = table_put_organization(run->table, entry->place.name, &organization);
}

void put_person(struct run *run, const struct entry *entry)
{
    run->err = table_put_person(run->table, entry->place.name, entry->active);
}

void put_event(struct run *run, const struct entry *entry)
{
    const struct window window = {true, entry->active, entry->not_before, entry->not_after};

    run->err = table_put_event(run->table, entry->place.organization, entry->place.name, &window);
}

void put_shares(struct run *run, const struct entry *event)
{
    const struct entry_values *values = &event->lists[ENTRY_SHARED];
    const struct tree_place *place = &event->place;
    struct slice with;

    for (size_t i = 0; run->err == 0 && i < values->count; i++)
        if (tree_organization(values->values[i], run->batch->base, &with) == 0)
            run->err = table_put_share(run->table, place->organization, place->name, with);
}

/* The entry of this kind at a DN that was made (err); clears dn. */
static bool find_at(struct run *run, int err, struct buffer *dn, enum tree_kind kind,
                    struct id *ret_uuid, struct entry *ret)
{
    bool found = err == 0 && index_at(run->batch, buffer_slice(dn), kind, ret_uuid, ret);

    buffer_clear(dn);
    run->err = err;
    return found;
}

/* The entry of this kind that its name alone leads to. */
static bool find_named(struct run *run,
                       int (*dn_of)(struct slice base, struct slice name, struct buffer *out),
                       struct slice name, enum tree_kind kind, struct entry *ret)
{
    struct buffer dn;
    int err;

    buffer_init(&dn);
    err = dn_of(run->batch->base, name, &dn);
    return find_at(run, err, &dn, kind, NULL, ret);
}

/* The event of the first two names. */
static bool find_event(struct run *run, const struct slice names[NAMES_MAX], struct entry *ret)
{
    struct buffer dn;
    int err;

    buffer_init(&dn);
    err = tree_event_dn(run->batch->base, names[0], names[1], &dn);
    return find_at(run, err, &dn, TREE_EVENT, NULL, ret);
}

void publish_profile(struct run *run, struct slice number, struct slice value)
{
    (void)value;
    if (number.len == sizeof(struct number_key))
        put_profile(run, number_of(number.data));
}

/* A scope of a profile that is no more; those of others went with their profile. */
void publish_scope(struct run *run, struct slice what, struct slice value)
{
    struct scope scope;
    uint32_t profile;

    if (scope_gone(run->batch, what, value, &profile, &scope))
        run->err = table_remove_scope(run->table, profile, &scope);
}

void publish_organization(struct run *run, struct slice name, struct slice value)
{
    struct entry entry;

    (void)value;
    if (find_named(run, tree_organization_dn, name, TREE_ORGANIZATION, &entry))
        put_organization(run, &entry);
    else if (run->err == 0)
        run->err = table_remove_organization(run->table, name);
}

void publish_person(struct run *run, struct slice uid, struct slice value)
{
    struct entry entry;

    (void)value;
    if (find_named(run, tree_person_dn, uid, TREE_PERSON, &entry))
        put_person(run, &entry);
    else if (run->err == 0)
        run->err = table_remove_person(run->table, uid);
}

void publish_event(struct run *run, struct slice joined, struct slice value)
{
    struct slice names[NAMES_MAX];
    struct entry entry;

    (void)value;
    if (names_split(joined, names) != 2)
        return;
    if (find_event(run, names, &entry))
        put_event(run, &entry);
    else if (run->err == 0)
        run->err = table_remove_event(run->table, names[0], names[1]);
}

static bool is_shared(const struct run *run, const struct entry *event, struct slice with)
{
    const struct entry_values *values = &event->lists[ENTRY_SHARED];
    struct slice name;

    for (size_t i = 0; i < values->count; i++)
        if (tree_organization(values->values[i], run->batch->base, &name) == 0 &&
            slice_equal(name, with))
            return true;
    return false;
}

void publish_share(struct run *run, struct slice joined, struct slice value)
{
    struct slice names[NAMES_MAX];
    struct entry entry;

    (void)value;
    if (names_split(joined, names) != 3)
        return;
    if (find_event(run, names, &entry) && is_shared(run, &entry, names[2]))
        run->err = table_put_share(run->table, names[0], names[1], names[2]);
    else if (run->err == 0)
        run->err = table_remove_share(run->table, names[0], names[1], names[2]);
}

void publish_record(struct run *run, struct slice joined, struct slice value)
{
    struct slice names[NAMES_MAX], event = {0};
    size_t count = names_split(joined, names);
    enum tree_kind kind = count > 2 ? TREE_EVENT_MEMBERSHIP : TREE_MEMBERSHIP;
    struct record record;
    struct entry entry;
    struct buffer dn;
    struct id uuid;
    int err;

    (void)value;
    if (count < 2)
        return;
    if (count > 2)
        event = names[1];
    buffer_init(&dn);
    err = tree_membership_dn(run->batch->base, names[0], event, names[count - 1], &dn);
    if (find_at(run, err, &dn, kind, &uuid, &entry) && record_get(run->batch, &uuid, &record))
        put_record(run, &entry, record.profile);
    else if (run->err == 0)
        run->err = table_remove_record(run->table, names[0], event, names[count - 1]);
}
