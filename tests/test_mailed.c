/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mailed tokens: what they name, what opens their record, and each thing that ends them, changed
 * alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "group_keys.h"
#include "secret/mailed.h"

#include <ctype.h>
#include <string.h>

#define NOW    INT64_C(1790000000000)
#define PERSON "6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e01"
#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static const struct slice person = S(PERSON);
static struct mailed made_for(const char *token)
{
    struct mailed mailed = {.issued_ms = NOW,
                            .expires_ms = NOW + 60000,
                            .state = {.epoch = 3, .changed = "20261122000000Z"}};

    assert_int_equal(mailed_digest(slice_of("a@example.org"), mailed.state.address), 0);
    assert_int_equal(mailed_digest(slice_of(token), mailed.token), 0);
    return mailed;
}

static void names_its_person(void **state)
{
    char token[MAILED_TOKEN_SIZE], other[MAILED_TOKEN_SIZE], back[MAILED_TOKEN_SIZE], typed[128];
    char who[MAILED_PERSON_SIZE];
    size_t len = 0;

    (void)state;
    assert_int_equal(mailed_token_new(person, token), 0);
    assert_int_equal(mailed_token_new(slice_of("6F1C3A52-0D0E-4C57-9A35-2B6A1F0C7E01"), other), 0);
    assert_int_equal(strlen(token), MAILED_TOKEN_SIZE - 1);
    assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz234567"), MAILED_TOKEN_SIZE - 1);
    assert_memory_equal(token, other, 25);
    assert_string_not_equal(token, other);
    for (size_t i = 0; token[i] != '\0'; i++) {
        if (i % 4 == 0)
            typed[len++] = i % 8 == 0 ? ' ' : '-';
        typed[len++] = (char)(i % 2 == 0 ? toupper(token[i]) : token[i]);
    }
    assert_int_equal(mailed_token_read((struct slice){typed, len}, back, who), 0);
    assert_string_equal(back, token);
    assert_string_equal(who, PERSON);
}

static void no_person(void **state)
{
    static const struct slice cases[] = {
        S(""),
        S("p1"),
        S("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e0"),
        S("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e011"),
        S("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e0g"),
        S("6f1c3a520-d0e-4c57-9a35-2b6a1f0c7e01"),
        S("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e-1"),
        S("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e\0001"),
    };
    char token[MAILED_TOKEN_SIZE] = "before";

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(mailed_token_new(cases[i], token), E_SYNTAX);
    assert_string_equal(token, "before");
}

static void no_token(void **state)
{
    char token[MAILED_TOKEN_SIZE], changed[MAILED_TOKEN_SIZE + 1],
        who[MAILED_PERSON_SIZE] = "before";
    char back[MAILED_TOKEN_SIZE] = "before", *huge = calloc(1, 100000);
    unsigned spellings = 0;

    (void)state;
    assert_non_null(huge);
    memset(huge, 'a', 100000);
    assert_int_equal(mailed_token_new(person, token), 0);
    assert_int_equal(mailed_token_read((struct slice){NULL, 0}, back, who), E_SYNTAX);
    assert_int_equal(mailed_token_read((struct slice){token, 51}, back, who), E_SYNTAX);
    (void)snprintf(changed, sizeof(changed), "%sa", token);
    assert_int_equal(mailed_token_read(slice_of(changed), back, who), E_SYNTAX);
    assert_int_equal(mailed_token_read((struct slice){token, MAILED_TOKEN_SIZE}, back, who),
                     E_SYNTAX);
    assert_int_equal(mailed_token_read((struct slice){huge, 100000}, back, who), E_SYNTAX);
    for (int c = 0; c < 256; c++) { /* anything that is no letter of base32 */
        strcpy(changed, token);
        changed[7] = (char)c;
        if (!isalpha(c) && !(c >= '2' && c <= '7'))
            assert_int_equal(mailed_token_read((struct slice){changed, 52}, back, who), E_SYNTAX);
    }
    assert_string_equal(back, "before");
    assert_string_equal(who, "before");
    for (const char *c = "abcdefghijklmnopqrstuvwxyz234567"; *c != '\0'; c++) {
        strcpy(changed, token);
        changed[51] = *c;
        spellings += mailed_token_read(slice_of(changed), back, who) == 0;
    }
    assert_int_equal(spellings, 2); /* the last letter holds one bit */
    free(huge);
}

static void judged(void **state)
{
    static const struct {
        enum mailed_phase phase;
        int64_t claimed_ms, epoch, now_ms;
        const char *changed, *address, *token;
        int err;
    } cases[] = {
        {MAILED_OPEN, 0, 3, NOW, "20261122000000Z", "a@example.org", "t", 0},
        {MAILED_OPEN, 0, 3, NOW + 59999, "20261122000000Z", "a@example.org", "t", 0},
        {MAILED_OPEN, 0, 3, NOW + 60000, "20261122000000Z", "a@example.org", "t", E_CONFLICT},
        {MAILED_OPEN, 0, 3, NOW, "20261122000000Z", "a@example.org", "u", E_AUTH},
        {MAILED_OPEN, 0, 4, NOW, "20261122000000Z", "a@example.org", "t", E_CONFLICT},
        {MAILED_OPEN, 0, 3, NOW, "20261122000001Z", "a@example.org", "t", E_CONFLICT},
        {MAILED_OPEN, 0, 3, NOW, "-", "a@example.org", "t", E_CONFLICT},
        {MAILED_OPEN, 0, 3, NOW, "20261122000000Z", "b@example.org", "t", E_CONFLICT},
        {MAILED_OPEN, 0, 9, NOW + 99999, "-", "b@example.org", "u", E_AUTH},
        {MAILED_USED, 0, 3, NOW, "20261122000000Z", "a@example.org", "t", E_CONFLICT},
        {MAILED_USED, 0, 3, NOW, "20261122000000Z", "a@example.org", "u", E_AUTH},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 4, "20261122000000Z", "a@example.org", "t", E_EXISTS},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 4, "20261122000009Z", "a@example.org", "t", E_EXISTS},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 5, "20261122000000Z", "a@example.org", "t", 0},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 5, "20261122000009Z", "a@example.org", "t", E_AGAIN},
        {MAILED_CLAIMED, NOW + 5, 4, NOW + 5, "20261122000009Z", "a@example.org", "t", E_CONFLICT},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 5, "20261122000000Z", "b@example.org", "t", E_CONFLICT},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 60000, "20261122000000Z", "a@example.org", "t",
         E_CONFLICT},
        {MAILED_CLAIMED, NOW + 5, 3, NOW + 5, "20261122000009Z", "a@example.org", "u", E_AUTH},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mailed mailed = made_for("t");
        struct mailed_state now = {.epoch = cases[i].epoch};
        unsigned char token[MAILED_DIGEST_SIZE];
        int err;

        mailed.phase = cases[i].phase;
        mailed.claimed_ms = cases[i].claimed_ms;
        strcpy(now.changed, cases[i].changed);
        assert_int_equal(mailed_digest(slice_of(cases[i].address), now.address), 0);
        assert_int_equal(mailed_digest(slice_of(cases[i].token), token), 0);
        err = mailed_judge(&mailed, token, &now, cases[i].now_ms);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_name(err));
    }
}

static void sealed(void **state)
{
    struct mailed mailed = made_for("t"), back = {.phase = MAILED_OPEN};
    char record[MAILED_RECORD_MAX], changed[MAILED_RECORD_MAX];

    (void)state;
    mailed.phase = MAILED_CLAIMED;
    mailed.claimed_ms = NOW + 5;
    assert_int_equal(mailed_seal(keys, person, MAILED_FORGOTTEN, &mailed, record), 0);
    assert_null(strstr(record, "20261122"));
    assert_int_equal(mailed_open(keys, person, MAILED_FORGOTTEN, slice_of(record), &back), 0);
    assert_memory_equal(&back, &mailed, sizeof(back));
    assert_int_equal(mailed_open(keys, person, MAILED_ACTIVATION, slice_of(record), &back),
                     E_CRYPTO);
    assert_int_equal(mailed_open(keys, slice_of("6f1c3a52-0d0e-4c57-9a35-2b6a1f0c7e02"),
                                 MAILED_FORGOTTEN, slice_of(record), &back),
                     E_CRYPTO);
    for (size_t i = 0; i < strlen(record); i++) {
        strcpy(changed, record);
        changed[i] = (char)(changed[i] ^ 1);
        assert_int_equal(mailed_open(keys, person, MAILED_FORGOTTEN, slice_of(changed), &back),
                         E_CRYPTO);
    }
    assert_int_equal(mailed_open(keys, person, MAILED_FORGOTTEN, slice_of(""), &back), E_CRYPTO);
    for (int i = 0; i < MAILED_KINDS; i++) {
        enum mailed_kind kind = MAILED_KINDS;

        assert_int_equal(mailed_kind(slice_of(mailed_word((enum mailed_kind)i)), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_int_equal(mailed_kind(slice_of("enroll"), &(enum mailed_kind){0}), E_NOTFOUND);
}

/* What a key of ours has sealed and is no record all the same. */
static void no_record(void **state)
{
    static const struct seal_for what = {S(SEAL_MAILED " forgotten"), S(PERSON), S("")};
    static const char good[] = "1 0 1 2 0 3 - 00000000000000000000000000000000 "
                               "ffffffffffffffffffffffffffffffff";
    static const char *const plains[] = {
        "",
        "1",
        "2 0 1 2 0 3 - 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff",
        "1 3 1 2 0 3 - 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff",
        "1 0 1 2 0 3 - 00000000000000000000000000000000 fffffffffffffffffffffffffffffff",
        "1 0 1 2 0 3 - 00000000000000000000000000000000 fffffffffffffffffffffffffffffffg",
        "1 0 1 2 0 3 - 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff x",
        "1 0 1 2 0 3 - 00000000000000000000000000000000",
        "1 0 1 2 0 3 \t 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff",
        "1 0 1 2 0 3 12345678901234567890123456789012 00000000000000000000000000000000 "
        "ffffffffffffffffffffffffffffffff",
        "1 0 1 1000000000000000 0 3 - 00000000000000000000000000000000 "
        "ffffffffffffffffffffffffffffffff",
        "1 0 1 -2 0 3 - 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff",
    };
    char text[SEAL_MAX];
    struct mailed back;

    (void)state;
    assert_int_equal(seal_close(keys, &what, good, strlen(good), text), 0);
    assert_int_equal(mailed_open(keys, person, MAILED_FORGOTTEN, slice_of(text), &back), 0);
    for (size_t i = 0; i < COUNT(plains); i++) {
        assert_int_equal(seal_close(keys, &what, plains[i], strlen(plains[i]), text), 0);
        if (mailed_open(keys, person, MAILED_FORGOTTEN, slice_of(text), &back) != E_CRYPTO)
            fail_msg("case %zu", i);
    }
}

static void bounds(void **state)
{
    struct mailed most = made_for("t"), mailed = most;
    char record[MAILED_RECORD_MAX];
    int64_t *const times[] = {&mailed.issued_ms, &mailed.expires_ms, &mailed.claimed_ms,
                              &mailed.state.epoch};

    (void)state;
    most.issued_ms = most.expires_ms = most.claimed_ms = most.state.epoch = 999999999999999;
    memset(most.state.changed, 'x', sizeof(most.state.changed) - 1);
    most.phase = MAILED_USED;
    assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &most, record), 0);
    assert_int_equal(mailed_open(keys, person, MAILED_ACTIVATION, slice_of(record), &mailed), 0);
    for (size_t i = 0; i < COUNT(times); i++) {
        mailed = most;
        *times[i] = 1000000000000000;
        assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &mailed, record), E_LIMIT);
        *times[i] = -1;
        assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &mailed, record), E_LIMIT);
    }
    mailed = most;
    mailed.phase = MAILED_PHASES;
    assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &mailed, record), E_LIMIT);
    mailed = made_for("t");
    mailed.state.changed[3] = ' ';
    assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &mailed, record), E_SYNTAX);
    mailed.state.changed[0] = '\0';
    assert_int_equal(mailed_seal(keys, person, MAILED_ACTIVATION, &mailed, record), E_SYNTAX);
}

static void sealed_again(void **state)
{
    char record[MAILED_RECORD_MAX], again[MAILED_RECORD_MAX];
    struct mailed mailed = made_for("t"), back;
    struct turning_keys turning;

    (void)state;
    turning_keys_begin(&turning);
    assert_int_equal(mailed_seal(turning.keys, person, MAILED_ACTIVATION, &mailed, record), 0);
    assert_int_equal(mailed_again(turning.keys, person, MAILED_ACTIVATION, slice_of(record), again),
                     E_EXISTS);
    turning_keys_turn(&turning);
    assert_int_equal(mailed_again(turning.keys, person, MAILED_FORGOTTEN, slice_of(record), again),
                     E_CRYPTO);
    assert_int_equal(
        mailed_again(turning.keys, slice_of("p2"), MAILED_ACTIVATION, slice_of(record), again),
        E_CRYPTO);
    assert_int_equal(mailed_again(turning.keys, person, MAILED_ACTIVATION, slice_of("x"), again),
                     E_CRYPTO);
    assert_int_equal(mailed_again(keys, person, MAILED_ACTIVATION, slice_of(record), again),
                     E_NOTFOUND);
    assert_int_equal(mailed_again(turning.keys, person, MAILED_ACTIVATION, slice_of(record), again),
                     0);
    assert_string_not_equal(again, record);
    assert_int_equal(mailed_open(turning.keys, person, MAILED_ACTIVATION, slice_of(again), &back),
                     0);
    assert_memory_equal(&back, &mailed, sizeof(back));
    turning_keys_end(&turning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_its_person), cmocka_unit_test(no_person),
        cmocka_unit_test(no_token),         cmocka_unit_test(judged),
        cmocka_unit_test(sealed),           cmocka_unit_test(no_record),
        cmocka_unit_test(bounds),           cmocka_unit_test(sealed_again),
    };

    return cmocka_run_group_tests(tests, group_keys_set_up, group_keys_tear_down);
}
