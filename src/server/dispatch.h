/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a decoded message to its handler, and from the handler's result to the wire: each request is
 * answered exactly once. A handler fills in the result and returns REPLY; or defers the request,
 * returns LATER and has request_finish called once, later, on the same loop, also after an Abandon
 * or a closed connection; or, where the protocol knows no answer, returns SILENT.
 */
#ifndef USHER_SERVER_DISPATCH_H
#define USHER_SERVER_DISPATCH_H

#include "server/audit.h"
#include "server/conn.h"

#include <stdatomic.h>

enum handled { REPLY, LATER, SILENT };

#define REQUEST_TEXT_MAX 512

struct request {
    struct conn *conn;
    int32_t id;
    enum op op;
    const struct message *message; /* while the handler runs; NULL once deferred */
    bool freshness;                /* the control was asked for */
    bool policy;                   /* so was that of the password policy */
    _Atomic bool abandoned;        /* looked at by pool threads too */
    char text[REQUEST_TEXT_MAX];   /* room for the diagnostic */
    struct request *next, **link;
    struct audit audit;
};

typedef enum handled handler(struct request *request, struct result *ret);

/* Handles one message of len bytes; bytes[len] is writable. Closes the connection with a notice
 * when it is no LDAP message. */
void dispatch(struct conn *conn, char *bytes, size_t len);

/* A copy of the request that outlives the handler, counted on its connection. NULL, with ret filled
 * in (E_BUSY), when the connection has too many already: the handler then replies. */
struct request *request_defer(struct request *request, struct result *ret);

/* Frees a deferred request that its handler answers at once after all. */
void request_take_back(struct request *request);

/* Hands the job of later, as request_defer made it of request, to the store's pool: LATER. REPLY
 * when the pool is full: then it is taken back, and ret filled in (E_BUSY). */
enum handled request_submit(struct request *later, struct job *job, struct request *request,
                            struct result *ret);

/* Answers a deferred request, unless it was abandoned or its connection is gone, and frees it; goes
 * on with what the connection has received. So never from a handler. */
void request_finish(struct request *request, const struct result *result);

/* Fills result with the code of err and a text made by printf, kept in the request. */
void request_fail(struct request *request, struct result *ret, int err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sends a search entry of the request. */
void request_entry(struct request *request, const char *dn, const struct attribute *attributes,
                   size_t attribute_count, bool types_only);

/* Whatever becomes of a Bind: the connection is nobody's, and what is under way on it is given up
 * (RFC 4513 4). */
void bind_arrived(struct conn *conn);

/* The handlers: src/server/op_*.c, exop_*.c. */
handler op_bind, op_compare, op_search, op_extended;
handler exop_whoami, exop_verify, exop_challenge, exop_set_pin, exop_enroll, exop_unlock,
    exop_password_modify, exop_explain, exop_doctor, exop_recovery, exop_reseal, exop_app_password,
    exop_logout, exop_redeem, exop_invite;

#endif
