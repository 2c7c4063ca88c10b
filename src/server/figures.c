/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/figures.h"
#include "base/clock.h"
#include "server/mailer.h"

#include <sys/stat.h>

static uint64_t operations_total(const struct daemon *daemon, const char *what)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < daemon->loop_count; i++)
        total += metrics_total(daemon->loops[i]->metrics, what);
    return total;
}

void figures_sample(struct daemon *daemon)
{
    uint64_t total = operations_total(daemon, NULL);

    pthread_mutex_lock(&daemon->rate_lock);
    rate_add(&daemon->rate, clock_monotonic_ms(), total);
    pthread_mutex_unlock(&daemon->rate_lock);
}

void figures_read(struct daemon *daemon, const struct rights *rights, struct figures *ret)
{
    struct stat st;

    *ret = (struct figures){
        .uptime_s = (clock_monotonic_ms() - daemon->started_ms) / 1000,
        .rights = {.age_ms = -1},
        .connections = atomic_load(&daemon->connections),
        .operations = operations_total(daemon, NULL),
        .compares = operations_total(daemon, "compare"),
        .logins = atomic_load(&daemon->logins),
        .logins_refused = atomic_load(&daemon->logins_refused),
        .logins_locked = atomic_load(&daemon->logins_locked),
        .limited = atomic_load(&daemon->limited),
        .store_jobs = workers_load(daemon->store_pool),
        .hash_jobs = workers_load(daemon->hash_pool),
        .mail_jobs = workers_load(daemon->mail_pool),
        .sms_jobs = workers_load(daemon->sms_pool),
    };
    (void)mailer_status(daemon->mailer, &ret->queue);
    sync_status(daemon->sync, &ret->sync);
    if (rights != NULL)
        rights_status(rights, &ret->rights);
    if (stat(daemon->rights_path, &st) == 0)
        ret->table_bytes = (uint64_t)st.st_size;
    pthread_mutex_lock(&daemon->rate_lock);
    ret->operations_per_s = rate_now(&daemon->rate, clock_monotonic_ms(), ret->operations);
    pthread_mutex_unlock(&daemon->rate_lock);
}
