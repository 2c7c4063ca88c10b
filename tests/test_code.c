/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mailed and texted codes: their life of five minutes, whose they are, and records that were
 * changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "group_keys.h"
#include "secret/code.h"

#include <string.h>

#define NOW INT64_C(1790000000000)

static void life(void **state)
{
    static const struct {
        const char *person, *code; /* code NULL: the right one */
        int64_t at_ms;
        int err;
    } cases[] = {
        {"p1", NULL, NOW, 0},
        {"P1", NULL, NOW, 0},
        {"p1", NULL, NOW + CODE_LIFETIME_MS - 1, 0},
        {"p1", NULL, NOW + CODE_LIFETIME_MS, E_TIMEOUT},
        {"p1", "000", NOW + CODE_LIFETIME_MS, E_TIMEOUT},
        {"p1", NULL, NOW - 1000, 0}, /* another gateway's clock */
        {"p1", NULL, NOW - 3600000, E_TIMEOUT},
        {"p2", NULL, NOW, E_CRYPTO},
        {"p1", "", NOW, E_AUTH},
        {"p1", "12345", NOW, E_AUTH},
        {"p1", "1234567", NOW, E_AUTH},
        {"p1", "abcdef", NOW, E_AUTH},
    };
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX], wrong[CODE_DIGITS + 1];

    (void)state;
    assert_int_equal(code_new(keys, slice_of("p1"), slice_of("email"), NOW, code, record), 0);
    assert_int_equal(strspn(code, "0123456789"), CODE_DIGITS);
    assert_null(strstr(record, code));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *try = cases[i].code != NULL ? cases[i].code : code;
        int err = code_check(keys, slice_of(cases[i].person), slice_of(record), slice_of(try),
                             cases[i].at_ms);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_name(err));
    }
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        strcpy(wrong, code);
        wrong[i] = (char)(wrong[i] == '9' ? '0' : wrong[i] + 1);
        assert_int_equal(code_check(keys, slice_of("p1"), slice_of(record), slice_of(wrong), NOW),
                         E_AUTH);
    }
}

/* No byte of the record can be changed: later expiry, other means, other code. */
static void tampering(void **state)
{
    static const char *const hostile[] = {"",
                                          "email",
                                          "email 1 2",
                                          "email 1 2 ",
                                          "EMAIL 1 2 x",
                                          "email 1 2 usher1.a.AAAA",
                                          "email  1 2 x",
                                          "email 1 99999"};
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX], changed[CODE_RECORD_MAX + 8];

    (void)state;
    assert_int_equal(code_new(keys, slice_of("p1"), slice_of("sms"), NOW, code, record), 0);
    for (size_t i = 0; i < strlen(record); i++) {
        strcpy(changed, record);
        changed[i] = (char)(changed[i] ^ 1);
        assert_int_equal(code_check(keys, slice_of("p1"), slice_of(changed), slice_of(code), NOW),
                         E_CRYPTO);
    }
    snprintf(changed, sizeof(changed), "%s x", record);
    assert_int_equal(code_check(keys, slice_of("p1"), slice_of(changed), slice_of(code), NOW),
                     E_CRYPTO);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        assert_int_equal(code_check(keys, slice_of("p1"), slice_of(hostile[i]), slice_of(code), 1),
                         E_CRYPTO);
}

static void one_a_minute(void **state)
{
    static const struct {
        const char *record; /* NULL: the real one */
        int64_t at_ms;
        int err;
        int64_t wait_ms;
    } cases[] = {
        {NULL, NOW, E_BUSY, 60000}, {NULL, NOW + 59999, E_BUSY, 1},
        {NULL, NOW + 60000, 0, -7}, {NULL, NOW - 1000000, E_BUSY, 60000},
        {"", NOW, 0, -7},           {"junk", NOW, 0, -7},
    };
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX];

    (void)state;
    assert_int_equal(code_new(keys, slice_of("p1"), slice_of("email"), NOW, code, record), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t wait_ms = -7;
        const char *text = cases[i].record != NULL ? cases[i].record : record;
        assert_int_equal(code_interval(slice_of(text), cases[i].at_ms, &wait_ms), cases[i].err);
        assert_int_equal(wait_ms, cases[i].wait_ms);
    }
}

static void means(void **state)
{
    static const struct {
        const char *means;
        int err;
    } cases[] = {
        {"email", 0},
        {"sms", 0},
        {"abcdefghijklmnop", 0},
        {"", E_SYNTAX},
        {"abcdefghijklmnopq", E_SYNTAX},
        {"e mail", E_SYNTAX},
        {"SMS", E_SYNTAX},
    };
    char code[CODE_DIGITS + 1] = "x", record[CODE_RECORD_MAX] = "x";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            code_new(keys, slice_of("p1"), slice_of(cases[i].means), NOW, code, record),
            cases[i].err);
    assert_int_equal(code_new(keys, slice_of(""), slice_of("sms"), NOW, code, record), E_LIMIT);
    assert_int_equal(code_new(keys, slice_of("p1"), slice_of("sms"), -1, code, record), E_LIMIT);
}

/* Of 6000 first digits each should be seen about 600 times; seven deviations are allowed. */
static void uniform(void **state)
{
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX];
    unsigned seen[10] = {0};

    (void)state;
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(code_new(keys, slice_of("p1"), slice_of("sms"), NOW, code, record), 0);
        seen[code[0] - '0']++;
    }
    for (int digit = 0; digit < 10; digit++)
        assert_in_range(seen[digit], 600 - 163, 600 + 163);
}

/* With a new key: the same code, means and times. */
static void sealed_again(void **state)
{
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX], again[CODE_RECORD_MAX];
    struct slice person = slice_of("p1");
    struct turning_keys turning;

    (void)state;
    turning_keys_begin(&turning);
    assert_int_equal(code_new(turning.keys, person, slice_of("email"), NOW, code, record), 0);
    assert_int_equal(code_again(turning.keys, person, slice_of(record), again), E_EXISTS);
    turning_keys_turn(&turning);
    assert_int_equal(code_again(turning.keys, slice_of("p2"), slice_of(record), again), E_CRYPTO);
    assert_int_equal(code_again(turning.keys, person, slice_of("no record"), again), E_CRYPTO);
    assert_int_equal(code_again(keys, person, slice_of(record), again), E_NOTFOUND);
    assert_int_equal(code_again(turning.keys, person, slice_of(record), again), 0);
    assert_string_not_equal(again, record);
    assert_int_equal(strcspn(again, "u"), strcspn(record, "u")); /* what stands in the clear */
    assert_memory_equal(again, record, strcspn(record, "u"));
    assert_int_equal(code_check(turning.keys, person, slice_of(again), slice_of(code), NOW), 0);
    assert_int_equal(
        code_check(turning.keys, person, slice_of(again), slice_of(code), NOW + CODE_LIFETIME_MS),
        E_TIMEOUT);
    turning_keys_end(&turning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),  cmocka_unit_test(tampering), cmocka_unit_test(one_a_minute),
        cmocka_unit_test(means), cmocka_unit_test(uniform),   cmocka_unit_test(sealed_again),
    };
    return cmocka_run_group_tests(tests, group_keys_set_up, group_keys_tear_down);
}
