/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/dispatch.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "ldap/exop.h"
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/restricted.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum handled op_unbind(struct request *request, struct result *ret)
{
    (void)ret;
    request->conn->closing = true;
    return SILENT;
}

static enum handled op_abandon(struct request *request, struct result *ret)
{
    int32_t id = request->message->abandon.id;

    (void)ret;
    for (struct request *other = request->conn->requests; other != NULL; other = other->next)
        if (other->id == id && other->op != OP_BIND)
            other->abandoned = true;
    return SILENT;
}

static enum handled op_write(struct request *request, struct result *ret)
{
    request_fail(request, ret, E_UNWILLING,
                 "this version of usher does not write: use the store's own socket");
    return REPLY;
}

static const struct operation {
    enum op op;
    handler *handle;
} operations[] = {
    {OP_COMPARE, op_compare}, {OP_BIND, op_bind},     {OP_EXTENDED, op_extended},
    {OP_SEARCH, op_search},   {OP_UNBIND, op_unbind}, {OP_ABANDON, op_abandon},
    {OP_MODIFY, op_write},    {OP_ADD, op_write},     {OP_DELETE, op_write},
    {OP_MODIFY_DN, op_write},
};

static handler *operation_find(enum op op)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (operations[i].op == op)
            return operations[i].handle;
    return NULL;
}

/* Sends a result, with the freshness control when it was asked for. */
static void request_send(struct request *request, const struct result *result)
{
    struct conn *conn = request->conn;
    enum op op = message_response_op(request->op);
    struct control controls[MESSAGE_CONTROLS_MAX];
    struct result with = *result;
    struct rights_status status;
    struct buffer value;
    struct rights *rights = request->freshness ? loop_rights(conn->loop) : NULL;

    if (rights == NULL) {
        if (message_encode_result(&conn->out, request->id, op, result) < 0)
            conn->closing = true;
        return;
    }
    buffer_init(&value);
    rights_status(rights, &status);
    if (freshness_encode(&(struct freshness){.age_ms = status.age_ms, .csn = slice_of(status.csn)},
                         &value) == 0) {
        if (result->control_count > 0)
            memcpy(controls, result->controls, result->control_count * sizeof(controls[0]));
        controls[with.control_count++] =
            (struct control){.oid = slice_of(OID_USHER_FRESHNESS),
                             .value = {.data = value.data, .len = value.len},
                             .has_value = true};
        with.controls = controls;
    }
    if (message_encode_result(&conn->out, request->id, op, &with) < 0)
        conn->closing = true;
    buffer_clear(&value);
}

/* The one place where a request ends. */
static void request_answer(struct request *request, const struct result *result)
{
    audit_end(request, result);
    if (!request->conn->closed && !request->abandoned)
        request_send(request, result);
}

/* Whether the operation's own handler looks at the control. */
static bool control_known(enum op op, struct slice oid)
{
    return op == OP_SEARCH && slice_is(oid, OID_PAGED_RESULTS);
}

/* Looks through the controls: E_UNWILLING for a critical one that we do not know. */
static int request_controls(struct request *request, const struct message *message,
                            struct result *ret)
{
    for (size_t i = 0; i < message->control_count; i++) {
        const struct control *control = &message->controls[i];

        if (slice_is(control->oid, OID_USHER_FRESHNESS))
            request->freshness = true;
        else if (slice_is(control->oid, OID_PASSWORD_POLICY) &&
                 (message->op == OP_BIND || message->op == OP_EXTENDED))
            request->policy = true;
        else if (control->critical && !control_known(message->op, control->oid) &&
                 message->op != OP_ABANDON && message->op != OP_UNBIND) {
            request_fail(request, ret, E_UNWILLING, "the critical control %.*s is not supported",
                         SLICE_ARG(control->oid));
            ret->code = RESULT_UNAVAILABLE_CRITICAL_EXTENSION;
            return E_UNWILLING;
        }
    }
    return 0;
}

/* Whether the protocol knows an answer to what could not be decoded for this reason. */
static bool answerable(const struct message *message, int err)
{
    return err != E_PROTO && message->id > 0 && message_response_op(message->op) != 0;
}

/* Sees a request to its answer. decoded: 0, or why the message is not to be handled. */
static void dispatch_request(struct conn *conn, const struct message *message, handler *handle,
                             int decoded)
{
    struct request request;
    struct result result = {0};

    memset(&request, 0, offsetof(struct request, text));
    request.conn = conn;
    request.id = message->id;
    request.op = message->op;
    request.message = message;
    request.text[0] = '\0';
    audit_begin(&request);
    if (message->op == OP_BIND)
        bind_arrived(conn);
    if (decoded < 0)
        request_fail(&request, &result, decoded, "%s", err_text(decoded));
    if (decoded < 0 ||
        (message->control_count > 0 && request_controls(&request, message, &result) < 0) ||
        restricted(&request, &result) < 0 || handle(&request, &result) == REPLY)
        request_answer(&request, &result);
}

void dispatch(struct conn *conn, char *bytes, size_t len)
{
    struct message message;
    int rc = message_decode(bytes, len, conn->loop->arena, &message);
    handler *handle = operation_find(message.op);

    if (rc < 0 && !answerable(&message, rc))
        conn_disconnect(conn, RESULT_PROTOCOL_ERROR, "the message is malformed");
    else if (handle == NULL)
        conn_disconnect(conn, RESULT_PROTOCOL_ERROR, "this operation is no request");
    else
        dispatch_request(conn, &message, handle, rc);
    if (message.op != OP_COMPARE || rc < 0)
        arena_reset(conn->loop->arena);
    if (message.op == OP_BIND || message.op == OP_EXTENDED || rc < 0)
        mem_wipe(bytes, len); /* they carry secrets */
}

struct request *request_defer(struct request *request, struct result *ret)
{
    struct conn *conn = request->conn;
    struct request *later;

    if (conn->request_count >= conn->loop->settings->limits.requests) {
        request_fail(request, ret, E_BUSY, "too many operations under way on this connection");
        return NULL;
    }
    later = mem_alloc(sizeof(*later));
    *later = *request;
    later->message = NULL;
    if (later->op != OP_BIND) /* whose line names who is bound by it */
        audit_keep(later);
    later->next = conn->requests;
    later->link = &conn->requests;
    if (later->next != NULL)
        later->next->link = &later->next;
    conn->requests = later;
    conn->request_count++;
    return later;
}

void request_take_back(struct request *request)
{
    *request->link = request->next;
    if (request->next != NULL)
        request->next->link = request->link;
    request->conn->request_count--;
    free(request->audit.who);
    free(request);
}

enum handled request_submit(struct request *later, struct job *job, struct request *request,
                            struct result *ret)
{
    if (workers_submit(later->conn->loop->daemon->store_pool, job) == 0)
        return LATER;
    request_take_back(later);
    request_fail(request, ret, E_BUSY, "too much is waiting, try again");
    return REPLY;
}

void request_finish(struct request *request, const struct result *result)
{
    struct conn *conn = request->conn;

    request_answer(request, result);
    request_take_back(request);
    conn->active_ms = clock_monotonic_ms();
    if (conn->closed)
        conn_close(conn);
    else
        conn_process(conn);
}

void request_fail(struct request *request, struct result *ret, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    utf8_vformat(request->text, sizeof(request->text), format, args);
    va_end(args);
    ret->code = err_ldap(err);
    ret->text = slice_of(request->text);
}

void request_entry(struct request *request, const char *dn, const struct attribute *attributes,
                   size_t attribute_count, bool types_only)
{
    if (message_encode_entry(&request->conn->out, request->id, slice_of(dn), attributes,
                             attribute_count, types_only) < 0)
        request->conn->closing = true;
}
