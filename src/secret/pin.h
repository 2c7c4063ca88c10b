/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PINs: one to eight digits, a string (007 is not 7), kept as scrypt (RFC 7914) with the parameters
 * beside the hash. Since there are so few PINs, the record is sealed before it is stored; that is
 * the caller's work (SEAL_PIN). A check costs the same for a right, a wrong and an unknown one.
 *
 * The record is text: scrypt$<log2 N>$<r>$<p>$<base64 salt>$<base64 hash>.
 */
#ifndef USHER_SECRET_PIN_H
#define USHER_SECRET_PIN_H

#include "base/mem.h"

#define PIN_DIGITS_MAX  8
#define PIN_COST_LEAST  1 /* log2 of N: memory is N KiB */
#define PIN_COST_MOST   17
#define PIN_COST_PRESET 14 /* about 43 ms */
#define PIN_RECORD_MAX  96 /* with the byte 0 */

/* One to eight ASCII digits? E_SYNTAX. */
int pin_syntax(struct slice pin);

/* Hashes a PIN with a new salt. cost is the log2 of N. ret has PIN_RECORD_MAX bytes; the caller
 * wipes it. E_SYNTAX for the PIN, E_LIMIT for the cost, E_CRYPTO when OpenSSL fails. */
int pin_hash(struct slice pin, unsigned cost, char *ret);

/* 0 when the PIN is the record's; E_AUTH when it is another; E_CRYPTO when the record does not
 * parse or its costs are outside the bounds; E_SYNTAX for what is no PIN, before any work. */
int pin_verify(struct slice pin, struct slice record);

/* The work of pin_verify for somebody who has no record: E_AUTH, or E_SYNTAX as there. */
int pin_dummy(struct slice pin, unsigned cost);

#endif
