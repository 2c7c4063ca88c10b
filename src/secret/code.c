/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/code.h"

#include "base/err.h"
#include "secret/field.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define CODES       1000000
#define PURPOSE_MAX (sizeof(SEAL_CHALLENGE) + 1 + CODE_MEANS_MAX + 2 * (19 + 1))

struct code_record {
    struct slice means;
    int64_t made_ms;
    int64_t expires_ms;
    struct slice sealed;
};

static int valid_means(struct slice means)
{
    if (means.len == 0 || means.len > CODE_MEANS_MAX)
        return E_SYNTAX;
    for (size_t i = 0; i < means.len; i++)
        if (means.data[i] < 'a' || means.data[i] > 'z')
            return E_SYNTAX;
    return 0;
}

static int parse_record(struct slice text, struct code_record *ret)
{
    int err;

    if (text.len >= CODE_RECORD_MAX)
        return E_SYNTAX;
    if ((err = field_next(&text, &ret->means)) < 0 || (err = valid_means(ret->means)) < 0 ||
        (err = field_next_number(&text, &ret->made_ms)) < 0 ||
        (err = field_next_number(&text, &ret->expires_ms)) < 0)
        return err;
    ret->sealed = text;
    return 0;
}

/* The purpose carries what stands in the clear. */
static struct slice purpose_of(const struct code_record *record, char buf[PURPOSE_MAX])
{
    int len = snprintf(buf, PURPOSE_MAX, SEAL_CHALLENGE " %.*s %" PRId64 " %" PRId64,
                       SLICE_ARG(record->means), record->made_ms, record->expires_ms);

    return (struct slice){buf, (size_t)len};
}

/* Every code equally likely: numbers above the last whole multiple are thrown away. */
static int draw(uint32_t *ret)
{
    const uint32_t limit = UINT32_MAX - UINT32_MAX % CODES;
    uint32_t number;

    do {
        if (RAND_priv_bytes((unsigned char *)&number, sizeof(number)) != 1)
            return E_CRYPTO;
    } while (number >= limit);
    *ret = number % CODES;
    return 0;
}

int code_new(const struct keys *keys, struct slice person, struct slice means, int64_t now_ms,
             char *ret_code, char *ret_record)
{
    struct code_record record = {means, now_ms, now_ms + CODE_LIFETIME_MS, {NULL, 0}};
    struct seal_for what = {.person = person};
    char purpose[PURPOSE_MAX], sealed[SEAL_MAX_OF(CODE_DIGITS)], code[CODE_DIGITS + 1 + 4];
    uint32_t number = 0;
    int err = valid_means(means);

    if (err < 0)
        return err;
    if (now_ms < 0)
        return E_LIMIT;
    err = draw(&number);
    if (err < 0)
        return err;
    snprintf(code, sizeof(code), "%06" PRIu32, number);
    what.purpose = purpose_of(&record, purpose);
    err = seal_close(keys, &what, code, CODE_DIGITS, sealed);
    if (err < 0)
        goto out;
    snprintf(ret_record, CODE_RECORD_MAX, "%.*s %" PRId64 " %" PRId64 " %s", SLICE_ARG(means),
             record.made_ms, record.expires_ms, sealed);
    memcpy(ret_code, code, CODE_DIGITS + 1);
out:
    mem_wipe(code, sizeof(code));
    mem_wipe(&number, sizeof(number));
    return err;
}

int code_check(const struct keys *keys, struct slice person, struct slice record, struct slice code,
               int64_t now_ms)
{
    struct seal_for what = {.person = person};
    struct code_record parsed;
    struct secret expected;
    char purpose[PURPOSE_MAX];
    int err;

    if (parse_record(record, &parsed) < 0)
        return E_CRYPTO;
    what.purpose = purpose_of(&parsed, purpose);
    err = seal_open(keys, &what, parsed.sealed, &expected);
    if (err < 0)
        return err;
    /* Made later than now: the clock was set back, and how old the code is nobody can tell. */
    if (now_ms >= parsed.expires_ms || now_ms < parsed.made_ms - CODE_INTERVAL_MS)
        err = E_TIMEOUT;
    else if (code.len != CODE_DIGITS || expected.len != CODE_DIGITS ||
             mem_compare_secret(expected.data, code.data, CODE_DIGITS) != 0)
        err = E_AUTH;
    secret_clear(&expected);
    return err;
}

int code_again(const struct keys *keys, struct slice person, struct slice record, char *ret)
{
    struct seal_for what = {.person = person};
    char purpose[PURPOSE_MAX], sealed[SEAL_MAX];
    struct code_record parsed;
    int err;

    if (parse_record(record, &parsed) < 0)
        return E_CRYPTO;
    what.purpose = purpose_of(&parsed, purpose);
    err = seal_again(keys, &what, parsed.sealed, sealed);
    if (err == 0 && strlen(sealed) >= SEAL_MAX_OF(CODE_DIGITS))
        err = E_CRYPTO;
    if (err == 0)
        snprintf(ret, CODE_RECORD_MAX, "%.*s %" PRId64 " %" PRId64 " %.*s", SLICE_ARG(parsed.means),
                 parsed.made_ms, parsed.expires_ms, (int)SEAL_MAX_OF(CODE_DIGITS), sealed);
    return err;
}

int code_interval(struct slice record, int64_t now_ms, int64_t *ret_wait_ms)
{
    struct code_record parsed;
    int64_t wait_ms;

    if (parse_record(record, &parsed) < 0)
        return 0;
    wait_ms = parsed.made_ms + CODE_INTERVAL_MS - now_ms;
    if (wait_ms <= 0)
        return 0;
    *ret_wait_ms = wait_ms < CODE_INTERVAL_MS ? wait_ms : CODE_INTERVAL_MS;
    return E_BUSY;
}

bool code_is_for(struct slice record, struct slice means)
{
    struct code_record parsed;

    return parse_record(record, &parsed) == 0 && slice_equal(parsed.means, means);
}
