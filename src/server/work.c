/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/work.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Jobs that hold their key, in lists by the key. */
#define HOLDERS 256

struct workers {
    const char *name;
    int nice;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct job *first, **last; /* waiting, in order */
    size_t waiting, running, queue_max;
    _Atomic size_t expected; /* jobs at home elsewhere that have a place here */
    struct job *holders[HOLDERS];
    pthread_t *threads;
    unsigned thread_count;
    bool stopping;
    int64_t drain_until_ms; /* monotonic; with stopping */
};

static struct job **workers_holders(struct workers *workers, uint64_t key)
{
    return &workers->holders[key % HOLDERS];
}

static bool workers_key_held(struct workers *workers, uint64_t key)
{
    const struct job *job = key != 0 ? *workers_holders(workers, key) : NULL;

    while (job != NULL && job->held_key != key)
        job = job->next_holder;
    return job != NULL;
}

static bool workers_key_waits(const struct workers *workers, uint64_t key)
{
    for (const struct job *job = workers->first; job != NULL; job = job->next)
        if (job->key == key)
            return true;
    return false;
}

static void workers_hold(struct workers *workers, struct job *job)
{
    struct job **list = workers_holders(workers, job->key);

    job->held_key = job->key;
    job->next_holder = *list;
    if (job->key != 0)
        *list = job;
}

/* What has been held, whatever the job's key is by now. */
static void workers_let_go(struct workers *workers, struct job *job)
{
    struct job **link = workers_holders(workers, job->held_key);

    if (job->held_key == 0)
        return;
    while (*link != job)
        link = &(*link)->next_holder;
    *link = job->next_holder;
    if (workers_key_waits(workers, job->held_key))
        pthread_cond_signal(&workers->ready); /* the next of this key may go */
    job->held_key = 0;
}

/* Whether a waiting job may run now. One that comes back is in the middle of something: it has its
 * key, and is seen to its end. */
static bool workers_may_run(struct workers *workers, const struct job *job)
{
    if (workers->stopping)
        return job->back && clock_monotonic_ms() < workers->drain_until_ms;
    return job->back || job->home != workers || !workers_key_held(workers, job->key);
}

/* Takes the first job that may run. */
static struct job *workers_take(struct workers *workers)
{
    for (struct job **link = &workers->first; *link != NULL; link = &(*link)->next) {
        struct job *job = *link;

        if (!workers_may_run(workers, job))
            continue;
        *link = job->next;
        if (workers->last == &job->next)
            workers->last = link;
        job->next = NULL;
        workers->waiting--;
        return job;
    }
    return NULL;
}

/* Puts a job last, under the lock. */
static void workers_queue(struct workers *workers, struct job *job)
{
    job->next = NULL;
    *workers->last = job;
    workers->last = &job->next;
    workers->waiting++;
    pthread_cond_signal(&workers->ready);
}

/* Puts a job that comes back first, beyond the bound by no more than may be aside. */
static void workers_return(struct job *job)
{
    struct workers *home = job->home;

    pthread_mutex_lock(&home->lock);
    job->back = true;
    job->next = home->first;
    home->first = job;
    if (home->last == &home->first)
        home->last = &job->next;
    home->waiting++;
    pthread_cond_signal(&home->ready);
    pthread_mutex_unlock(&home->lock);
}

static void workers_end(struct job *job)
{
    if (job->side != NULL)
        atomic_fetch_sub(&job->side->expected, 1);
    loop_post(job->loop, job);
}

/* Passes a job to its side pool, where a place is kept for it. False: that one has stopped. */
static bool workers_lend(struct workers *workers, struct job *job)
{
    struct workers *side = job->side;
    bool lent;

    pthread_mutex_unlock(&workers->lock);
    pthread_mutex_lock(&side->lock);
    lent = !side->stopping;
    if (lent)
        workers_queue(side, job);
    pthread_mutex_unlock(&side->lock);
    pthread_mutex_lock(&workers->lock);
    return lent;
}

/* Whether a job that is to run again may do so at once: nobody of its key runs or is before it. */
static bool workers_free_way(struct workers *workers, const struct job *again)
{
    return again->key == 0 ||
           (!workers_key_waits(workers, again->key) && !workers_key_held(workers, again->key));
}

/* After a run at home, under the lock: whether the job is to run again at once. */
static bool workers_more(struct workers *workers, struct job *job)
{
    if (job->again && job->aside)
        return !workers_lend(workers, job);
    workers_let_go(workers, job);
    if (!job->again || workers->stopping)
        workers_end(job);
    else if (workers_free_way(workers, job)) {
        workers_hold(workers, job);
        return true;
    } else {
        job->waited = true;
        workers_queue(workers, job); /* beyond the bound by no more than there are threads */
    }
    return false;
}

/* The same after a run aside. */
static bool workers_more_aside(struct workers *workers, struct job *job)
{
    struct workers *home = job->home;

    if (job->again && job->aside)
        return true;
    pthread_mutex_unlock(&workers->lock);
    if (job->again)
        workers_return(job);
    else {
        pthread_mutex_lock(&home->lock);
        workers_let_go(home, job);
        pthread_mutex_unlock(&home->lock);
        workers_end(job);
    }
    pthread_mutex_lock(&workers->lock);
    return false;
}

/* Runs a job as often as may be at once, under the lock but while it runs. */
static void workers_run(struct workers *workers, struct job *job)
{
    bool here = true, home = job->home == workers;

    if (home && !job->back)
        workers_hold(workers, job);
    job->back = false;
    workers->running++;
    while (here) {
        job->again = false;
        job->aside = !home;
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        pthread_mutex_lock(&workers->lock);
        here = home ? workers_more(workers, job) : workers_more_aside(workers, job);
    }
    workers->running--;
}

static void *workers_main(void *arg)
{
    struct workers *workers = arg;
    struct job *job;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), workers->nice);
    pthread_mutex_lock(&workers->lock);
    while ((job = workers_take(workers)) != NULL || !workers->stopping) {
        if (job != NULL)
            workers_run(workers, job);
        else
            pthread_cond_wait(&workers->ready, &workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

struct workers *workers_new(const char *name, unsigned threads, int nice, size_t queue_max)
{
    struct workers *workers = mem_alloc(sizeof(*workers));
    sigset_t all, old;

    workers->name = name;
    workers->nice = nice;
    workers->queue_max = queue_max;
    workers->last = &workers->first;
    workers->thread_count = threads;
    workers->threads = mem_array(threads, sizeof(*workers->threads));
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->ready, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals go to the main thread */
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&workers->threads[i], NULL, workers_main, workers) != 0) {
            log_error("cannot start thread %u of the pool %s", i, name);
            exit(2);
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return workers;
}

void workers_stop(struct workers *workers, int drain_ms)
{
    struct job *next;

    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    workers->drain_until_ms = clock_monotonic_ms() + drain_ms;
    pthread_cond_broadcast(&workers->ready);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    workers->thread_count = 0;
    for (struct job *job = workers->first; job != NULL; job = next) {
        next = job->next;
        if (job->home != workers)
            workers_return(job);
        else
            workers_end(job); /* done frees it, though it never ran, or not to its end */
    }
    workers->first = NULL;
    workers->last = &workers->first;
    workers->waiting = 0;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    pthread_cond_destroy(&workers->ready);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}

int workers_submit(struct workers *workers, struct job *job)
{
    int rc = E_BUSY;

    job->home = workers;
    job->back = job->waited = false;
    if (job->side != NULL && atomic_fetch_add(&job->side->expected, 1) >= job->side->queue_max) {
        atomic_fetch_sub(&job->side->expected, 1);
        return E_BUSY;
    }
    pthread_mutex_lock(&workers->lock);
    if (!workers->stopping && workers->waiting < workers->queue_max) {
        workers_queue(workers, job);
        rc = 0;
    }
    pthread_mutex_unlock(&workers->lock);
    if (rc < 0 && job->side != NULL)
        atomic_fetch_sub(&job->side->expected, 1);
    return rc;
}

size_t workers_load(struct workers *workers)
{
    size_t load;

    pthread_mutex_lock(&workers->lock);
    load = workers->waiting + workers->running;
    pthread_mutex_unlock(&workers->lock);
    return load;
}
