/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An event-loop thread (libevent): it owns its connections and its view of the rights table, and
 * takes back finished jobs from the pools. Nothing that blocks runs here.
 */
#ifndef USHER_SERVER_LOOP_H
#define USHER_SERVER_LOOP_H

#include "cache/rights.h"
#include "server/work.h"

#include <event2/event.h>

struct conn;
struct daemon;

struct loop {
    struct daemon *daemon;
    struct event_base *base;
    struct settings *settings; /* in force for this loop */
    struct metrics *metrics;
    bool timed;            /* each Compare is timed, for the metrics */
    struct rights *rights; /* NULL until the table could be opened */
    struct conn *conns;    /* of this loop */
    struct arena *arena;   /* lists of the message in hand */
    struct loop_inbox *inbox;
    struct refusals *refusals; /* held back until their time */
};

struct loop *loop_new(struct daemon *daemon);
void loop_start(struct loop *loop);

/* Tells every connection that the server goes, waits at most wait_ms for what is under way,
 * then ends and joins the thread. */
void loop_stop(struct loop *loop, int wait_ms);

/* Closes what is left and frees. After the pools: their last jobs are finished here. */
void loop_free(struct loop *loop);

/* From any thread: job->done(job) will be called on the loop's thread. */
void loop_post(struct loop *loop, struct job *job);

/* From any thread: the loop takes over an accepted, non-blocking descriptor. */
void loop_adopt(struct loop *loop, int fd, int listener);

/* The rights table now in force, or NULL when there is none yet. */
struct rights *loop_rights(struct loop *loop);

#endif
