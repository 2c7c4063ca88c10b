/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The metrics over HTTP: GET /metrics answers in the Prometheus text format (version 0.0.4), on a
 * unix socket or the loopback, and nothing else is answered. Runs on a thread of its own, so that a
 * slow or hostile reader holds up nobody; readers are few and have little time, whatever they send.
 */
#ifndef USHER_SERVER_SCRAPE_H
#define USHER_SERVER_SCRAPE_H

#include "server/daemon.h"

struct scrape;

/* Opens metrics.listen, when set, and starts the thread; *ret is NULL when it is not set. An error
 * has been logged. */
int scrape_start(struct daemon *daemon, struct scrape **ret);

/* Ends the thread and closes. NULL is fine. */
void scrape_stop(struct scrape *scrape);

#endif
