/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fields of a stored record: words between single spaces, and numbers among them. One value has
 * one spelling: no sign, no leading zero, no double space, so that a value that was read and
 * written again is the same bytes, which compare-and-swap needs. Knows no record.
 */
#ifndef USHER_SECRET_FIELD_H
#define USHER_SECRET_FIELD_H

#include "base/mem.h"

#include <stdint.h>

/* Takes the word before the next space off the front of rest, or all of it when there is no space.
 * E_SYNTAX when that word is empty, and after the last one. */
int field_next(struct slice *rest, struct slice *ret_word);

/* Reads a word of 1 to 18 decimal digits. E_SYNTAX. */
int field_number(struct slice word, int64_t *ret);

/* field_next and field_number in one. E_SYNTAX. */
int field_next_number(struct slice *rest, int64_t *ret);

#endif
