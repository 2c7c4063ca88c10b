/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherDoctor: every defect of the data that the cache skips over, found anew in a view of the
 * state. For the administrator and trusted peers.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/doctor.h"
#include "ldap/exop.h"
#include "server/access.h"
#include "server/view_job.h"
#include "store/entry.h"

#include <stdlib.h>

#define READ_MS 5000
#define BYTES_MAX                                                                                  \
    ((size_t)512 * 1024) /* of one answer; what does not fit is said to be missing                 \
                          */

struct examining {
    struct view_job job; /* first */
    struct arena *arena;
    struct doctor_defect *defects;
    size_t count, size, bytes;
    bool cut;
};

static void on_defect(void *context, struct slice dn, const char *text)
{
    struct examining *examining = context;
    struct slice words = slice_of(text);

    if (dn.len == 0 || examining->count == DOCTOR_DEFECTS_MAX ||
        examining->bytes + dn.len + words.len > BYTES_MAX) {
        examining->cut = true;
        return;
    }
    examining->bytes += dn.len + words.len;
    examining->defects = mem_room(examining->defects, examining->count, &examining->size,
                                  sizeof(*examining->defects));
    examining->defects[examining->count++] = (struct doctor_defect){
        .dn = arena_copy(examining->arena, dn), .text = arena_copy(examining->arena, words)};
}

/* The cache knows members by their hashes alone; the store has their names. */
static int read_members(void *context, struct slice dn, struct arena *arena, struct slice **ret,
                        size_t *ret_count)
{
    static const char *const asked[] = {"member", NULL};
    const struct examining *examining = context;
    struct daemon *daemon = examining->job.job.loop->daemon;
    const struct attribute *members;
    struct store_entry entry;
    int err = store_read(daemon->store, arena, dn, asked, clock_monotonic_ms() + READ_MS, &entry);

    if (err != 0)
        return err;
    members = store_attribute(&entry, "member");
    *ret = members != NULL ? members->values : NULL;
    *ret_count = members != NULL ? members->value_count : 0;
    return 0;
}

static int on_view(struct view_job *job, struct view *view)
{
    struct examining *examining = (struct examining *)job;
    const struct doctor asked = {
        .on_defect = on_defect, .read_members = read_members, .context = examining};
    struct doctor_response response;
    int err;

    examining->arena = arena_new();
    err = doctor(view, &asked);
    response = (struct doctor_response){
        .complete = !examining->cut, .defects = examining->defects, .count = examining->count};
    if (err == 0)
        err = doctor_response_encode(&response, &job->value);
    return err;
}

static void on_free(struct view_job *job)
{
    struct examining *examining = (struct examining *)job;

    free(examining->defects);
    arena_free(examining->arena);
    free(examining);
}

enum handled exop_doctor(struct request *request, struct result *ret)
{
    struct examining *examining;

    if (request->message->extended.has_value) {
        request_fail(request, ret, E_PROTO, "usherDoctor takes no value, see usher-protocol(5)");
        return REPLY;
    }
    if (!access_operator(request)) {
        request_fail(request, ret, E_ACCESS,
                     "usherDoctor is for the administrator and trusted peers");
        return REPLY;
    }
    examining = mem_alloc(sizeof(*examining));
    examining->job.on_view = on_view;
    examining->job.on_free = on_free;
    return view_job_start(&examining->job, request, ret);
}
