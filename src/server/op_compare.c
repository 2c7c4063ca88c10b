/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compare of usherPermission on a membership's DN, of an organization or of an event: "may this
 * person do that, there?" Answered from the published table, on the loop, without blocking. Whether
 * the asker may ask is settled first.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "server/access.h"
#include "server/daemon.h"
#include "server/dispatch.h"

#include <string.h>
#include <unistd.h>

#define BUSY_TRIES   100
#define BUSY_WAIT_US 100

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
    {E_BUSY, RESULT_BUSY, "being changed, ask again:"},
};

static void compare_outcome(struct request *request, struct result *ret, int err,
                            const struct tree_place *place)
{
    struct slice value = err == E_NOTFOUND ? place->organization : request->message->compare.value;
    char quoted[LOG_QUOTE_MAX];

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (outcomes[i].err != err)
            continue;
        if (outcomes[i].text != NULL)
            request_fail(request, ret, err, "%s %s", outcomes[i].text, log_quote(value, quoted));
        ret->code = outcomes[i].code;
        return;
    }
    request_fail(request, ret, err, "%s", err_text(err));
}

/* The event that the query means is not there. */
static void compare_no_event(struct request *request, struct result *ret,
                             const struct tree_place *place, const struct query *query)
{
    struct slice owner = query->scope.organization;
    char owner_quoted[LOG_QUOTE_MAX], quoted[LOG_QUOTE_MAX];

    request_fail(request, ret, E_NOTFOUND, "no such event: %s of the organization %s",
                 log_quote(query->scope.name, quoted),
                 log_quote(owner.len > 0 ? owner : place->organization, owner_quoted));
    ret->code = RESULT_NO_SUCH_OBJECT;
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

/* The query of the request, put to a membership: that of an event means that event. An error has
 * been put into ret. */
static int compare_query(struct request *request, const struct tree_place *place,
                         struct query *ret_query, struct result *ret)
{
    struct slice value = request->message->compare.value;
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

    atomic_fetch_add_explicit(&request->conn->loop->daemon->compares, 1, memory_order_relaxed);
    if (!slice_equal_fold(compare->attribute, slice_of("usherPermission"))) {
        request_fail(request, ret, E_UNWILLING,
                     "this version of usher compares usherPermission only, not %s",
                     log_quote(compare->attribute, quoted));
        return REPLY;
    }
    if (compare_place(request, buf, &place, ret) < 0)
        return REPLY;
    if (rights == NULL) {
        compare_outcome(request, ret, E_STALE, &place);
        return REPLY;
    }
    if (access_ask(request, place.organization, place.name, rights, now_ms) < 0) {
        request_fail(request, ret, E_ACCESS, "you may not ask about this person here");
        return REPLY;
    }
    if (compare_query(request, &place, &query, ret) < 0)
        return REPLY;
    rc = rights_check(rights, place.organization, place.name, &query, now_ms, &decision);
    for (int i = 0; rc == E_BUSY && i < BUSY_TRIES; i++) {
        (void)usleep(
            BUSY_WAIT_US); /* the writer waits for a processor, in the middle of a record */
        rc = rights_check(rights, place.organization, place.name, &query, now_ms, &decision);
    }
    if (rc == E_NOTFOUND && decision.kind == MEMBERSHIP_EVENT)
        compare_no_event(request, ret, &place, &query);
    else
        compare_outcome(request, ret, rc, &place);
    return REPLY;
}
