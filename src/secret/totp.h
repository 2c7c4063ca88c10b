/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time-based one-time passwords (RFC 6238, SHA-1, six digits, 30 seconds) over liboath. A step is
 * the number of the 30 seconds since 1970; each counts once: whoever accepts a code swaps its step
 * into the ledger before the answer. The secret is stored sealed (SEAL_TOTP) by the caller.
 */
#ifndef USHER_SECRET_TOTP_H
#define USHER_SECRET_TOTP_H

#include "base/mem.h"

#include <stdint.h>

#define TOTP_SECRET_SIZE 20
#define TOTP_SECRET_MAX  64 /* of a secret that came from elsewhere */
#define TOTP_BASE32_MAX  ((TOTP_SECRET_MAX * 8 + 4) / 5 + 1) /* of its text, with the byte 0 */
#define TOTP_URI_MAX     1024                                /* with the byte 0 */
#define TOTP_DIGITS      6
#define TOTP_STEP_MS     30000
#define TOTP_STEP_NONE   (-1) /* no code was used yet */

/* A new random secret. The caller wipes it. E_CRYPTO. */
int totp_new(unsigned char ret_secret[TOTP_SECRET_SIZE]);

/* Writes a secret of 1 to TOTP_SECRET_MAX bytes as base32 (RFC 4648 section 6) without padding, the
 * way people type it. ret has TOTP_BASE32_MAX bytes; the caller wipes it. E_LIMIT, E_CRYPTO. */
int totp_base32(const void *secret, size_t len, char *ret);

/* Writes otpauth://totp/<issuer>:<uid>?secret=...&issuer=...&algorithm=SHA1&digits=6&period=30,
 * with percent-encoding. ret has TOTP_URI_MAX bytes; the caller wipes it. E_LIMIT when it does not
 * fit or issuer or uid is empty; E_CRYPTO. */
int totp_uri(const void *secret, size_t len, struct slice issuer, struct slice uid, char *ret);

/* Checks a code at now_ms (since 1970) against the step of now, the one before and the one after.
 * last_step is the last step used, or TOTP_STEP_NONE.
 *   0           right; *ret_step is to be swapped in as the last step used, before anybody is told
 *   E_CONFLICT  right, but that step or a later one was used: refuse, and do not count it
 *   E_AUTH      wrong, also for what is not six digits
 *   E_LIMIT, E_CRYPTO  cannot tell
 * A code of two steps at once (one in a million) is the latest one's. */
int totp_check(const void *secret, size_t len, struct slice code, int64_t now_ms, int64_t last_step,
               int64_t *ret_step);

/* Reads usherTotpStep. A value that does not parse must not open the door to used codes: E_SYNTAX.
 */
int totp_step_parse(struct slice value, int64_t *ret_step);

#endif
