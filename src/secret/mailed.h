/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens that a mail carries so that a person sets a password: an invitation, a forgotten password.
 * A token names its person (half of it is the usherId), so that it is found without a search; the
 * other half is random. Of it only a digest is kept, in a sealed record that also says what the
 * token was made for: the password, the address and the epoch of that moment. Whatever changes one
 * of them ends it. Knows neither the ledger nor the mail.
 */
#ifndef USHER_SECRET_MAILED_H
#define USHER_SECRET_MAILED_H

#include "secret/seal.h"

#include <stdint.h>

#define MAILED_TOKEN_SIZE  53 /* 52 letters a-z and digits 2-7 (base32 of 32 bytes), the byte 0 */
#define MAILED_PERSON_SIZE 37 /* a UUID and the byte 0 */
#define MAILED_DIGEST_SIZE 16 /* of SHA-256's 32 bytes */
#define MAILED_CHANGED_MAX 32 /* bytes of the time of a password, with the byte 0 */
#define MAILED_PLAIN_MAX   (4 + 4 * 19 + MAILED_CHANGED_MAX + 2 * (2 * MAILED_DIGEST_SIZE + 1))
#define MAILED_RECORD_MAX  SEAL_MAX_OF(MAILED_PLAIN_MAX) /* with the byte 0 */

enum mailed_kind { MAILED_ACTIVATION, MAILED_FORGOTTEN, MAILED_KINDS };

/* Claimed: somebody sets the password with it right now, or died while doing so. */
enum mailed_phase { MAILED_OPEN, MAILED_CLAIMED, MAILED_USED, MAILED_PHASES };

/* What a token is good for as long as it stays the same. */
struct mailed_state {
    int64_t epoch;                             /* usherAuthEpoch */
    char changed[MAILED_CHANGED_MAX];          /* pwdChangedTime; "-" for none */
    unsigned char address[MAILED_DIGEST_SIZE]; /* of the mail address */
};

/* A record, opened. Times are ms since 1970. */
struct mailed {
    enum mailed_phase phase;
    int64_t issued_ms, expires_ms;
    int64_t claimed_ms; /* the claim holds until then; 0: none */
    struct mailed_state state;
    unsigned char token[MAILED_DIGEST_SIZE];
};

/* A fresh token for a person. ret_token has MAILED_TOKEN_SIZE bytes; the caller wipes it. E_SYNTAX:
 * the usherId is no UUID; E_CRYPTO. */
int mailed_token_new(struct slice person, char *ret_token);

/* Reads what somebody typed: case, blanks and hyphens are forgiven. ret_token has MAILED_TOKEN_SIZE
 * bytes and is wiped by the caller, ret_person (the usherId) MAILED_PERSON_SIZE. E_SYNTAX: it is no
 * token. */
int mailed_token_read(struct slice typed, char *ret_token, char *ret_person);

/* The first MAILED_DIGEST_SIZE bytes of SHA-256. E_CRYPTO. */
int mailed_digest(struct slice text, unsigned char *ret);

/* "activation", "forgotten": also the purpose that a record is sealed for. Static. */
const char *mailed_word(enum mailed_kind kind);

/* The kind of a word. E_NOTFOUND. */
int mailed_kind(struct slice word, enum mailed_kind *ret);

/* Seals a record; ret has MAILED_RECORD_MAX bytes. E_LIMIT when a time or the epoch is out of
 * bounds, E_SYNTAX for a time of the password that is no word; E_CRYPTO. */
int mailed_seal(const struct keys *keys, struct slice person, enum mailed_kind kind,
                const struct mailed *mailed, char *ret);

/* E_CRYPTO: it is no record of this kind and person. */
int mailed_open(const struct keys *keys, struct slice person, enum mailed_kind kind,
                struct slice record, struct mailed *ret);

/* Seals a record anew with the key that seals now. Errors as seal_again; ret has MAILED_RECORD_MAX
 * bytes. */
int mailed_again(const struct keys *keys, struct slice person, enum mailed_kind kind,
                 struct slice record, char *ret);

/* Whether the token with this digest may be redeemed now. 0: yes; E_AUTH: it is another token;
 * and of the right one E_CONFLICT: used, expired or ended; E_EXISTS: claimed; E_AGAIN: a claim has
 * lapsed and the password is another since then: the one who claimed it may have set it,
 * which only that password can tell. */
int mailed_judge(const struct mailed *mailed, const unsigned char *token,
                 const struct mailed_state *now, int64_t now_ms);

#endif
