/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Buckets: what they hold, how they fill, that keys do not share, and what a flood of keys does.
 */
#include "base/err.h"
#include "server/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* How many of so many tries at one instant go through. */
static int takes(struct limit *limit, unsigned count, const char *key, int64_t now_ms, int tries)
{
    int went = 0;

    for (int i = 0; i < tries; i++) {
        int rc = limit_take(limit, count, slice_of(key), now_ms);
        assert_true(rc == 0 || rc == E_BUSY);
        went += rc == 0;
    }
    return went;
}

static void off(void **state)
{
    struct limit *limit = limit_new(1000);

    (void)state;
    assert_int_equal(takes(limit, 0, "a", 0, 1000), 1000);
    assert_int_equal(takes(limit, 2, "a", 0, 1000), 2); /* what was free is not held against it */
    limit_free(limit);
    limit_free(NULL);
}

static void fills(void **state)
{
    static const struct {
        int64_t at_ms; /* since the first */
        int tries, went;
    } cases[] = {
        {0, 20, 10},      {99, 5, 0},     {100, 5, 1},    {199, 5, 0},  {200, 1, 1},
        {700, 20, 5},     {1700, 50, 10}, {1750, 100, 0}, {1799, 1, 0}, {1800, 1, 1},
        {100000, 20, 10}, {99000, 1, 0}, /* a clock that goes back gives nothing away */
    };
    struct limit *limit = limit_new(1000);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (takes(limit, 10, "a", 5000 + cases[i].at_ms, cases[i].tries) != cases[i].went)
            fail_msg("case %zu", i);
    limit_free(limit);
}

static void keys_are_apart(void **state)
{
    struct limit *limit = limit_new(60000);

    (void)state;
    assert_int_equal(takes(limit, 3, "uid:0", 1, 5), 3);
    assert_int_equal(takes(limit, 3, "uid:1", 1, 5), 3);
    assert_int_equal(takes(limit, 3, "", 1, 5), 3);
    assert_int_equal(limit_take(limit, 3, (struct slice){"uid:0\0", 6}, 1), 0);
    assert_int_equal(takes(limit, 3, "uid:0", 1, 5), 0);
    limit_free(limit);
}

/* A reload gives another count: what was taken stays taken. */
static void count_changes(void **state)
{
    static const struct {
        unsigned count;
        int64_t at_ms;
        int went;
    } cases[] = {{4, 0, 4}, {6, 0, 2}, {2, 0, 0}, {2, 499, 0}, {2, 500, 1}, {8, 500, 6}};
    struct limit *limit = limit_new(1000);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (takes(limit, cases[i].count, "a", 1 + cases[i].at_ms, 20) != cases[i].went)
            fail_msg("case %zu", i);
    limit_free(limit);
}

/* What is given back can be taken again, no more than was taken, and by nobody else. */
static void given_back(void **state)
{
    struct limit *limit = limit_new(1000);

    (void)state;
    limit_give(limit, slice_of("a")); /* nothing was taken */
    assert_int_equal(takes(limit, 2, "a", 1, 5), 2);
    limit_give(limit, slice_of("b"));
    assert_int_equal(takes(limit, 2, "a", 1, 5), 0);
    limit_give(limit, slice_of("a"));
    assert_int_equal(takes(limit, 2, "a", 1, 5), 1);
    for (int i = 0; i < 5; i++)
        limit_give(limit, slice_of("a"));
    assert_int_equal(takes(limit, 2, "a", 1, 5), 2);
    limit_free(limit);
}

/* A flood of other keys refuses nobody who is new, and makes the limit forget hardly anything. */
static void flood(void **state)
{
    struct limit *limit = limit_new(3600000);
    char key[32];
    int refused = 0, innocent = 0;

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "busy-%d", i);
        assert_int_equal(takes(limit, 2, key, 1, 2), 2);
    }
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "flood-%d", i);
        innocent += takes(limit, 2, key, 2, 1);
    }
    assert_int_equal(innocent, 100000);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "busy-%d", i);
        refused += takes(limit, 2, key, 3, 1) == 0;
    }
    assert_true(refused > 450);
    limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off),           cmocka_unit_test(fills), cmocka_unit_test(keys_are_apart),
        cmocka_unit_test(count_changes), cmocka_unit_test(flood), cmocka_unit_test(given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
