/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plain text of a record is `1 phase issued expires claimed epoch changed address token`, the
 * last two in hexadecimal; the person and the kind are in the additional data.
 */
#include "secret/mailed.h"

#include "base/err.h"
#include "secret/field.h"

#include <inttypes.h>
#include <liboath/oath.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERSON_BYTES  16
#define RANDOM_BYTES  16
#define TOKEN_BYTES   (PERSON_BYTES + RANDOM_BYTES)
#define TOKEN_LETTERS (MAILED_TOKEN_SIZE - 1)
#define TIME_MOST     999999999999999 /* ms: far beyond any clock, and its sums do not overflow */

static const char hex[] = "0123456789abcdef";

/* Where the hyphens of a UUID stand. */
static bool is_hyphen(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

static int hex_digit(char c)
{
    const char *at = c != '\0' ? strchr(hex, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return at != NULL ? (int)(at - hex) : -1;
}

static int uuid_read(struct slice text, unsigned char ret[PERSON_BYTES])
{
    size_t digits = 0;

    if (text.len != MAILED_PERSON_SIZE - 1)
        return E_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.data[i]);

        if (is_hyphen(i)) {
            if (text.data[i] != '-')
                return E_SYNTAX;
            continue;
        }
        if (digit < 0)
            return E_SYNTAX;
        ret[digits / 2] = (unsigned char)(digits % 2 == 0 ? digit << 4 : ret[digits / 2] | digit);
        digits++;
    }
    return 0;
}

static void uuid_write(const unsigned char bytes[PERSON_BYTES], char ret[MAILED_PERSON_SIZE])
{
    size_t digits = 0;

    for (size_t i = 0; i < MAILED_PERSON_SIZE - 1; i++) {
        unsigned char byte = bytes[digits / 2];

        if (is_hyphen(i)) {
            ret[i] = '-';
            continue;
        }
        ret[i] = hex[digits % 2 == 0 ? byte >> 4 : byte & 15];
        digits++;
    }
    ret[MAILED_PERSON_SIZE - 1] = '\0';
}

/* In lower case, without padding. */
static int token_write(const unsigned char bytes[TOKEN_BYTES], char ret[MAILED_TOKEN_SIZE])
{
    char *text = NULL;
    size_t size = 0;
    int err = E_CRYPTO;

    if (oath_base32_encode((const char *)bytes, TOKEN_BYTES, &text, &size) == OATH_OK &&
        strcspn(text, "=") == TOKEN_LETTERS) {
        for (size_t i = 0; i < TOKEN_LETTERS; i++)
            ret[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
        ret[TOKEN_LETTERS] = '\0';
        err = 0;
    }
    if (text != NULL)
        mem_wipe(text, size);
    free(text);
    return err;
}

int mailed_token_new(struct slice person, char *ret_token)
{
    unsigned char bytes[TOKEN_BYTES];
    int err = uuid_read(person, bytes);

    if (err == 0 && RAND_priv_bytes(bytes + PERSON_BYTES, RANDOM_BYTES) != 1)
        err = E_CRYPTO;
    if (err == 0)
        err = token_write(bytes, ret_token);
    mem_wipe(bytes, sizeof(bytes));
    return err;
}

/* The letters alone, in upper case as liboath reads them. */
static int token_letters(struct slice typed, char ret[MAILED_TOKEN_SIZE])
{
    size_t found = 0;

    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.data[i];

        if (c == ' ' || c == '-')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (!((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')) || found == TOKEN_LETTERS)
            return E_SYNTAX;
        ret[found++] = c;
    }
    ret[found] = '\0';
    return found == TOKEN_LETTERS ? 0 : E_SYNTAX;
}

int mailed_token_read(struct slice typed, char *ret_token, char *ret_person)
{
    char letters[MAILED_TOKEN_SIZE] = "", token[MAILED_TOKEN_SIZE] = "", *bytes = NULL;
    size_t len = 0;
    int err = token_letters(typed, letters);

    if (err == 0 &&
        (oath_base32_decode(letters, TOKEN_LETTERS, &bytes, &len) != OATH_OK || len != TOKEN_BYTES))
        err = E_SYNTAX;
    if (err == 0)
        err = token_write((const unsigned char *)bytes, token);
    /* The last letter has bits to spare: a token has one spelling. */
    if (err == 0 && (token[TOKEN_LETTERS - 1] & ~32) != (letters[TOKEN_LETTERS - 1] & ~32))
        err = E_SYNTAX;
    if (err == 0) {
        memcpy(ret_token, token, sizeof(token));
        uuid_write((const unsigned char *)bytes, ret_person);
    }
    if (bytes != NULL)
        mem_wipe(bytes, len);
    free(bytes);
    mem_wipe(letters, sizeof(letters));
    mem_wipe(token, sizeof(token));
    return err;
}

int mailed_digest(struct slice text, unsigned char *ret)
{
    unsigned char whole[EVP_MAX_MD_SIZE];
    int done = EVP_Digest(text.data, text.len, whole, NULL, EVP_sha256(), NULL);

    if (done == 1)
        memcpy(ret, whole, MAILED_DIGEST_SIZE);
    mem_wipe(whole, sizeof(whole));
    return done == 1 ? 0 : E_CRYPTO;
}

static const struct {
    const char *word;
    const char *purpose;
} kinds[MAILED_KINDS] = {
    [MAILED_ACTIVATION] = {"activation", SEAL_MAILED " activation"},
    [MAILED_FORGOTTEN] = {"forgotten", SEAL_MAILED " forgotten"},
};

const char *mailed_word(enum mailed_kind kind)
{
    return kinds[kind].word;
}

int mailed_kind(struct slice word, enum mailed_kind *ret)
{
    for (int i = 0; i < MAILED_KINDS; i++)
        if (slice_is(word, kinds[i].word)) {
            *ret = (enum mailed_kind)i;
            return 0;
        }
    return E_NOTFOUND;
}

static struct seal_for mailed_what(struct slice person, enum mailed_kind kind)
{
    return (struct seal_for){.purpose = slice_of(kinds[kind].purpose), .person = person};
}

static void hex_write(const unsigned char *bytes, char ret[2 * MAILED_DIGEST_SIZE + 1])
{
    for (size_t i = 0; i < MAILED_DIGEST_SIZE; i++) {
        ret[2 * i] = hex[bytes[i] >> 4];
        ret[2 * i + 1] = hex[bytes[i] & 15];
    }
    ret[2 * MAILED_DIGEST_SIZE] = '\0';
}

static int hex_next(struct slice *rest, unsigned char *ret)
{
    struct slice word;

    if (field_next(rest, &word) < 0 || word.len != 2 * (size_t)MAILED_DIGEST_SIZE)
        return E_SYNTAX;
    for (size_t i = 0; i < MAILED_DIGEST_SIZE; i++) {
        int high = hex_digit(word.data[2 * i]), low = hex_digit(word.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return E_SYNTAX;
        ret[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static bool time_fits(int64_t ms)
{
    return ms >= 0 && ms <= TIME_MOST;
}

static int mailed_bounds(const struct mailed *mailed)
{
    if (mailed->phase >= MAILED_PHASES || !time_fits(mailed->issued_ms) ||
        !time_fits(mailed->expires_ms) || !time_fits(mailed->claimed_ms) ||
        !time_fits(mailed->state.epoch))
        return E_LIMIT;
    for (const char *c = mailed->state.changed; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return E_SYNTAX;
    return mailed->state.changed[0] != '\0' ? 0 : E_SYNTAX;
}

_Static_assert(MAILED_PLAIN_MAX <= SEAL_PLAIN_MAX, "a record can be sealed");

int mailed_seal(const struct keys *keys, struct slice person, enum mailed_kind kind,
                const struct mailed *mailed, char *ret)
{
    struct seal_for what = mailed_what(person, kind);
    char plain[MAILED_PLAIN_MAX + 1];
    char address[2 * MAILED_DIGEST_SIZE + 1], token[2 * MAILED_DIGEST_SIZE + 1];
    int len, err = mailed_bounds(mailed);

    if (err < 0)
        return err;
    hex_write(mailed->state.address, address);
    hex_write(mailed->token, token);
    len = snprintf(plain, sizeof(plain),
                   "1 %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %s %s %s",
                   (int)mailed->phase, mailed->issued_ms, mailed->expires_ms, mailed->claimed_ms,
                   mailed->state.epoch, mailed->state.changed, address, token);
    err = seal_close(keys, &what, plain, (size_t)len, ret);
    mem_wipe(plain, sizeof(plain));
    return err;
}

static int mailed_parse(struct slice rest, struct mailed *ret)
{
    int64_t version, phase;
    struct slice changed;

    if (field_next_number(&rest, &version) < 0 || version != 1 ||
        field_next_number(&rest, &phase) < 0 || phase >= MAILED_PHASES ||
        field_next_number(&rest, &ret->issued_ms) < 0 ||
        field_next_number(&rest, &ret->expires_ms) < 0 ||
        field_next_number(&rest, &ret->claimed_ms) < 0 ||
        field_next_number(&rest, &ret->state.epoch) < 0 || field_next(&rest, &changed) < 0 ||
        changed.len >= sizeof(ret->state.changed) || hex_next(&rest, ret->state.address) < 0 ||
        hex_next(&rest, ret->token) < 0 || rest.len != 0)
        return E_CRYPTO;
    ret->phase = (enum mailed_phase)phase;
    memcpy(ret->state.changed, changed.data, changed.len);
    ret->state.changed[changed.len] = '\0';
    return mailed_bounds(ret) == 0 ? 0 : E_CRYPTO;
}

int mailed_open(const struct keys *keys, struct slice person, enum mailed_kind kind,
                struct slice record, struct mailed *ret)
{
    struct seal_for what = mailed_what(person, kind);
    struct mailed mailed = {0};
    struct secret plain;
    int err;

    if (record.len >= MAILED_RECORD_MAX)
        return E_CRYPTO;
    err = seal_open(keys, &what, record, &plain);
    if (err < 0)
        return err;
    err = mailed_parse((struct slice){plain.data, plain.len}, &mailed);
    if (err == 0)
        *ret = mailed;
    secret_clear(&plain);
    return err;
}

int mailed_again(const struct keys *keys, struct slice person, enum mailed_kind kind,
                 struct slice record, char *ret)
{
    struct seal_for what = mailed_what(person, kind);
    char sealed[SEAL_MAX];
    int err = record.len < MAILED_RECORD_MAX ? seal_again(keys, &what, record, sealed) : E_CRYPTO;

    if (err == 0 && strlen(sealed) >= MAILED_RECORD_MAX)
        err = E_CRYPTO;
    if (err == 0)
        memcpy(ret, sealed, strlen(sealed) + 1);
    return err;
}

int mailed_judge(const struct mailed *mailed, const unsigned char *token,
                 const struct mailed_state *now, int64_t now_ms)
{
    const struct mailed_state *then = &mailed->state;

    if (mem_compare_secret(mailed->token, token, MAILED_DIGEST_SIZE) != 0)
        return E_AUTH;
    if (mailed->phase == MAILED_USED || now_ms >= mailed->expires_ms || then->epoch != now->epoch ||
        memcmp(then->address, now->address, MAILED_DIGEST_SIZE) != 0)
        return E_CONFLICT;
    if (mailed->phase == MAILED_CLAIMED && now_ms < mailed->claimed_ms)
        return E_EXISTS;
    if (strcmp(then->changed, now->changed) != 0)
        return mailed->phase == MAILED_CLAIMED ? E_AGAIN : E_CONFLICT;
    return 0;
}
