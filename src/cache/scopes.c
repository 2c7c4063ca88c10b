/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Scopes are found by a hash of their text, for the text may be longer than a key. Which there are
 * does not depend on the catalogue, so resolve() is asked with an empty one; most profiles have
 * none, which a look for "@" tells.
 */
#include "cache/scopes.h"
#include "base/err.h"
#include "cache/number.h"

#include <stdlib.h>
#include <string.h>

struct scope_key {
    struct number_key profile;
    struct id scope;
};

_Static_assert(sizeof(struct scope_key) <= TODO_MAX, "a row of the list holds a scope's key");

/* The value of a row: this, then the scope as text. */
struct scope_row {
    struct number_key page;
};

/* A scope while a profile's rows are written. */
struct scope_item {
    struct id id;
    uint32_t page; /* of those that had one */
    struct slice text;
};

/* As a value would have it; the names are folded already. */
static struct slice scope_text(const struct scope *scope, struct arena *arena)
{
    switch (scope->kind) {
    case SCOPE_OBJECT:
        return slice_of(
            arena_printf(arena, "%.*s/%.*s", SLICE_ARG(scope->type), SLICE_ARG(scope->name)));
    case SCOPE_TYPE:
        return slice_of(arena_printf(arena, "%.*s/*", SLICE_ARG(scope->type)));
    case SCOPE_EVENT:
        return slice_of(arena_printf(arena, "event/%.*s/%.*s", SLICE_ARG(scope->organization),
                                     SLICE_ARG(scope->name)));
    case SCOPE_EVENT_ORGANIZATION:
        return slice_of(arena_printf(arena, "event/%.*s/*", SLICE_ARG(scope->organization)));
    default:
        return slice_of("event/*");
    }
}

static bool values_scoped(const struct resolve_values *values)
{
    for (size_t i = 0; i < values->grant_count; i++)
        if (memchr(values->grants[i].data, '@', values->grants[i].len) != NULL)
            return true;
    return false;
}

static bool input_scoped(const struct resolve_input *input)
{
    bool scoped = values_scoped(&input->values);

    for (size_t i = 0; i < input->group_count; i++)
        scoped = scoped || values_scoped(&input->groups[i].values);
    for (size_t i = 0; i < input->pool_count; i++)
        scoped = scoped || values_scoped(&input->pool[i].values);
    return scoped;
}

static int item_order(const void *a, const void *b)
{
    return id_compare(a, b); /* the id comes first */
}

/* The scopes that the input names, in the order of their ids; none when they are too many, as then
 * the profile is denied everything. */
static struct scope_item *items_named(struct batch *batch, const struct resolve_input *input,
                                      size_t *ret_count)
{
    struct catalogue *catalogue = NULL;
    struct scope_item *items = NULL;
    struct profile profile = {0};

    *ret_count = 0;
    if (!input_scoped(input))
        return NULL;
    catalogue = catalogue_new();
    if (resolve(catalogue, input, batch->arena, NULL, NULL, &profile) == 0) {
        *ret_count = profile.scope_count;
        items = arena_alloc(batch->arena, profile.scope_count * sizeof(*items));
        for (size_t i = 0; i < profile.scope_count; i++) {
            items[i].text = scope_text(&profile.scopes[i].scope, batch->arena);
            items[i].id = id_of_dn(items[i].text, batch->secret);
        }
        if (profile.scope_count > 1)
            qsort(items, profile.scope_count, sizeof(*items), item_order);
    }
    catalogue_free(catalogue);
    return items;
}

/* The scopes that stand for the profile, in the order of their ids. */
static struct scope_item *items_standing(struct batch *batch, uint32_t profile, size_t *ret_count)
{
    struct number_key number = number_key(profile);
    struct scope_item *items = NULL;
    size_t count = 0, size = 0;
    struct db_cursor cursor;
    struct slice key, value;

    db_walk(&batch->txn, BATCH_SCOPE, SLICE_BYTES(number), &cursor);
    while (db_next(&cursor, &key, &value)) {
        if (key.len != sizeof(struct scope_key) || value.len < sizeof(struct scope_row))
            continue;
        items = mem_room(items, count, &size, sizeof(*items));
        memcpy(&items[count].id, key.data + offsetof(struct scope_key, scope), sizeof(struct id));
        items[count].page = number_of(value.data);
        value.data += sizeof(struct scope_row);
        value.len -= sizeof(struct scope_row);
        items[count++].text = arena_copy(batch->arena, value);
    }
    db_walk_end(&cursor);
    *ret_count = count;
    return items;
}

static void item_add(struct batch *batch, uint32_t profile, const struct scope_item *item)
{
    const struct scope_key key = {number_key(profile), item->id};
    struct number_key page = number_key(number_take(batch));
    size_t len = sizeof(page) + item->text.len;
    char *bytes = arena_alloc(batch->arena, len);

    memcpy(bytes, &page, sizeof(page));
    memcpy(bytes + sizeof(page), item->text.data, item->text.len);
    db_put(&batch->txn, BATCH_SCOPE, SLICE_BYTES(key), (struct slice){.data = bytes, .len = len});
}

static void item_remove(struct batch *batch, uint32_t profile, const struct scope_item *item)
{
    const struct scope_key key = {number_key(profile), item->id};

    db_delete(&batch->txn, BATCH_SCOPE, SLICE_BYTES(key));
    todo_add_value(batch, TODO_SCOPE, SLICE_BYTES(key), item->text);
    number_drop(batch, item->page);
}

void scopes_update(struct batch *batch, uint32_t profile, const struct resolve_input *input)
{
    size_t old_count = 0, count = 0, i = 0, j = 0;
    struct scope_item *items = items_named(batch, input, &count);
    struct scope_item *old = items_standing(batch, profile, &old_count);

    while (i < old_count || j < count) {
        int order = i == old_count ? 1 : j == count ? -1 : item_order(&old[i], &items[j]);

        if (order < 0)
            item_remove(batch, profile, &old[i]);
        if (order > 0)
            item_add(batch, profile, &items[j]);
        i += order <= 0;
        j += order >= 0;
    }
    free(old);
}

void scopes_drop(struct batch *batch, uint32_t profile)
{
    size_t count = 0;
    struct scope_item *items = items_standing(batch, profile, &count);

    for (size_t i = 0; i < count; i++)
        item_remove(batch, profile, &items[i]);
    free(items);
}

bool scope_page_of(struct batch *batch, uint32_t profile, const struct scope *scope,
                   uint32_t *ret_page)
{
    struct scope_key key = {.profile = number_key(profile)};
    struct slice value;

    key.scope = id_of_dn(scope_text(scope, batch->arena), batch->secret);
    if (!db_get(&batch->txn, BATCH_SCOPE, SLICE_BYTES(key), &value) ||
        value.len < sizeof(struct scope_row))
        return false;
    *ret_page = number_of(value.data);
    return true;
}

bool scope_gone(struct batch *batch, struct slice what, struct slice value, uint32_t *ret_profile,
                struct scope *ret)
{
    struct slice row;

    if (what.len != sizeof(struct scope_key) || db_get(&batch->txn, BATCH_SCOPE, what, &row) ||
        scope_parse(value, ret) != 0)
        return false;
    *ret_profile = number_of(what.data);
    return true;
}
