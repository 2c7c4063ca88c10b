/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/monitor.h"
#include "base/clock.h"
#include "server/daemon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static size_t monitor_add(struct monitor *monitor, size_t at, const char *name, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));

static size_t monitor_add(struct monitor *monitor, size_t at, const char *name, const char *format,
                          ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(monitor->text[at], MONITOR_VALUE_MAX, format, args);
    va_end(args);
    monitor->row[at].name = name;
    monitor->row[at].value = slice_of(monitor->text[at]);
    return at + 1;
}

static size_t monitor_cache(struct loop *loop, struct monitor *ret, size_t at)
{
    struct rights_status status = {.age_ms = -1};
    struct rights *rights = loop_rights(loop);

    if (rights != NULL)
        rights_status(rights, &status);
    at = monitor_add(ret, at, "usherCacheFilled", "%s", status.filled ? "TRUE" : "FALSE");
    at = monitor_add(ret, at, "usherCacheAgeMilliseconds", "%" PRId64, status.age_ms);
    at = monitor_add(ret, at, "usherCacheCSN", "%s", status.csn[0] != '\0' ? status.csn : "none");
    at = monitor_add(ret, at, "usherMemberships", "%" PRIu64, status.records);
    at = monitor_add(ret, at, "usherProfiles", "%" PRIu64, status.profiles);
    return monitor_add(ret, at, "usherPermissions", "%" PRIu64, status.permissions);
}

/* Operations of this name, or all, of all loops. */
static uint64_t monitor_total(const struct daemon *daemon, const char *what)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < daemon->loop_count; i++)
        total += metrics_total(daemon->loops[i]->metrics, what);
    return total;
}

size_t monitor_read(struct loop *loop, struct monitor *ret)
{
    struct daemon *daemon = loop->daemon;
    struct sync_status sync;
    size_t at = 0;

    sync_status(daemon->sync, &sync);
    at = monitor_add(ret, at, "objectClass", "extensibleObject");
    at = monitor_add(ret, at, "cn", "monitor");
    at = monitor_add(ret, at, "vendorVersion", "%s", PACKAGE_VERSION);
    at = monitor_add(ret, at, "namingContexts", "%.*s", SLICE_ARG(daemon->base));
    at = monitor_add(ret, at, "usherUptimeSeconds", "%" PRId64,
                     (clock_monotonic_ms() - daemon->started_ms) / 1000);
    at = monitor_add(ret, at, "usherStoreConnected", "%s", sync.connected ? "TRUE" : "FALSE");
    at = monitor_add(ret, at, "usherStoreError", "%s", sync.error[0] != '\0' ? sync.error : "none");
    at = monitor_cache(loop, ret, at);
    at = monitor_add(ret, at, "usherConnections", "%u", atomic_load(&daemon->connections));
    at = monitor_add(ret, at, "usherOperations", "%" PRIu64, monitor_total(daemon, NULL));
    at = monitor_add(ret, at, "usherCompares", "%" PRIu64, monitor_total(daemon, "compare"));
    at = monitor_add(ret, at, "usherLogins", "%" PRIu64, atomic_load(&daemon->logins));
    at = monitor_add(ret, at, "usherLoginsRefused", "%" PRIu64,
                     atomic_load(&daemon->logins_refused));
    at = monitor_add(ret, at, "usherLoginsLocked", "%" PRIu64, atomic_load(&daemon->logins_locked));
    at = monitor_add(ret, at, "usherStoreJobs", "%zu", workers_load(daemon->store_pool));
    return monitor_add(ret, at, "usherMailJobs", "%zu", workers_load(daemon->mail_pool));
}
