/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/work.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct pool {
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

struct pool_thread {
    struct pool *pool;
    unsigned number;
};

static bool pool_key_runs(const struct pool *pool, uint64_t key)
{
    for (unsigned i = 0; key != 0 && i < pool->thread_count; i++)
        if (pool->running_keys[i] == key)
            return true;
    return false;
}

/* Takes the first job whose key does not run already. */
static struct job *pool_take(struct pool *pool)
{
    for (struct job **link = &pool->first; *link != NULL; link = &(*link)->next) {
        struct job *job = *link;

        if (pool_key_runs(pool, job->key))
            continue;
        *link = job->next;
        if (pool->last == &job->next)
            pool->last = link;
        job->next = NULL;
        pool->waiting--;
        return job;
    }
    return NULL;
}

static void *pool_main(void *arg)
{
    struct pool_thread *self = arg;
    struct pool *pool = self->pool;
    struct job *job;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        job = pool_take(pool);
        if (job == NULL) {
            pthread_cond_wait(&pool->ready, &pool->lock);
            continue;
        }
        pool->running_keys[self->number] = job->key;
        pool->running++;
        pthread_mutex_unlock(&pool->lock);
        job->run(job);
        pthread_mutex_lock(&pool->lock);
        pool->running_keys[self->number] = 0;
        pool->running--;
        if (job->key != 0)
            pthread_cond_broadcast(&pool->ready); /* the next of this key may go */
        loop_post(job->loop, job);
    }
    pthread_mutex_unlock(&pool->lock);
    free(self);
    return NULL;
}

struct pool *pool_new(const char *name, unsigned threads, size_t queue_max)
{
    struct pool *pool = mem_alloc(sizeof(*pool));
    sigset_t all, old;

    pool->name = name;
    pool->queue_max = queue_max;
    pool->last = &pool->first;
    pool->thread_count = threads;
    pool->running_keys = mem_array(threads, sizeof(*pool->running_keys));
    pool->threads = mem_array(threads, sizeof(*pool->threads));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->ready, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals go to the main thread */
    for (unsigned i = 0; i < threads; i++) {
        struct pool_thread *self = mem_alloc(sizeof(*self));

        self->pool = pool;
        self->number = i;
        if (pthread_create(&pool->threads[i], NULL, pool_main, self) != 0) {
            log_error("cannot start thread %u of the pool %s", i, name);
            exit(2);
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    for (struct job *job = pool->first, *next; job != NULL; job = next) {
        next = job->next;
        loop_post(job->loop, job); /* done frees it, though it never ran */
    }
    pthread_cond_destroy(&pool->ready);
    pthread_mutex_destroy(&pool->lock);
    free(pool->running_keys);
    free(pool->threads);
    free(pool);
}

int pool_submit(struct pool *pool, struct job *job)
{
    int rc = E_BUSY;

    pthread_mutex_lock(&pool->lock);
    if (!pool->stopping && pool->waiting < pool->queue_max) {
        job->next = NULL;
        *pool->last = job;
        pool->last = &job->next;
        pool->waiting++;
        pthread_cond_signal(&pool->ready);
        rc = 0;
    }
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

size_t pool_load(struct pool *pool)
{
    size_t load;

    pthread_mutex_lock(&pool->lock);
    load = pool->waiting + pool->running;
    pthread_mutex_unlock(&pool->lock);
    return load;
}
