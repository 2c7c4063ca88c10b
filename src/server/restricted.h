/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a connection may do whose login was not a whole one: a factor is due and has to be enrolled,
 * the password has to be changed, or it was an application password. One table says what is left;
 * everything else is refused before its handler sees it.
 */
#ifndef USHER_SERVER_RESTRICTED_H
#define USHER_SERVER_RESTRICTED_H

#include "server/dispatch.h"

/* 0, or E_ACCESS with ret filled in. */
int restricted(struct request *request, struct result *ret);

#endif
