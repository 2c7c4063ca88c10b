/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pools of threads for what blocks: one for the store and its hashing, one for mail. A job runs on
 * a pool thread and is then done on the event loop that it came from. Jobs of the same key run one at a
 * time in the order of their coming, and occupy no thread while they wait, so that a hundred attempts
 * on one person hold up nobody else. Every queue is bounded.
 */
#ifndef USHER_SERVER_WORK_H
#define USHER_SERVER_WORK_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct pool;

struct job {
    void (*run)(struct job *job);  /* on a thread of the pool */
    void (*done)(struct job *job); /* on the loop's thread, afterwards; owns the job from here */
    struct loop *loop;
    uint64_t key; /* 0: none */
    struct job *next;
};

/* Dies (mem_alloc) or exits with a message when threads cannot be made. */
struct pool *pool_new(const char *name, unsigned threads, size_t queue_max);

/* Finishes what is running, posts what waits back unrun (its done must cope) and joins the threads. */
void pool_free(struct pool *pool);

/* Takes the job over. E_BUSY, with nothing taken, when the queue is full. */
int pool_submit(struct pool *pool, struct job *job);

/* Jobs waiting and running. */
size_t pool_load(struct pool *pool);

#endif
