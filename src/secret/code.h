/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Six-digit codes that are mailed or texted: five minutes, one use, one new code a minute. The code
 * lies in the ledger sealed, since a million codes are soon tried against any hash. Knows neither
 * mail nor the ledger: who accepts a code removes the record (by swap) before the answer.
 *
 * The record is text: <means> <made ms> <expires ms> <sealed code>, times since 1970. Means and
 * times are part of what is sealed; none can be changed alone.
 */
#ifndef USHER_SECRET_CODE_H
#define USHER_SECRET_CODE_H

#include "secret/seal.h"

#include <stdint.h>

#define CODE_DIGITS      6
#define CODE_LIFETIME_MS 300000
#define CODE_INTERVAL_MS 60000
#define CODE_MEANS_MAX   16 /* of a-z: email, sms */
#define CODE_RECORD_MAX  (CODE_MEANS_MAX + 1 + 2 * (18 + 1) + SEAL_MAX_OF(CODE_DIGITS))

/* Makes a code and its record for a person (usherId). ret_code has CODE_DIGITS + 1 bytes, which the
 * caller wipes, ret_record CODE_RECORD_MAX. E_SYNTAX for the means, E_LIMIT, E_CRYPTO. */
int code_new(const struct keys *keys, struct slice person, struct slice means, int64_t now_ms,
             char *ret_code, char *ret_record);

/* Checks a code against the record.
 *   0          right; remove the record, by swap, before anybody is told
 *   E_TIMEOUT  the record has expired (decided before the code is looked at)
 *   E_AUTH     wrong, also for what is not six digits
 *   E_CRYPTO   the record does not parse or does not open for this person */
int code_check(const struct keys *keys, struct slice person, struct slice record, struct slice code,
               int64_t now_ms);

/* Seals the code of a record anew with the key that seals now; what it says stays. ret has
 * CODE_RECORD_MAX bytes. E_EXISTS, E_NOTFOUND, E_CRYPTO as seal_again. */
int code_again(const struct keys *keys, struct slice person, struct slice record, char *ret);

/* Whether a record is of a code for these means; what does not parse is of none. */
bool code_is_for(struct slice record, struct slice means);

/* May a new code be sent, given the record of the last one? 0; E_BUSY with the milliseconds still
 * to wait, at most CODE_INTERVAL_MS, whatever the clock was when the record was made. A record that
 * does not parse holds nobody up. */
int code_interval(struct slice record, int64_t now_ms, int64_t *ret_wait_ms);

#endif
