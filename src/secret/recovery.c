/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/recovery.h"

#include "base/err.h"
#include "secret/letters.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define PLAIN_VERSION 1
#define SALT_SIZE     16
#define DIGEST_SIZE   16 /* of SHA-256's 32 bytes */
#define SLOT_SIZE     (1 + DIGEST_SIZE)

enum { SLOT_OPEN = 0, SLOT_USED = 1 };

static struct seal_for recovery_what(struct slice person)
{
    return (struct seal_for){.purpose = slice_of(SEAL_RECOVERY), .person = person};
}

static int digest(const unsigned char *salt, const char *letters, unsigned char *ret)
{
    unsigned char input[SALT_SIZE + RECOVERY_LETTERS], whole[EVP_MAX_MD_SIZE];
    int done;

    memcpy(input, salt, SALT_SIZE);
    memcpy(input + SALT_SIZE, letters, RECOVERY_LETTERS);
    done = EVP_Digest(input, sizeof(input), whole, NULL, EVP_sha256(), NULL);
    memcpy(ret, whole, DIGEST_SIZE);
    mem_wipe(input, sizeof(input));
    mem_wipe(whole, sizeof(whole));
    return done == 1 ? 0 : E_CRYPTO;
}

int recovery_new(const struct keys *keys, struct slice person,
                 char ret_codes[RECOVERY_CODES][RECOVERY_TEXT_MAX], char *ret_record)
{
    struct seal_for what = recovery_what(person);
    unsigned char plain[RECOVERY_PLAIN] = {PLAIN_VERSION}, *slot = plain + 1 + SALT_SIZE;
    char letters[RECOVERY_LETTERS], codes[RECOVERY_CODES][RECOVERY_TEXT_MAX];
    int err = RAND_bytes(plain + 1, SALT_SIZE) == 1 ? 0 : E_CRYPTO;

    for (size_t i = 0; err == 0 && i < RECOVERY_CODES; i++, slot += SLOT_SIZE) {
        err = letters_draw(RECOVERY_LETTERS, letters);
        if (err == 0)
            err = digest(plain + 1, letters, slot + 1);
        if (err == 0)
            letters_show(letters, RECOVERY_LETTERS, RECOVERY_GROUP, codes[i]);
    }
    if (err == 0)
        err = seal_close(keys, &what, plain, sizeof(plain), ret_record);
    if (err == 0)
        memcpy(ret_codes, codes, sizeof(codes));
    mem_wipe(plain, sizeof(plain));
    mem_wipe(letters, sizeof(letters));
    mem_wipe(codes, sizeof(codes));
    return err;
}

int recovery_letters(struct slice typed, char *ret)
{
    return letters_read(typed, RECOVERY_LETTERS, ret);
}

/* Finds the code among all slots, whichever it is in, in the same time. Marks it used. */
static int slots_use(unsigned char *plain, const unsigned char *wanted, unsigned *ret_left)
{
    unsigned char *slot = plain + 1 + SALT_SIZE, *found = NULL;
    unsigned left = 0;

    for (size_t i = 0; i < RECOVERY_CODES; i++, slot += SLOT_SIZE) {
        if (mem_compare_secret(slot + 1, wanted, DIGEST_SIZE) == 0)
            found = slot;
        left += slot[0] == SLOT_OPEN;
    }
    if (found == NULL)
        return E_AUTH;
    if (found[0] != SLOT_OPEN)
        return E_CONFLICT;
    found[0] = SLOT_USED;
    *ret_left = left - 1;
    return 0;
}

int recovery_use(const struct keys *keys, struct slice person, struct slice record,
                 const char *letters, char *ret_record, unsigned *ret_left)
{
    struct seal_for what = recovery_what(person);
    unsigned char wanted[DIGEST_SIZE], plain[RECOVERY_PLAIN];
    struct secret opened;
    unsigned left = 0;
    int err = seal_open(keys, &what, record, &opened);

    if (err < 0)
        return err;
    if (opened.len != sizeof(plain) || opened.data[0] != PLAIN_VERSION)
        err = E_CRYPTO;
    if (err == 0) {
        memcpy(plain, opened.data, sizeof(plain));
        err = digest(plain + 1, letters, wanted);
    }
    if (err == 0)
        err = slots_use(plain, wanted, &left);
    if (err == 0)
        err = seal_close(keys, &what, plain, sizeof(plain), ret_record);
    if (err == 0)
        *ret_left = left;
    secret_clear(&opened);
    mem_wipe(plain, sizeof(plain));
    mem_wipe(wanted, sizeof(wanted));
    return err;
}
