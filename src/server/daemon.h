/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The daemon: what all its parts share, set up once by daemon_start and taken down by daemon_stop.
 */
#ifndef USHER_SERVER_DAEMON_H
#define USHER_SERVER_DAEMON_H

#include "base/conf.h"
#include "base/mem.h"
#include "cache/state.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "server/rate.h"
#include "server/settings.h"
#include "server/work.h"
#include "store/pool.h"
#include "store/sync.h"

#include <pthread.h>
#include <stdatomic.h>

#define DAEMON_LOOPS_MAX 64

struct limit;
struct mailer;
struct scrape;

/* How often somebody did something; how often is too often stands in the settings. */
struct rates {
    struct limit *logins_address;
    struct limit *challenges_person, *challenges_peer, *challenges_address;
    struct limit *challenges_ghost; /* of nobody: as often as of anybody, one a minute */
};

struct daemon {
    const struct conf *conf; /* of the start: for what needs a restart to change */
    struct slice base;       /* normalized */
    char *rights_path;
    struct login_context login; /* what a reload keeps of it: store, base and rights_path */
    pthread_mutex_t settings_lock, reload_lock;
    struct settings *settings; /* in force; see daemon_settings */
    struct rates rates;
    struct store *store;
    struct state *state;
    struct sync *sync;
    struct mailer *mailer;
    struct workers *store_pool;
    struct workers *hash_pool; /* side pool of store_pool's jobs */
    struct workers *mail_pool;
    struct workers *sms_pool;
    struct loop *loops[DAEMON_LOOPS_MAX];
    unsigned loop_count;
    struct listeners *listeners;
    struct scrape *scrape; /* NULL: no metrics are served */
    char *identity;        /* authorization identity at the store */
    int64_t started_ms;
    _Atomic unsigned connections;
    pthread_mutex_t rate_lock;
    struct rate rate; /* of operations */
    _Atomic uint64_t logins, logins_refused, logins_locked, limited;
    _Atomic bool stopping;
};

/* Sets everything up and begins to serve; an error has been logged. */
int daemon_start(struct daemon *daemon, const struct conf *conf);
void daemon_stop(struct daemon *daemon);

/* The settings in force now. The caller releases them. Any thread. */
struct settings *daemon_settings(struct daemon *daemon);

#endif
