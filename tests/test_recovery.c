/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recovery codes: what people may type, one use of each code, whose they are, and records that were
 * changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "fixture_keys.h"
#include "secret/recovery.h"

#include <string.h>

static struct slice person(void)
{
    return slice_of("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e01");
}

static void typed(void **state)
{
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"abcde-fghij", 0},
        {"ABCDE-FGHIJ", 0},
        {"abcdefghij", 0},
        {" a-b c--dEfGh I j ", 0},
        {"", E_SYNTAX},
        {"---", E_SYNTAX},
        {"123456", E_SYNTAX},
        {"abcde-fghi", E_SYNTAX},
        {"abcde-fghijk", E_SYNTAX},
        {"abcde-fgh1j", E_SYNTAX},
        {"abcde_fghij", E_SYNTAX},
        {"abcde\tfghij", E_SYNTAX},
        {"abcde-fghi\xc3\xa9", E_SYNTAX},
        {"abcdefghij123456", E_SYNTAX},
    };
    char letters[RECOVERY_LETTERS];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(letters, '?', sizeof(letters));
        assert_int_equal(recovery_letters(slice_of(cases[i].text), letters), cases[i].err);
        assert_memory_equal(letters, cases[i].err == 0 ? "abcdefghij" : "??????????", 10);
    }
    assert_int_equal(recovery_letters((struct slice){"abcde\0fghi", 10}, letters), E_SYNTAX);
}

static void one_use_each(void **state)
{
    struct keys *keys = fixture_keys();
    char codes[RECOVERY_CODES][RECOVERY_TEXT_MAX], letters[RECOVERY_CODES][RECOVERY_LETTERS];
    char record[RECOVERY_RECORD_MAX], next[RECOVERY_RECORD_MAX];
    unsigned left = 99;

    (void)state;
    assert_int_equal(recovery_new(keys, person(), codes, record), 0);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        assert_int_equal(strlen(codes[i]), RECOVERY_TEXT_MAX - 1);
        assert_int_equal(codes[i][5], '-');
        assert_int_equal(recovery_letters(slice_of(codes[i]), letters[i]), 0);
        assert_null(strstr(record, codes[i]));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(letters[i], letters[j], RECOVERY_LETTERS);
    }
    assert_int_equal(recovery_use(keys, person(), slice_of(record), "abcdefghij", next, &left),
                     E_AUTH);
    assert_int_equal(left, 99);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        size_t k = (i * 7) % RECOVERY_CODES; /* not in their order */

        assert_int_equal(recovery_use(keys, person(), slice_of(record), letters[k], next, &left),
                         0);
        assert_int_equal(left, RECOVERY_CODES - 1 - i);
        assert_true(strlen(next) < RECOVERY_RECORD_MAX);
        memcpy(record, next, sizeof(record));
        assert_int_equal(recovery_use(keys, person(), slice_of(record), letters[k], next, &left),
                         E_CONFLICT);
    }
    keys_free(keys);
}

static void whose_they_are(void **state)
{
    struct keys *keys = fixture_keys(), *others = fixture_keys();
    char codes[RECOVERY_CODES][RECOVERY_TEXT_MAX], letters[RECOVERY_LETTERS];
    char record[RECOVERY_RECORD_MAX], next[RECOVERY_RECORD_MAX], sealed[SEAL_MAX];
    struct seal_for what = {.purpose = slice_of(SEAL_RECOVERY), .person = person()};
    unsigned left;

    (void)state;
    assert_int_equal(recovery_new(keys, person(), codes, record), 0);
    assert_int_equal(recovery_letters(slice_of(codes[3]), letters), 0);
    assert_int_equal(
        recovery_use(keys, slice_of("somebody-else"), slice_of(record), letters, next, &left),
        E_CRYPTO);
    assert_int_equal(recovery_use(others, person(), slice_of(record), letters, next, &left),
                     E_CRYPTO);
    for (size_t i = 0; record[i] != '\0'; i++) {
        record[i] ^= 1;
        assert_int_equal(recovery_use(keys, person(), slice_of(record), letters, next, &left),
                         E_CRYPTO);
        record[i] ^= 1;
    }
    assert_int_equal(recovery_use(keys, person(), slice_of(""), letters, next, &left), E_CRYPTO);
    /* well sealed, but no set */
    assert_int_equal(seal_close(keys, &what, "\1short", 6, sealed), 0);
    assert_int_equal(recovery_use(keys, person(), slice_of(sealed), letters, next, &left),
                     E_CRYPTO);
    assert_int_equal(recovery_use(keys, person(), slice_of(record), letters, next, &left), 0);
    keys_free(keys);
    keys_free(others);
}

static void sets_differ(void **state)
{
    struct keys *keys = fixture_keys();
    char codes[RECOVERY_CODES][RECOVERY_TEXT_MAX], others[RECOVERY_CODES][RECOVERY_TEXT_MAX];
    char record[RECOVERY_RECORD_MAX];
    bool seen[26] = {false};
    size_t letters = 0;

    (void)state;
    assert_int_equal(recovery_new(keys, person(), codes, record), 0);
    assert_int_equal(recovery_new(keys, person(), others, record), 0);
    assert_memory_not_equal(codes, others, sizeof(codes));
    for (int set = 0; set < 20; set++) {
        assert_int_equal(recovery_new(keys, person(), codes, record), 0);
        for (const char *c = codes[0]; c < codes[0] + sizeof(codes); c++)
            if (*c != '-' && *c != '\0') {
                assert_true(*c >= 'a' && *c <= 'z');
                seen[*c - 'a'] = true;
            }
    }
    for (size_t i = 0; i < 26; i++)
        letters += seen[i];
    assert_int_equal(letters, 26); /* missing one in 2000 letters: once in 10^33 runs */
    keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed),
        cmocka_unit_test(one_use_each),
        cmocka_unit_test(whose_they_are),
        cmocka_unit_test(sets_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
