/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/names.h"
#include "base/err.h"

#include <stdlib.h>

struct names {
    struct arena *arena;
    struct slice *items;
    size_t count, room;
};

struct names *names_new(void)
{
    struct names *names = mem_alloc(sizeof(*names));

    names->arena = arena_new();
    return names;
}

void names_free(struct names *names)
{
    if (names == NULL)
        return;
    arena_free(names->arena);
    free(names->items);
    free(names);
}

int names_add(struct names *names, struct slice name)
{
    if (names->count == NAMES_MAX)
        return E_LIMIT;
    names->items = mem_room(names->items, names->count, &names->room, sizeof(names->items[0]));
    names->items[names->count++] = arena_copy(names->arena, name);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct slice *one = a, *other = b;

    return slice_compare(*one, *other);
}

void names_done(struct names *names)
{
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
}

bool names_has(const struct names *names, struct slice name)
{
    return names->count > 0 && bsearch(&name, names->items, names->count, sizeof(names->items[0]),
                                       compare_names) != NULL;
}
