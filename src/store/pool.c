/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A place in a pool is taken under the lock; connecting and binding happen outside of it. Open
 * connections are never more than places, since a new one is made only when none is idle.
 */
#include "store/pool.h"
#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* of the monotonic clock */
    struct upstream *idle;  /* the one used last is handed out first */
    int idle_count;
    int taken;
    int max;
};

struct store {
    struct upstream_target target;
    char *authzid;
    struct pool pools[2];
    _Atomic bool refused; /* the store does not take our identity: said once */
};

static void pool_init(struct pool *pool, int max)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    pool->idle = mem_array((size_t)max, sizeof(pool->idle[0]));
    pool->max = max;
}

static void pool_clear(struct pool *pool)
{
    assert(pool->taken == 0);
    while (pool->idle_count > 0)
        upstream_close(&pool->idle[--pool->idle_count]);
    free(pool->idle);
    (void)pthread_cond_destroy(&pool->changed);
    (void)pthread_mutex_destroy(&pool->mutex);
}

/* Waits for a place, and takes an idle connection if there is one (else ret->ld is NULL). */
static int pool_take(struct pool *pool, int64_t deadline_ms, struct upstream *ret)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    int err = 0;

    (void)pthread_mutex_lock(&pool->mutex);
    while (err == 0 && pool->taken == pool->max)
        if (pthread_cond_timedwait(&pool->changed, &pool->mutex, &until) == ETIMEDOUT)
            err = E_TIMEOUT;
    if (err == 0) {
        pool->taken++;
        *ret = (struct upstream){.fd = -1};
        if (pool->idle_count > 0)
            *ret = pool->idle[--pool->idle_count];
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return err;
}

/* Another idle connection for a place that is taken already, or none. */
static void pool_next(struct pool *pool, struct upstream *ret)
{
    (void)pthread_mutex_lock(&pool->mutex);
    *ret = (struct upstream){.fd = -1};
    if (pool->idle_count > 0)
        *ret = pool->idle[--pool->idle_count];
    (void)pthread_mutex_unlock(&pool->mutex);
}

/* Gives the place back, with a connection or without (ld NULL). */
static void pool_give(struct pool *pool, const struct upstream *upstream)
{
    (void)pthread_mutex_lock(&pool->mutex);
    assert(pool->taken > 0 && pool->idle_count < pool->max);
    pool->taken--;
    if (upstream->ld != NULL)
        pool->idle[pool->idle_count++] = *upstream;
    (void)pthread_cond_signal(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

/* A handler set with sigaction is left alone: it does not end the process. */
static void sigpipe_ignore(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}

static bool count_valid(int count)
{
    return count >= 1 && count <= STORE_CONNECTIONS_MAX;
}

int store_open(const struct store_options *options, struct store **ret)
{
    struct store *store = NULL;
    int err;

    if (!count_valid(options->connections) || !count_valid(options->login_connections))
        return E_CONF;
    store = mem_alloc(sizeof(*store));
    err = upstream_target_init(&store->target, options->uri);
    if (err != 0) {
        free(store);
        return err;
    }
    if (options->authzid != NULL)
        store->authzid = mem_strdup(options->authzid);
    pool_init(&store->pools[STORE_WORK], options->connections);
    pool_init(&store->pools[STORE_LOGIN], options->login_connections);
    sigpipe_ignore();
    *ret = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    pool_clear(&store->pools[STORE_WORK]);
    pool_clear(&store->pools[STORE_LOGIN]);
    upstream_target_clear(&store->target);
    free(store->authzid);
    free(store);
}

/* An identity that is refused must not look like a person's wrong password to the caller. */
static int connection_bind(struct store *store, struct upstream *upstream, int64_t deadline_ms)
{
    int err = upstream_bind_external(upstream, store->authzid, deadline_ms);

    if (err == 0) {
        atomic_store(&store->refused, false);
        return 0;
    }
    if (upstream_broken(err) || err == E_BUSY || err == E_NOMEM)
        return err;
    if (!atomic_exchange(&store->refused, true))
        log_error("the store at %s refuses our identity %s: %s", store->target.uri,
                  store->authzid != NULL ? store->authzid : "(that of the peer)", err_text(err));
    return E_UNAVAIL;
}

static int connection_new(struct store *store, enum store_pool pool, int64_t deadline_ms,
                          struct upstream *ret)
{
    struct upstream upstream;
    int err = upstream_open(&store->target, deadline_ms, &upstream);

    if (err != 0)
        return err;
    if (pool == STORE_WORK)
        err = connection_bind(store, &upstream, deadline_ms);
    if (err != 0)
        upstream_close(&upstream);
    else
        *ret = upstream;
    return err;
}

int store_checkout(struct store *store, enum store_pool pool, int64_t deadline_ms,
                   struct upstream *ret)
{
    struct upstream upstream;
    int err = pool_take(&store->pools[pool], deadline_ms, &upstream);

    if (err != 0)
        return err;
    while (upstream.ld != NULL && !upstream_idle(&upstream)) {
        upstream_close(&upstream);
        pool_next(&store->pools[pool], &upstream);
    }
    if (upstream.ld == NULL)
        err = connection_new(store, pool, deadline_ms, &upstream);
    if (err != 0)
        pool_give(&store->pools[pool], &(struct upstream){.fd = -1});
    else
        *ret = upstream;
    return err;
}

void store_checkin(struct store *store, enum store_pool pool, struct upstream *upstream, int err)
{
    if (upstream_broken(err))
        upstream_close(upstream);
    pool_give(&store->pools[pool], upstream);
    *upstream = (struct upstream){.fd = -1};
}
