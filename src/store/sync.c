/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A loop of steps: beat, connect or take what is there, commit, prove. The thread's own fields need
 * no lock; what others may read is copied under the mutex at the end of each step.
 */
#include "store/sync.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BEAT_MS        200
#define RETRY_FIRST_MS 50
#define RETRY_LAST_MS  1000

struct sync {
    /* The thread's own. */
    struct upstream_target target;
    char *authzid, *base, *filter;
    void (*on_commit)(void *context);
    void *context;
    struct state *state;
    struct apply apply;
    struct fresh fresh;
    struct follow follow;
    int64_t beat_ms;  /* of the last beat */
    int64_t retry_ms; /* when to connect */
    int64_t pause_ms; /* before the connection after that */
    uint64_t connects;
    bool lost;        /* said so in the log */
    int64_t empty_ms; /* since when the cache is to be filled, and the log says so; 0: it is */

    pthread_t thread;
    int wake; /* eventfd */
    _Atomic bool stop;

    pthread_mutex_t mutex; /* of the rest */
    pthread_cond_t committed;
    struct sync_status status;
    struct csn_set csn; /* of what is committed */
};

/* Puts what others may see where they see it. */
static void status_publish(struct sync *sync)
{
    const struct apply *apply = &sync->apply;
    bool changed = sync->status.batches != apply->batches || sync->status.held == 0;
    struct state_counts counts = {0};

    if (changed && state_count(sync->state, &counts) < 0)
        counts.entries = 0;
    (void)pthread_mutex_lock(&sync->mutex);
    sync->status.held = changed ? counts.entries : sync->status.held;
    sync->status.connected = sync->follow.stage == FOLLOW_SEARCHING;
    sync->status.refreshing = apply->refreshing;
    sync->status.filled = state_filled(sync->state);
    sync->status.entries = apply->received;
    sync->status.refreshes = apply->refreshes;
    sync->status.full = apply->full;
    sync->status.connects = sync->connects;
    if (sync->status.batches != apply->batches) {
        sync->status.batches = apply->batches;
        sync->csn = apply->committed;
        (void)csn_set_format(&sync->csn, sync->status.csn);
        (void)pthread_cond_broadcast(&sync->committed);
    }
    (void)pthread_mutex_unlock(&sync->mutex);
}

static void status_error(struct sync *sync, int err)
{
    (void)pthread_mutex_lock(&sync->mutex);
    utf8_format(sync->status.error, sizeof(sync->status.error), "%s%s%s", err_text(err),
                sync->follow.text[0] != '\0' ? ": " : "", sync->follow.text);
    (void)pthread_mutex_unlock(&sync->mutex);
}

static void beat(struct sync *sync, int64_t now_ms)
{
    if (now_ms - sync->beat_ms < BEAT_MS)
        return;
    sync->beat_ms = now_ms;
    state_beat(sync->state);
}

/* The next connection is made at once the first time, later and later after that; once a refresh
 * has ended it is the first time again. */
static void retry_schedule(struct sync *sync, int64_t now_ms)
{
    sync->retry_ms = now_ms + sync->pause_ms;
    sync->pause_ms = sync->pause_ms == 0 ? RETRY_FIRST_MS : sync->pause_ms * 2;
    if (sync->pause_ms > RETRY_LAST_MS)
        sync->pause_ms = RETRY_LAST_MS;
}

static void connection_failed(struct sync *sync, int err, int64_t now_ms)
{
    char quoted[LOG_QUOTE_MAX];

    follow_close(&sync->follow);
    status_error(sync, err);
    log_quote(slice_of(sync->follow.text), quoted);
    if (err == E_STALE) {
        log_info("the store cannot tell what changed since we last followed it: reading everything "
                 "anew (%s)",
                 quoted);
        if ((err = apply_forget(&sync->apply)) != 0)
            log_error("the cache cannot drop its cookie: %s", err_text(err));
    } else if (!sync->lost) {
        sync->lost = true;
        log_warning("not following the store at %s: %s (%s)", sync->target.uri, err_text(err),
                    quoted);
    }
    retry_schedule(sync, now_ms);
}

static void connection_open(struct sync *sync, int64_t now_ms)
{
    int err = follow_open(&sync->follow, now_ms);

    fresh_reset(&sync->fresh, now_ms);
    if (err != 0)
        connection_failed(sync, err, clock_monotonic_ms());
}

/* A refresh has ended: all is well. */
static void connection_good(struct sync *sync, int64_t now_ms)
{
    sync->pause_ms = 0;
    fresh_hurry(&sync->fresh, now_ms);
    if (sync->lost)
        log_info("following the store at %s again", sync->target.uri);
    sync->lost = false;
}

static void proven(struct sync *sync, int64_t now_ms)
{
    char text[CSN_COOKIE_MAX];

    apply_proven(&sync->apply);
    state_fresh(sync->state, slice_of(csn_set_format(&sync->fresh.wanted, text)));
    (void)pthread_mutex_lock(&sync->mutex);
    sync->status.fresh_ms = now_ms;
    (void)pthread_mutex_unlock(&sync->mutex);
}

/* The cookie stays behind contextCSN: the search is begun anew from it, on a new connection. */
static void lagging(struct sync *sync, int64_t now_ms)
{
    log_debug("the sync cookie stays behind contextCSN: asking again");
    (void)pthread_mutex_lock(&sync->mutex);
    sync->status.lags++;
    (void)pthread_mutex_unlock(&sync->mutex);
    follow_close(&sync->follow);
    connection_open(sync, now_ms);
}

/* Asks for contextCSN and judges by it. Not during a refresh: nothing can be proven then. */
static int freshness_step(struct sync *sync, int64_t now_ms)
{
    int err = 0;

    if (sync->apply.refreshing || sync->follow.stage != FOLLOW_SEARCHING)
        return 0;
    switch (fresh_judge(&sync->fresh, &sync->apply.committed, sync->follow.message_ms, now_ms)) {
    case FRESH_WAIT:
        break;
    case FRESH_ASK:
        err = follow_ask(&sync->follow, now_ms);
        break;
    case FRESH_PROVEN:
        proven(sync, now_ms);
        break;
    case FRESH_LAGS:
        lagging(sync, now_ms);
        break;
    case FRESH_LOST:
        err = E_TIMEOUT;
        break;
    }
    return err;
}

/* What takes minutes in a large tree is said when it begins and when it has ended. */
static void fill_say(struct sync *sync)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!state_filled(sync->state)) {
        log_info("the cache is not filled yet: reading everything from the store at %s",
                 sync->target.uri);
        sync->empty_ms = now_ms;
    } else if (sync->empty_ms != 0) {
        log_info("the cache is filled: %" PRIu64 " entries in %.1f seconds", sync->status.held,
                 (double)(now_ms - sync->empty_ms) / 1000);
        sync->empty_ms = 0;
    }
}

/* What can be done now. Whether there is more, at once. */
static bool sync_step(struct sync *sync)
{
    int64_t now_ms = clock_monotonic_ms();
    enum follow_stage stage = sync->follow.stage;
    uint64_t batches = sync->apply.batches, refreshes = sync->apply.refreshes;
    bool more = false;
    int err = 0;

    beat(sync, now_ms);
    if (stage == FOLLOW_CLOSED) {
        if (now_ms >= sync->retry_ms)
            connection_open(sync, now_ms);
        status_publish(sync);
        return false;
    }
    err = follow_step(&sync->follow, now_ms, &more);
    now_ms = clock_monotonic_ms();
    if (stage == FOLLOW_BINDING && sync->follow.stage == FOLLOW_SEARCHING)
        sync->connects++;
    if (sync->apply.batches != batches)
        fresh_hurry(&sync->fresh, now_ms);
    if (sync->apply.refreshes != refreshes)
        connection_good(sync, now_ms);
    if (err == 0)
        err = freshness_step(sync, now_ms);
    if (err != 0)
        connection_failed(sync, err, now_ms);
    status_publish(sync);
    if (sync->apply.refreshes != refreshes && sync->empty_ms != 0)
        fill_say(sync);
    if (sync->apply.batches != batches && sync->on_commit != NULL)
        sync->on_commit(sync->context);
    return more && err == 0;
}

/* Milliseconds until something is due without anything arriving. */
static int sync_pause(const struct sync *sync)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t due = sync->beat_ms + BEAT_MS;

    if (sync->follow.stage == FOLLOW_CLOSED && due > sync->retry_ms)
        due = sync->retry_ms;
    if (sync->follow.stage == FOLLOW_SEARCHING && !sync->apply.refreshing && !sync->fresh.asking &&
        !sync->fresh.answered && due > sync->fresh.next_ms)
        due = sync->fresh.next_ms;
    return due <= now_ms ? 0 : (int)(due - now_ms);
}

static void *sync_run(void *context)
{
    struct sync *sync = context;

    if (!state_filled(sync->state))
        fill_say(sync);
    while (!atomic_load(&sync->stop)) {
        bool more = sync_step(sync);
        struct pollfd items[] = {
            {.fd = sync->wake, .events = POLLIN},
            {.fd = sync->follow.upstream.fd, .events = POLLIN}, /* -1 is passed over */
        };

        (void)poll(items, 2, more ? 0 : sync_pause(sync));
    }
    follow_close(&sync->follow);
    return NULL;
}

static void sync_free(struct sync *sync)
{
    follow_clear(&sync->follow);
    upstream_target_clear(&sync->target);
    if (sync->wake >= 0)
        (void)close(sync->wake);
    (void)pthread_cond_destroy(&sync->committed);
    (void)pthread_mutex_destroy(&sync->mutex);
    free(sync->authzid);
    free(sync->base);
    free(sync->filter);
    free(sync);
}

static struct sync *sync_new(const struct sync_options *options, struct state *state)
{
    struct sync *sync = mem_alloc(sizeof(*sync));
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&sync->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&sync->committed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    sync->state = state;
    sync->apply.state = state;
    sync->on_commit = options->on_commit;
    sync->context = options->context;
    sync->base = mem_strdup(options->base);
    sync->filter = mem_strdup(options->filter != NULL ? options->filter : "(objectClass=*)");
    if (options->authzid != NULL)
        sync->authzid = mem_strdup(options->authzid);
    sync->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fresh_init(&sync->fresh, options->interval_ms > 0 ? options->interval_ms : 1000);
    follow_init(&sync->follow);
    sync->follow.target = &sync->target;
    sync->follow.authzid = sync->authzid;
    sync->follow.base = sync->base;
    sync->follow.filter = sync->filter;
    sync->follow.apply = &sync->apply;
    sync->follow.fresh = &sync->fresh;
    return sync;
}

/* The thread takes no signals: they are for the main thread. */
static int thread_start(struct sync *sync)
{
    sigset_t all, old;
    int number;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    number = pthread_create(&sync->thread, NULL, sync_run, sync);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return number == 0 ? 0 : err_errno(number);
}

int sync_start(const struct sync_options *options, struct state *state, struct sync **ret)
{
    struct sync *sync = sync_new(options, state);
    int err = sync->wake < 0 ? err_errno(errno) : upstream_target_init(&sync->target, options->uri);

    if (err == 0)
        err = apply_init(&sync->apply, state);
    if (err == 0) {
        sync->csn = sync->apply.committed;
        (void)csn_set_format(&sync->csn, sync->status.csn);
        err = thread_start(sync);
    }
    if (err != 0)
        sync_free(sync);
    else
        *ret = sync;
    return err;
}

void sync_stop(struct sync *sync)
{
    const uint64_t one = 1;

    if (sync == NULL)
        return;
    atomic_store(&sync->stop, true);
    (void)!write(sync->wake, &one, sizeof(one));
    (void)pthread_join(sync->thread, NULL);
    sync_free(sync);
}

void sync_status(struct sync *sync, struct sync_status *ret)
{
    (void)pthread_mutex_lock(&sync->mutex);
    *ret = sync->status;
    (void)pthread_mutex_unlock(&sync->mutex);
}

int sync_wait(struct sync *sync, struct slice csn, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    struct csn_set wanted = {.count = 0};
    char field[CSN_COOKIE_MAX];
    int err;

    if (csn.len == 0 || csn.len + 5 > sizeof(field))
        return E_SYNTAX;
    (void)snprintf(field, sizeof(field), "csn=%.*s", SLICE_ARG(csn));
    err = csn_set_add_cookie(&wanted, slice_of(field));
    if (err != 0)
        return err;
    (void)pthread_mutex_lock(&sync->mutex);
    while (err == 0 && !csn_set_covers(&sync->csn, &wanted))
        if (pthread_cond_timedwait(&sync->committed, &sync->mutex, &until) == ETIMEDOUT)
            err = E_TIMEOUT;
    (void)pthread_mutex_unlock(&sync->mutex);
    return err;
}
