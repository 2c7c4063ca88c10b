/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/loop.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/conn.h"
#include "server/daemon.h"
#include "server/figures.h"
#include "server/refusal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOP_SWEEP_NS 250000000

struct adopted {
    int fd;
    int listener;
    struct adopted *next;
};

/* What other threads leave for the loop. */
struct loop_inbox {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    struct job *jobs, **last_job;
    struct adopted *adopted;
    bool stop;
    int64_t stop_at_ms; /* 0: no stop under way; loop thread only */
    int wait_ms;
    int wake_fd;
    int sweep_fd; /* a timer of its own: see sweep_timer */
    struct event *wake, *sweep;
};

static void loop_wake(struct loop *loop)
{
    uint64_t one = 1;

    while (write(loop->inbox->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

void loop_post(struct loop *loop, struct job *job)
{
    struct loop_inbox *inbox = loop->inbox;
    bool first;

    pthread_mutex_lock(&inbox->lock);
    first = inbox->jobs == NULL;
    job->next = NULL;
    *inbox->last_job = job;
    inbox->last_job = &job->next;
    pthread_mutex_unlock(&inbox->lock);
    if (first)
        loop_wake(loop);
}

void loop_adopt(struct loop *loop, int fd, int listener)
{
    struct adopted *adopted = mem_alloc(sizeof(*adopted));

    adopted->fd = fd;
    adopted->listener = listener;
    pthread_mutex_lock(&loop->inbox->lock);
    adopted->next = loop->inbox->adopted;
    loop->inbox->adopted = adopted;
    pthread_mutex_unlock(&loop->inbox->lock);
    loop_wake(loop);
}

static struct job *loop_take_jobs(struct loop *loop, struct adopted **ret_adopted, bool *ret_stop)
{
    struct loop_inbox *inbox = loop->inbox;
    struct job *jobs;

    pthread_mutex_lock(&inbox->lock);
    jobs = inbox->jobs;
    inbox->jobs = NULL;
    inbox->last_job = &inbox->jobs;
    *ret_adopted = inbox->adopted;
    inbox->adopted = NULL;
    *ret_stop = inbox->stop;
    pthread_mutex_unlock(&inbox->lock);
    return jobs;
}

static void loop_begin_stop(struct loop *loop)
{
    struct conn *next;

    loop->inbox->stop_at_ms = clock_monotonic_ms() + loop->inbox->wait_ms;
    for (struct conn *conn = loop->conns; conn != NULL; conn = next) {
        next = conn->next;
        conn_disconnect(conn, RESULT_UNAVAILABLE, "the server is shutting down");
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    struct adopted *adopted, *next_adopted;
    struct job *job, *next;
    uint64_t count;
    bool stop;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
        log_error("reading the wake-up of a loop: errno %d", errno);
    for (job = loop_take_jobs(loop, &adopted, &stop); job != NULL; job = next) {
        next = job->next;
        job->done(job);
    }
    for (; adopted != NULL; adopted = next_adopted) {
        next_adopted = adopted->next;
        conn_open(loop, adopted->fd, (enum listener_kind)adopted->listener);
        free(adopted);
    }
    if (stop && loop->inbox->stop_at_ms == 0)
        loop_begin_stop(loop);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    int64_t now_ms = clock_monotonic_ms(), stop_at_ms = loop->inbox->stop_at_ms;
    struct conn *next;
    uint64_t times;

    (void)what;
    if (read(fd, &times, sizeof(times)) < 0)
        return; /* nothing has passed: EAGAIN */
    for (struct conn *conn = loop->conns; conn != NULL; conn = next) {
        next = conn->next;
        conn_sweep(conn, now_ms);
    }
    if (loop == loop->daemon->loops[0])
        figures_sample(loop->daemon);
    (void)loop_rights(loop); /* opens the table again should it have been replaced */
    if (stop_at_ms != 0 && (loop->conns == NULL || now_ms >= stop_at_ms))
        (void)event_base_loopbreak(loop->base);
}

struct rights *loop_rights(struct loop *loop)
{
    struct rights *fresh;

    if (loop->rights != NULL && !rights_replaced(loop->rights))
        return loop->rights;
    if (rights_open(loop->daemon->rights_path, &fresh) == 0) {
        rights_close(loop->rights);
        loop->rights = fresh;
    }
    return loop->rights;
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;

    (void)event_base_dispatch(loop->base);
    return NULL;
}

/* A descriptor that becomes readable each quarter second. With a timer of libevent's every wait
 * would have a timeout, and to set that and to take it back takes the kernel 1 to 2 us, a tenth of
 * a question asked alone. */
static int sweep_timer(void)
{
    const struct itimerspec every = {{.tv_nsec = LOOP_SWEEP_NS}, {.tv_nsec = LOOP_SWEEP_NS}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0)
        (void)timerfd_settime(fd, 0, &every, NULL);
    return fd;
}

struct loop *loop_new(struct daemon *daemon)
{
    struct loop *loop = mem_alloc(sizeof(*loop));
    struct loop_inbox *inbox = mem_alloc(sizeof(*inbox));

    loop->daemon = daemon;
    loop->settings = settings_share(daemon->settings); /* before any thread */
    loop->metrics = metrics_new();
    loop->inbox = inbox;
    loop->arena = arena_new();
    loop->base = event_base_new();
    inbox->last_job = &inbox->jobs;
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    inbox->sweep_fd = sweep_timer();
    if (loop->base == NULL || inbox->wake_fd < 0 || inbox->sweep_fd < 0) {
        log_error("cannot make an event loop: errno %d", errno);
        exit(2);
    }
    inbox->wake = event_new(loop->base, inbox->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    inbox->sweep = event_new(loop->base, inbox->sweep_fd, EV_READ | EV_PERSIST, on_sweep, loop);
    if (inbox->wake == NULL || inbox->sweep == NULL || event_add(inbox->wake, NULL) < 0 ||
        event_add(inbox->sweep, NULL) < 0) {
        log_error("cannot watch an event loop's wake-up");
        exit(2);
    }
    loop->refusals = refusals_new(loop);
    if (loop->refusals == NULL) {
        log_error("cannot make the timer of refusals: errno %d", errno);
        exit(2);
    }
    return loop;
}

void loop_start(struct loop *loop)
{
    sigset_t all, old;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&loop->inbox->thread, NULL, loop_main, loop) != 0) {
        log_error("cannot start an event loop's thread");
        exit(2);
    }
    loop->inbox->started = true;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void loop_stop(struct loop *loop, int wait_ms)
{
    if (!loop->inbox->started)
        return;
    pthread_mutex_lock(&loop->inbox->lock);
    loop->inbox->stop = true;
    loop->inbox->wait_ms = wait_ms;
    pthread_mutex_unlock(&loop->inbox->lock);
    loop_wake(loop);
    (void)pthread_join(loop->inbox->thread, NULL);
    loop->inbox->started = false;
}

void loop_free(struct loop *loop)
{
    struct loop_inbox *inbox;
    struct adopted *adopted, *next_adopted;
    struct job *job, *next;
    struct conn *next_conn;
    bool stop;

    if (loop == NULL)
        return;
    inbox = loop->inbox;
    for (struct conn *conn = loop->conns; conn != NULL; conn = next_conn) {
        next_conn = conn->next;
        conn_close(conn);
    }
    for (job = loop_take_jobs(loop, &adopted, &stop); job != NULL; job = next) {
        next = job->next;
        job->done(job); /* finds its connection closed, frees both */
    }
    refusals_free(loop->refusals);
    for (; adopted != NULL; adopted = next_adopted) {
        next_adopted = adopted->next;
        (void)close(adopted->fd);
        free(adopted);
    }
    event_free(inbox->wake);
    event_free(inbox->sweep);
    event_base_free(loop->base);
    (void)close(inbox->wake_fd);
    (void)close(inbox->sweep_fd);
    pthread_mutex_destroy(&inbox->lock);
    rights_close(loop->rights);
    settings_release(loop->settings);
    metrics_free(loop->metrics);
    arena_free(loop->arena);
    free(inbox);
    free(loop);
}
