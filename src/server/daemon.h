/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The daemon: what all its parts share, set up once by daemon_start and taken down by daemon_stop.
 */
#ifndef USHER_SERVER_DAEMON_H
#define USHER_SERVER_DAEMON_H

#include "base/conf.h"
#include "base/mem.h"
#include "cache/state.h"
#include "rules/login.h"
#include "server/loop.h"
#include "server/work.h"
#include "store/pool.h"
#include "store/sync.h"

#include <stdatomic.h>

#define DAEMON_LOOPS_MAX 64

struct mailer;

/* Bounds, from the configuration. */
struct limits {
    size_t message_bytes;           /* of a bound connection */
    size_t message_bytes_anonymous; /* of one that is not */
    unsigned connections;
    unsigned requests; /* deferred, of one connection */
    int64_t idle_ms;
    int64_t partial_ms;      /* for one message to arrive */
    int64_t refuse_after_ms; /* 0: a refusal is answered at once */
};

struct daemon {
    const struct conf *conf;
    struct slice base; /* normalized */
    char *rights_path;
    struct limits limits;
    struct store *store;
    struct state *state;
    struct sync *sync;
    struct login_context *login; /* what logins share */
    struct mailer *mailer;
    struct workers *store_pool;
    struct workers *mail_pool;
    struct loop *loops[DAEMON_LOOPS_MAX];
    unsigned loop_count;
    struct listeners *listeners;
    struct conf_ints trusted_uids, admin_uids; /* configured */
    char *identity;                            /* authorization identity at the store */
    struct keys *keys;
    int64_t started_ms;
    _Atomic unsigned connections;
    _Atomic uint64_t operations, compares, logins, logins_refused;
    _Atomic bool stopping;
};

/* Sets everything up and begins to serve; an error has been logged. */
int daemon_start(struct daemon *daemon, const struct conf *conf);
void daemon_stop(struct daemon *daemon);

#endif
