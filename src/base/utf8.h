/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Texts in UTF-8 (RFC 3629) that have to fit: what is cut is cut between two characters, is
 * terminated, and ends in "..." so that nobody takes it for the whole. Knows no language.
 */
#ifndef USHER_BASE_UTF8_H
#define USHER_BASE_UTF8_H

#include "base/mem.h"

#include <stdarg.h>

/* Length of the character at the start of bytes: no surrogate, nothing longer than needed. 0 when
 * there is none. */
size_t utf8_len(struct slice bytes);

/* The same, but 0 also for what could move a terminal's cursor or end a line: the controls, those
 * above 0x7f among them, and Unicode's line separators. */
size_t utf8_plain(struct slice bytes);

/* As snprintf. size is at least 1; below 8 nothing says that the text was cut. */
void utf8_format(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void utf8_vformat(char *buf, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* A text that came from elsewhere, for people: each character that is not plain becomes a space,
 * and each byte of no character a question mark. */
void utf8_copy(struct slice text, char *buf, size_t size);

#endif
