/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The mail queue: sends what lies in the spool, one mail at a time on a thread of its own, and
 * tries again with growing pauses until the server takes a mail or its time is over. A mail that
 * the server has taken is not sent again, with one exception that SMTP leaves: when the answer to
 * the whole mail is lost, or we are killed before the file is gone, it is sent once more, under the
 * same Message-ID. Knows neither persons nor templates.
 */
#ifndef USHER_SERVER_OUTBOX_H
#define USHER_SERVER_OUTBOX_H

#include "notify/spool.h"
#include "server/delivery.h"

#include <stdint.h>

struct outbox_status {
    size_t waiting, bytes, dead;
    uint64_t sent, failed; /* since the start; failed: tries that did not succeed */
    int64_t oldest_ms;     /* age of the oldest that waits; 0: none */
};

struct outbox;

/* Opens the spool, takes over what lies there, and starts the thread, which sends by delivery
 * (shared). An error has been logged. */
int outbox_open(const char *folder, struct delivery *delivery, struct outbox **ret);

/* Sends by another delivery (shared) from the next try on, which is at once for all that wait. Any
 * thread. */
void outbox_adopt(struct outbox *outbox, struct delivery *delivery);

/* Ends the try that is under way, except that the answer to a whole mail is waited for, and joins.
 * What waits stays in the spool. NULL is fine. */
void outbox_close(struct outbox *outbox);

/* Queues a mail (png empty: without an image) that is worth sending for lifetime_ms. 0 once it is
 * on the disk. E_BUSY when too many wait; E_SYNTAX and E_LIMIT for the mail; E_IO. Any thread; may
 * wait for the disk. */
int outbox_put(struct outbox *outbox, const char *kind, const struct mail *mail, struct slice png,
               int64_t lifetime_ms, bool secret);

void outbox_status(struct outbox *outbox, struct outbox_status *ret);

#endif
