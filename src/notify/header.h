/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Header lines of a mail (RFC 5322), with what is not ASCII as encoded words (RFC 2047). Every line
 * is complete but for its end; long ones are folded. Times are UTC, whatever the locale.
 */
#ifndef USHER_NOTIFY_HEADER_H
#define USHER_NOTIFY_HEADER_H

#include "base/mem.h"

#define HEADER_MAX                                                                                 \
    1024 /* with the byte 0: room for MAIL_SUBJECT_MAX and MAIL_ADDRESS_MAX encoded */

/* UTF-8 (no surrogates, nothing longer than needed) without control bytes, tab allowed. E_SYNTAX.
 */
int header_text_check(struct slice text);

/* "name: text". text (at most 256 bytes) has passed header_text_check. ret has HEADER_MAX bytes. */
void header_text(const char *name, const char *text, char *ret);

/* "name: "display" <address>", or "name: <address>" when display is NULL or empty. address has
 * passed mail_address_check, display (at most 128 bytes) header_text_check. ret has HEADER_MAX
 * bytes. */
void header_address(const char *name, const char *display, const char *address, char *ret);

/* "Date: ..." of now. */
void header_date(char *ret, size_t size);

#endif
