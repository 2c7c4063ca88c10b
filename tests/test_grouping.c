/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who is in which groups, as a first fill holds it: all of one key and of no other, also where keys
 * crowd one place or would look like a free one, and an honest "do not know" beyond the bound.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache/grouping.h"

#include <string.h>

/* A key whose search begins at this place, and a group. */
static struct id id_make(uint32_t place, uint32_t number)
{
    struct id id = {{0}};

    memcpy(id.bytes + 4, &place, sizeof(place));
    memcpy(id.bytes + 8, &number, sizeof(number));
    return id;
}

static const struct {
    uint32_t place, number; /* of the key */
    unsigned groups;
} cases[] = {
    {0, 0, 2},                     /* all zero */
    {7, 1, 1},          {7, 2, 3}, /* the same place */
    {7, 3, 0},                     /* and nobody there */
    {8, 1, 2},                     /* where those of the last have spread to */
    {UINT32_MAX, 1, 3},            /* over the end */
    {UINT32_MAX, 2, 0}, {100, 1, 0},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void test_found(void **state)
{
    struct grouping *grouping = grouping_new();

    (void)state;
    for (unsigned group = 0; group < 3; group++)
        for (uint32_t i = 0; i < CASES; i++) {
            struct id key = id_make(cases[i].place, cases[i].number), id = id_make(i, group);

            if (group < cases[i].groups)
                grouping_add(grouping, &key, &id);
        }
    for (uint32_t i = 0; i < CASES; i++) {
        struct id key = id_make(cases[i].place, cases[i].number);
        struct ids found = {0};

        assert_true(grouping_find(grouping, &key, &found));
        ids_sort(&found);
        assert_int_equal(found.count, cases[i].groups);
        for (unsigned group = 0; group < cases[i].groups; group++) {
            struct id id = id_make(i, group);

            assert_memory_equal(&found.ids[group], &id, sizeof(id));
        }
        ids_clear(&found);
    }
    grouping_free(grouping);
}

static void test_too_many(void **state)
{
    struct grouping *grouping = grouping_new();
    struct ids found = {0};
    struct id key;

    (void)state;
    for (uint32_t i = 0; i < GROUPING_MAX; i++) {
        key = id_make(i, 1);
        grouping_add(grouping, &key, &key);
    }
    assert_true(grouping_find(grouping, &key, &found));
    assert_int_equal(found.count, 1);
    ids_clear(&found);
    for (uint32_t i = 0; i < 2; i++) {
        grouping_add(grouping, &key, &key);
        assert_false(grouping_find(grouping, &key, &found));
        assert_int_equal(found.count, 0);
    }
    grouping_free(grouping);
    grouping_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
