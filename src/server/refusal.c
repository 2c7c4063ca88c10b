/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A timer of the kernel's, set for the first of a list in order of time: libevent's own timers go
 * by a coarse clock, and would give every wait of the loop a timeout (see loop.c).
 */
#include "server/refusal.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/attempt.h"
#include "server/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

struct refusals {
    int fd;
    struct event *event;
    TAILQ_HEAD(attempts_held, attempt) held; /* the first is due first */
};

int64_t refusal_due_ns(int64_t arrived_ns, int64_t now_ns, int64_t after_ms)
{
    int64_t step = after_ms * NS_PER_MS;

    return now_ns < arrived_ns ? arrived_ns + step
                               : arrived_ns + ((now_ns - arrived_ns) / step + 1) * step;
}

/* Sets the timer for the first one. */
static void refusals_arm(const struct refusals *refusals)
{
    const struct attempt *first = TAILQ_FIRST(&refusals->held);
    struct itimerspec when = {.it_value = {0}};

    if (first == NULL)
        return;
    when.it_value.tv_sec = first->due_ns / NS_PER_S;
    when.it_value.tv_nsec = first->due_ns % NS_PER_S;
    if (timerfd_settime(refusals->fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        log_error("cannot set the timer of refusals: errno %d", errno);
}

static void refusals_answer(struct refusals *refusals, int64_t until_ns)
{
    struct attempt *first;

    while ((first = TAILQ_FIRST(&refusals->held)) != NULL && first->due_ns <= until_ns) {
        TAILQ_REMOVE(&refusals->held, first, held);
        first->answer(first);
    }
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct refusals *refusals = arg;
    uint64_t times;

    (void)what;
    if (read(fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
        log_error("reading the timer of refusals: errno %d", errno);
    refusals_answer(refusals, clock_monotonic_ns());
    refusals_arm(refusals);
}

struct refusals *refusals_new(struct loop *loop)
{
    struct refusals *refusals = mem_alloc(sizeof(*refusals));

    TAILQ_INIT(&refusals->held);
    refusals->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (refusals->fd >= 0)
        refusals->event =
            event_new(loop->base, refusals->fd, EV_READ | EV_PERSIST, on_due, refusals);
    if (refusals->event != NULL && event_add(refusals->event, NULL) == 0)
        return refusals;
    refusals_free(refusals);
    return NULL;
}

void refusals_free(struct refusals *refusals)
{
    if (refusals == NULL)
        return;
    refusals_answer(refusals, INT64_MAX);
    if (refusals->event != NULL)
        event_free(refusals->event);
    if (refusals->fd >= 0)
        (void)close(refusals->fd);
    free(refusals);
}

void refusals_hold(struct refusals *refusals, struct attempt *attempt, int64_t after_ms)
{
    struct attempt *before = TAILQ_LAST(&refusals->held, attempts_held);
    int64_t now_ns = clock_monotonic_ns();

    if (now_ns < attempt->ready_ns)
        now_ns = attempt->ready_ns;
    attempt->due_ns = refusal_due_ns(attempt->arrived_ns, now_ns, after_ms);
    while (before != NULL && before->due_ns > attempt->due_ns) /* most are the last */
        before = TAILQ_PREV(before, attempts_held, held);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&refusals->held, before, attempt, held);
    else
        TAILQ_INSERT_HEAD(&refusals->held, attempt, held);
    if (TAILQ_FIRST(&refusals->held) == attempt)
        refusals_arm(refusals);
}
