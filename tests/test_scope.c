/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The order of scopes, which scope is wider than which, and the small words: names, labels,
 * settings.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/grant.h"
#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NAME_64      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"

/* Each scope is less than the next; the wider one of each. */
static void test_scopes(void **unused)
{
    static const char *const order[][2] = {
        {"giftcard/card", "giftcard/*"},
        {"payment/Card", "payment/*"},
        {"payment/car", "payment/*"},
        {"payment/card", "payment/*"},
        {"giftcard/*", NULL},
        {"payment/*", NULL},
        {"event/acme/ham", "event/ACME/*"},
        {"event/ACME/Hamlet", "event/acme/*"},
        {"event/acme/macbeth", "event/acme/*"},
        {"event/beta/hamlet", "event/beta/*"},
        {"event/acme/*", "event/*"},
        {"event/BETA/*", "event/*"},
        {"event/*", NULL},
    };
    struct scope a, b, wider;

    (void)unused;
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_int_equal(scope_parse(slice_of(order[i][0]), &a), 0);
        for (size_t j = 0; j < COUNT(order); j++) {
            int sign;

            assert_int_equal(scope_parse(slice_of(order[j][0]), &b), 0);
            sign = scope_compare(&a, &b);
            assert_int_equal((sign > 0) - (sign < 0), (i > j) - (i < j));
        }
        wider = scope_wider(&a);
        if (order[i][1] == NULL) {
            assert_int_equal(wider.kind, SCOPE_NONE);
            continue;
        }
        assert_int_equal(scope_parse(slice_of(order[i][1]), &b), 0);
        assert_int_equal(scope_compare(&wider, &b), 0);
    }
}

static void test_names(void **unused)
{
    (void)unused;
    assert_true(name_valid(slice_of(NAME_64)));
    assert_true(name_valid(slice_of("-")));
    assert_false(name_valid(slice_of(NAME_64 "x")));
    assert_false(name_valid(slice_of("")));
    assert_false(name_valid(slice_of("a/b")));
    assert_false(name_valid(slice_of("*")));
    assert_true(label_valid(slice_of("a-0")));
    assert_false(label_valid(slice_of("A")));
    assert_false(label_valid(slice_of("a.b")));
    assert_false(label_valid((struct slice){0}));
    assert_true(permission_valid(slice_of("a.b:c")));
    assert_false(permission_valid(slice_of("a.*:c")));
    assert_false(permission_valid(slice_of("a:b@x/y")));
}

static void test_setting(void **unused)
{
    static const struct {
        const char *text, *name, *value;
    } rows[] = {
        {"view=full", "view", "full"}, {"view=", "view", ""},
        {"a=b=c", "a", "b=c"},         {"a==", "a", "="},
        {"=full", NULL, NULL},         {"", NULL, NULL},
        {"view", NULL, NULL},          {"=", NULL, NULL},
    };

    (void)unused;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice name = {0}, value = {0};
        int err = setting_parse(slice_of(rows[i].text), &name, &value);

        assert_int_equal(err, rows[i].name != NULL ? 0 : E_SYNTAX);
        assert_true(slice_is(name, rows[i].name));
        assert_true(slice_is(value, rows[i].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
