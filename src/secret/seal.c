/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The cipher is fetched once, since the fetch is what costs. The context is a new one for each
 * value: it holds the key schedule on the ordinary heap, where nothing of a key may stay.
 */
#include "secret/seal.h"

#include "base/err.h"
#include "secret/base64.h"
#include "secret/keys.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PREFIX     "usher1."
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define AAD_MAX    (1 + 4 * 4 + SEAL_KEY_ID_MAX + 3 * SEAL_FIELD_MAX)

/* The additional data of one value. */
struct aad {
    int len;
    unsigned char bytes[AAD_MAX];
};

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *cipher;

static void fetch_cipher(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static void aad_add(struct aad *aad, struct slice field, bool fold)
{
    unsigned char *to = aad->bytes + aad->len;

    to[0] = to[1] = 0;
    to[2] = (unsigned char)(field.len >> 8);
    to[3] = (unsigned char)field.len;
    for (size_t i = 0; i < field.len; i++) {
        unsigned char c = (unsigned char)field.data[i];
        to[4 + i] = fold && c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
    }
    aad->len += (int)(4 + field.len);
}

static int aad_make(struct aad *aad, const struct seal_for *what, struct slice key_id)
{
    if (what->purpose.len == 0 || what->purpose.len > SEAL_FIELD_MAX || what->person.len == 0 ||
        what->person.len > SEAL_FIELD_MAX || what->organization.len > SEAL_FIELD_MAX)
        return E_LIMIT;
    aad->bytes[0] = 1;
    aad->len = 1;
    aad_add(aad, key_id, false);
    aad_add(aad, what->purpose, false);
    aad_add(aad, what->person, true);
    aad_add(aad, what->organization, true);
    return 0;
}

/* A context that is ready for text; NULL when OpenSSL fails. */
static EVP_CIPHER_CTX *start(const struct key *key, const unsigned char *nonce,
                             const struct aad *aad, bool sealing)
{
    EVP_CIPHER_CTX *ctx = NULL;
    int done;

    pthread_once(&fetch_once, fetch_cipher);
    if (cipher != NULL)
        ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        return NULL;
    if (EVP_CipherInit_ex2(ctx, cipher, key->bytes, nonce, sealing, NULL) == 1 &&
        EVP_CipherUpdate(ctx, NULL, &done, aad->bytes, aad->len) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

int seal_close(const struct keys *keys, const struct seal_for *what, const void *plain, size_t len,
               char *ret)
{
    const struct key *key;
    unsigned char packed[NONCE_SIZE + SEAL_PLAIN_MAX + TAG_SIZE];
    struct aad aad;
    EVP_CIPHER_CTX *ctx = NULL;
    int err, done = 0, end = 0;

    if (len > SEAL_PLAIN_MAX)
        return E_LIMIT;
    key = keys_use(keys, NULL);
    err = aad_make(&aad, what, slice_of(key->id));
    if (err < 0)
        goto out;
    err = E_CRYPTO;
    if (RAND_bytes(packed, NONCE_SIZE) != 1)
        goto out;
    ctx = start(key, packed, &aad, true);
    if (ctx == NULL)
        goto out;
    /* No bytes at all would be taken for the end of the text. */
    if (len > 0 && EVP_CipherUpdate(ctx, packed + NONCE_SIZE, &done, plain, (int)len) != 1)
        goto out;
    if (EVP_CipherFinal_ex(ctx, packed + NONCE_SIZE + done, &end) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, packed + NONCE_SIZE + len) != 1)
        goto out;
    ret += sprintf(ret, PREFIX "%s.", key->id);
    base64_encode(packed, len + SEAL_OVERHEAD, ret);
    err = 0;
out:
    keys_done(keys);
    EVP_CIPHER_CTX_free(ctx);
    return err;
}

/* The parts of a sealed value: key id and base64. */
static int split(struct slice sealed, struct slice *ret_id, struct slice *ret_text)
{
    struct slice rest;
    const char *dot;

    if (sealed.len <= PREFIX_LEN || sealed.len >= SEAL_MAX ||
        memcmp(sealed.data, PREFIX, PREFIX_LEN) != 0)
        return E_CRYPTO;
    rest = (struct slice){sealed.data + PREFIX_LEN, sealed.len - PREFIX_LEN};
    dot = memchr(rest.data, '.', rest.len);
    if (dot == NULL || dot == rest.data || dot - rest.data > SEAL_KEY_ID_MAX)
        return E_CRYPTO;
    *ret_id = (struct slice){rest.data, (size_t)(dot - rest.data)};
    *ret_text = (struct slice){dot + 1, rest.len - ret_id->len - 1};
    return 0;
}

/* Opens packed bytes (at least SEAL_OVERHEAD) into ret_plain, which stays empty on failure. */
static int open_packed(const struct key *key, const struct aad *aad, unsigned char *packed,
                       size_t size, struct secret *ret_plain)
{
    EVP_CIPHER_CTX *ctx = start(key, packed, aad, false);
    unsigned char plain[SEAL_PLAIN_MAX];
    size_t len = size - SEAL_OVERHEAD;
    int err = E_CRYPTO, done = 0, end = 0;

    if (ctx == NULL)
        goto out;
    if (len > 0 && EVP_CipherUpdate(ctx, plain, &done, packed + NONCE_SIZE, (int)len) != 1)
        goto out;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, packed + NONCE_SIZE + len) != 1 ||
        EVP_CipherFinal_ex(ctx, plain + done, &end) != 1)
        goto out;
    err = secret_set(ret_plain, plain, len);
out:
    EVP_CIPHER_CTX_free(ctx);
    mem_wipe(plain, len);
    return err;
}

int seal_open(const struct keys *keys, const struct seal_for *what, struct slice sealed,
              struct secret *ret_plain)
{
    unsigned char packed[SEAL_PLAIN_MAX + SEAL_OVERHEAD];
    const struct key *key;
    struct slice id, text;
    struct aad aad;
    size_t len;
    int err;

    if (split(sealed, &id, &text) < 0 || aad_make(&aad, what, id) < 0 ||
        base64_decode(text, packed, sizeof(packed), &len) < 0 || len < SEAL_OVERHEAD ||
        (key = keys_use(keys, &id)) == NULL)
        return E_CRYPTO;
    err = open_packed(key, &aad, packed, len, ret_plain);
    keys_done(keys);
    return err;
}

int seal_again(const struct keys *keys, const struct seal_for *what, struct slice sealed, char *ret)
{
    char current[SEAL_KEY_ID_MAX + 1];
    struct secret plain;
    struct slice id;
    int err = seal_key_id(sealed, &id);

    if (err < 0)
        return err;
    keys_current(keys, current);
    if (slice_is(id, current))
        return E_EXISTS;
    if (keys_known(keys, id) < 0)
        return E_NOTFOUND;
    err = seal_open(keys, what, sealed, &plain);
    if (err == 0) {
        err = seal_close(keys, what, plain.data, plain.len, ret);
        secret_clear(&plain);
    }
    return err;
}

int seal_key_id(struct slice sealed, struct slice *ret_id)
{
    struct slice id, text;
    int err = split(sealed, &id, &text);

    if (err == 0)
        *ret_id = id;
    return err;
}
