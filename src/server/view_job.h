/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An operation that is answered from a view of the state: it runs on a thread of the store pool
 * with a view of its own, and its answer is a result with a value, sent on the loop. The cache must
 * be one to believe.
 */
#ifndef USHER_SERVER_VIEW_JOB_H
#define USHER_SERVER_VIEW_JOB_H

#include "cache/view.h"
#include "server/daemon.h"
#include "server/dispatch.h"

struct view_job {
    struct job job; /* first */
    struct request *request;
    int (*on_view)(struct view_job *job, struct view *view); /* on the pool; fills in value */
    /* The answer to err other than the usual one; NULL: the usual one. On the loop. */
    void (*on_answer)(struct view_job *job, int err, struct result *ret);
    void (*on_free)(struct view_job *job);
    struct buffer value;
    int err;
};

/* Whether the cache is filled and no older than cache.max_age. 0; E_STALE with ret filled in. */
int view_job_fresh(struct request *request, struct result *ret);

/* Takes the job over, whatever it returns: LATER, or REPLY with ret filled in. The cache must be no
 * older than cache.max_age, or the answer is unavailable. */
enum handled view_job_start(struct view_job *job, struct request *request, struct result *ret);

#endif
