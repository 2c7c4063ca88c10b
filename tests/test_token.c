/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tickets and enrolments: each thing that they are bound to, changed alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "group_keys.h"
#include "secret/token.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1790000000000)
#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static void bound_to_all(void **state)
{
    static const struct ticket_for whom = {S("p1"), S("acme"), S("uid:0"), 3};
    static const struct ticket ticket = {TICKET_PASSWORD, NOW, NOW + 60000};
    static const struct {
        struct ticket_for whom;
        int64_t now_ms;
        int err;
    } cases[] = {
        {{S("p1"), S("acme"), S("uid:0"), 3}, NOW, 0},
        {{S("P1"), S("Acme"), S("uid:0"), 3}, NOW + 59999, 0},
        {{S("p2"), S("acme"), S("uid:0"), 3}, NOW, E_CRYPTO},
        {{S("p1"), S(""), S("uid:0"), 3}, NOW, E_CRYPTO},
        {{S("p1"), S("other"), S("uid:0"), 3}, NOW, E_CRYPTO},
        {{S("p1"), S("acme"), S("uid:1000"), 3}, NOW, E_AUTH},
        {{S("p1"), S("acme"), S(""), 3}, NOW, E_AUTH},
        {{S("p1"), S("acme"), S("uid:0"), 4}, NOW, E_AUTH},
        {{S("p1"), S("acme"), S("uid:0"), 2}, NOW, E_AUTH},
        {{S("p1"), S("acme"), S("uid:0"), 3}, NOW + 60000, E_AUTH},
        {{S("p1"), S("acme"), S("uid:0"), 3}, NOW - TICKET_SKEW_MS, 0},
        {{S("p1"), S("acme"), S("uid:0"), 3}, NOW - TICKET_SKEW_MS - 1, E_AUTH},
        {{S("p1"), S("acme"), S("uid:0"), 3}, 0, E_AUTH},
    };
    char text[TICKET_MAX];

    (void)state;
    assert_int_equal(ticket_seal(keys, &whom, &ticket, text), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ticket back = {.factors = 99};
        int err = ticket_open(keys, &cases[i].whom, slice_of(text), cases[i].now_ms, &back);
        if (err != cases[i].err || back.factors != (err == 0 ? TICKET_PASSWORD : 99))
            fail_msg("case %zu: %s", i, err_name(err));
        if (err == 0)
            assert_true(back.issued_ms == ticket.issued_ms && back.expires_ms == ticket.expires_ms);
    }
}

static void tampering(void **state)
{
    static const struct ticket_for whom = {S("p1"), S(""), S("uid:0"), 0};
    static const struct ticket ticket = {TICKET_PASSWORD | TICKET_CODE, NOW, NOW + 60000};
    static const struct seal_for forged = {S("usherChallenge"), S("p1"), S("")};
    static const struct seal_for odd = {S(SEAL_TICKET), S("p1"), S("")};
    static const char *const plains[] = {
        "",
        "1",
        "2 7 0 99999999999999 0 uid:0",
        "1 16 0 99999999999999 0 uid:0",
        "1 7 0 99999999999999 0",
        "1 7 0 99999999999999 0 ",
        "1 7 0 99999999999999 0 uid:0 x",
        "1 7 0 -1 0 uid:0",
    };
    char text[SEAL_MAX], changed[TICKET_MAX];
    struct ticket back;

    (void)state;
    assert_int_equal(ticket_seal(keys, &whom, &ticket, text), 0);
    for (size_t i = 0; i < strlen(text); i++) {
        strcpy(changed, text);
        changed[i] = (char)(changed[i] ^ 1);
        assert_int_equal(ticket_open(keys, &whom, slice_of(changed), NOW, &back), E_CRYPTO);
    }
    assert_int_equal(ticket_open(keys, &whom, slice_of(""), NOW, &back), E_CRYPTO);
    for (size_t i = 0; i < COUNT(plains); i++) {
        assert_int_equal(seal_close(keys, &odd, plains[i], strlen(plains[i]), text), 0);
        assert_int_equal(ticket_open(keys, &whom, slice_of(text), NOW, &back), E_CRYPTO);
    }
    /* What else was sealed for the person is no ticket, whatever it says. */
    assert_int_equal(seal_close(keys, &forged, "1 7 0 99999999999999 0 uid:0", 28, text), 0);
    assert_int_equal(ticket_open(keys, &whom, slice_of(text), NOW, &back), E_CRYPTO);
    assert_int_equal(seal_close(keys, &odd, "1 7 1790000000000 1790000000001 0 uid:0", 39, text),
                     0);
    assert_int_equal(ticket_open(keys, &whom, slice_of(text), NOW, &back), 0);
}

/* What no gateway makes, though one of our keys has sealed it. */
static void times(void **state)
{
    static const struct ticket_for whom = {S("p1"), S(""), S("uid:0"), 0};
    static const struct seal_for what = {S(SEAL_TICKET), S("p1"), S("")};
    static const struct {
        int64_t issued_ms, expires_ms;
        int err;
    } cases[] = {
        {NOW, NOW + TICKET_LIFETIME_MS, 0},
        {NOW, NOW + TICKET_LIFETIME_MS + 1, E_AUTH},
        {NOW + TICKET_SKEW_MS, NOW + TICKET_SKEW_MS + TICKET_LIFETIME_MS, 0},
        {NOW + TICKET_SKEW_MS + 1, NOW + TICKET_SKEW_MS + TICKET_LIFETIME_MS, E_AUTH},
        {NOW + 86400000, NOW + 86400000 + TICKET_LIFETIME_MS, E_AUTH},
        {0, 999999999999999, E_AUTH},
        {INT64_MAX, INT64_MAX, E_CRYPTO},
    };
    char plain[TICKET_PLAIN_MAX], text[SEAL_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ticket back;
        int err, len = snprintf(plain, sizeof(plain), "1 7 %lld %lld 0 uid:0",
                                (long long)cases[i].issued_ms, (long long)cases[i].expires_ms);
        assert_int_equal(seal_close(keys, &what, plain, (size_t)len, text), 0);
        err = ticket_open(keys, &whom, slice_of(text), NOW, &back);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_name(err));
    }
}

static void bounds(void **state)
{
    static const struct {
        struct ticket_for whom;
        struct ticket ticket;
        int err;
    } cases[] = {
        {{S("p1"), S(""), S("uid:0"), 0}, {TICKET_FACTORS, NOW, NOW + TICKET_LIFETIME_MS}, 0},
        {{S("p1"), S(""), S("uid:0"), 0}, {16, NOW, NOW + 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, NOW, NOW + TICKET_LIFETIME_MS + 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, NOW, NOW - 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, -5, 5}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, INT64_MAX, INT64_MIN}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), -1}, {1, NOW, NOW + 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 999999999999999}, {1, NOW, NOW + 1}, 0},
        {{S("p1"), S(""), S("uid:0"), 1000000000000000}, {1, NOW, NOW + 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, 999999999999999, 1000000000000000}, 0},
        {{S("p1"), S(""), S("uid:0"), 0}, {1, 1000000000000000, 1000000000000001}, E_LIMIT},
        {{S(""), S(""), S("uid:0"), 0}, {1, NOW, NOW + 1}, E_LIMIT},
        {{S("p1"), S(""), S(""), 0}, {1, NOW, NOW + 1}, E_LIMIT},
        {{S("p1"), S(""), S("uid 0"), 0}, {1, NOW, NOW + 1}, E_SYNTAX},
        {{S("p1"), S(""), S("uid\n"), 0}, {1, NOW, NOW + 1}, E_SYNTAX},
    };
    struct ticket_for whom = {S("p1"), S("acme"), S("x"), 999999999999999};
    struct ticket ticket = {15, 999999999999999, 999999999999999}, back;
    char text[TICKET_MAX], peer[TICKET_PEER_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(ticket_seal(keys, &cases[i].whom, &cases[i].ticket, text), cases[i].err);
    memset(peer, 'x', sizeof(peer));
    whom.peer = (struct slice){peer, TICKET_PEER_MAX};
    assert_int_equal(ticket_seal(keys, &whom, &ticket, text), 0);
    assert_int_equal(ticket_open(keys, &whom, slice_of(text), 999999999999998, &back), 0);
    whom.peer.len++;
    assert_int_equal(ticket_seal(keys, &whom, &ticket, text), E_LIMIT);
}

static void enrolments(void **state)
{
    char record[ENROLMENT_MAX], changed[ENROLMENT_MAX];
    struct secret back = {0};
    struct slice person = S("p1"), other = S("p2");

    (void)state;
    assert_int_equal(enrolment_seal(keys, person, "12345678901234567890", 20, NOW, record), 0);
    assert_int_equal(
        enrolment_open(keys, person, slice_of(record), NOW + ENROLMENT_LIFETIME_MS - 1, &back), 0);
    assert_int_equal(back.len, 20);
    assert_memory_equal(back.data, "12345678901234567890", 20);
    secret_clear(&back);
    assert_int_equal(
        enrolment_open(keys, person, slice_of(record), NOW + ENROLMENT_LIFETIME_MS, &back),
        E_TIMEOUT);
    assert_int_equal(enrolment_open(keys, other, slice_of(record), NOW, &back), E_CRYPTO);
    for (size_t i = 0; i < strlen(record); i++) {
        strcpy(changed, record);
        changed[i] = (char)(changed[i] ^ 1);
        assert_int_equal(enrolment_open(keys, person, slice_of(changed), NOW, &back), E_CRYPTO);
    }
    assert_int_equal(enrolment_open(keys, person, slice_of(""), NOW, &back), E_CRYPTO);
    assert_int_equal(back.len, 0);
    assert_int_equal(enrolment_seal(keys, person, "", 0, NOW, record), E_LIMIT);
    assert_int_equal(enrolment_seal(keys, person, record, TOTP_SECRET_MAX + 1, NOW, record),
                     E_LIMIT);
}

/* With a new key: the same secret and time, also for the longest one. */
static void sealed_again(void **state)
{
    char secret[TOTP_SECRET_MAX];
    char record[ENROLMENT_MAX], again[ENROLMENT_MAX];
    struct slice person = slice_of("p1");
    struct turning_keys turning;
    struct secret back;

    (void)state;
    memset(secret, 's', sizeof(secret));
    turning_keys_begin(&turning);
    assert_int_equal(enrolment_seal(turning.keys, person, secret, sizeof(secret), NOW, record), 0);
    assert_int_equal(enrolment_again(turning.keys, person, slice_of(record), again), E_EXISTS);
    turning_keys_turn(&turning);
    assert_int_equal(enrolment_again(turning.keys, slice_of("p2"), slice_of(record), again),
                     E_CRYPTO);
    assert_int_equal(enrolment_again(turning.keys, person, slice_of("x"), again), E_CRYPTO);
    assert_int_equal(enrolment_again(keys, person, slice_of(record), again), E_NOTFOUND);
    assert_int_equal(enrolment_again(turning.keys, person, slice_of(record), again), 0);
    assert_string_not_equal(again, record);
    assert_int_equal(enrolment_open(turning.keys, person, slice_of(again), NOW, &back), 0);
    assert_int_equal(back.len, sizeof(secret));
    secret_clear(&back);
    assert_int_equal(
        enrolment_open(turning.keys, person, slice_of(again), NOW + ENROLMENT_LIFETIME_MS, &back),
        E_TIMEOUT);
    turning_keys_end(&turning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_to_all), cmocka_unit_test(tampering),
        cmocka_unit_test(times),        cmocka_unit_test(bounds),
        cmocka_unit_test(enrolments),   cmocka_unit_test(sealed_again),
    };
    return cmocka_run_group_tests(tests, group_keys_set_up, group_keys_tear_down);
}
