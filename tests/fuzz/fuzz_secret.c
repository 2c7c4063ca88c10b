/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What stands in the directory sealed or as a record, and what people type. Part x: any sealed
 * value; p: a PIN and its record; c, t, e: a code and its record, a ticket, an enrolment, of which
 * the input, if it begins with "=", gives what is not sealed (of a ticket: what is), the rest being
 * as it should; l: a lockout record; b: base64; u: an otpauth URI; f: a number, a TOTP step,
 * fields; m: a mailed token and its record, r: a recovery code and its set, a: an application
 * password and what is stored of it, of which the input, if it begins with "=", is what is sealed.
 */
#include "fuzz.h"
#include "secret/app_password.h"
#include "secret/code.h"
#include "secret/field.h"
#include "secret/lockout.h"
#include "secret/mailed.h"
#include "secret/pin.h"
#include "secret/recovery.h"
#include "secret/token.h"

#define NOW    INT64_C(1800000000000)
#define PERSON "00000000-0000-4000-8000-000000000001"

static struct keys *keys_of_all(void)
{
    static const char file[] = "one AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    static struct keys *keys;
    char wrong[256];

    if (keys == NULL)
        HOLDS(keys_load(fuzz_file("keys", file, sizeof(file) - 1), &keys, wrong, sizeof(wrong)) ==
              0);
    return keys;
}

#define HEAD_MAX 64 /* bytes of what stands in the clear before a sealed part */

static int seal_input(const char *purpose, struct slice plain, char *ret)
{
    const struct seal_for what = {slice_of(purpose), slice_of(PERSON), {0}};

    return seal_close(keys_of_all(), &what, plain.data, plain.len, ret);
}

/* A record whose head is the input, with a sealed part that belongs to it, if the input begins with
 * "="; else the input. */
static struct slice record_input(struct slice input, const char *kind, const char *plain,
                                 char buf[HEAD_MAX + 1 + SEAL_MAX])
{
    char purpose[2 * HEAD_MAX];
    int used;

    if (input.len == 0 || input.len > HEAD_MAX || input.data[0] != '=')
        return input;
    used = snprintf(buf, HEAD_MAX + 1, "%.*s ", (int)input.len - 1, input.data + 1);
    (void)snprintf(purpose, sizeof(purpose), "%s %.*s", kind, used - 1, buf);
    HOLDS(seal_input(purpose, slice_of(plain), buf + used) == 0);
    return slice_of(buf);
}

static void open_sealed(struct slice input)
{
    const struct seal_for what = {slice_of(SEAL_TOTP), slice_of(PERSON), slice_of("acme")};
    char again[SEAL_MAX];
    struct secret plain = {0}, second = {0};
    struct slice id;

    if (seal_key_id(input, &id) == 0)
        HOLDS(id.len > 0 && id.len <= SEAL_KEY_ID_MAX);
    if (seal_open(keys_of_all(), &what, input, &plain) == 0) {
        HOLDS(seal_close(keys_of_all(), &what, plain.data, plain.len, again) == 0);
        HOLDS(seal_open(keys_of_all(), &what, slice_of(again), &second) == 0);
        HOLDS(plain.len == second.len && memcmp(plain.data, second.data, plain.len) == 0);
    }
    secret_clear(&plain);
    secret_clear(&second);
}

static void check_pin(struct slice input)
{
    static const char cheap[] = "scrypt$1$8$1$";
    struct fuzz_input rest = {input.data, input.len};
    struct slice pin = fuzz_part(&rest, '\n'), record = {rest.data, rest.len};
    int rc;

    /* What costs most is bounded, and slow; the parser sees everything that does not parse. */
    if (record.len > 7 && memcmp(record.data, cheap, 7) == 0 &&
        (record.len < sizeof(cheap) || memcmp(record.data, cheap, sizeof(cheap) - 1) != 0))
        return;
    rc = pin_verify(pin, record);
    HOLDS(rc == 0 || rc == E_AUTH || rc == E_CRYPTO || rc == E_SYNTAX);
    HOLDS((rc == E_SYNTAX) == (pin_syntax(pin) != 0));
}

static void check_code(struct slice input)
{
    struct fuzz_input rest = {input.data, input.len};
    struct slice code = fuzz_part(&rest, '\n'), record = {rest.data, rest.len};
    char buf[HEAD_MAX + 1 + SEAL_MAX];
    int64_t wait = -1, step;
    int rc;

    record = record_input(record, SEAL_CHALLENGE, "123456", buf);
    rc = code_check(keys_of_all(), slice_of(PERSON), record, code, NOW);
    HOLDS(rc == E_TIMEOUT || rc == E_AUTH || rc == E_CRYPTO ||
          (rc == 0 && slice_is(code, "123456")));
    if (code_interval(record, NOW, &wait) == E_BUSY)
        HOLDS(wait > 0 && wait <= CODE_INTERVAL_MS);
    rc = totp_check("12345678901234567890", 20, code, NOW, TOTP_STEP_NONE, &step);
    HOLDS(rc == 0 || rc == E_AUTH);
}

/* The input sealed for this purpose, if it begins with "="; else the input. */
static struct slice sealed_input(const char *purpose, struct slice input, char buf[SEAL_MAX])
{
    if (input.len > 0 && input.data[0] == '=' &&
        seal_input(purpose, (struct slice){input.data + 1, input.len - 1}, buf) == 0)
        return slice_of(buf);
    return input;
}

static void open_ticket(struct slice input)
{
    const struct ticket_for whom = {slice_of(PERSON), {0}, slice_of("uid:0"), 3};
    char buf[SEAL_MAX], again[TICKET_MAX];
    struct ticket ticket;

    input = sealed_input(SEAL_TICKET, input, buf);
    if (ticket_open(keys_of_all(), &whom, input, NOW, &ticket) < 0)
        return;
    HOLDS(ticket.factors <= TICKET_FACTORS && ticket.expires_ms > NOW);
    if (ticket_seal(keys_of_all(), &whom, &ticket, again) == 0)
        HOLDS(ticket_open(keys_of_all(), &whom, slice_of(again), NOW, &ticket) == 0);
}

static void open_enrolment(struct slice input)
{
    char uri[TOTP_URI_MAX], base32[TOTP_BASE32_MAX], buf[HEAD_MAX + 1 + SEAL_MAX];
    struct secret secret = {0};

    input = record_input(input, SEAL_ENROLMENT, "12345678901234567890", buf);
    if (enrolment_open(keys_of_all(), slice_of(PERSON), input, NOW, &secret) == 0)
        HOLDS(totp_base32(secret.data, secret.len, base32) == 0 &&
              totp_uri(secret.data, secret.len, slice_of("usher"), slice_of("a"), uri) == 0);
    secret_clear(&secret);
}

static void read_lockout(struct slice input)
{
    static const struct lockout_policy policy = LOCKOUT_PRESET;
    char text[LOCKOUT_RECORD_MAX];
    struct lockout record, next, back;
    int64_t until = 0;
    int rc;

    if (lockout_parse(input, &record) < 0)
        return;
    lockout_format(&record, text);
    HOLDS(slice_is(input, text));
    rc = lockout_reserve(&record, record.key, &policy, NOW, &next, &until);
    HOLDS(rc == 0 || (rc == E_DENIED && until > NOW));
    if (rc < 0)
        return;
    HOLDS(next.count > 0 && next.count <= LOCKOUT_COUNT_MAX && next.locked_ms >= 0);
    lockout_format(&next, text);
    HOLDS(lockout_parse(slice_of(text), &back) == 0);
    rc = lockout_uncount(&next, &next, &policy, &back);
    HOLDS(rc == 0 || rc == E_NOTFOUND);
}

static void read_base64(struct slice input)
{
    unsigned char bytes[BASE64_MAX];
    char text[BASE64_SIZE(BASE64_MAX)];
    size_t len;

    if (base64_decode(input, bytes, sizeof(bytes), &len) < 0)
        return;
    base64_encode(bytes, len, text);
    HOLDS(slice_is(input, text));
}

static void write_uri(struct slice input)
{
    struct fuzz_input rest = {input.data, input.len};
    struct slice issuer = fuzz_part(&rest, '\n'), uid = {rest.data, rest.len};
    char uri[TOTP_URI_MAX];

    if (totp_uri("12345678901234567890", 20, issuer, uid, uri) < 0)
        return;
    HOLDS(strncmp(uri, "otpauth://totp/", 15) == 0);
    for (const char *at = uri; *at != '\0'; at++)
        HOLDS(*at > 0x20 && *at < 0x7f);
}

static void read_fields(struct slice input)
{
    int64_t number;
    struct slice word;
    char text[32];

    if (totp_step_parse(input, &number) == 0)
        HOLDS(number >= TOTP_STEP_NONE);
    if (field_number(input, &number) == 0) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)number);
        HOLDS(slice_is(input, text));
    }
    while (field_next(&input, &word) == 0)
        HOLDS(word.len > 0 && memchr(word.data, ' ', word.len) == NULL);
}

static void use_recovery(struct slice input)
{
    struct fuzz_input rest = {input.data, input.len};
    struct slice typed = fuzz_part(&rest, '\n'), record = {rest.data, rest.len};
    char letters[RECOVERY_LETTERS], buf[SEAL_MAX], next[RECOVERY_RECORD_MAX];
    char last[RECOVERY_RECORD_MAX];
    unsigned left = RECOVERY_CODES;
    int rc;

    if (recovery_letters(typed, letters) < 0)
        return;
    for (size_t i = 0; i < RECOVERY_LETTERS; i++)
        HOLDS(letters[i] >= 'a' && letters[i] <= 'z');
    record = sealed_input(SEAL_RECOVERY, record, buf);
    rc = recovery_use(keys_of_all(), slice_of(PERSON), record, letters, next, &left);
    HOLDS(rc == 0 || rc == E_AUTH || rc == E_CONFLICT || rc == E_CRYPTO);
    HOLDS((rc == 0) == (left < RECOVERY_CODES));
    if (rc == 0)
        HOLDS(recovery_use(keys_of_all(), slice_of(PERSON), slice_of(next), letters, last, &left) ==
              E_CONFLICT);
}

static void open_app_password(struct slice input)
{
    struct fuzz_input rest = {input.data, input.len};
    struct slice given = fuzz_part(&rest, '\n'), sealed = {rest.data, rest.len};
    char letters[APP_PASSWORD_LETTERS] = "aaaaaaaaaaaaaaaaaaaaaaa", buf[SEAL_MAX];
    struct app_password opened, checked;
    int rc, parsed = app_password_letters(given, letters);

    HOLDS(parsed == 0 || parsed == E_SYNTAX);
    sealed = sealed_input(SEAL_APP_PASSWORD, sealed, buf);
    rc = app_password_open(keys_of_all(), slice_of(PERSON), sealed, &opened);
    HOLDS(rc == 0 || rc == E_CRYPTO);
    if (rc == 0)
        HOLDS(opened.id[0] != '\0' && app_password_name(slice_of(opened.organization)) &&
              app_password_name(slice_of(opened.service)) && opened.label[0] != '\0' &&
              opened.created_ms >= 0);
    if (parsed < 0)
        return;
    parsed = app_password_check(keys_of_all(), slice_of(PERSON), sealed, letters, &checked);
    HOLDS(rc == 0 ? parsed == 0 || parsed == E_AUTH : parsed == rc);
    if (parsed == 0)
        HOLDS(memcmp(&opened, &checked, sizeof(opened)) == 0);
}

static void use_mailed(struct slice input)
{
    static const struct mailed_state now = {.epoch = 3, .changed = "-"};
    struct fuzz_input rest = {input.data, input.len};
    struct slice typed = fuzz_part(&rest, '\n'), record = {rest.data, rest.len};
    char token[MAILED_TOKEN_SIZE] = "", who[MAILED_PERSON_SIZE] = "", buf[SEAL_MAX];
    char again[MAILED_TOKEN_SIZE], sealed[MAILED_RECORD_MAX];
    unsigned char digest[MAILED_DIGEST_SIZE];
    struct mailed mailed, same;
    int rc;

    if (mailed_token_read(typed, token, who) == 0) {
        HOLDS(strlen(token) == MAILED_TOKEN_SIZE - 1 && strlen(who) == MAILED_PERSON_SIZE - 1);
        HOLDS(mailed_token_read(slice_of(token), again, who) == 0 && strcmp(token, again) == 0);
    }
    HOLDS(mailed_digest(typed, digest) == 0);
    record = sealed_input(SEAL_MAILED " forgotten", record, buf);
    if (mailed_open(keys_of_all(), slice_of(PERSON), MAILED_FORGOTTEN, record, &mailed) < 0)
        return;
    rc = mailed_judge(&mailed, digest, &now, NOW);
    HOLDS(rc == 0 || rc == E_AUTH || rc == E_CONFLICT || rc == E_EXISTS || rc == E_AGAIN);
    HOLDS(rc != 0 || (mailed.phase != MAILED_USED && mailed.expires_ms > NOW));
    HOLDS(mailed_seal(keys_of_all(), slice_of(PERSON), MAILED_FORGOTTEN, &mailed, sealed) == 0);
    HOLDS(mailed_open(keys_of_all(), slice_of(PERSON), MAILED_FORGOTTEN, slice_of(sealed), &same) ==
          0);
    HOLDS(same.phase == mailed.phase && same.issued_ms == mailed.issued_ms &&
          memcmp(same.token, mailed.token, sizeof(same.token)) == 0);
}

static const struct {
    char part;
    void (*call)(struct slice input);
} parts[] = {
    {'x', open_sealed},    {'p', check_pin},    {'c', check_code},        {'t', open_ticket},
    {'e', open_enrolment}, {'l', read_lockout}, {'b', read_base64},       {'u', write_uri},
    {'f', read_fields},    {'r', use_recovery}, {'a', open_app_password}, {'m', use_mailed},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char part = fuzz_letter(&input);
    char *bytes = exact_copy(input.data, input.len);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].part == part)
            parts[i].call((struct slice){bytes, input.len});
    free(bytes);
    return 0;
}
