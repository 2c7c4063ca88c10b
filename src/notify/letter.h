/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One mail as the bytes that travel (RFC 5322, MIME): written once, with its Message-ID, so that
 * each further attempt to deliver it sends the same mail and a duplicate can be known. One text
 * alone is text/plain; with an image it is multipart/related (RFC 2387) with the text as
 * alternative. Every part is 7-bit. Knows no server.
 */
#ifndef USHER_NOTIFY_LETTER_H
#define USHER_NOTIFY_LETTER_H

#include "base/buffer.h"

#define LETTER_ID_SIZE 33 /* 32 hexadecimal digits and the byte 0 */

/* All texts have passed the checks of mail_compose; the body's lines end in \n. */
struct letter {
    const char *id; /* of letter_id */
    const char *from, *from_name, *to;
    const char *subject;
    const char *body;
    struct slice png; /* shown below the text; empty: none */
};

/* A fresh id, random. E_CRYPTO. */
int letter_id(char ret[LETTER_ID_SIZE]);

/* Appends the mail; its lines end in CRLF. E_NOMEM. */
int letter_write(const struct letter *letter, struct buffer *out);

#endif
