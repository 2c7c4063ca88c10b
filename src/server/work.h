/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pools of threads for what blocks: one for the store, one for hashing, one for codes by mail, one
 * for codes by SMS; the mail queue has a thread of its own (outbox). A job runs on a pool thread
 * and is then done on the event loop that it came from. Jobs of the same key run one at a time in
 * the order of their coming, and occupy no thread while they wait, so that a hundred attempts on
 * one person hold up nobody else. Every queue is bounded.
 *
 * A job is at home in one pool and may run on another, its side pool, in between, so that neither
 * holds a thread of the other up. It keeps its key meanwhile, and comes back before those who have
 * not begun.
 */
#ifndef USHER_SERVER_WORK_H
#define USHER_SERVER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct workers;

struct job {
    void (*run)(struct job *job);  /* on a thread of a pool; may set again */
    void (*done)(struct job *job); /* on the loop's thread, afterwards; owns the job from here */
    struct loop *loop;
    struct workers *side; /* NULL: none */
    uint64_t key;         /* 0: none */
    bool again;  /* run it once more, at home under the key that run has set: at once, on the same
                    thread, where nobody of that key was first; else in its turn */
    bool aside;  /* in run: it runs on its side pool; set with again: there next, with the key that
                    it has. Should that pool have stopped, it runs at home instead */
    bool waited; /* it was not at once */

    /* Of the pools: */
    struct workers *home;
    bool back; /* from aside */
    uint64_t held_key;
    struct job *next, *next_holder;
};

/* Threads of this nice value. Dies (mem_alloc) or exits with a message when they cannot be made. */
struct workers *workers_new(const char *name, unsigned threads, int nice, size_t queue_max);

/* Finishes what is running and joins the threads. What waits is posted back unrun (its done must
 * cope), but for what is in the middle: jobs of other pools go home, and those that have come home
 * are run until drain_ms have passed. Side pools are stopped first. NULL is fine. */
void workers_stop(struct workers *workers, int drain_ms);

/* After all pools that were its jobs' homes or side pools have stopped. NULL is fine. */
void workers_free(struct workers *workers);

/* Takes the job over. E_BUSY, with nothing taken, when the queue is full, or too many are under way
 * that may go to the side pool: a job that has begun is never turned away there. */
int workers_submit(struct workers *workers, struct job *job);

/* Jobs waiting and running here. */
size_t workers_load(struct workers *workers);

#endif
