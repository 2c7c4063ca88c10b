/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: the longest of each sealed record, under the longest key id, fits its
 * buffer to the byte and opens; what is longer is refused, though one of our keys has sealed it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "letters.h"
#include "notify/qr.h"
#include "secret/app_password.h"
#include "secret/code.h"
#include "secret/lockout.h"
#include "secret/mailed.h"
#include "secret/pin.h"
#include "secret/recovery.h"
#include "secret/token.h"
#include "secret/totp.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_MOST INT64_C(999999999999999) /* of tickets and mailed tokens */

static struct keys *keys;
static const struct slice person = {"p1", 2};

static int set_up(void **state)
{
    char path[] = "/tmp/usher-sealed-XXXXXX", wrong[256] = "";
    int fd = mkstemp(path), rc;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

    (void)state;
    if (out == NULL)
        return -1;
    (void)fprintf(out, "%0*d AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", SEAL_KEY_ID_MAX, 1);
    (void)fclose(out);
    rc = keys_load(path, &keys, wrong, sizeof(wrong));
    (void)unlink(path);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    keys_free(keys);
    return 0;
}

static void values(void **state)
{
    const struct seal_for what = {.purpose = slice_of(SEAL_PIN), .person = person};
    char *plain = letters(SEAL_PLAIN_MAX), text[SEAL_MAX + 4];
    struct secret back = {0};

    (void)state;
    assert_int_equal(seal_close(keys, &what, plain, SEAL_PLAIN_MAX, text), 0);
    assert_int_equal(strlen(text), SEAL_MAX - 1);
    assert_int_equal(seal_open(keys, &what, slice_of(text), &back), 0);
    assert_int_equal(back.len, SEAL_PLAIN_MAX);
    secret_clear(&back);
    strcat(text, "AAAA");
    assert_int_equal(seal_open(keys, &what, slice_of(text), &back), E_CRYPTO);
    free(plain);
}

/* Names of the greatest length in what is sealed with a value. */
static void names(void **state)
{
    char *name = letters(SEAL_FIELD_MAX + 1), text[SEAL_MAX];
    const struct slice most = {name, SEAL_FIELD_MAX}, more = {name, SEAL_FIELD_MAX + 1};
    const struct seal_for what[] = {
        {most, most, most}, {more, most, most}, {most, more, most}, {most, most, more}};
    struct secret back = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
        assert_int_equal(seal_close(keys, &what[i], "x", 1, text), i == 0 ? 0 : E_LIMIT);
    assert_int_equal(seal_close(keys, &what[0], "x", 1, text), 0);
    assert_int_equal(seal_open(keys, &what[0], slice_of(text), &back), 0);
    secret_clear(&back);
    free(name);
}

static void codes(void **state)
{
    char *means = letters(CODE_MEANS_MAX), code[CODE_DIGITS + 1], record[CODE_RECORD_MAX + 1];
    int64_t now_ms = INT64_C(999999999999999999) - CODE_LIFETIME_MS; /* 18 digits, as fields have */

    (void)state;
    assert_int_equal(code_new(keys, person, slice_of(means), now_ms, code, record), 0);
    assert_int_equal(strlen(record), CODE_RECORD_MAX - 1);
    assert_int_equal(code_check(keys, person, slice_of(record), slice_of(code), now_ms), 0);
    strcat(record, "A");
    assert_int_equal(code_check(keys, person, slice_of(record), slice_of(code), now_ms), E_CRYPTO);
    free(means);
}

static void tickets(void **state)
{
    char *peer = letters(TICKET_PEER_MAX + 200), plain[SEAL_PLAIN_MAX], text[SEAL_MAX];
    const struct seal_for what = {slice_of(SEAL_TICKET), person, slice_of("o")};
    struct ticket_for whom = {person, slice_of("o"), {peer, TICKET_PEER_MAX}, TIME_MOST};
    struct ticket ticket = {TICKET_FACTORS, TIME_MOST, TIME_MOST + TICKET_LIFETIME_MS}, back;
    int len;

    (void)state;
    assert_int_equal(ticket_seal(keys, &whom, &ticket, text), 0);
    assert_true(strlen(text) < TICKET_MAX);
    assert_int_equal(ticket_open(keys, &whom, slice_of(text), TIME_MOST, &back), 0);
    whom.peer.len += 200;
    len = snprintf(plain, sizeof(plain), "1 1 0 1 0 %s", peer);
    whom.epoch = 0;
    assert_int_equal(seal_close(keys, &what, plain, (size_t)len, text), 0);
    assert_true(strlen(text) >= TICKET_MAX);
    assert_int_equal(ticket_open(keys, &whom, slice_of(text), 0, &back), E_CRYPTO);
    free(peer);
}

static void enrolments(void **state)
{
    char *secret = letters(2 * TOTP_SECRET_MAX), record[20 + SEAL_MAX], sealed[SEAL_MAX];
    const struct seal_for what = {slice_of(SEAL_ENROLMENT " 5"), person, {NULL, 0}};
    struct secret back = {0};

    (void)state;
    assert_int_equal(enrolment_seal(keys, person, secret, TOTP_SECRET_MAX, TIME_MOST, record), 0);
    assert_true(strlen(record) < ENROLMENT_MAX);
    assert_int_equal(enrolment_open(keys, person, slice_of(record), 0, &back), 0);
    secret_clear(&back);
    assert_int_equal(enrolment_seal(keys, person, secret, TOTP_SECRET_MAX + 1, 0, record), E_LIMIT);
    assert_int_equal(seal_close(keys, &what, secret, 2 * TOTP_SECRET_MAX, sealed), 0);
    (void)snprintf(record, sizeof(record), "5 %s", sealed);
    assert_true(strlen(record) >= ENROLMENT_MAX);
    assert_int_equal(enrolment_open(keys, person, slice_of(record), 0, &back), E_CRYPTO);
    free(secret);
}

static void mailed_tokens(void **state)
{
    struct mailed mailed = {.phase = MAILED_PHASES - 1,
                            .issued_ms = TIME_MOST,
                            .expires_ms = TIME_MOST,
                            .claimed_ms = TIME_MOST,
                            .state = {.epoch = TIME_MOST}};
    char record[MAILED_RECORD_MAX + 4];
    struct mailed back;

    (void)state;
    memset(mailed.state.changed, 'Z', MAILED_CHANGED_MAX - 1);
    assert_int_equal(mailed_seal(keys, person, 0, &mailed, record), 0);
    assert_true(strlen(record) < MAILED_RECORD_MAX);
    assert_int_equal(mailed_open(keys, person, 0, slice_of(record), &back), 0);
    assert_int_equal(back.state.epoch, TIME_MOST);
    while (strlen(record) < MAILED_RECORD_MAX)
        strcat(record, "A");
    assert_int_equal(mailed_open(keys, person, 0, slice_of(record), &back), E_CRYPTO);
}

static void recovery_codes(void **state)
{
    char codes_made[RECOVERY_CODES][RECOVERY_TEXT_MAX], letters_of[RECOVERY_LETTERS];
    char record[RECOVERY_RECORD_MAX], next[RECOVERY_RECORD_MAX], more[SEAL_MAX];
    const struct seal_for what = {.purpose = slice_of(SEAL_RECOVERY), .person = person};
    char *plain = letters(RECOVERY_PLAIN + 1);
    unsigned left;

    (void)state;
    assert_int_equal(recovery_new(keys, person, codes_made, record), 0);
    assert_int_equal(strlen(record), RECOVERY_RECORD_MAX - 1);
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        assert_int_equal(strlen(codes_made[i]), RECOVERY_TEXT_MAX - 1);
    assert_int_equal(recovery_letters(slice_of(codes_made[0]), letters_of), 0);
    assert_int_equal(recovery_use(keys, person, slice_of(record), letters_of, next, &left), 0);
    plain[0] = 1;
    assert_int_equal(seal_close(keys, &what, plain, RECOVERY_PLAIN + 1, more), 0);
    assert_int_equal(recovery_use(keys, person, slice_of(more), letters_of, next, &left), E_CRYPTO);
    free(plain);
}

static void pins(void **state)
{
    static const char longest[] =
        "scrypt$17$8$4$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    char record[PIN_RECORD_MAX + 4];

    (void)state;
    assert_true(strlen(longest) < PIN_RECORD_MAX);
    assert_int_equal(pin_verify(slice_of("1"), slice_of(longest)), E_AUTH);
    strcpy(record, longest);
    while (strlen(record) < PIN_RECORD_MAX)
        strcat(record, "A");
    assert_int_equal(pin_verify(slice_of("1"), slice_of(record)), E_CRYPTO);
}

static void lockouts(void **state)
{
    struct lockout lockout = {
        .count = LOCKOUT_COUNT_MAX, .last_ms = TIME_MOST, .locked_ms = TIME_MOST};
    char record[LOCKOUT_RECORD_MAX], again[LOCKOUT_RECORD_MAX];
    struct lockout back;

    (void)state;
    memset(lockout.key, 'k', LOCKOUT_KEY_MAX);
    lockout_format(&lockout, record);
    assert_int_equal(lockout_parse(slice_of(record), &back), 0);
    lockout_format(&back, again);
    assert_string_equal(record, again);
    assert_true(strlen(record) > LOCKOUT_KEY_MAX + 2 * 15);
}

static void shared_secrets(void **state)
{
    char *secret = letters(TOTP_SECRET_MAX + 1), text[TOTP_BASE32_MAX];

    (void)state;
    assert_int_equal(totp_base32(secret, TOTP_SECRET_MAX, text), 0);
    assert_int_equal(strlen(text), TOTP_BASE32_MAX - 1);
    assert_int_equal(totp_base32(secret, TOTP_SECRET_MAX + 1, text), E_LIMIT);
    free(secret);
}

static void qr_codes(void **state)
{
    char *text = letters(QR_TEXT_MAX + 1);
    struct buffer png = {0};

    (void)state;
    assert_int_equal(qr_png(text, &png), E_LIMIT);
    assert_int_equal(png.len, 0);
    text[QR_TEXT_MAX] = '\0';
    assert_int_equal(qr_png(text, &png), 0);
    assert_memory_equal(png.data + 1, "PNG", 3);
    buffer_clear(&png);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),         cmocka_unit_test(names),
        cmocka_unit_test(codes),          cmocka_unit_test(tickets),
        cmocka_unit_test(enrolments),     cmocka_unit_test(mailed_tokens),
        cmocka_unit_test(recovery_codes), cmocka_unit_test(pins),
        cmocka_unit_test(lockouts),       cmocka_unit_test(shared_secrets),
        cmocka_unit_test(qr_codes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
