/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/monitor.h"
#include "base/utf8.h"
#include "server/figures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

_Static_assert(MONITOR_VALUE_MAX >= SYNC_ERROR_MAX && MONITOR_VALUE_MAX > RIGHTS_CSN_MAX,
               "the longest value fits");

static void monitor_add(struct monitor *monitor, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void monitor_add(struct monitor *monitor, const char *name, const char *format, ...)
{
    size_t at = monitor->count++;
    va_list args;

    assert(at < MONITOR_MAX);
    va_start(args, format);
    utf8_vformat(monitor->text[at], MONITOR_VALUE_MAX, format, args);
    va_end(args);
    monitor->row[at].name = name;
    monitor->row[at].value = slice_of(monitor->text[at]);
}

static const char *truth(bool value)
{
    return value ? "TRUE" : "FALSE";
}

static const char *or_none(const char *text)
{
    return text[0] != '\0' ? text : "none";
}

static void monitor_cache(struct monitor *ret, const struct figures *figures)
{
    monitor_add(ret, "usherStoreConnected", "%s", truth(figures->sync.connected));
    monitor_add(ret, "usherStoreError", "%s", or_none(figures->sync.error));
    monitor_add(ret, "usherCacheFilled", "%s", truth(figures->rights.filled));
    monitor_add(ret, "usherCacheAgeMilliseconds", "%" PRId64, figures->rights.age_ms);
    monitor_add(ret, "usherCacheMaxAgeMilliseconds", "%" PRId64, figures->rights.max_age_ms);
    monitor_add(ret, "usherCacheCSN", "%s", or_none(figures->rights.csn));
    monitor_add(ret, "usherEntries", "%" PRIu64, figures->sync.held);
    monitor_add(ret, "usherMemberships", "%" PRIu64, figures->rights.records);
    monitor_add(ret, "usherProfiles", "%" PRIu64, figures->rights.profiles);
    monitor_add(ret, "usherPermissions", "%" PRIu64, figures->rights.permissions);
    monitor_add(ret, "usherTableBytes", "%" PRIu64, figures->table_bytes);
}

static void monitor_work(struct monitor *ret, const struct figures *figures)
{
    monitor_add(ret, "usherConnections", "%u", figures->connections);
    monitor_add(ret, "usherOperations", "%" PRIu64, figures->operations);
    monitor_add(ret, "usherOperationsPerSecond", "%.1f", figures->operations_per_s);
    monitor_add(ret, "usherCompares", "%" PRIu64, figures->compares);
    monitor_add(ret, "usherLogins", "%" PRIu64, figures->logins);
    monitor_add(ret, "usherLoginsRefused", "%" PRIu64, figures->logins_refused);
    monitor_add(ret, "usherLoginsLocked", "%" PRIu64, figures->logins_locked);
    monitor_add(ret, "usherLimited", "%" PRIu64, figures->limited);
    monitor_add(ret, "usherStoreJobs", "%zu", figures->store_jobs);
    monitor_add(ret, "usherMailJobs", "%zu", figures->mail_jobs);
    monitor_add(ret, "usherSmsJobs", "%zu", figures->sms_jobs);
}

static void monitor_queue(struct monitor *ret, const struct outbox_status *queue)
{
    monitor_add(ret, "usherMailQueued", "%zu", queue->waiting);
    monitor_add(ret, "usherMailQueuedOldestSeconds", "%" PRId64, queue->oldest_ms / 1000);
    monitor_add(ret, "usherMailSent", "%" PRIu64, queue->sent);
    monitor_add(ret, "usherMailFailed", "%" PRIu64, queue->failed);
    monitor_add(ret, "usherMailDead", "%zu", queue->dead);
}

size_t monitor_read(struct loop *loop, struct monitor *ret)
{
    struct daemon *daemon = loop->daemon;
    struct figures figures;

    figures_read(daemon, loop_rights(loop), &figures);
    ret->count = 0;
    monitor_add(ret, "objectClass", "extensibleObject");
    monitor_add(ret, "cn", "monitor");
    monitor_add(ret, "vendorVersion", "%s", PACKAGE_VERSION);
    monitor_add(ret, "namingContexts", "%.*s", SLICE_ARG(daemon->base));
    monitor_add(ret, "usherUptimeSeconds", "%" PRId64, figures.uptime_s);
    monitor_cache(ret, &figures);
    monitor_work(ret, &figures);
    monitor_queue(ret, &figures.queue);
    return ret->count;
}
