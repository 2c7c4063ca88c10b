/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pools of threads for what blocks: one for the store and its hashing, one for codes by
 * mail, one for codes by SMS; the mail queue has a thread of its own (outbox). A job runs on
 * a pool thread and is then done on the event loop that it came from. Jobs of the same key run one
 * at a time in the order of their coming, and occupy no thread while they wait, so that a hundred
 * attempts on one person hold up nobody else. Every queue is bounded.
 */
#ifndef USHER_SERVER_WORK_H
#define USHER_SERVER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct workers;

struct job {
    void (*run)(struct job *job);  /* on a thread of the pool; may set again */
    void (*done)(struct job *job); /* on the loop's thread, afterwards; owns the job from here */
    struct loop *loop;
    uint64_t key; /* 0: none */
    bool again;   /* run it once more, under the key that run has set: at once, on the same thread,
                     where nobody of that key was first; else in its turn */
    bool waited;  /* it was not at once */
    struct job *next;
};

/* Dies (mem_alloc) or exits with a message when threads cannot be made. */
struct workers *workers_new(const char *name, unsigned threads, size_t queue_max);

/* Finishes what is running, posts what waits back unrun (its done must cope) and joins the threads.
 */
void workers_free(struct workers *workers);

/* Takes the job over. E_BUSY, with nothing taken, when the queue is full. */
int workers_submit(struct workers *workers, struct job *job);

/* Jobs waiting and running. */
size_t workers_load(struct workers *workers);

#endif
