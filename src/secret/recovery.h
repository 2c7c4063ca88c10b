/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recovery codes: a set of ten, ten random letters each, every one good once. The record of a set
 * is one sealed value, so that replacing the set and using a code are one swap each. Inside it
 * stand salted SHA-256 digests, not the codes: they are shown once and nobody can show them again.
 * 47 random bits behind a key need no slow hash. Knows neither the ledger nor the login.
 *
 * Sealed inside: a byte 1, a salt (16), then for each code a byte (0 open, 1 used) and the first
 * 16 bytes of SHA-256(salt, letters).
 */
#ifndef USHER_SECRET_RECOVERY_H
#define USHER_SECRET_RECOVERY_H

#include "secret/letters.h"
#include "secret/seal.h"

#define RECOVERY_CODES   10
#define RECOVERY_LETTERS 10
#define RECOVERY_GROUP   5
#define RECOVERY_TEXT_MAX                                                                          \
    LETTERS_SHOWN(RECOVERY_LETTERS, RECOVERY_GROUP) /* "abcde-fghij" and the byte 0 */
#define RECOVERY_PLAIN      (1 + 16 + RECOVERY_CODES * (1 + 16))
#define RECOVERY_RECORD_MAX SEAL_MAX_OF(RECOVERY_PLAIN) /* with the byte 0 */

/* Makes a set and its record for a person (usherId). The caller wipes ret_codes; ret_record has
 * RECOVERY_RECORD_MAX bytes. E_CRYPTO, E_LIMIT. */
int recovery_new(const struct keys *keys, struct slice person,
                 char ret_codes[RECOVERY_CODES][RECOVERY_TEXT_MAX], char *ret_record);

/* The letters of what somebody typed: case, blanks and hyphens are forgiven. ret has
 * RECOVERY_LETTERS bytes, not terminated; the caller wipes it. E_SYNTAX: it is no recovery code. */
int recovery_letters(struct slice typed, char *ret);

/* Uses a code, RECOVERY_LETTERS letters, up. 0: right; *ret_record (RECOVERY_RECORD_MAX bytes) is
 * to be swapped in before anybody is told, *ret_left how many codes are open then. E_CONFLICT:
 * right, but used before; E_AUTH: wrong; E_CRYPTO: the record is not this person's, or no record.
 */
int recovery_use(const struct keys *keys, struct slice person, struct slice record,
                 const char *letters, char *ret_record, unsigned *ret_left);

#endif
