/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A leaf that is Undefined keeps the whole from being TRUE just as a FALSE one does, or, below an
 * odd number of NOTs, as a TRUE one does. So it needs no third constant: it becomes the worse one.
 */
#include "ldap/fold.h"

#include <stdlib.h>
#include <string.h>

struct folding {
    struct arena *arena;
    fold_leaf *on_leaf;
    void *context;
};

bool filter_always(const struct filter *filter)
{
    return filter->kind == FILTER_AND && filter->children == NULL;
}

bool filter_never(const struct filter *filter)
{
    return filter->kind == FILTER_OR && filter->children == NULL;
}

static struct filter *filter_new(struct arena *arena, enum filter_kind kind)
{
    struct filter *filter = arena_alloc(arena, sizeof(*filter));

    filter->kind = kind;
    return filter;
}

static struct filter *constant(struct arena *arena, bool value)
{
    return filter_new(arena, value ? FILTER_AND : FILTER_OR);
}

/* A part of a substring that is absent stays so: its data is NULL. */
static struct slice copy_part(struct arena *arena, struct slice part)
{
    return part.data != NULL ? arena_copy(arena, part) : part;
}

static struct filter *copy_leaf(struct arena *arena, const struct filter *leaf)
{
    struct filter *copy = filter_new(arena, leaf->kind);

    copy->attribute = copy_part(arena, leaf->attribute);
    copy->value = copy_part(arena, leaf->value);
    copy->rule = copy_part(arena, leaf->rule);
    copy->dn_attributes = leaf->dn_attributes;
    copy->initial = copy_part(arena, leaf->initial);
    copy->final = copy_part(arena, leaf->final);
    copy->any_count = leaf->any_count;
    if (leaf->any_count > 0)
        copy->any = arena_alloc(arena, leaf->any_count * sizeof(*copy->any));
    for (size_t i = 0; i < leaf->any_count; i++)
        copy->any[i] = copy_part(arena, leaf->any[i]);
    return copy;
}

static struct filter *fold_node(struct folding *folding, const struct filter *node, bool negated);

static struct filter *fold_set(struct folding *folding, const struct filter *node, bool negated)
{
    struct filter *set = filter_new(folding->arena, node->kind), **tail = &set->children;
    bool and = node->kind == FILTER_AND;

    for (const struct filter *child = node->children; child != NULL; child = child->next) {
        struct filter *folded = fold_node(folding, child, negated);

        if (and? filter_never(folded) : filter_always(folded))
            return folded; /* decides the whole set */
        if (and? filter_always(folded) : filter_never(folded))
            continue;
        *tail = folded;
        tail = &folded->next;
    }
    return set->children != NULL && set->children->next == NULL ? set->children : set;
}

static struct filter *fold_not(struct folding *folding, const struct filter *node, bool negated)
{
    struct filter *child = fold_node(folding, node->children, !negated), *not ;

    if (filter_always(child) || filter_never(child))
        return constant(folding->arena, filter_never(child));
    not = filter_new(folding->arena, FILTER_NOT);
    not ->children = child;
    return not ;
}

/* Filters are at most FILTER_DEPTH_MAX deep. */
static struct filter *fold_node(struct folding *folding, const struct filter *node, bool negated)
{
    switch (node->kind) {
    case FILTER_AND:
    case FILTER_OR:
        return fold_set(folding, node, negated);
    case FILTER_NOT:
        return fold_not(folding, node, negated);
    default:
        break;
    }
    switch (folding->on_leaf(folding->context, node)) {
    case TRUTH_TRUE:
        return constant(folding->arena, true);
    case TRUTH_FALSE:
        return constant(folding->arena, false);
    case TRUTH_UNDEFINED:
        return constant(folding->arena, negated);
    default:
        return copy_leaf(folding->arena, node);
    }
}

struct filter *filter_fold(const struct filter *filter, struct arena *arena, fold_leaf *on_leaf,
                           void *context)
{
    struct folding folding = {.arena = arena, .on_leaf = on_leaf, .context = context};

    return fold_node(&folding, filter, false);
}

struct filter *filter_equal(struct arena *arena, const char *attribute, struct slice value)
{
    struct filter *filter = filter_new(arena, FILTER_EQUAL);

    filter->attribute = slice_of(attribute);
    filter->value = value;
    return filter;
}

/* A copy: a filter may stand in several sets. */
static struct filter *member(struct arena *arena, const struct filter *filter)
{
    struct filter *copy = filter_new(arena, filter->kind);

    *copy = *filter;
    copy->next = NULL;
    return copy;
}

struct filter *filter_both(struct arena *arena, struct filter *one, struct filter *other)
{
    struct filter *set;

    if (one == NULL || other == NULL)
        return one != NULL ? one : other;
    set = filter_new(arena, FILTER_AND);
    set->children = member(arena, one);
    set->children->next = member(arena, other);
    return set;
}

struct filter *filter_any(struct arena *arena)
{
    return filter_new(arena, FILTER_OR);
}

void filter_add(struct arena *arena, struct filter *set, const struct filter *filter)
{
    struct filter **tail = &set->children;

    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = member(arena, filter);
}

const char *filter_text(const struct filter *filter, struct arena *arena)
{
    struct buffer text;
    struct slice copy = {0};

    buffer_init(&text);
    if (filter_format(filter, &text) < 0)
        abort(); /* the daemon dies when memory ends */
    copy = arena_copy(arena, buffer_slice(&text));
    buffer_clear(&text);
    return copy.data;
}
