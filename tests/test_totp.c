/* SPDX-License-Identifier: BSD-2-Clause
 *
 * TOTP against the vectors of RFC 6238 (appendix B, SHA-1, the last six of its eight digits), the
 * window, used steps, base32 vectors of RFC 4648 and the URI that phones read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "secret/totp.h"

#include <string.h>

#define SECRET "12345678901234567890"

static void rfc_6238(void **state)
{
    static const struct {
        int64_t seconds;
        const char *code;
    } cases[] = {
        {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
        {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t step = -7;
        assert_int_equal(totp_check(SECRET, 20, slice_of(cases[i].code), cases[i].seconds * 1000,
                                    TOTP_STEP_NONE, &step),
                         0);
        assert_int_equal(step, cases[i].seconds / 30);
    }
}

/* The code 081804 belongs to step 37037036, whose first second is 1111111080. */
static void window_and_used_steps(void **state)
{
    static const struct {
        const char *code;
        int64_t now_ms, last_step;
        int err;
    } cases[] = {
        {"081804", 1111111080000, 37037035, 0},
        {"081804", 1111111109999, 37037035, 0},
        {"081804", 1111111139999, 37037035, 0},          /* one step late */
        {"081804", 1111111140000, 37037035, E_AUTH},     /* two steps late */
        {"081804", 1111111050000, 37037035, 0},          /* one step early */
        {"081804", 1111111049999, 37037035, E_AUTH},     /* two steps early */
        {"081804", 1111111109000, 37037036, E_CONFLICT}, /* used */
        {"081804", 1111111109000, 37037037, E_CONFLICT}, /* a later one was used */
        {"081804", 1111111109000, INT64_MAX, E_CONFLICT},
        {"081805", 1111111109000, 37037036, E_AUTH},
        {"", 1111111109000, -1, E_AUTH},
        {"81804", 1111111109000, -1, E_AUTH},
        {"0081804", 1111111109000, -1, E_AUTH},
        {"08180a", 1111111109000, -1, E_AUTH},
        {" 81804", 1111111109000, -1, E_AUTH},
        {"081804\n", 1111111109000, -1, E_AUTH},
        {"081804", 0, -1, E_LIMIT},
        {"081804", -1111111109000, -1, E_LIMIT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t step = -7;
        int err = totp_check(SECRET, 20, slice_of(cases[i].code), cases[i].now_ms,
                             cases[i].last_step, &step);
        if (err != cases[i].err || step != (err == 0 ? 37037036 : -7))
            fail_msg("case %zu: %s, step %lld", i, err_name(err), (long long)step);
    }
    assert_int_equal(totp_check(SECRET, 0, slice_of("081804"), 1111111109000, -1, &(int64_t){0}),
                     E_LIMIT);
    assert_int_equal(totp_check(SECRET, TOTP_SECRET_MAX + 1, slice_of("081804"), 1111111109000, -1,
                                &(int64_t){0}),
                     E_LIMIT);
}

static void base32(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"f", "MY"},
        {"fo", "MZXQ"},
        {"foo", "MZXW6"},
        {"foob", "MZXW6YQ"},
        {"fooba", "MZXW6YTB"},
        {"foobar", "MZXW6YTBOI"},
        {SECRET, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
    };
    char text[TOTP_BASE32_MAX], large[TOTP_SECRET_MAX + 1] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(totp_base32(cases[i].bytes, strlen(cases[i].bytes), text), 0);
        assert_string_equal(text, cases[i].text);
    }
    assert_int_equal(totp_base32(large, TOTP_SECRET_MAX, text), 0);
    assert_int_equal(strlen(text), 103);
    assert_int_equal(totp_base32(large, TOTP_SECRET_MAX + 1, text), E_LIMIT);
    assert_int_equal(totp_base32(large, 0, text), E_LIMIT);
}

static void uri(void **state)
{
    static const struct {
        const char *issuer, *uid, *uri;
    } cases[] = {
        {"usher", "alice",
         "otpauth://totp/usher:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=usher"
         "&algorithm=SHA1&digits=6&period=30"},
        {"Caf\xc3\xa9 & Co:1", "a@b?c#d",
         "otpauth://totp/Caf%C3%A9%20%26%20Co%3A1:a%40b%3Fc%23d"
         "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Caf%C3%A9%20%26%20Co%3A1"
         "&algorithm=SHA1&digits=6&period=30"},
    };
    char text[TOTP_URI_MAX] = "untouched", large[TOTP_URI_MAX];

    (void)state;
    memset(large, 'a', sizeof(large));
    for (size_t size = 300; size < sizeof(large); size += 1) {
        char probe[TOTP_URI_MAX];
        struct slice issuer = {large, size};
        int err = totp_uri(SECRET, 20, issuer, slice_of("alice"), probe);
        assert_true(err == 0 ? strlen(probe) < TOTP_URI_MAX : err == E_LIMIT);
        assert_int_equal(err == 0, size <= 460);
    }
    assert_int_equal(totp_uri(SECRET, 20, slice_of(""), slice_of("alice"), text), E_LIMIT);
    assert_int_equal(totp_uri(SECRET, 20, slice_of("usher"), slice_of(""), text), E_LIMIT);
    assert_string_equal(text, "untouched");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            totp_uri(SECRET, 20, slice_of(cases[i].issuer), slice_of(cases[i].uid), text), 0);
        assert_string_equal(text, cases[i].uri);
    }
}

static void new_secrets(void **state)
{
    unsigned char one[TOTP_SECRET_SIZE] = {0}, two[TOTP_SECRET_SIZE] = {0};

    (void)state;
    assert_int_equal(totp_new(one), 0);
    assert_int_equal(totp_new(two), 0);
    assert_memory_not_equal(one, two, TOTP_SECRET_SIZE);
}

static void stored_steps(void **state)
{
    static const struct {
        const char *value;
        int err;
        int64_t step;
    } cases[] = {
        {"0", 0, 0},           {"37037036", 0, 37037036},
        {"", E_SYNTAX, -7},    {"-1", E_SYNTAX, -7},
        {"01", E_SYNTAX, -7},  {"1 ", E_SYNTAX, -7},
        {"1e9", E_SYNTAX, -7}, {"9999999999999999999", E_SYNTAX, -7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t step = -7;
        assert_int_equal(totp_step_parse(slice_of(cases[i].value), &step), cases[i].err);
        assert_int_equal(step, cases[i].step);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_6238),    cmocka_unit_test(window_and_used_steps),
        cmocka_unit_test(base32),      cmocka_unit_test(uri),
        cmocka_unit_test(new_secrets), cmocka_unit_test(stored_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
