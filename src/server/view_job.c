/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/view_job.h"
#include "base/err.h"

/* The state says nothing of its age; the table beside it does. */
int view_job_fresh(struct request *request, struct result *ret)
{
    const struct rights *rights = loop_rights(request->conn->loop);
    struct rights_status status;

    if (rights != NULL) {
        rights_status(rights, &status);
        if (status.filled && status.age_ms <= status.max_age_ms)
            return 0;
    }
    request_fail(request, ret, E_STALE, "the cache is not yet filled, or older than cache.max_age");
    return E_STALE;
}

static void view_job_run(struct job *base)
{
    struct view_job *job = (struct view_job *)base;
    struct view *view = NULL;

    job->err = view_open(base->loop->daemon->state, &view);
    if (job->err == 0)
        job->err = job->on_view(job, view);
    view_close(view);
}

static void view_job_done(struct job *base)
{
    struct view_job *job = (struct view_job *)base;
    struct result result = {.code = err_ldap(job->err)};

    if (job->on_answer != NULL) {
        job->on_answer(job, job->err, &result);
    } else if (job->err == 0) {
        result.has_value = true;
        result.value = buffer_slice(&job->value);
    } else {
        result.text = slice_of(err_text(job->err));
    }
    request_finish(job->request, &result);
    buffer_clear(&job->value);
    job->on_free(job);
}

enum handled view_job_start(struct view_job *job, struct request *request, struct result *ret)
{
    buffer_init(&job->value);
    job->job.run = view_job_run;
    job->job.done = view_job_done;
    job->job.loop = request->conn->loop;
    job->err = E_UNAVAIL; /* should it never run, at shutdown */
    job->request = view_job_fresh(request, ret) == 0 ? request_defer(request, ret) : NULL;
    if (job->request != NULL && request_submit(job->request, &job->job, request, ret) == LATER)
        return LATER;
    job->on_free(job);
    return REPLY;
}
