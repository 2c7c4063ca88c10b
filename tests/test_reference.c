/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How many references that lead nowhere one batch remembers to tell of: beyond the bound they are
 * left to doctor, and nothing else is lost. Groups that are gone again when the batch ends fill it
 * up, since of them nothing is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cache/reference.h"
#include "state_tree.h"
#include "tree_text.h"

#include <stdio.h>
#include <stdlib.h>

#define EACH 4096 /* members of a group */

struct fixture {
    char *directory;
    struct state *state;
    unsigned problems;
};

static int setup(void **ret)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));
    struct naive *tree = naive_new();
    int err;

    fixture->directory = state_tree_directory();
    *ret = fixture;
    tree_read(tree, "organization acme");
    err = state_tree_open(fixture->directory, &fixture->problems, &fixture->state);
    if (err == 0)
        err = state_tree_fill(fixture->state, tree);
    naive_free(tree);
    return err;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    state_close(fixture->state);
    state_tree_remove(fixture->directory);
    free(fixture);
    return 0;
}

/* A group of so many people, none of whom is there. */
static void put_group(struct fixture *fixture, unsigned number, size_t count)
{
    static char text[EACH][64];
    static struct slice members[EACH];
    const uint8_t uuid[STATE_UUID] = {7, (uint8_t)number};
    struct slice class = slice_of("usherGroup");
    const struct attribute attributes[] = {
        {.name = slice_of("objectClass"), .values = &class, .value_count = 1},
        {.name = slice_of("member"), .values = members, .value_count = count},
    };
    char dn[64];

    (void)snprintf(dn, sizeof(dn), "cn=g%u,ou=groups,o=acme," STATE_TREE_BASE, number);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "uid=m%u-%zu,ou=people," STATE_TREE_BASE, number,
                       i);
        members[i] = slice_of(text[i]);
    }
    assert_int_equal(state_put(fixture->state, uuid, slice_of(dn), attributes, 2), 0);
}

static void delete_group(struct fixture *fixture, unsigned number)
{
    const uint8_t uuid[STATE_UUID] = {7, (uint8_t)number};

    assert_int_equal(state_delete(fixture->state, uuid), 0);
}

/* What is told of a group with one absent member, behind so many references of others. */
static unsigned told_behind(struct fixture *fixture, size_t count)
{
    unsigned before = fixture->problems, groups = 0;

    assert_int_equal(state_begin(fixture->state), 0);
    for (size_t left = count; left > 0; groups++) {
        size_t some = left < EACH ? left : EACH;

        put_group(fixture, groups, some);
        left -= some;
    }
    for (unsigned i = 0; i < groups; i++)
        delete_group(fixture, i);
    put_group(fixture, 200, 1);
    assert_int_equal(state_commit(fixture->state), 0);
    assert_int_equal(state_begin(fixture->state), 0);
    delete_group(fixture, 200);
    assert_int_equal(state_commit(fixture->state), 0);
    return fixture->problems - before;
}

static void as_many_as_are_remembered(void **state)
{
    static const struct {
        size_t before;
        unsigned told;
    } cases[] = {{0, 1}, {PENDING_MAX - 1, 1}, {PENDING_MAX, 0}, {PENDING_MAX + 1, 0}, {0, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned told = told_behind(*state, cases[i].before);

        if (told != cases[i].told)
            fail_msg("behind %zu: %u told", cases[i].before, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_as_are_remembered, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
