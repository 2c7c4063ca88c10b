/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets made of letters that people copy by hand: random, shown in groups with hyphens, and read
 * with whatever case, blanks and hyphens they were typed in. Knows nothing of what they open.
 */
#ifndef USHER_SECRET_LETTERS_H
#define USHER_SECRET_LETTERS_H

#include "base/mem.h"

#define LETTERS_MAX                 64
#define LETTERS_SHOWN(count, group) ((count) + ((count)-1) / (group) + 1) /* with the byte 0 */

/* Draws count letters a-z, each equally likely (4.7 bits). ret is not terminated; the caller wipes
 * it. E_CRYPTO. */
int letters_draw(size_t count, char *ret);

/* Writes them with a hyphen after each group, terminated: LETTERS_SHOWN bytes. */
void letters_show(const char *letters, size_t count, size_t group, char *ret);

/* The letters of what somebody typed, at most LETTERS_MAX. ret has count bytes, is not terminated
 * and untouched on failure. E_SYNTAX: there are not count of them, or something else is among them.
 */
int letters_read(struct slice typed, size_t count, char *ret);

#endif
