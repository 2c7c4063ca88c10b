/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherExplain: why somebody may or may not, from a view of the state, on a thread of the store
 * pool. Who may ask is who may compare; the words are cache/explain's.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/explain.h"
#include "cache/tree.h"
#include "ldap/exop.h"
#include "rules/read.h"
#include "server/access.h"
#include "server/exop_value.h"
#include "server/view_job.h"

#include <stdlib.h>
#include <string.h>

struct explaining {
    struct view_job job; /* first */
    char organization[TREE_NAME_MAX], uid[TREE_NAME_MAX];
    struct slice organization_name, uid_name;
    char *query;
    struct slice query_text;
    bool self; /* they ask about themself: the session's factor counts */
    enum factor factor;
    char reader[65]; /* who asks, where the table could not tell whether they may; else empty */
};

/* The result code that a Compare would give. */
static int32_t compare_code(int result)
{
    return result == 0 ? RESULT_COMPARE_TRUE : err_ldap(result);
}

static int encode(const struct explanation *explanation, struct arena *arena, struct buffer *out)
{
    struct explain_line *lines = arena_alloc(arena, explanation->count * sizeof(*lines));
    const struct explain_response response = {
        .result = compare_code(explanation->decision.result),
        .step = explanation->decision.step,
        .lines = lines,
        .count = explanation->count,
    };

    for (size_t i = 0; i < explanation->count; i++) {
        const struct explain_step *step = &explanation->steps[i];

        lines[i] = (struct explain_line){.step = step->step,
                                         .text = slice_of(step->text),
                                         .dn = step->dn,
                                         .deciding = step->deciding};
    }
    return explain_response_encode(&response, out);
}

static int on_view(struct view_job *job, struct view *view)
{
    struct explaining *explaining = (struct explaining *)job;
    struct arena *arena = arena_new();
    struct explanation explanation;
    int64_t now_ms = clock_now_ms();
    int err = 0;

    if (explaining->reader[0] != '\0')
        err = read_decide(view, explaining->organization_name, slice_of(explaining->reader),
                          explaining->factor, now_ms);
    if (err == 0)
        err = explain(view, explaining->organization_name, explaining->uid_name,
                      explaining->query_text, explaining->self ? &explaining->factor : NULL, now_ms,
                      arena, &explanation);
    if (err == 0)
        err = encode(&explanation, arena, &job->value);
    arena_free(arena);
    return err;
}

static void on_free(struct view_job *job)
{
    struct explaining *explaining = (struct explaining *)job;

    free(explaining->query);
    free(explaining);
}

/* A name of the request, folded; what cannot be a name is E_SYNTAX with ret filled in. */
static int take_name(struct request *request, struct slice name, const char *what,
                     char buf[TREE_NAME_MAX], struct slice *ret_name, struct result *ret)
{
    char quoted[LOG_QUOTE_MAX];
    size_t len = name.len <= TREE_NAME_MAX ? name.len : 0;

    for (size_t i = 0; i < len; i++) {
        char c = name.data[i];

        buf[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    *ret_name = (struct slice){.data = buf, .len = len};
    if (tree_name_valid(*ret_name))
        return 0;
    request_fail(request, ret, E_SYNTAX, "no name of %s: %s", what, log_quote(name, quoted));
    return E_SYNTAX;
}

enum handled exop_explain(struct request *request, struct result *ret)
{
    struct rights *rights = loop_rights(request->conn->loop);
    struct explaining *explaining;
    struct explain_request asked;
    int err;

    if (explain_request_decode(request->message->extended.value, &asked) < 0)
        return exop_refuse_value(request, ret, "usherExplain");
    explaining = mem_alloc(sizeof(*explaining));
    explaining->job.on_view = on_view;
    explaining->job.on_free = on_free;
    if (take_name(request, asked.organization, "an organization", explaining->organization,
                  &explaining->organization_name, ret) < 0 ||
        take_name(request, asked.user, "a person", explaining->uid, &explaining->uid_name, ret) <
            0) {
        on_free(&explaining->job);
        return REPLY;
    }
    err = rights == NULL ? E_STALE
                         : access_ask(request, explaining->organization_name, explaining->uid_name,
                                      rights, clock_coarse_ms());
    if (err == E_BUSY) {
        memcpy(explaining->reader, request->conn->identity.name, sizeof(explaining->reader));
    } else if (err < 0) {
        request_fail(request, ret, err, "%s", err == E_ACCESS ? ACCESS_REFUSED : err_text(err));
        on_free(&explaining->job);
        return REPLY;
    }
    explaining->query = slice_dup(asked.query);
    explaining->query_text = (struct slice){.data = explaining->query, .len = asked.query.len};
    explaining->self = access_self(request, explaining->uid_name);
    explaining->factor = request->conn->identity.factor;
    return view_job_start(&explaining->job, request, ret);
}
