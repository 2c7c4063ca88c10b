/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The catalogue: identifiers and bits, holes, replacing, usherRequires over time, and a long random
 * run against a plain array.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/catalogue.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put(struct catalogue *catalogue, unsigned bit, const char *id, const char *requires)
{
    return catalogue_put(catalogue, bit, slice_of(id), slice_of(NULL), false, false,
                         slice_of(requires));
}

static int find(const struct catalogue *catalogue, const char *id, struct permission *ret)
{
    return catalogue_find(catalogue, slice_of(id), ret);
}

static void test_put_and_find(void **unused)
{
    struct catalogue *catalogue = catalogue_new();
    struct permission permission;
    struct slice id;

    (void)unused;
    assert_int_equal(catalogue_bits(catalogue), 0);
    assert_int_equal(find(catalogue, "a:b", &permission), E_NOPERM);
    assert_int_equal(catalogue_put(catalogue, 70, slice_of("gate:scan"), slice_of("app"), true,
                                   true, slice_of(NULL)),
                     0);
    assert_int_equal(catalogue_bits(catalogue), 71);
    assert_int_equal(find(catalogue, "gate:scan", &permission), 0);
    assert_int_equal(permission.bit, 70);
    assert_true(slice_is(permission.channel, "app"));
    assert_true(permission.editing);
    assert_true(permission.factor);
    assert_int_equal(permission.requires, REQUIRES_NOTHING);
    assert_int_equal(catalogue_at(catalogue, 70, &permission, &id), 0);
    assert_int_equal(permission.bit, 70);
    assert_true(slice_is(id, "gate:scan"));
    assert_int_equal(catalogue_at(catalogue, 70, &permission, NULL), 0);
    assert_int_equal(catalogue_at(catalogue, 70, NULL, NULL), 0);
    assert_int_equal(catalogue_at(catalogue, 69, &permission, &id), E_NOTFOUND);
    assert_int_equal(catalogue_at(catalogue, 71, &permission, &id), E_NOTFOUND);
    assert_int_equal(catalogue_at(catalogue, UINT32_MAX, &permission, &id), E_NOTFOUND);
    catalogue_free(catalogue);
    catalogue_free(NULL);
}

static void test_not_found(void **unused)
{
    static const char *const others[] = {
        "gate:sca", "gate:scans", "Gate:scan", "gate", "", "gate:scan ", "scan:gate",
    };
    struct catalogue *catalogue = catalogue_new();
    struct permission permission = {.bit = 4711};
    char huge[PERMISSION_MAX + 2];

    (void)unused;
    assert_int_equal(put(catalogue, 0, "gate:scan", NULL), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(find(catalogue, others[i], &permission), E_NOPERM);
    memset(huge, 'a', sizeof(huge));
    assert_int_equal(catalogue_find(catalogue, (struct slice){huge, sizeof(huge)}, &permission),
                     E_NOPERM);
    assert_int_equal(catalogue_find(catalogue, (struct slice){0}, &permission), E_NOPERM);
    assert_int_equal(permission.bit, 4711);
    catalogue_free(catalogue);
}

static void test_refused(void **unused)
{
    static const struct {
        unsigned bit;
        const char *id;
        int err;
    } rows[] = {
        {CATALOGUE_MAX, "c:d", E_LIMIT},
        {UINT32_MAX, "c:d", E_LIMIT},
        {1, "", E_SYNTAX},
        {1, "c", E_SYNTAX},
        {1, "c:*", E_SYNTAX},
        {1, "C:d", E_SYNTAX},
        {1, "+c:d", E_SYNTAX},
        {1, "c:d@x/y", E_SYNTAX},
        {1, "a:b", E_EXISTS},
        {CATALOGUE_MAX - 1, "c:d", 0},
        {0, "a:b", 0},
    };
    struct catalogue *catalogue = catalogue_new();
    struct permission permission;

    (void)unused;
    assert_int_equal(put(catalogue, 0, "a:b", NULL), 0);
    assert_int_equal(put(catalogue, 1, "old:one", NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(put(catalogue, rows[i].bit, rows[i].id, NULL), rows[i].err);
        assert_int_equal(find(catalogue, "old:one", &permission), 0);
        assert_int_equal(permission.bit, 1);
    }
    assert_int_equal(catalogue_bits(catalogue), CATALOGUE_MAX);
    catalogue_free(catalogue);
}

static void test_replace_and_remove(void **unused)
{
    struct catalogue *catalogue = catalogue_new();
    struct permission permission;
    struct slice id;

    (void)unused;
    assert_int_equal(put(catalogue, 3, "a:b", NULL), 0);
    assert_int_equal(
        catalogue_put(catalogue, 3, slice_of("a:b"), slice_of("app"), false, true, slice_of(NULL)),
        0);
    assert_int_equal(find(catalogue, "a:b", &permission), 0);
    assert_true(permission.factor);
    assert_int_equal(put(catalogue, 3, "c:d", NULL), 0);
    assert_int_equal(find(catalogue, "a:b", &permission), E_NOPERM);
    assert_int_equal(put(catalogue, 5, "a:b", NULL), 0);
    catalogue_remove(catalogue, 3);
    catalogue_remove(catalogue, 3);
    catalogue_remove(catalogue, 4);
    catalogue_remove(catalogue, CATALOGUE_MAX);
    assert_int_equal(find(catalogue, "c:d", &permission), E_NOPERM);
    assert_int_equal(catalogue_at(catalogue, 3, &permission, &id), E_NOTFOUND);
    assert_int_equal(catalogue_bits(catalogue), 6);
    catalogue_remove(catalogue, 5);
    assert_int_equal(catalogue_bits(catalogue), 0);
    catalogue_free(catalogue);
}

/* Text given may be that of the row which it replaces. */
static void test_put_from_itself(void **unused)
{
    struct catalogue *catalogue = catalogue_new();
    struct permission permission;
    struct slice id;

    (void)unused;
    assert_int_equal(
        catalogue_put(catalogue, 0, slice_of("a:b"), slice_of("app"), false, false, slice_of(NULL)),
        0);
    assert_int_equal(catalogue_at(catalogue, 0, &permission, &id), 0);
    assert_int_equal(
        catalogue_put(catalogue, 0, id, permission.channel, true, false, slice_of(NULL)), 0);
    assert_int_equal(find(catalogue, "a:b", &permission), 0);
    assert_true(slice_is(permission.channel, "app"));
    assert_true(permission.editing);
    catalogue_free(catalogue);
}

static int requires_of(const struct catalogue *catalogue, const char *id)
{
    struct permission permission = {.requires = -99};

    assert_int_equal(find(catalogue, id, &permission), 0);
    return permission.requires;
}

static void test_requires(void **unused)
{
    struct catalogue *catalogue = catalogue_new();

    (void)unused;
    assert_int_equal(put(catalogue, 0, "a:b", "c:d"), 0);
    assert_int_equal(put(catalogue, 1, "self:ish", "self:ish"), 0);
    assert_int_equal(put(catalogue, 2, "odd:one", "no permission"), 0);
    assert_int_equal(requires_of(catalogue, "a:b"), REQUIRES_UNKNOWN);
    assert_int_equal(requires_of(catalogue, "self:ish"), 1);
    assert_int_equal(requires_of(catalogue, "odd:one"), REQUIRES_UNKNOWN);
    assert_int_equal(put(catalogue, 9, "c:d", NULL), 0);
    assert_int_equal(requires_of(catalogue, "a:b"), 9);
    catalogue_remove(catalogue, 9);
    assert_int_equal(requires_of(catalogue, "a:b"), REQUIRES_UNKNOWN);
    assert_int_equal(put(catalogue, 4, "c:d", NULL), 0);
    assert_int_equal(requires_of(catalogue, "a:b"), 4);
    catalogue_free(catalogue);
}

/* Full, then emptied in another order. */
static void test_full(void **unused)
{
    struct catalogue *catalogue = catalogue_new();
    struct permission permission;
    char id[32];

    (void)unused;
    for (unsigned bit = 0; bit < CATALOGUE_MAX; bit++) {
        snprintf(id, sizeof(id), "r%u:a", bit);
        assert_int_equal(put(catalogue, bit, id, NULL), 0);
    }
    for (unsigned i = 0; i < CATALOGUE_MAX; i++) {
        unsigned bit = i * 5 % CATALOGUE_MAX;

        snprintf(id, sizeof(id), "r%u:a", bit);
        assert_int_equal(find(catalogue, id, &permission), 0);
        assert_int_equal(permission.bit, bit);
        catalogue_remove(catalogue, bit);
        assert_int_equal(find(catalogue, id, &permission), E_NOPERM);
    }
    assert_int_equal(catalogue_bits(catalogue), 0);
    catalogue_free(catalogue);
}

#define BITS 40
#define IDS  60

/* Random puts and removals against an array of the id at each bit. */
static void test_random(void **unused)
{
    struct catalogue *catalogue = catalogue_new();
    int at[BITS]; /* the id at each bit, or -1 */

    (void)unused;
    memset(at, 0xff, sizeof(at));
    srand(1);
    for (int round = 0; round < 20000; round++) {
        unsigned bit = (unsigned)rand() % BITS;
        int number = rand() % IDS, elsewhere = 0, held = -1;
        struct permission permission;
        char id[32];

        snprintf(id, sizeof(id), "r%d:a", number);
        for (unsigned i = 0; i < BITS; i++) {
            elsewhere |= at[i] == number && i != bit;
            held = at[i] == number ? (int)i : held;
        }
        assert_int_equal(find(catalogue, id, &permission), held < 0 ? E_NOPERM : 0);
        if (held >= 0)
            assert_int_equal(permission.bit, held);
        if (rand() % 3 == 0) {
            catalogue_remove(catalogue, bit);
            at[bit] = -1;
            continue;
        }
        assert_int_equal(put(catalogue, bit, id, NULL), elsewhere ? E_EXISTS : 0);
        if (!elsewhere)
            at[bit] = number;
    }
    catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_and_find),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_replace_and_remove),
        cmocka_unit_test(test_put_from_itself),
        cmocka_unit_test(test_requires),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
