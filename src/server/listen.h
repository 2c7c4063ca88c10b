/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The listening sockets: ldapi and admin (unix), ldap (TCP). Accepted connections go round the
 * loops. A unix path that another process still answers on is refused; a stale one is removed.
 */
#ifndef USHER_SERVER_LISTEN_H
#define USHER_SERVER_LISTEN_H

#include "server/conn.h"

struct daemon;
struct listeners;

/* Opens what the configuration names, before anything is served. An error has been logged. */
int listeners_open(struct daemon *daemon, struct listeners **ret);

/* Begins to accept, on the first loop. */
int listeners_start(struct listeners *listeners);

/* Closes the sockets and removes the paths. NULL is fine. */
void listeners_close(struct listeners *listeners);

#endif
