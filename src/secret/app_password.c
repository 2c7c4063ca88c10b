/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/app_password.h"

#include "base/err.h"
#include "secret/field.h"
#include "secret/letters.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_SIZE 32
#define ID_BYTES    4

static struct seal_for app_what(struct slice person)
{
    return (struct seal_for){.purpose = slice_of(SEAL_APP_PASSWORD), .person = person};
}

bool app_password_name(struct slice name)
{
    if (name.len == 0 || name.len >= APP_PASSWORD_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '\0' ||
            strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name.data[i]) == NULL)
            return false;
    return true;
}

static bool valid_label(struct slice label)
{
    if (label.len == 0 || label.len >= APP_PASSWORD_NAME_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++)
        if ((unsigned char)label.data[i] < 0x20 || label.data[i] == 0x7f)
            return false;
    return true;
}

static int digest(const char *letters, unsigned char ret[DIGEST_SIZE])
{
    return EVP_Digest(letters, APP_PASSWORD_LETTERS, ret, NULL, EVP_sha256(), NULL) == 1 ? 0
                                                                                         : E_CRYPTO;
}

/* Everything about it but the password, as the text that is sealed. */
static int app_plain(const struct app_password *password, const char *letters, char *ret,
                     size_t size, int *ret_len)
{
    unsigned char bytes[DIGEST_SIZE];
    char encoded[BASE64_SIZE(DIGEST_SIZE)];
    int err = digest(letters, bytes);

    if (err < 0)
        return err;
    base64_encode(bytes, sizeof(bytes), encoded);
    *ret_len =
        snprintf(ret, size, "1 %s %" PRId64 " %s %s %s %s", password->id, password->created_ms,
                 password->organization, password->service, encoded, password->label);
    mem_wipe(bytes, sizeof(bytes));
    mem_wipe(encoded, sizeof(encoded));
    return *ret_len > 0 && (size_t)*ret_len < size ? 0 : E_LIMIT;
}

int app_password_new(const struct keys *keys, struct slice person, struct app_password *password,
                     char *ret_text, char *ret_sealed)
{
    struct seal_for what = app_what(person);
    char letters[APP_PASSWORD_LETTERS], plain[512];
    unsigned char id[ID_BYTES];
    int err, len = 0;

    if (!app_password_name(slice_of(password->organization)) ||
        !app_password_name(slice_of(password->service)) || !valid_label(slice_of(password->label)))
        return E_SYNTAX;
    err = RAND_bytes(id, sizeof(id)) == 1 ? letters_draw(sizeof(letters), letters) : E_CRYPTO;
    if (err == 0) {
        (void)snprintf(password->id, sizeof(password->id), "%02x%02x%02x%02x", id[0], id[1], id[2],
                       id[3]);
        err = app_plain(password, letters, plain, sizeof(plain), &len);
    }
    if (err == 0)
        err = seal_close(keys, &what, plain, (size_t)len, ret_sealed);
    if (err == 0)
        letters_show(letters, sizeof(letters), APP_PASSWORD_GROUP, ret_text);
    mem_wipe(letters, sizeof(letters));
    mem_wipe(plain, sizeof(plain));
    return err;
}

/* Takes a word of at most size - 1 bytes, none of them 0, off the front. */
static int take_word(struct slice *rest, char *ret, size_t size)
{
    struct slice word;
    int err = field_next(rest, &word);

    if (err < 0 || word.len >= size || memchr(word.data, '\0', word.len) != NULL)
        return E_CRYPTO;
    memcpy(ret, word.data, word.len);
    ret[word.len] = '\0';
    return 0;
}

static int app_open(const struct keys *keys, struct slice person, struct slice sealed,
                    struct app_password *ret, unsigned char ret_digest[DIGEST_SIZE])
{
    struct seal_for what = app_what(person);
    struct app_password password = {0};
    char encoded[BASE64_SIZE(DIGEST_SIZE)];
    struct secret plain;
    struct slice rest;
    int64_t version;
    size_t len;
    int err = seal_open(keys, &what, sealed, &plain);

    if (err < 0)
        return err;
    rest = secret_slice(&plain);
    if (field_next_number(&rest, &version) < 0 || version != 1 ||
        take_word(&rest, password.id, sizeof(password.id)) < 0 ||
        field_next_number(&rest, &password.created_ms) < 0 ||
        take_word(&rest, password.organization, sizeof(password.organization)) < 0 ||
        take_word(&rest, password.service, sizeof(password.service)) < 0 ||
        !app_password_name(slice_of(password.organization)) ||
        !app_password_name(slice_of(password.service)) ||
        take_word(&rest, encoded, sizeof(encoded)) < 0 ||
        base64_decode(slice_of(encoded), ret_digest, DIGEST_SIZE, &len) < 0 || len != DIGEST_SIZE ||
        !valid_label(rest))
        err = E_CRYPTO;
    else {
        memcpy(password.label, rest.data, rest.len);
        *ret = password;
    }
    secret_clear(&plain);
    mem_wipe(encoded, sizeof(encoded));
    return err;
}

int app_password_open(const struct keys *keys, struct slice person, struct slice sealed,
                      struct app_password *ret)
{
    unsigned char ignored[DIGEST_SIZE];
    int err = app_open(keys, person, sealed, ret, ignored);

    mem_wipe(ignored, sizeof(ignored));
    return err;
}

int app_password_letters(struct slice given, char ret[APP_PASSWORD_LETTERS])
{
    return letters_read(given, APP_PASSWORD_LETTERS, ret);
}

int app_password_check(const struct keys *keys, struct slice person, struct slice sealed,
                       const char letters[APP_PASSWORD_LETTERS], struct app_password *ret)
{
    unsigned char stored[DIGEST_SIZE], given[DIGEST_SIZE];
    struct app_password password;
    int err = app_open(keys, person, sealed, &password, stored);

    if (err == 0)
        err = digest(letters, given);
    if (err == 0 && mem_compare_secret(stored, given, DIGEST_SIZE) != 0)
        err = E_AUTH;
    if (err == 0)
        *ret = password;
    mem_wipe(stored, sizeof(stored));
    mem_wipe(given, sizeof(given));
    return err;
}
