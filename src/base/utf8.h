/* SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 (RFC 3629) from anywhere, on its way to a log, a terminal or a mail: where its characters
 * end, and which of them are no more than text.
 */
#ifndef USHER_BASE_UTF8_H
#define USHER_BASE_UTF8_H

#include "base/mem.h"

/* Bytes of the character that bytes (not empty) begin with; 0 when they begin with none: surrogates
 * and what is longer than needed are none. */
size_t utf8_length(struct slice bytes);

/* The same, but 0 for what could move a terminal's cursor or end a line too: the controls, those
 * above 0x7f among them, and Unicode's line separators. */
size_t utf8_plain(struct slice bytes);

/* Copies into a terminated buffer of size bytes, cut between characters; each byte that is not of a
 * plain one becomes a space. */
void utf8_copy(struct slice from, char *buf, size_t size);

#endif
