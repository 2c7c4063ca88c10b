/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Search filters: decoded, written as text, and folded. Each leaf is given a truth by its contents;
 * a leaf that the fold leaves is one whose truth it was not told. The folded filter must be TRUE
 * exactly where the whole one is (RFC 4511 4.5.1.7, three-valued).
 */
#include "../exercise_message.h"
#include "fuzz.h"
#include "ldap/fold.h"

static unsigned leaf_hash(const struct filter *leaf)
{
    const struct slice parts[] = {leaf->attribute, leaf->value, leaf->rule, leaf->initial,
                                  leaf->final};
    unsigned hash = 5381 + (unsigned)leaf->kind;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for (size_t j = 0; j < parts[i].len; j++)
            hash = hash * 33 + (unsigned char)parts[i].data[j];
    return hash;
}

static enum truth leaf_truth(const struct filter *leaf)
{
    return (enum truth)(leaf_hash(leaf) / 2 % 3); /* false, true or undefined */
}

static enum truth on_leaf(void *context, const struct filter *leaf)
{
    (void)context;
    return leaf_hash(leaf) % 2 == 0 ? leaf_truth(leaf) : TRUTH_UNKNOWN;
}

static enum truth evaluate(const struct filter *filter)
{
    enum truth strong = filter->kind == FILTER_AND ? TRUTH_FALSE : TRUTH_TRUE;
    enum truth result = filter->kind == FILTER_AND ? TRUTH_TRUE : TRUTH_FALSE;

    if (filter->kind == FILTER_NOT) {
        enum truth child = evaluate(filter->children);

        return child == TRUTH_UNDEFINED ? child : child == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
    }
    if (filter->kind != FILTER_AND && filter->kind != FILTER_OR)
        return leaf_truth(filter);
    for (const struct filter *child = filter->children; child != NULL; child = child->next) {
        enum truth truth = evaluate(child);

        if (truth == strong)
            return strong;
        if (truth == TRUTH_UNDEFINED)
            result = truth;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    char *bytes = exact_copy(data, size);
    struct filter *filter, *folded;

    exercise_filter(data, size);
    if (filter_decode((struct slice){bytes, size}, arena, &filter) == 0) {
        folded = filter_fold(filter, arena, on_leaf, NULL);
        HOLDS((evaluate(folded) == TRUTH_TRUE) == (evaluate(filter) == TRUTH_TRUE));
        HOLDS(filter_text(folded, arena) != NULL);
    }
    arena_free(arena);
    free(bytes);
    return 0;
}
