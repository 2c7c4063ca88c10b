/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A text as a QR code (libqrencode) in a PNG (libpng), with its quiet zone, for a mail. The text
 * may be a secret: every copy is wiped.
 */
#ifndef USHER_NOTIFY_QR_H
#define USHER_NOTIFY_QR_H

#include "base/buffer.h"

#define QR_TEXT_MAX 1200 /* bytes */

/* Appends a PNG. E_LIMIT, E_NOMEM. */
int qr_png(const char *text, struct buffer *out);

#endif
