/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Application passwords: what is made opens for its person alone and holds its scope; names, labels
 * and letters that will do and will not; changed values.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "group_keys.h"
#include "secret/app_password.h"
#include "secret/letters.h"

#include <string.h>

static void there_and_back(void **state)
{
    struct app_password asked = {.organization = "acme",
                                 .service = "ldap",
                                 .label = "Mail on the phone; \xc3\xbc",
                                 .created_ms = 1763764800000};
    struct slice person = slice_of("p1"), other = slice_of("p2");
    char text[APP_PASSWORD_TEXT_MAX], sealed[SEAL_MAX], letters[APP_PASSWORD_LETTERS];
    struct app_password got = {0};

    (void)state;
    assert_int_equal(app_password_new(keys, person, &asked, text, sealed), 0);
    assert_int_equal(strlen(text), APP_PASSWORD_TEXT_MAX - 1);
    assert_int_equal(strlen(asked.id), 8);
    assert_int_equal(app_password_letters(slice_of(text), letters), 0);
    assert_int_equal(app_password_check(keys, person, slice_of(sealed), letters, &got), 0);
    assert_memory_equal(&got, &asked, sizeof(got));
    memset(&got, 0, sizeof(got));
    assert_int_equal(app_password_open(keys, person, slice_of(sealed), &got), 0);
    assert_memory_equal(&got, &asked, sizeof(got));
    assert_int_equal(app_password_check(keys, other, slice_of(sealed), letters, &got), E_CRYPTO);
    letters[7] = letters[7] == 'x' ? 'y' : 'x';
    memset(&got, '?', sizeof(got));
    assert_int_equal(app_password_check(keys, person, slice_of(sealed), letters, &got), E_AUTH);
    assert_int_equal(got.id[0], '?');
    for (size_t i = 0; sealed[i] != '\0'; i++) {
        sealed[i] ^= 1;
        assert_int_equal(app_password_open(keys, person, slice_of(sealed), &got), E_CRYPTO);
        sealed[i] ^= 1;
    }
}

static void what_may_be_asked(void **state)
{
    static const struct {
        const char *organization, *service, *label;
        int err;
    } cases[] = {
        {"a", "b", "c", 0},           {"a.b_c-9", "imap", " a label ", 0},
        {"", "b", "c", E_SYNTAX},     {"a", "", "c", E_SYNTAX},
        {"a", "b", "", E_SYNTAX},     {"A", "b", "c", E_SYNTAX},
        {"a", "b c", "c", E_SYNTAX},  {"a", "b", "c\n", E_SYNTAX},
        {"a", "b", "\x7f", E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct app_password asked = {.created_ms = 1};
        char text[APP_PASSWORD_TEXT_MAX], sealed[SEAL_MAX];
        struct app_password got;

        strcpy(asked.organization, cases[i].organization);
        strcpy(asked.service, cases[i].service);
        strcpy(asked.label, cases[i].label);
        assert_int_equal(app_password_new(keys, slice_of("p"), &asked, text, sealed), cases[i].err);
        if (cases[i].err == 0) {
            assert_int_equal(app_password_open(keys, slice_of("p"), slice_of(sealed), &got), 0);
            assert_string_equal(got.label, cases[i].label);
        }
    }
}

static void longest(void **state)
{
    struct app_password asked = {.created_ms = 999999999999999}, got;
    char text[APP_PASSWORD_TEXT_MAX], sealed[SEAL_MAX];

    (void)state;
    memset(asked.organization, 'o', 64);
    memset(asked.service, 's', 64);
    memset(asked.label, 'l', 64);
    assert_int_equal(app_password_new(keys, slice_of("p"), &asked, text, sealed), 0);
    assert_int_equal(app_password_open(keys, slice_of("p"), slice_of(sealed), &got), 0);
    assert_memory_equal(&got, &asked, sizeof(got));
    assert_true(app_password_name((struct slice){asked.organization, 64}));
    assert_false(
        app_password_name((struct slice){"oooooooooooooooooooooooooooooooooooooooooooooooooo"
                                         "ooooooooooooooo",
                                         65}));
    assert_false(app_password_name((struct slice){"a\0b", 3}));
}

static void sealed_but_no_password(void **state)
{
    static const char *const plains[] = {"",
                                         "1",
                                         "2 id 1 a b c d",
                                         "1 id 1 a b AAAA label",
                                         "1 toolongid 1 a b c d",
                                         "1 id x a b c d"};
    struct seal_for what = {.purpose = slice_of(SEAL_APP_PASSWORD), .person = slice_of("p")};
    struct app_password got;
    char sealed[SEAL_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(plains) / sizeof(plains[0]); i++) {
        assert_int_equal(seal_close(keys, &what, plains[i], strlen(plains[i]), sealed), 0);
        assert_int_equal(app_password_open(keys, slice_of("p"), slice_of(sealed), &got), E_CRYPTO);
    }
}

static void letters(void **state)
{
    char got[LETTERS_MAX + 1], shown[32];

    (void)state;
    letters_show("abcdefg", 7, 3, shown);
    assert_string_equal(shown, "abc-def-g");
    letters_show("abcdef", 6, 3, shown);
    assert_string_equal(shown, "abc-def");
    letters_show("", 0, 3, shown);
    assert_string_equal(shown, "");
    assert_int_equal(letters_read(slice_of("ABC-de f"), 6, got), 0);
    assert_memory_equal(got, "abcdef", 6);
    assert_int_equal(letters_read(slice_of("abcdefg"), 6, got), E_SYNTAX);
    assert_int_equal(letters_read(slice_of("abc1ef"), 6, got), E_SYNTAX);
    assert_int_equal(letters_read(slice_of(""), LETTERS_MAX + 1, got), E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(what_may_be_asked),
        cmocka_unit_test(longest),        cmocka_unit_test(sealed_but_no_password),
        cmocka_unit_test(letters),
    };

    return cmocka_run_group_tests(tests, group_keys_set_up, group_keys_tear_down);
}
