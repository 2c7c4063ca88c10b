/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/pin.h"

#include "base/err.h"
#include "secret/base64.h"
#include "secret/field.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define SALT_SIZE 16
#define HASH_SIZE 32
#define R_PRESET  8
#define P_PRESET  1
#define R_MOST    8
#define P_MOST    4

struct pin_record {
    int64_t cost, r, p;
    unsigned char salt[SALT_SIZE];
    unsigned char hash[HASH_SIZE];
};

int pin_syntax(struct slice pin)
{
    if (pin.len == 0 || pin.len > PIN_DIGITS_MAX)
        return E_SYNTAX;
    for (size_t i = 0; i < pin.len; i++)
        if (pin.data[i] < '0' || pin.data[i] > '9')
            return E_SYNTAX;
    return 0;
}

static int derive(struct slice pin, const struct pin_record *record, unsigned char *ret_hash)
{
    uint64_t n = UINT64_C(1) << record->cost;
    uint64_t block = 128 * (uint64_t)record->r;
    uint64_t memory = block * (n + (uint64_t)record->p + 2);

    return EVP_PBE_scrypt(pin.data, pin.len, record->salt, SALT_SIZE, n, (uint64_t)record->r,
                          (uint64_t)record->p, memory + 4096, ret_hash, HASH_SIZE) == 1
               ? 0
               : E_CRYPTO;
}

int pin_hash(struct slice pin, unsigned cost, char *ret)
{
    struct pin_record record = {.cost = cost, .r = R_PRESET, .p = P_PRESET};
    char salt[BASE64_SIZE(SALT_SIZE)], hash[BASE64_SIZE(HASH_SIZE)];
    int err = pin_syntax(pin);

    if (err < 0)
        return err;
    if (cost < PIN_COST_LEAST || cost > PIN_COST_MOST)
        return E_LIMIT;
    if (RAND_bytes(record.salt, SALT_SIZE) != 1 || derive(pin, &record, record.hash) < 0) {
        err = E_CRYPTO;
        goto out;
    }
    base64_encode(record.salt, SALT_SIZE, salt);
    base64_encode(record.hash, HASH_SIZE, hash);
    snprintf(ret, PIN_RECORD_MAX, "scrypt$%u$%d$%d$%s$%s", cost, R_PRESET, P_PRESET, salt, hash);
out:
    mem_wipe(hash, sizeof(hash));
    mem_wipe(&record, sizeof(record));
    return err;
}

/* The text up to the next '$', which is dropped; without one, all that is left. */
static struct slice next_part(struct slice *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '$', rest->len) : NULL;
    struct slice part = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len};
    size_t used = part.len + (end != NULL ? 1 : 0);

    rest->len -= used;
    rest->data = rest->len > 0 ? rest->data + used : NULL;
    return part;
}

static int parse_bounded(struct slice *rest, int64_t least, int64_t most, int64_t *ret)
{
    return field_number(next_part(rest), ret) < 0 || *ret < least || *ret > most ? E_CRYPTO : 0;
}

static int parse_bytes(struct slice text, size_t size, unsigned char *ret)
{
    size_t len;

    return base64_decode(text, ret, size, &len) < 0 || len != size ? E_CRYPTO : 0;
}

_Static_assert(PIN_RECORD_MAX >= sizeof("scrypt$17$8$4$$") - 1 + BASE64_SIZE(SALT_SIZE) - 1 +
                                     BASE64_SIZE(HASH_SIZE),
               "the longest record fits");

static int parse_record(struct slice text, struct pin_record *ret)
{
    if (text.len >= PIN_RECORD_MAX || !slice_is(next_part(&text), "scrypt") ||
        parse_bounded(&text, PIN_COST_LEAST, PIN_COST_MOST, &ret->cost) < 0 ||
        parse_bounded(&text, 1, R_MOST, &ret->r) < 0 ||
        parse_bounded(&text, 1, P_MOST, &ret->p) < 0 ||
        parse_bytes(next_part(&text), SALT_SIZE, ret->salt) < 0)
        return E_CRYPTO;
    /* The hash is all that is left: no part, since nothing may follow it. */
    return parse_bytes(text, HASH_SIZE, ret->hash);
}

int pin_verify(struct slice pin, struct slice record)
{
    struct pin_record parsed = {0};
    unsigned char hash[HASH_SIZE];
    int err = pin_syntax(pin);

    if (err < 0)
        return err;
    err = parse_record(record, &parsed);
    if (err == 0)
        err = derive(pin, &parsed, hash);
    if (err == 0)
        err = mem_compare_secret(hash, parsed.hash, HASH_SIZE) == 0 ? 0 : E_AUTH;
    mem_wipe(hash, sizeof(hash));
    mem_wipe(&parsed, sizeof(parsed));
    return err;
}

int pin_dummy(struct slice pin, unsigned cost)
{
    struct pin_record record = {.cost = cost, .r = R_PRESET, .p = P_PRESET};
    unsigned char hash[HASH_SIZE];
    int err = pin_syntax(pin);

    if (err < 0)
        return err;
    if (cost < PIN_COST_LEAST || cost > PIN_COST_MOST)
        return E_LIMIT;
    err = derive(pin, &record, hash);
    mem_wipe(hash, sizeof(hash));
    return err < 0 ? err : E_AUTH;
}
