/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PINs: syntax, a foreign scrypt vector, records that are good, wrong and hostile.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "secret/pin.h"

#include <stdio.h>
#include <string.h>

/* hashlib.scrypt(b"007", salt=bytes(range(16)), n=16, r=8, p=1, dklen=32) */
#define SALT "AAECAwQFBgcICQoLDA0ODw=="
#define HASH "lf8x1FakSm7rBuOjC2XyPTz/dtAFLAVcWrUlh8EyXFk="

static void syntax(void **state)
{
    static const struct {
        struct slice pin;
        int err;
    } cases[] = {
        {{"0", 1}, 0},
        {{"007", 3}, 0},
        {{"12345678", 8}, 0},
        {{"", 0}, E_SYNTAX},
        {{"123456789", 9}, E_SYNTAX},
        {{"12a4", 4}, E_SYNTAX},
        {{" 12", 3}, E_SYNTAX},
        {{"-1", 2}, E_SYNTAX},
        {{"12\0", 3}, E_SYNTAX},
        {{"\b\n\r\177INCORRECT", 13}, E_SYNTAX},
        {{"\xd9\xa1", 2}, E_SYNTAX},
    };
    char record[PIN_RECORD_MAX] = "untouched";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(pin_syntax(cases[i].pin), cases[i].err);
        if (cases[i].err == 0)
            continue;
        assert_int_equal(pin_hash(cases[i].pin, 4, record), E_SYNTAX);
        assert_int_equal(pin_verify(cases[i].pin, slice_of("")), E_SYNTAX);
        assert_int_equal(pin_dummy(cases[i].pin, 4), E_SYNTAX);
    }
    assert_string_equal(record, "untouched");
}

static void hashes(void **state)
{
    static const unsigned costs[] = {PIN_COST_LEAST, 4, PIN_COST_PRESET};
    char record[PIN_RECORD_MAX], again[PIN_RECORD_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        assert_int_equal(pin_hash(slice_of("007"), costs[i], record), 0);
        assert_int_equal(pin_hash(slice_of("007"), costs[i], again), 0);
        assert_string_not_equal(record, again);
        assert_int_equal(pin_verify(slice_of("007"), slice_of(record)), 0);
        assert_int_equal(pin_verify(slice_of("7"), slice_of(record)), E_AUTH);
        assert_int_equal(pin_verify(slice_of("0070"), slice_of(record)), E_AUTH);
        assert_int_equal(pin_dummy(slice_of("007"), costs[i]), E_AUTH);
    }
    assert_int_equal(pin_hash(slice_of("1"), PIN_COST_LEAST - 1, record), E_LIMIT);
    assert_int_equal(pin_hash(slice_of("1"), PIN_COST_MOST + 1, record), E_LIMIT);
    assert_int_equal(pin_dummy(slice_of("1"), PIN_COST_MOST + 1), E_LIMIT);
}

static void records(void **state)
{
    static const struct {
        const char *record;
        int err;
    } cases[] = {
        {"scrypt$4$8$1$" SALT "$" HASH, 0},
        {"scrypt$5$8$1$" SALT "$" HASH, E_AUTH},
        {"scrypt$4$7$1$" SALT "$" HASH, E_AUTH},
        {"scrypt$4$8$2$" SALT "$" HASH, E_AUTH},
        {"", E_CRYPTO},
        {"scrypt", E_CRYPTO},
        {"argon2$4$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$0$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$18$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$63$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$04$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$-4$8$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$4$9$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$4$0$1$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$4$8$5$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$4$8$0$" SALT "$" HASH, E_CRYPTO},
        {"scrypt$4$8$1$" SALT "$", E_CRYPTO},
        {"scrypt$4$8$1$" SALT, E_CRYPTO},
        {"scrypt$4$8$1$$" HASH, E_CRYPTO},
        {"scrypt$4$8$1$" SALT "$" HASH "$", E_CRYPTO},
        {"scrypt$4$8$1$" SALT "$" HASH "$x", E_CRYPTO},
        {"scrypt$4$8$1$" HASH "$" SALT, E_CRYPTO},
        {"scrypt$4$8$1$AAAA$" HASH, E_CRYPTO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int err = pin_verify(slice_of("007"), slice_of(cases[i].record));
        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].record, err_name(err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax),
        cmocka_unit_test(hashes),
        cmocka_unit_test(records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
