/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the daemon knows of itself, as numbers: read in one place for cn=monitor and for the
 * metrics. Nothing here names a person.
 */
#ifndef USHER_SERVER_FIGURES_H
#define USHER_SERVER_FIGURES_H

#include "cache/rights.h"
#include "server/daemon.h"
#include "server/outbox.h"
#include "store/sync.h"

struct figures {
    int64_t uptime_s;
    struct sync_status sync;
    struct rights_status rights; /* age_ms -1: no table, or never filled */
    uint64_t table_bytes;        /* of the rights table; 0: none */
    unsigned connections;
    uint64_t operations, compares;
    double operations_per_s; /* over the last ten seconds or so */
    uint64_t logins, logins_refused, logins_locked;
    uint64_t limited; /* logins and challenges refused because there were too many */
    size_t store_jobs, hash_jobs, mail_jobs,
        sms_jobs;               /* waiting and running; mail and SMS: codes */
    struct outbox_status queue; /* of mails; all zero: there is none */
};

/* rights may be NULL. Any thread. */
void figures_read(struct daemon *daemon, const struct rights *rights, struct figures *ret);

/* Notes how many operations there were, for the rate. Often, from one thread at a time. */
void figures_sample(struct daemon *daemon);

#endif
