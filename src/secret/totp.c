/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/totp.h"

#include "base/err.h"
#include "secret/field.h"

#include <liboath/oath.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 1

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int init_result = OATH_CRYPTO_ERROR;

static void init_oath(void)
{
    init_result = oath_init();
}

static int ready(void)
{
    pthread_once(&init_once, init_oath);
    return init_result == OATH_OK ? 0 : E_CRYPTO;
}

int totp_new(unsigned char ret_secret[TOTP_SECRET_SIZE])
{
    return RAND_priv_bytes(ret_secret, TOTP_SECRET_SIZE) == 1 ? 0 : E_CRYPTO;
}

int totp_base32(const void *secret, size_t len, char *ret)
{
    char *text = NULL;
    size_t size = 0, used;

    if (len == 0 || len > TOTP_SECRET_MAX)
        return E_LIMIT;
    if (ready() < 0 || oath_base32_encode(secret, len, &text, &size) != OATH_OK)
        return E_CRYPTO;
    used = strcspn(text, "=");
    memcpy(ret, text, used);
    ret[used] = '\0';
    mem_wipe(text, size);
    free(text);
    return 0;
}

/* Percent-encodes all but the unreserved characters of RFC 3986 2.3. */
static int append_encoded(char *to, size_t size, size_t *len, struct slice text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (*len + 4 > size)
            return E_LIMIT;
        if (c != '\0' && strchr(plain, c) != NULL)
            to[(*len)++] = (char)c;
        else
            *len += (size_t)sprintf(to + *len, "%%%02X", c);
    }
    to[*len] = '\0';
    return 0;
}

static int append_text(char *to, size_t size, size_t *len, const char *text)
{
    size_t more = strlen(text);

    if (*len + more + 1 > size)
        return E_LIMIT;
    memcpy(to + *len, text, more + 1);
    *len += more;
    return 0;
}

int totp_uri(const void *secret, size_t len, struct slice issuer, struct slice uid, char *ret)
{
    char base32[TOTP_BASE32_MAX], uri[TOTP_URI_MAX];
    size_t used = 0;
    int err;

    if (issuer.len == 0 || uid.len == 0)
        return E_LIMIT;
    err = totp_base32(secret, len, base32);
    if (err < 0)
        return err;
    if ((err = append_text(uri, sizeof(uri), &used, "otpauth://totp/")) == 0 &&
        (err = append_encoded(uri, sizeof(uri), &used, issuer)) == 0 &&
        (err = append_text(uri, sizeof(uri), &used, ":")) == 0 &&
        (err = append_encoded(uri, sizeof(uri), &used, uid)) == 0 &&
        (err = append_text(uri, sizeof(uri), &used, "?secret=")) == 0 &&
        (err = append_text(uri, sizeof(uri), &used, base32)) == 0 &&
        (err = append_text(uri, sizeof(uri), &used, "&issuer=")) == 0 &&
        (err = append_encoded(uri, sizeof(uri), &used, issuer)) == 0 &&
        (err = append_text(uri, sizeof(uri), &used, "&algorithm=SHA1&digits=6&period=30")) == 0)
        memcpy(ret, uri, used + 1);
    mem_wipe(base32, sizeof(base32));
    mem_wipe(uri, sizeof(uri));
    return err;
}

static int is_code(struct slice code)
{
    if (code.len != TOTP_DIGITS)
        return E_AUTH;
    for (size_t i = 0; i < code.len; i++)
        if (code.data[i] < '0' || code.data[i] > '9')
            return E_AUTH;
    return 0;
}

int totp_check(const void *secret, size_t len, struct slice code, int64_t now_ms, int64_t last_step,
               int64_t *ret_step)
{
    int64_t step = now_ms / TOTP_STEP_MS, found = TOTP_STEP_NONE;
    char expected[TOTP_DIGITS + 1];
    int err = is_code(code);

    if (err < 0)
        return err;
    if (len == 0 || len > TOTP_SECRET_MAX || now_ms < WINDOW * TOTP_STEP_MS)
        return E_LIMIT;
    if (ready() < 0)
        return E_CRYPTO;
    /* liboath's own validation stops at the first match and compares byte by byte; here all steps
     * are looked at, whatever matches. */
    for (int64_t at = step - WINDOW; at <= step + WINDOW; at++) {
        if (oath_hotp_generate(secret, len, (uint64_t)at, TOTP_DIGITS, false,
                               OATH_HOTP_DYNAMIC_TRUNCATION, expected) != OATH_OK) {
            err = E_CRYPTO;
            goto out;
        }
        if (mem_compare_secret(expected, code.data, TOTP_DIGITS) == 0)
            found = at;
    }
    if (found == TOTP_STEP_NONE)
        err = E_AUTH;
    else if (found <= last_step)
        err = E_CONFLICT;
    else
        *ret_step = found;
out:
    mem_wipe(expected, sizeof(expected));
    return err;
}

int totp_step_parse(struct slice value, int64_t *ret_step)
{
    return field_number(value, ret_step);
}
