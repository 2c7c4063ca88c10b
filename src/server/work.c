/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/work.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Hashing takes whole processors for tens of milliseconds: event loops go before it. */
#define WORKERS_NICE 10

struct workers {
    const char *name;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct job *first, **last; /* waiting, in order */
    size_t waiting, running, queue_max;
    uint64_t *running_keys; /* one slot a thread; 0 is free */
    pthread_t *threads;
    unsigned thread_count;
    bool stopping;
};

struct workers_thread {
    struct workers *workers;
    unsigned number;
};

static bool workers_key_runs(const struct workers *workers, uint64_t key)
{
    for (unsigned i = 0; key != 0 && i < workers->thread_count; i++)
        if (workers->running_keys[i] == key)
            return true;
    return false;
}

/* Takes the first job whose key does not run already. */
static struct job *workers_take(struct workers *workers)
{
    for (struct job **link = &workers->first; *link != NULL; link = &(*link)->next) {
        struct job *job = *link;

        if (workers_key_runs(workers, job->key))
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
}

static bool workers_key_waits(const struct workers *workers, uint64_t key)
{
    for (const struct job *job = workers->first; job != NULL; job = job->next)
        if (job->key == key)
            return true;
    return false;
}

/* Whether a job that is to run again may do so at once: nobody of its key runs or is before it. */
static bool workers_free_way(const struct workers *workers, const struct job *again)
{
    return again->key == 0 ||
           (!workers_key_waits(workers, again->key) && !workers_key_runs(workers, again->key));
}

/* Runs a job as often as may be at once, under the lock but while it runs. */
static void workers_run(struct workers *workers, unsigned number, struct job *job)
{
    bool here = true;

    workers->running++;
    while (here) {
        uint64_t key = job->key;

        workers->running_keys[number] = key;
        job->again = false;
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        pthread_mutex_lock(&workers->lock);
        workers->running_keys[number] = 0;
        if (key != 0 && workers_key_waits(workers, key))
            pthread_cond_signal(&workers->ready); /* the next of this key may go */
        here = job->again && !workers->stopping && workers_free_way(workers, job);
    }
    workers->running--;
    if (job->again && !workers->stopping) {
        job->waited = true;
        workers_queue(workers, job); /* beyond the bound by no more than there are threads */
    } else
        loop_post(job->loop, job);
}

static void *workers_main(void *arg)
{
    struct workers_thread *self = arg;
    struct workers *workers = self->workers;
    struct job *job;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKERS_NICE);
    pthread_mutex_lock(&workers->lock);
    while (!workers->stopping) {
        job = workers_take(workers);
        if (job == NULL)
            pthread_cond_wait(&workers->ready, &workers->lock);
        else
            workers_run(workers, self->number, job);
    }
    pthread_mutex_unlock(&workers->lock);
    free(self);
    return NULL;
}

struct workers *workers_new(const char *name, unsigned threads, size_t queue_max)
{
    struct workers *workers = mem_alloc(sizeof(*workers));
    sigset_t all, old;

    workers->name = name;
    workers->queue_max = queue_max;
    workers->last = &workers->first;
    workers->thread_count = threads;
    workers->running_keys = mem_array(threads, sizeof(*workers->running_keys));
    workers->threads = mem_array(threads, sizeof(*workers->threads));
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->ready, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals go to the main thread */
    for (unsigned i = 0; i < threads; i++) {
        struct workers_thread *self = mem_alloc(sizeof(*self));

        self->workers = workers;
        self->number = i;
        if (pthread_create(&workers->threads[i], NULL, workers_main, self) != 0) {
            log_error("cannot start thread %u of the pool %s", i, name);
            exit(2);
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return workers;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->ready);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    for (struct job *job = workers->first, *next; job != NULL; job = next) {
        next = job->next;
        loop_post(job->loop, job); /* done frees it, though it never ran */
    }
    pthread_cond_destroy(&workers->ready);
    pthread_mutex_destroy(&workers->lock);
    free(workers->running_keys);
    free(workers->threads);
    free(workers);
}

int workers_submit(struct workers *workers, struct job *job)
{
    int rc = E_BUSY;

    pthread_mutex_lock(&workers->lock);
    if (!workers->stopping && workers->waiting < workers->queue_max) {
        workers_queue(workers, job);
        pthread_cond_signal(&workers->ready);
        rc = 0;
    }
    pthread_mutex_unlock(&workers->lock);
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
