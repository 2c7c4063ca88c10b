/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may ask about whom (DESIGN 5): a person about themself; trusted peers, services and holders
 * of directory:read in the organization about others. The same for Compare, usherExplain and
 * computed attributes.
 */
#ifndef USHER_SERVER_ACCESS_H
#define USHER_SERVER_ACCESS_H

#include "cache/rights.h"
#include "server/dispatch.h"

/* What those are told who may not ask. */
#define ACCESS_REFUSED "you may not ask about this person here"

/* 0 when the bound identity may ask about uid in organization (both folded), E_ACCESS when not, or
 * what kept the table from telling (E_BUSY, E_STALE, E_PROTO): of a bound person who asks about
 * another, the state may still tell (read_decide). */
int access_ask(const struct request *request, struct slice organization, struct slice uid,
               struct rights *rights, int64_t now_ms);

/* Whether the bound identity asks about themself: then the factor that counts is the session's. */
bool access_self(const struct request *request, struct slice uid);

/* Whether the peer may see what the daemon knows of itself and of defects: trusted peers and the
 * administrator, unless bound as a person. */
bool access_operator(const struct request *request);

#endif
