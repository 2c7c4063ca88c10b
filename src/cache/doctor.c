/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One walk over all entries for what is wrong with each by itself; then what only shows when
 * several are seen together: members against people, roles against roles, the layers of each
 * profile.
 */
#include "cache/doctor.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/inspect.h"
#include "cache/profiles.h"
#include "cache/reference.h"
#include "cache/viewing.h"
#include "ldap/dn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct examination {
    const struct doctor *doctor;
    struct view *view;
    struct batch *batch;
    struct problems *problems;
    struct ids people;   /* hashes of their DNs, sorted */
    struct ids groups;   /* entryUUIDs */
    struct arena *arena; /* of role_dns */
    struct slice *role_dns;
    size_t role_count, role_size;
};

static struct slice none(void)
{
    return (struct slice){0};
}

static void note_role(struct examination *examination, struct slice dn)
{
    examination->role_dns = mem_room(examination->role_dns, examination->role_count,
                                     &examination->role_size, sizeof(*examination->role_dns));
    examination->role_dns[examination->role_count++] = arena_copy(examination->arena, dn);
}

/* Settings of one entry that give one name several values. */
static void check_settings(struct examination *examination, const struct entry *entry)
{
    const struct entry_values *settings = &entry->lists[ENTRY_SETTINGS];
    struct slice name, before, value;

    for (size_t i = 1; i < settings->count; i++)
        if (setting_parse(settings->values[i - 1], &before, &value) == 0 &&
            setting_parse(settings->values[i], &name, &value) == 0 && slice_equal(before, name))
            problem_tell(examination->problems, entry->dn,
                         "gives one setting several values, of which the greatest counts", name);
}

static void check_requires(struct examination *examination, const struct entry *entry)
{
    const struct catalogue *catalogue = examination->view->catalogue;
    struct permission permission;
    int chain = 0;

    if (catalogue_find(catalogue, entry->place.name, &permission) != 0)
        return;
    while (permission.requires >= 0 && chain++ < REQUIRES_CHAIN_MAX)
        if (catalogue_at(catalogue, (unsigned)permission.requires, &permission, NULL) != 0)
            return;
    if (permission.requires >= 0)
        problem_tell(examination->problems, entry->dn,
                     "requires itself in a circle, or by too many others, and is denied", none());
}

static void check_entry(struct examination *examination, const struct id *uuid,
                        const struct entry *entry)
{
    struct batch *batch = examination->batch;
    struct id person;

    inspect(entry, batch->base, examination->problems);
    references_check(batch, entry, examination->problems);
    check_settings(examination, entry);
    if (entry->kind == TREE_PERSON) {
        person = id_of_dn(entry->dn, batch->secret);
        ids_add(&examination->people, &person);
    } else if (entry->kind == TREE_GROUP) {
        ids_add(&examination->groups, uuid);
    } else if (entry->kind == TREE_ROLE) {
        note_role(examination, entry->dn);
    } else if (entry->kind == TREE_PERMISSION) {
        check_requires(examination, entry);
    }
}

static void check_entries(struct examination *examination)
{
    struct batch *batch = examination->batch;
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_ENTRY, none(), &cursor);
    while (db_next(&cursor, &key, &value)) {
        struct entry entry;
        struct id uuid;
        int err;

        if (key.len != sizeof(uuid))
            continue;
        memcpy(&uuid, key.data, sizeof(uuid));
        arena_reset(batch->arena);
        err = entry_decode(value, batch->base, batch->arena, &entry);
        if (err != 0)
            batch_fail(batch, err);
        else
            check_entry(examination, &uuid, &entry);
    }
    db_walk_end(&cursor);
    ids_sort(&examination->people);
}

static bool is_person(const struct examination *examination, const struct id *id)
{
    const struct ids *people = &examination->people;

    return people->count > 0 &&
           bsearch(id, people->ids, people->count, sizeof(*id), id_compare) != NULL;
}

/* Tells which of the group's members are not there, by their DNs if somebody can read them. */
static void name_members(struct examination *examination, struct slice dn, size_t absent)
{
    const struct doctor *doctor = examination->doctor;
    struct slice *members = NULL, member;
    struct arena *arena = arena_new();
    char buf[DN_MAX], words[64];
    size_t count = 0, named = 0;
    struct id id;

    if (doctor->read_members != NULL &&
        doctor->read_members(doctor->context, dn, arena, &members, &count) != 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (dn_normalize(members[i], buf, &member) != 0)
            continue;
        id = id_of_dn(member, examination->batch->secret);
        if (is_person(examination, &id))
            continue;
        problem_tell(examination->problems, dn, "has a member who is not there", member);
        named++;
    }
    if (named == 0) {
        (void)snprintf(words, sizeof(words), "has members who are not there: %zu", absent);
        problem_tell(examination->problems, dn, words, none());
    }
    arena_free(arena);
}

static void check_members(struct examination *examination)
{
    struct batch *batch = examination->batch;

    for (size_t i = 0; i < examination->groups.count; i++) {
        const struct id *members;
        size_t count, absent = 0;
        struct entry group;

        arena_reset(batch->arena);
        if (!index_get(batch, &examination->groups.ids[i], &group))
            continue;
        members = entry_members(&group, &count);
        for (size_t j = 0; j < count; j++)
            absent += !is_person(examination, &members[j]);
        if (absent > 0)
            name_members(examination, group.dn, absent);
    }
}

/* The layers of the profile at hand. */
struct layers {
    struct examination *examination;
    const struct sources *sources;
    const struct pool_input *input;
};

/* The group of the profile that has this setting. */
static struct slice group_with(const struct layers *layers, struct slice value)
{
    struct batch *batch = layers->examination->batch;

    for (size_t i = 0; i < layers->sources->group_count; i++) {
        const struct entry_values *settings;
        struct entry group;

        if (!index_get(batch, &layers->sources->groups[i], &group))
            continue;
        settings = &group.lists[ENTRY_SETTINGS];
        for (size_t j = 0; j < settings->count; j++)
            if (slice_equal(settings->values[j], value))
                return group.dn;
    }
    return none();
}

static void on_setting(void *context, const struct resolve_problem *problem)
{
    const struct layers *layers = context;
    struct slice dn;

    if (strcmp(problem->where, "setting") != 0)
        return;
    dn = problem->role != ROLE_MISSING ? layers->input->role_dns[problem->role]
                                       : group_with(layers, problem->value);
    if (dn.len > 0) /* else the membership's own, told of already */
        problem_tell(layers->examination->problems, dn,
                     "gives a setting a lesser value than its layer has", problem->value);
}

static void check_profile(struct examination *examination, uint32_t number, struct arena *arena)
{
    struct sources sources;
    struct pool_input input;
    struct profile profile;
    struct layers layers = {.examination = examination, .sources = &sources, .input = &input};

    if (!profile_sources(examination->batch, number, &sources))
        return;
    pool_input(examination->view->pool, &sources, &input);
    if (resolve(examination->view->catalogue, &input.input, arena, on_setting, &layers, &profile) ==
        E_LIMIT)
        problem_tell(examination->problems, sources.organization,
                     "has a membership with more scopes than can be told apart; it is denied all",
                     none());
}

static void check_profiles(struct examination *examination)
{
    struct batch *batch = examination->batch;
    struct arena *arena = arena_new();
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_PROFILE, none(), &cursor);
    while (db_next(&cursor, &key, &value)) {
        if (key.len != sizeof(struct number_key))
            continue;
        arena_reset(batch->arena);
        arena_reset(arena);
        check_profile(examination, number_of(key.data), arena);
    }
    db_walk_end(&cursor);
    arena_free(arena);
}

int doctor(struct view *view, const struct doctor *doctor)
{
    struct examination examination = {
        .doctor = doctor,
        .view = view,
        .batch = &view->batch,
        .problems = problems_new(doctor->on_defect, doctor->context),
        .arena = arena_new(),
    };

    check_entries(&examination);
    check_members(&examination);
    references_circles(&view->batch, view->pool, examination.role_dns, examination.role_count,
                       examination.problems);
    check_profiles(&examination);
    problems_free(examination.problems);
    ids_clear(&examination.people);
    ids_clear(&examination.groups);
    arena_free(examination.arena);
    free(examination.role_dns);
    return view->batch.txn.err;
}
