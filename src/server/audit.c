/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cache/tree.h"
#include "server/daemon.h"
#include "server/dispatch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_UNKNOWN_PERSON 2 /* DESIGN 4: denied because the person is unknown or inactive */

static const struct {
    enum op op;
    const char *name;
} names[] = {
    {OP_COMPARE, "compare"},    {OP_BIND, "bind"},     {OP_SEARCH, "search"},
    {OP_EXTENDED, "extended"},  {OP_ADD, "add"},       {OP_MODIFY, "modify"},
    {OP_MODIFY_DN, "modifydn"}, {OP_DELETE, "delete"}, {OP_UNBIND, "unbind"},
    {OP_ABANDON, "abandon"},
};

static const char *name_of(enum op op)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].op == op)
            return names[i].name;
    return "other";
}

static bool audited(const struct request *request)
{
    const struct settings *settings = request->conn->loop->settings;

    if (request->op == OP_COMPARE)
        return settings->audit_compare != AUDIT_COMPARE_OFF;
    return request->op != OP_SEARCH || settings->audit_search;
}

/* The DN that the operation is about. That of a Bind is a claim: its line names who was found. */
static bool target_of(const struct message *message, struct slice *ret)
{
    switch (message->op) {
    case OP_COMPARE:
        *ret = message->compare.dn;
        return true;
    case OP_SEARCH:
        *ret = message->search.base;
        return true;
    case OP_ADD:
        *ret = message->add.dn;
        return true;
    case OP_MODIFY:
        *ret = message->modify.dn;
        return true;
    case OP_DELETE:
        *ret = message->delete.dn;
        return true;
    case OP_MODIFY_DN:
        *ret = message->modify_dn.dn;
        return true;
    default:
        return false;
    }
}

/* Whether the first RDN of an entry of this kind names somebody who logs in. */
static bool names_user(enum tree_kind kind)
{
    return kind == TREE_PERSON || kind == TREE_MEMBERSHIP || kind == TREE_EVENT_MEMBERSHIP ||
           kind == TREE_SERVICE;
}

/* What cannot be placed in the tree may hold anything, and is not told. */
static void target_keep(struct audit *audit, struct slice text, struct slice base)
{
    struct tree_place place = {0};
    char buf[DN_MAX];
    struct slice dn;
    const char *comma;

    (void)snprintf(audit->target, sizeof(audit->target), "?");
    if (dn_normalize(text, buf, &dn) < 0)
        return;
    if (dn.len > 0 && !slice_is(dn, "cn=monitor") &&
        (tree_place(dn, base, &place) < 0 || place.kind == TREE_OTHER))
        return;
    utf8_format(audit->target, sizeof(audit->target), "%.*s", SLICE_ARG(dn));
    comma = strchr(audit->target, ',');
    if (names_user(place.kind) && comma != NULL)
        audit->leaf = (unsigned)(comma - audit->target);
}

void audit_begin(struct request *request)
{
    const struct loop *loop = request->conn->loop;
    struct audit *audit = &request->audit;
    char quoted[LOG_QUOTE_MAX];
    bool line = audited(request);
    struct slice dn;

    audit->what = name_of(request->op);
    audit->step = 0;
    audit->detail = NULL;
    audit->who = NULL;
    audit->leaf = 0;
    audit->target[0] = '\0';
    audit->began_ns = line || request->op != OP_COMPARE || loop->timed ? clock_monotonic_ns() : 0;
    if (!line)
        return;
    if (target_of(request->message, &dn))
        target_keep(audit, dn, loop->daemon->base);
    if (request->op == OP_COMPARE && /* of another attribute it may be a password */
        slice_equal_fold(request->message->compare.attribute, slice_of("usherPermission")))
        audit_detail(request, "query=%s", log_quote(request->message->compare.value, quoted));
}

static const char *who_of(const struct identity *identity, char buf[LOG_QUOTE_MAX])
{
    if (identity->kind == IDENTITY_PEER)
        return "peer";
    if (identity->kind == IDENTITY_NONE)
        return "-";
    return log_quote((struct slice){identity->dn, identity->dn_len}, buf);
}

void audit_keep(struct request *request)
{
    char buf[LOG_QUOTE_MAX];

    request->audit.who = mem_strdup(who_of(&request->conn->identity, buf));
}

void audit_detail(struct request *request, const char *format, ...)
{
    char text[4 * LOG_QUOTE_MAX + 256];
    va_list args;

    va_start(args, format);
    utf8_vformat(text, sizeof(text), format, args);
    va_end(args);
    free(request->audit.detail);
    request->audit.detail = mem_strdup(text);
}

/* Whether the answer shows that the target is in the tree. */
static bool target_known(const struct request *request, const struct result *result)
{
    int code = result->code;

    if (request->op != OP_COMPARE)
        return code == RESULT_SUCCESS;
    return request->audit.step > STEP_UNKNOWN_PERSON &&
           (code == RESULT_COMPARE_TRUE || code == RESULT_COMPARE_FALSE ||
            code == RESULT_STRONGER_AUTH_REQUIRED);
}

static void audit_line(const struct request *request, const struct result *result, int64_t took_ns)
{
    const struct audit *audit = &request->audit;
    char who[LOG_QUOTE_MAX], quoted[LOG_QUOTE_MAX], target[AUDIT_TARGET_MAX + 1], step[24] = "";
    bool masked = audit->leaf > 0 && !target_known(request, result);
    bool has_target = target_of(&(struct message){.op = request->op}, &(struct slice){0});

    if (request->op == OP_COMPARE && audit->step > 0 &&
        request->conn->loop->settings->audit_compare == AUDIT_COMPARE_STEP)
        (void)snprintf(step, sizeof(step), " step=%d", audit->step);
    (void)snprintf(target, sizeof(target), "%s%s", masked ? "?" : "",
                   audit->target + (masked ? audit->leaf : 0));
    log_audit("operation=%s result=%d ms=%lld.%03lld who=%s from=%s%s%s%s%s%s%s", audit->what,
              result->code, (long long)(took_ns / 1000000), (long long)(took_ns / 1000 % 1000),
              audit->who != NULL ? audit->who : who_of(&request->conn->identity, who),
              request->conn->peer.text, has_target ? " target=" : "",
              has_target ? log_quote(slice_of(target), quoted) : "", step,
              audit->detail != NULL ? " " : "", audit->detail != NULL ? audit->detail : "",
              request->abandoned || request->conn->closed ? " unanswered=yes" : "");
}

void audit_end(struct request *request, const struct result *result)
{
    struct audit *audit = &request->audit;
    int64_t took_ns = audit->began_ns != 0 ? clock_monotonic_ns() - audit->began_ns : -1;

    metrics_count(request->conn->loop->metrics, audit->what, result->code, took_ns);
    if (took_ns >= 0 && audited(request))
        audit_line(request, result, took_ns);
    free(audit->detail);
    audit->detail = NULL;
}
