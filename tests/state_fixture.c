/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "state_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int state_setup(void **ret)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));

    fixture->directory = state_tree_directory();
    *ret = fixture;
    return state_tree_open(fixture->directory, &fixture->problems, &fixture->state);
}

int state_teardown(void **state)
{
    struct fixture *fixture = *state;

    state_close(fixture->state);
    state_tree_remove(fixture->directory);
    free(fixture);
    return 0;
}

void reopen(struct fixture *fixture)
{
    state_close(fixture->state);
    fixture->state = NULL;
    assert_int_equal(state_tree_open(fixture->directory, &fixture->problems, &fixture->state), 0);
}

void fill(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_tree_fill(fixture->state, tree), 0);
    naive_free(tree);
}

void put(struct fixture *fixture, uint8_t number, const char *line)
{
    const uint8_t uuid[STATE_UUID] = {9, number};
    struct naive *tree = tree_of(line);

    assert_int_equal(state_tree_put(fixture->state, number > 0 ? uuid : NULL, naive_at(tree, 0)),
                     0);
    naive_free(tree);
}

void put_raw(struct fixture *fixture, uint8_t number, const char *dn, const char *class,
             const char *name, const char *value)
{
    const uint8_t uuid[STATE_UUID] = {8, number};
    struct slice values[2] = {slice_of(class), slice_of(value)};
    const struct attribute attributes[2] = {
        {.name = slice_of("objectClass"), .values = &values[0], .value_count = 1},
        {.name = slice_of(name), .values = &values[1], .value_count = 1},
    };

    assert_int_equal(state_put(fixture->state, uuid, slice_of(dn), attributes, 2), 0);
}

void begin(struct fixture *fixture)
{
    assert_int_equal(state_begin(fixture->state), 0);
}

void commit(struct fixture *fixture)
{
    assert_int_equal(state_commit(fixture->state), 0);
}

void expect(struct fixture *fixture, const char *organization, const char *uid, const char *query,
            int answer)
{
    int got = state_tree_check(fixture->state, fixture->directory, organization, uid, query, NOW);

    if (got != answer)
        fprintf(stderr, "%s in %s: %s: %s, not %s\n", uid, organization, query, err_name(got),
                err_name(answer));
    assert_int_equal(got, answer);
}

void expect_tree(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_tree_differences(fixture->state, fixture->directory, tree, NOW), 0);
    naive_free(tree);
}

struct state_counts counts_of(struct fixture *fixture)
{
    struct state_counts counts;

    assert_int_equal(state_count(fixture->state, &counts), 0);
    return counts;
}

char *file_in(const struct fixture *fixture, const char *name)
{
    return mem_printf("%s/%s", fixture->directory, name);
}

void overwrite(const struct fixture *fixture, const char *name, const char *text, size_t len)
{
    char *path = file_in(fixture, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, len, 0), (ssize_t)len);
    close(fd);
    free(path);
}
