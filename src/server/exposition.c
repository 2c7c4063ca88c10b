/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/exposition.h"
#include "base/err.h"
#include "server/figures.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 512

/* One family with one value. */
struct gauge {
    const char *name;
    const char *type;
    const char *help;
    double value;
};

static int print_gauge(const struct gauge *gauge, struct buffer *out)
{
    char line[LINE_MAX_BYTES];
    int len = snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", gauge->name,
                       gauge->help, gauge->name, gauge->type, gauge->name, gauge->value);

    return buffer_append(out, line, (size_t)len);
}

/* The age is left out when there is none: a graph shows a gap, not zero. */
static int print_gauges(const struct figures *figures, struct buffer *out)
{
    const struct gauge gauges[] = {
        {"usher_uptime_seconds", "gauge", "Seconds since usherd was started.",
         (double)figures->uptime_s},
        {"usher_store_connected", "gauge", "1 while the store is being followed.",
         figures->sync.connected ? 1 : 0},
        {"usher_store_connects_total", "counter", "Connections to follow the store that succeeded.",
         (double)figures->sync.connects},
        {"usher_cache_filled", "gauge", "1 once the whole tree has been read.",
         figures->rights.filled ? 1 : 0},
        {"usher_cache_max_age_seconds", "gauge",
         "The age at which questions are no longer answered.",
         (double)figures->rights.max_age_ms / 1000},
        {"usher_entries", "gauge", "Entries of the store that are held.",
         (double)figures->sync.held},
        {"usher_memberships", "gauge", "Memberships in the table.",
         (double)figures->rights.records},
        {"usher_profiles", "gauge", "Profiles in the table.", (double)figures->rights.profiles},
        {"usher_permissions", "gauge", "Permissions of the catalogue.",
         (double)figures->rights.permissions},
        {"usher_table_bytes", "gauge", "Size of the table's file.", (double)figures->table_bytes},
        {"usher_connections", "gauge", "Connections that are open.", figures->connections},
        {"usher_logins_total", "counter", "Logins that were complete.", (double)figures->logins},
        {"usher_logins_refused_total", "counter", "Logins that were refused, for whatever reason.",
         (double)figures->logins_refused},
        {"usher_logins_locked_total", "counter", "Those of them refused because of a lock.",
         (double)figures->logins_locked},
        {"usher_limited_total", "counter", "Logins and codes refused because they were too many.",
         (double)figures->limited},
        {"usher_store_jobs", "gauge", "Jobs for the store, waiting and running.",
         (double)figures->store_jobs},
        {"usher_hash_jobs", "gauge", "PINs to be hashed, waiting and running.",
         (double)figures->hash_jobs},
        {"usher_mail_jobs", "gauge", "Codes by mail, waiting and being sent.",
         (double)figures->mail_jobs},
        {"usher_sms_jobs", "gauge", "Codes by SMS, waiting and being sent.",
         (double)figures->sms_jobs},
        {"usher_mail_queued", "gauge", "Mails that wait in the queue.",
         (double)figures->queue.waiting},
        {"usher_mail_queued_oldest_seconds", "gauge", "Age of the oldest of them.",
         (double)figures->queue.oldest_ms / 1000},
        {"usher_mail_sent_total", "counter", "Mails of the queue that were delivered.",
         (double)figures->queue.sent},
        {"usher_mail_failed_total", "counter", "Tries to deliver one that did not succeed.",
         (double)figures->queue.failed},
        {"usher_mail_dead", "gauge", "Mails given up, in the folder dead.",
         (double)figures->queue.dead},
        {"usher_cache_age_seconds", "gauge", "Seconds since the cache was seen to match the store.",
         (double)figures->rights.age_ms / 1000},
    };
    size_t count = sizeof(gauges) / sizeof(gauges[0]) - (figures->rights.age_ms < 0 ? 1 : 0);
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = print_gauge(&gauges[i], out);
    return rc;
}

int exposition_write(struct daemon *daemon, struct buffer *out)
{
    static const char build[] = "# HELP usher_build_info The version, as a label.\n"
                                "# TYPE usher_build_info gauge\n"
                                "usher_build_info{version=\"" PACKAGE_VERSION "\"} 1\n";
    const struct metrics *all[DAEMON_LOOPS_MAX];
    struct rights *rights = NULL;
    struct figures figures;
    int rc;

    (void)rights_open(daemon->rights_path, &rights); /* none yet: the figures say so */
    figures_read(daemon, rights, &figures);
    rights_close(rights);
    for (unsigned i = 0; i < daemon->loop_count; i++)
        all[i] = daemon->loops[i]->metrics;
    rc = buffer_append(out, build, sizeof(build) - 1);
    if (rc == 0)
        rc = print_gauges(&figures, out);
    if (rc == 0)
        rc = metrics_print(all, daemon->loop_count, out);
    return rc;
}
