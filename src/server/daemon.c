/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/daemon.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ldap/dn.h"
#include "secret/code.h"
#include "server/limit.h"
#include "server/listen.h"
#include "server/mailer.h"
#include "server/scrape.h"
#include "store/memory.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#define STOP_WAIT_MS 1000
#define MINUTE_MS    60000
#define HOUR_MS      3600000

/* For logins in the middle: an attempt that was not checked is given back. */
#define DRAIN_MS 10000

/* Event loops go before long answers of a search, and hashing, which takes whole processors for
 * tens of milliseconds, comes last. */
#define POOL_NICE 10
#define HASH_NICE 10

static void on_problem(void *context, struct slice dn, const char *text)
{
    char quoted[LOG_QUOTE_MAX];

    (void)context;
    log_warning("%s: %s", log_quote(dn, quoted), text);
}

static int daemon_base(struct daemon *daemon)
{
    const char *text = conf_string(daemon->conf, "base");
    char buf[DN_MAX];
    struct slice base;

    if (dn_normalize(slice_of(text), buf, &base) < 0 || base.len == 0) {
        log_error("base: \"%s\" is no DN", text);
        return E_CONF;
    }
    daemon->base = (struct slice){.data = slice_dup(base), .len = base.len};
    daemon->rights_path = mem_printf("%s/rights", conf_string(daemon->conf, "cache.directory"));
    return 0;
}

/* How often stands in the settings; how often it was so far outlives a reload. */
static void daemon_rates(struct rates *rates)
{
    rates->logins_address = limit_new(MINUTE_MS);
    rates->challenges_person = limit_new(HOUR_MS);
    rates->challenges_peer = limit_new(HOUR_MS);
    rates->challenges_address = limit_new(HOUR_MS);
    rates->challenges_ghost = limit_new(CODE_INTERVAL_MS);
}

static void daemon_rates_free(struct rates *rates)
{
    limit_free(rates->logins_address);
    limit_free(rates->challenges_person);
    limit_free(rates->challenges_peer);
    limit_free(rates->challenges_address);
    limit_free(rates->challenges_ghost);
}

static int daemon_store(struct daemon *daemon)
{
    const struct conf *conf = daemon->conf;
    const char *identity = conf_string(conf, "store.identity");
    struct store_options options = {
        .uri = conf_string(conf, "store.uri"),
        .connections = (int)conf_int(conf, "store.connections"),
        .login_connections = (int)conf_int(conf, "store.passwords"),
    };
    int rc;

    daemon->identity = identity[0] != '\0'
                           ? mem_strdup(identity)
                           : mem_printf("dn:cn=usher,%.*s", SLICE_ARG(daemon->base));
    options.authzid = daemon->identity;
    rc = store_open(&options, &daemon->store);
    if (rc < 0)
        log_error("store.uri: \"%s\" is no ldapi:// or ldap:// URI of a host that exists",
                  options.uri);
    return rc;
}

/* What a reload may change; and what it keeps of the logins. */
static int daemon_settings_open(struct daemon *daemon)
{
    daemon->login = (struct login_context){
        .store = daemon->store,
        .base = daemon->base,
        .rights_path = daemon->rights_path,
    };
    return settings_open(daemon->conf, &daemon->login, NULL, &daemon->settings);
}

struct settings *daemon_settings(struct daemon *daemon)
{
    struct settings *settings;

    pthread_mutex_lock(&daemon->settings_lock);
    settings = settings_share(daemon->settings);
    pthread_mutex_unlock(&daemon->settings_lock);
    return settings;
}

/* The group that may read the table; (gid_t)-1 for the one that new files get. */
static int daemon_group(const char *name, gid_t *ret)
{
    const struct group *group;

    *ret = (gid_t)-1;
    if (name[0] == '\0')
        return 0;
    group = getgrnam(name); /* before any thread */
    if (group == NULL) {
        log_error("cache.group: there is no group \"%s\"", name);
        return E_CONF;
    }
    *ret = group->gr_gid;
    return 0;
}

static int daemon_cache(struct daemon *daemon)
{
    const struct conf *conf = daemon->conf;
    struct state_options options = {
        .directory = conf_string(conf, "cache.directory"),
        .base = daemon->base,
        .max_age_ms = conf_int(conf, "cache.max_age") * 1000,
        .on_problem = on_problem,
    };
    int rc = daemon_group(conf_string(conf, "cache.group"), &options.gid);

    if (rc < 0)
        return rc;
    rc = state_open(&options, &daemon->state);
    if (rc == E_BUSY)
        log_error("cache.directory: another usherd uses %s", options.directory);
    else if (rc < 0)
        log_error("cache.directory: %s: %s", options.directory, err_text(rc));
    return rc;
}

static int daemon_sync(struct daemon *daemon)
{
    struct sync_options options = {.uri = conf_string(daemon->conf, "store.uri"),
                                   .authzid = daemon->identity,
                                   .base = daemon->base.data};
    int rc = sync_start(&options, daemon->state, &daemon->sync);

    if (rc < 0)
        log_error("the sync thread cannot be started: %s", err_text(rc));
    return rc;
}

static void daemon_loops(struct daemon *daemon)
{
    size_t queue = (size_t)conf_int(daemon->conf, "limits.queue");

    daemon->store_pool = workers_new("store", (unsigned)conf_int(daemon->conf, "store.connections"),
                                     POOL_NICE, queue);
    daemon->hash_pool =
        workers_new("hash", (unsigned)conf_int(daemon->conf, "threads.hashing"), HASH_NICE, queue);
    daemon->mail_pool = workers_new("mail", 4, POOL_NICE, queue);
    daemon->sms_pool = workers_new("sms", 4, POOL_NICE, queue);
    daemon->loop_count = (unsigned)conf_int(daemon->conf, "threads.loops");
    for (unsigned i = 0; i < daemon->loop_count; i++)
        daemon->loops[i] = loop_new(daemon);
}

int daemon_start(struct daemon *daemon, const struct conf *conf)
{
    int rc;

    daemon->conf = conf;
    daemon->started_ms = clock_monotonic_ms();
    daemon_rates(&daemon->rates);
    pthread_mutex_init(&daemon->settings_lock, NULL);
    pthread_mutex_init(&daemon->reload_lock, NULL);
    pthread_mutex_init(&daemon->rate_lock, NULL);
    store_memory_wipe();
    rc = daemon_base(daemon);
    if (rc == 0)
        rc = daemon_store(daemon);
    if (rc == 0)
        rc = daemon_settings_open(daemon);
    if (rc == 0)
        rc = mailer_open(conf, &daemon->mailer);
    if (rc == 0)
        rc = listeners_open(daemon, &daemon->listeners);
    if (rc == 0)
        rc = daemon_cache(daemon);
    if (rc == 0)
        rc = daemon_sync(daemon);
    if (rc == 0) {
        daemon_loops(daemon);
        rc = scrape_start(daemon, &daemon->scrape);
    }
    if (rc == 0) {
        for (unsigned i = 0; i < daemon->loop_count; i++)
            daemon->loops[i]->timed = daemon->scrape != NULL;
        rc = listeners_start(daemon->listeners);
    }
    if (rc < 0) {
        daemon_stop(daemon);
        return rc;
    }
    for (unsigned i = 0; i < daemon->loop_count; i++)
        loop_start(daemon->loops[i]);
    return 0;
}

void daemon_stop(struct daemon *daemon)
{
    atomic_store(&daemon->stopping, true);
    scrape_stop(daemon->scrape);
    for (unsigned i = 0; i < daemon->loop_count; i++)
        loop_stop(daemon->loops[i], STOP_WAIT_MS);
    listeners_close(daemon->listeners);
    workers_stop(daemon->hash_pool, 0); /* its jobs go home */
    workers_stop(daemon->store_pool, DRAIN_MS);
    workers_stop(daemon->sms_pool, 0);
    workers_stop(daemon->mail_pool, 0);
    workers_free(daemon->hash_pool);
    workers_free(daemon->store_pool);
    workers_free(daemon->sms_pool);
    workers_free(daemon->mail_pool);
    for (unsigned i = 0; i < daemon->loop_count; i++)
        loop_free(daemon->loops[i]);
    if (daemon->sync != NULL)
        sync_stop(daemon->sync);
    state_close(daemon->state);
    store_close(daemon->store);
    mailer_close(daemon->mailer);
    settings_release(daemon->settings);
    daemon_rates_free(&daemon->rates);
    free(daemon->rights_path);
    free(daemon->identity);
    free((char *)daemon->base.data);
    pthread_mutex_destroy(&daemon->settings_lock);
    pthread_mutex_destroy(&daemon->reload_lock);
    pthread_mutex_destroy(&daemon->rate_lock);
}
