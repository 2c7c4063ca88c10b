/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Items are found by id in an open hash map; an id is a hash already. The roles of one profile are
 * gathered breadth first; a stamp says which were met, and a second number where they stand in the
 * evaluator's list.
 */
#include "cache/pool.h"
#include "cache/index.h"

#include <stdlib.h>
#include <string.h>

struct item {
    struct id id;
    struct entry entry;
    struct slice dn; /* of a role */
    bool found;
    bool linked;    /* refers is filled in */
    size_t *refers; /* items of its includes or roles; NOWHERE for what may not be referred to */
    size_t refer_count;
    uint64_t stamp;
    int local; /* in the evaluator's list, or ROLE_MISSING */
};

#define NOWHERE SIZE_MAX

/* Where an item of the map is, with its id: few of those that are searched are looked at. */
struct place {
    struct id id;
    size_t item; /* its index + 1, or 0 */
};

struct pool {
    struct batch *batch;
    struct arena *arena;
    struct item **items;
    size_t count, size;
    struct place *map;
    size_t map_size;
    uint64_t stamp;
    size_t *met; /* roles of the profile at hand */
    size_t met_count, met_size;
};

struct pool *pool_new(struct batch *batch)
{
    struct pool *pool = mem_alloc(sizeof(*pool));

    pool->batch = batch;
    pool->arena = arena_new();
    pool->map_size = 256;
    pool->map = mem_array(pool->map_size, sizeof(*pool->map));
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    arena_free(pool->arena);
    free(pool->items);
    free(pool->map);
    free(pool->met);
    free(pool);
}

static struct place *map_slot(struct pool *pool, const struct id *id)
{
    size_t slot;

    memcpy(&slot, id->bytes, sizeof(slot));
    for (slot &= pool->map_size - 1; pool->map[slot].item != 0;
         slot = (slot + 1) & (pool->map_size - 1))
        if (id_compare(&pool->map[slot].id, id) == 0)
            break;
    return &pool->map[slot];
}

static void map_grow(struct pool *pool)
{
    free(pool->map);
    pool->map_size *= 2;
    pool->map = mem_array(pool->map_size, sizeof(*pool->map));
    for (size_t i = 0; i < pool->count; i++)
        *map_slot(pool, &pool->items[i]->id) =
            (struct place){.id = pool->items[i]->id, .item = i + 1};
}

/* The item of this id, in *ret; true when it is new and still empty. */
static bool item_of(struct pool *pool, const struct id *id, size_t *ret)
{
    struct place *slot = map_slot(pool, id);

    if (slot->item != 0) {
        *ret = slot->item - 1;
        return false;
    }
    pool->items = mem_room(pool->items, pool->count, &pool->size, sizeof(struct item *));
    pool->items[pool->count] = arena_alloc(pool->arena, sizeof(struct item));
    pool->items[pool->count]->id = *id;
    *ret = pool->count++;
    *slot = (struct place){.id = *id, .item = pool->count};
    if (pool->count * 2 > pool->map_size)
        map_grow(pool);
    return true;
}

static size_t role_item(struct pool *pool, struct slice dn)
{
    struct id id = id_of_dn(dn, pool->batch->secret);
    struct arena *arena = pool->batch->arena;
    struct item *item;
    size_t index;

    if (!item_of(pool, &id, &index))
        return index;
    item = pool->items[index];
    item->dn = arena_copy(pool->arena, dn);
    pool->batch->arena = pool->arena;
    item->found = index_at(pool->batch, item->dn, TREE_ROLE, NULL, &item->entry);
    pool->batch->arena = arena;
    if (!item->found)
        problem_tell(pool->batch->problems, item->dn, "is referred to as a role and is not there",
                     (struct slice){0});
    return index;
}

static size_t group_item(struct pool *pool, const struct id *uuid)
{
    struct arena *arena = pool->batch->arena;
    struct item *item;
    size_t index;

    if (!item_of(pool, uuid, &index))
        return index;
    item = pool->items[index];
    pool->batch->arena = pool->arena;
    item->found = index_get(pool->batch, uuid, &item->entry) && item->entry.kind == TREE_GROUP;
    pool->batch->arena = arena;
    return index;
}

/* Finds the items that an item refers to, once. */
static void link_item(struct pool *pool, size_t index, enum entry_list list)
{
    struct item *item = pool->items[index];
    const struct entry_values *dns = &item->entry.lists[list];

    if (item->linked || !item->found)
        return;
    item->linked = true;
    item->refers = arena_alloc(pool->arena, dns->count * sizeof(*item->refers));
    item->refer_count = dns->count;
    for (size_t i = 0; i < dns->count; i++)
        item->refers[i] = NOWHERE;
    for (size_t i = 0; i < dns->count; i++)
        if (sources_may_refer(pool->batch->base, item->entry.place.organization, dns->values[i]))
            item->refers[i] = role_item(pool, dns->values[i]);
}

static void meet(struct pool *pool, size_t index)
{
    if (index == NOWHERE || pool->items[index]->stamp == pool->stamp)
        return;
    pool->items[index]->stamp = pool->stamp;
    pool->met = mem_room(pool->met, pool->met_count, &pool->met_size, sizeof(*pool->met));
    pool->met[pool->met_count++] = index;
}

/* Meets all roles that the profile's lead to. */
static void gather(struct pool *pool, const struct sources *sources, const size_t *groups)
{
    pool->stamp++;
    pool->met_count = 0;
    for (size_t i = 0; i < sources->roles.count; i++)
        meet(pool, role_item(pool, sources->roles.values[i]));
    for (size_t i = 0; i < sources->group_count; i++)
        for (size_t j = 0; j < pool->items[groups[i]]->refer_count; j++)
            meet(pool, pool->items[groups[i]]->refers[j]);
    for (size_t i = 0; i < pool->met_count; i++) {
        size_t index = pool->met[i];

        link_item(pool, index, ENTRY_INCLUDES);
        for (size_t j = 0; j < pool->items[index]->refer_count; j++)
            meet(pool, pool->items[index]->refers[j]);
    }
}

static struct resolve_values values_of(const struct entry_values *grants,
                                       const struct entry_values *settings)
{
    return (struct resolve_values){
        .grants = grants->values,
        .grant_count = grants->count,
        .settings = settings->values,
        .setting_count = settings->count,
    };
}

static const int *locals(struct pool *pool, const size_t *refers, size_t count)
{
    int *list = arena_alloc(pool->batch->arena, count * sizeof(*list));

    for (size_t i = 0; i < count; i++)
        list[i] = refers[i] == NOWHERE ? ROLE_MISSING : pool->items[refers[i]]->local;
    return list;
}

/* Lists the roles met, and numbers them. */
static void list_roles(struct pool *pool, struct pool_input *ret)
{
    struct arena *arena = pool->batch->arena;
    struct resolve_role *roles = arena_alloc(arena, pool->met_count * sizeof(*roles));
    struct slice *dns = arena_alloc(arena, pool->met_count * sizeof(*dns));
    int count = 0;

    for (size_t i = 0; i < pool->met_count; i++) {
        struct item *item = pool->items[pool->met[i]];

        item->local = item->found ? count++ : ROLE_MISSING;
    }
    for (size_t i = 0; i < pool->met_count; i++) {
        struct item *item = pool->items[pool->met[i]];

        if (!item->found)
            continue;
        dns[item->local] = item->dn;
        roles[item->local] = (struct resolve_role){
            .active = item->entry.active,
            .organization = item->entry.place.organization,
            .values =
                values_of(&item->entry.lists[ENTRY_GRANTS], &item->entry.lists[ENTRY_SETTINGS]),
            .includes = locals(pool, item->refers, item->refer_count),
            .include_count = item->refer_count,
        };
    }
    ret->input.pool = roles;
    ret->input.pool_count = (size_t)count;
    ret->role_dns = dns;
}

static void list_groups(struct pool *pool, const size_t *groups, size_t count,
                        struct pool_input *ret)
{
    struct resolve_group *list = arena_alloc(pool->batch->arena, count * sizeof(*list));

    for (size_t i = 0; i < count; i++) {
        const struct item *item = pool->items[groups[i]];

        if (!item->found)
            continue;
        list[ret->input.group_count++] = (struct resolve_group){
            .active = item->entry.active,
            .values =
                values_of(&item->entry.lists[ENTRY_GRANTS], &item->entry.lists[ENTRY_SETTINGS]),
            .roles = locals(pool, item->refers, item->refer_count),
            .role_count = item->refer_count,
        };
    }
    ret->input.groups = list;
}

static void list_depends(struct pool *pool, const struct sources *sources, struct pool_input *ret)
{
    size_t count = 0;
    struct id *ids =
        arena_alloc(pool->batch->arena, (pool->met_count + sources->group_count) * sizeof(*ids));

    for (size_t i = 0; i < pool->met_count; i++)
        ids[count++] = pool->items[pool->met[i]]->id;
    for (size_t i = 0; i < sources->group_count; i++)
        ids[count++] = sources->groups[i];
    if (count > 1)
        qsort(ids, count, sizeof(*ids), id_compare);
    ret->depends = ids;
    ret->depend_count = count;
}

void pool_input(struct pool *pool, const struct sources *sources, struct pool_input *ret)
{
    struct arena *arena = pool->batch->arena;
    size_t *groups = arena_alloc(arena, sources->group_count * sizeof(*groups));
    int *roles = arena_alloc(arena, sources->roles.count * sizeof(*roles));
    struct pool_input out = {0};

    for (size_t i = 0; i < sources->group_count; i++) {
        groups[i] = group_item(pool, &sources->groups[i]);
        link_item(pool, groups[i], ENTRY_ROLES);
    }
    gather(pool, sources, groups);
    list_roles(pool, &out);
    list_groups(pool, groups, sources->group_count, &out);
    list_depends(pool, sources, &out);
    for (size_t i = 0; i < sources->roles.count; i++)
        roles[i] = pool->items[role_item(pool, sources->roles.values[i])]->local;
    out.input.organization = sources->organization;
    out.input.platform = slice_is(sources->organization, TREE_PLATFORM);
    out.input.values = values_of(&sources->grants, &sources->settings);
    out.input.roles = roles;
    out.input.role_count = sources->roles.count;
    *ret = out;
}
