/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compare of usherPermission on a membership's DN, of an organization or of an event: "may this
 * person do that, there?" Answered from the published table, on the loop, without blocking; or,
 * where a record stays unreadable since its writer was preempted, from the state, on a thread of
 * the pool. Whether the asker may ask is settled first.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "rules/read.h"
#include "server/access.h"
#include "server/daemon.h"
#include "server/dispatch.h"
#include "server/view_job.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    int err;
    int code;
    const char *text; /* with the value in question */
} outcomes[] = {
    {0, RESULT_COMPARE_TRUE, NULL},
    {E_DENIED, RESULT_COMPARE_FALSE, NULL},
    {E_STEPUP, RESULT_STRONGER_AUTH_REQUIRED, "a second factor is needed for"},
    {E_NOPERM, RESULT_NO_SUCH_ATTRIBUTE, "no such permission in the catalogue:"},
    {E_NOTFOUND, RESULT_NO_SUCH_OBJECT, "no such active organization:"},
    {E_STALE, RESULT_UNAVAILABLE, "the cache is not yet filled, or older than cache.max_age, for"},
    {E_BUSY, RESULT_BUSY, "too much to do to answer, ask again:"},
};

/* The event that the query means is not there. */
static void compare_no_event(struct request *request, struct result *ret, struct slice organization,
                             const struct query *query)
{
    struct slice owner = query->scope.organization;
    char owner_quoted[LOG_QUOTE_MAX], quoted[LOG_QUOTE_MAX];

    request_fail(request, ret, E_NOTFOUND, "no such event: %s of the organization %s",
                 log_quote(query->scope.name, quoted),
                 log_quote(owner.len > 0 ? owner : organization, owner_quoted));
    ret->code = RESULT_NO_SUCH_OBJECT;
}

/* The result of err, which is rights_check's or view_decide's, for the value asked. */
static void compare_outcome(struct request *request, struct result *ret, int err,
                            struct slice organization, struct slice value)
{
    char quoted[LOG_QUOTE_MAX];

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (outcomes[i].err != err)
            continue;
        if (outcomes[i].text != NULL)
            request_fail(request, ret, err, "%s %s", outcomes[i].text,
                         log_quote(err == E_NOTFOUND ? organization : value, quoted));
        ret->code = outcomes[i].code;
        return;
    }
    request_fail(request, ret, err, "%s", err_text(err));
}

/* A question that outlives its message. */
struct comparing {
    struct view_job job; /* first */
    char organization[64], event[64], uid[64], reader[65];
    struct slice organization_name, uid_name;
    enum factor factor; /* the session's */
    char *value;
    struct slice value_text;
    struct query query; /* points into the above */
    struct decision decision;
    bool as_reader; /* whether they may ask is still to be settled */
};

static void compare_free(struct view_job *job)
{
    struct comparing *comparing = (struct comparing *)job;

    free(comparing->value);
    free(comparing);
}

static int compare_on_view(struct view_job *job, struct view *view)
{
    struct comparing *comparing = (struct comparing *)job;
    int64_t now_ms = clock_now_ms();
    int rc = 0;

    if (comparing->as_reader)
        rc = read_decide(view, comparing->organization_name, slice_of(comparing->reader),
                         comparing->factor, now_ms);
    if (rc < 0)
        return rc;
    return view_decide(view, comparing->organization_name, comparing->uid_name, &comparing->query,
                       now_ms, &comparing->decision);
}

static void compare_on_answer(struct view_job *job, int err, struct result *ret)
{
    struct comparing *comparing = (struct comparing *)job;

    if (err == 0 || err == E_DENIED || err == E_STEPUP)
        job->request->audit.step = comparing->decision.step;
    if (err == E_ACCESS)
        request_fail(job->request, ret, err, ACCESS_REFUSED);
    else if (err == E_NOTFOUND && comparing->decision.kind == MEMBERSHIP_EVENT)
        compare_no_event(job->request, ret, comparing->organization_name, &comparing->query);
    else
        compare_outcome(job->request, ret, err, comparing->organization_name,
                        comparing->value_text);
}

/* The DN of the request to a place below the base; an error has been put into ret. */
static int compare_place(struct request *request, char *buf, struct tree_place *ret_place,
                         struct result *ret)
{
    const struct daemon *daemon = request->conn->loop->daemon;
    const struct compare_request *compare = &request->message->compare;
    char quoted[LOG_QUOTE_MAX];
    struct slice dn;
    int rc = dn_normalize(compare->dn, buf, &dn);

    if (rc < 0) {
        request_fail(request, ret, rc, "no DN: %s", log_quote(compare->dn, quoted));
        ret->code = RESULT_INVALID_DN_SYNTAX;
        return rc;
    }
    rc = tree_place(dn, daemon->base, ret_place);
    if (rc < 0 ||
        (ret_place->kind != TREE_MEMBERSHIP && ret_place->kind != TREE_EVENT_MEMBERSHIP)) {
        request_fail(request, ret, E_NOTFOUND,
                     "not the DN of a membership (cn=UID,ou=members,o=ORGANIZATION,%.*s): %s",
                     SLICE_ARG(daemon->base), log_quote(compare->dn, quoted));
        return E_NOTFOUND;
    }
    return 0;
}

/* The query put to a membership: that of an event means that event. An error has been put into
 * ret. */
static int compare_query(struct request *request, const struct tree_place *place,
                         struct slice value, struct query *ret_query, struct result *ret)
{
    char quoted[LOG_QUOTE_MAX];

    if (query_parse(value, ret_query) < 0) {
        request_fail(request, ret, E_SYNTAX,
                     "not resource:action[@scope][;channel=...][;factor=...]: %s",
                     log_quote(value, quoted));
        return E_SYNTAX;
    }
    if (place->kind == TREE_EVENT_MEMBERSHIP && ret_query->scope.kind != SCOPE_NONE) {
        request_fail(request, ret, E_SYNTAX,
                     "the DN of an event membership means its event, and takes no scope: %s",
                     log_quote(value, quoted));
        return E_SYNTAX;
    }
    if (place->kind == TREE_EVENT_MEMBERSHIP)
        ret_query->scope = (struct scope){
            .kind = SCOPE_EVENT, .organization = place->organization, .name = place->event};
    if (access_self(request, place->name))
        ret_query->factor = request->conn->identity.factor; /* what they did, not what they claim */
    return 0;
}

static struct slice keep(char buf[static 64], struct slice name)
{
    if (name.len > 0)
        memcpy(buf, name.data, name.len);
    return (struct slice){.data = buf, .len = name.len};
}

/* Answers from the state: the table could not tell. */
static enum handled compare_later(struct request *request, const struct tree_place *place,
                                  bool as_reader, struct result *ret)
{
    const struct identity *identity = &request->conn->identity;
    struct slice value = request->message->compare.value;
    struct comparing *comparing = mem_alloc(sizeof(*comparing));
    struct tree_place kept = *place;

    comparing->job.on_view = compare_on_view;
    comparing->job.on_answer = compare_on_answer;
    comparing->job.on_free = compare_free;
    kept.organization = keep(comparing->organization, place->organization);
    kept.event = keep(comparing->event, place->event);
    kept.name = keep(comparing->uid, place->name);
    comparing->organization_name = kept.organization;
    comparing->uid_name = kept.name;
    comparing->as_reader = as_reader;
    memcpy(comparing->reader, identity->name, sizeof(comparing->reader));
    comparing->factor = identity->factor;
    comparing->value = slice_dup(value);
    comparing->value_text = (struct slice){.data = comparing->value, .len = value.len};
    if (compare_query(request, &kept, comparing->value_text, &comparing->query, ret) < 0) {
        compare_free(&comparing->job);
        return REPLY;
    }
    return view_job_start(&comparing->job, request, ret);
}

enum handled op_compare(struct request *request, struct result *ret)
{
    const struct compare_request *compare = &request->message->compare;
    struct rights *rights = loop_rights(request->conn->loop);
    int64_t now_ms = clock_coarse_ms();
    char buf[DN_MAX], quoted[LOG_QUOTE_MAX];
    struct tree_place place;
    struct decision decision;
    struct query query;
    int rc;

    if (!slice_equal_fold(compare->attribute, slice_of("usherPermission"))) {
        request_fail(request, ret, E_UNWILLING,
                     "this version of usher compares usherPermission only, not %s",
                     log_quote(compare->attribute, quoted));
        return REPLY;
    }
    if (compare_place(request, buf, &place, ret) < 0)
        return REPLY;
    if (rights == NULL) {
        compare_outcome(request, ret, E_STALE, place.organization, compare->value);
        return REPLY;
    }
    rc = access_ask(request, place.organization, place.name, rights, now_ms);
    if (rc == E_BUSY)
        return compare_later(request, &place, true, ret);
    if (rc == E_ACCESS) {
        request_fail(request, ret, rc, ACCESS_REFUSED);
        return REPLY;
    }
    if (rc == 0 && compare_query(request, &place, compare->value, &query, ret) < 0)
        return REPLY;
    if (rc == 0)
        rc = rights_check(rights, place.organization, place.name, &query, now_ms, &decision);
    if (rc == E_BUSY)
        return compare_later(request, &place, false, ret);
    if (rc == 0 || rc == E_DENIED || rc == E_STEPUP)
        request->audit.step = decision.step;
    if (rc == E_NOTFOUND && decision.kind == MEMBERSHIP_EVENT)
        compare_no_event(request, ret, place.organization, &query);
    else
        compare_outcome(request, ret, rc, place.organization, compare->value);
    return REPLY;
}
