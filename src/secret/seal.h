/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sealing: AES-256-GCM under a key of the key file. A sealed value opens only for the purpose, the
 * person and the organization that it was sealed for, so that a value moved to another place is
 * worth nothing. Keys live in locked memory that is kept out of core dumps and is wiped when freed.
 * Knows neither the directory nor what the sealed bytes mean.
 *
 * A sealed value is text: usher1.<key id>.<base64 of nonce (12), ciphertext, tag (16)>. The
 * additional data are a byte 1, then key id, purpose, person and organization, each behind its
 * length (4 bytes, big-endian). Nonces are random: one key may seal 2^32 values.
 */
#ifndef USHER_SECRET_SEAL_H
#define USHER_SECRET_SEAL_H

#include "base/mem.h"
#include "secret/base64.h"

#include <stdint.h>

#define SEAL_KEY_ID_MAX   32         /* of a-z 0-9 - */
#define SEAL_KEYS_MAX     64         /* in one file */
#define SEAL_FIELD_MAX    256        /* of purpose, person and organization each */
#define SEAL_PLAIN_MAX    SECRET_MAX /* bytes that one value may seal */
#define SEAL_OVERHEAD     28         /* nonce and tag */
#define SEAL_MAX_OF(size) (7 + SEAL_KEY_ID_MAX + 1 + BASE64_SIZE((size) + SEAL_OVERHEAD))
#define SEAL_MAX          SEAL_MAX_OF(SEAL_PLAIN_MAX) /* with the byte 0 */

/* The purposes in use: the attribute, or what the value is where it lies in none. */
#define SEAL_PIN          "usherPin"
#define SEAL_TOTP         "usherTotpSecret"
#define SEAL_APP_PASSWORD "usherAppPassword"
#define SEAL_CHALLENGE    "usherChallenge"
#define SEAL_RECOVERY     "usherRecoveryCode"
#define SEAL_TICKET       "ticket"
#define SEAL_ENROLMENT    "enrolment"
#define SEAL_MAILED       "usherToken"

/* What a value is sealed for. person is the usherId; organization may be empty. Both count with
 * ASCII case folded, as the directory compares them. */
struct seal_for {
    struct slice purpose;
    struct slice person;
    struct slice organization;
};

/* The keys of one file. The file is looked at before each use and read anew when it has changed, so
 * that all gateways take a new key up at once; a file that does not parse leaves the keys in force.
 * A key that is taken out still opens for five minutes. Threads may share them. */
struct keys;

/* Makes a key file with one new key, mode 0600, on the disk when this returns. An existing file,
 * whatever it is, is left alone: E_EXISTS. E_IO, E_ACCESS, E_NOTFOUND as the system says;
 * E_CRYPTO when there is no randomness. */
int keys_create(const char *path);

/* Reads a key file: lines of `id base64-of-32-bytes`, blank ones and those that start with '#'
 * skipped; the last key seals. A key with the word `next` behind it opens and does not seal. The
 * file must be regular, not a symbolic link, belong to the caller or to root (where the caller is
 * root: to anybody), and give no right to anybody else (0600 or less). Errors: E_NOTFOUND,
 * E_ACCESS, E_IO from the system (also when memory cannot be locked), E_CONF for owner, mode and
 * contents, E_LIMIT for too large a file. errbuf then says what is wrong, with the line, and never
 * key material. The caller frees *ret_keys with keys_free. */
int keys_load(const char *path, struct keys **ret_keys, char *errbuf, size_t size);

/* Another owner. Any thread. */
struct keys *keys_share(struct keys *keys);

/* Wipes and frees with the last owner. NULL is fine. */
void keys_free(struct keys *keys);

/* Whether they were read from this path. */
bool keys_of(const struct keys *keys, const char *path);

/* Id of the key that seals. ret has SEAL_KEY_ID_MAX + 1 bytes. */
void keys_current(const struct keys *keys, char *ret);

/* Whether the file has a key of this id. E_NOTFOUND. */
int keys_known(const struct keys *keys, struct slice id);

/* Reads the file anew if it has changed. The error of the last reading, as keys_load: the keys
 * before it are still in force then. */
int keys_refresh(const struct keys *keys, char *errbuf, size_t size);

/* When the file last changed, ms since 1970. */
int64_t keys_changed_ms(const struct keys *keys);

/* The steps of a rotation, each one a new file in the place of the old one, owner and all. Each may
 * be repeated, and a crash leaves the one file or the other. E_BUSY: somebody else is at it. Errors
 * and errbuf as keys_load.
 * keys_add: one more key, marked next: it opens, so that every gateway knows it before it seals.
 * E_EXISTS when there is one already. keys_promote: that one seals from now on; E_NOTFOUND when
 * there is none. keys_drop: all go but the one that seals. E_EXISTS when one is marked next. */
int keys_add(const char *path, char *errbuf, size_t size);
int keys_promote(const char *path, char *errbuf, size_t size);
int keys_drop(const char *path, char *errbuf, size_t size);

/* Where a rotation stands. */
struct keys_state {
    unsigned count; /* keys in the file */
    char current[SEAL_KEY_ID_MAX + 1];
    char next[SEAL_KEY_ID_MAX + 1]; /* empty: none is marked */
};
int keys_state(const char *path, struct keys_state *ret, char *errbuf, size_t size);

/* Seals len bytes. ret has SEAL_MAX bytes, or SEAL_MAX_OF(len). E_LIMIT when a bound above is
 * passed or the purpose or person is empty; E_CRYPTO when OpenSSL fails. */
int seal_close(const struct keys *keys, const struct seal_for *what, const void *plain, size_t len,
               char *ret);

/* Opens what seal_close made. E_CRYPTO for everything else: not sealed, another purpose, person or
 * organization, an unknown key, changed in any bit, not in its one spelling. The caller clears
 * *ret_plain. */
int seal_open(const struct keys *keys, const struct seal_for *what, struct slice sealed,
              struct secret *ret_plain);

/* Seals a value anew with the key that seals now. ret has SEAL_MAX bytes. E_EXISTS: it is sealed
 * with that one; E_NOTFOUND: with a key that is not in the file; E_CRYPTO: it is no sealed value,
 * or does not open for this purpose, person and organization. */
int seal_again(const struct keys *keys, const struct seal_for *what, struct slice sealed,
               char *ret);

/* The key id inside a sealed value, to find what a new key has not sealed yet. E_CRYPTO when it is
 * no sealed value. */
int seal_key_id(struct slice sealed, struct slice *ret_id);

#endif
