/* SPDX-License-Identifier: BSD-2-Clause
 *
 * base64 (RFC 4648 section 4) with one spelling for each value: full padding, no white space,
 * unused bits zero. OpenSSL does the work; it alone would accept several spellings.
 */
#ifndef USHER_SECRET_BASE64_H
#define USHER_SECRET_BASE64_H

#include "base/mem.h"

#define BASE64_MAX        1056                       /* bytes that one value may hold */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1) /* of the text, with the byte 0 */

/* Writes the text of len bytes (at most BASE64_MAX) to ret, which has BASE64_SIZE(len) bytes. */
void base64_encode(const void *bytes, size_t len, char *ret);

/* Decodes into ret, which has size bytes; E_LIMIT when that is too few, E_SYNTAX. ret may be
 * written also on failure. */
int base64_decode(struct slice text, void *ret, size_t size, size_t *ret_len);

#endif
