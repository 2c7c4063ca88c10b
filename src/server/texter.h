/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Codes by SMS, on a pool of their own, so that a hung gateway holds up nothing but texts. A text
 * that cannot be sent becomes a mail with another code, and where there is no mail the challenge is
 * taken back.
 */
#ifndef USHER_SERVER_TEXTER_H
#define USHER_SERVER_TEXTER_H

#include "server/attempt.h"

/* As mailer_send, to a number. */
void texter_send(struct attempt *attempt);

#endif
