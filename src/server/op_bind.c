/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bind (RFC 4511 4.2, RFC 4513): simple for people (DN, uid or mail) and services (DN), SASL
 * EXTERNAL for unix peers. From the moment a Bind arrives until its answer nothing else of the
 * connection is looked at, and the connection is nobody's.
 */
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "server/attempt.h"
#include "server/daemon.h"
#include "server/dispatch.h"

#include <stdio.h>
#include <string.h>

/* Puts what the login found into the connection's identity. */
static void bind_identity(struct conn *conn, const struct login *login, bool service)
{
    struct identity *identity = &conn->identity;

    identity->kind = service ? IDENTITY_SERVICE : IDENTITY_PERSON;
    memcpy(identity->dn, login->dn, login->dn_len);
    identity->dn_len = login->dn_len;
    memcpy(identity->name, login->uid, sizeof(identity->name));
    memcpy(identity->organization, login->organization, sizeof(identity->organization));
    identity->app = login->app;
    identity->factor = login->done;
    identity->enroll_only = login->enroll_only;
    identity->change_only = login->change_only;
}

static void on_bound(struct attempt *attempt)
{
    struct conn *conn = attempt->request->conn;
    struct login *login = &attempt->login;

    conn->binding = false;
    if (login->err == 0 && !conn->closed)
        bind_identity(conn, login, attempt->service);
    attempt_audit(attempt, "bind");
    attempt_finish_policy(attempt, NULL);
}

static enum handled bind_simple(struct request *request, struct result *ret)
{
    const struct bind_request *bind = &request->message->bind;
    struct conn *conn = request->conn;
    const struct daemon *daemon = conn->loop->daemon;
    char buf[DN_MAX];
    struct attempt *attempt;
    struct slice dn, user = bind->dn;
    struct tree_place place = {0};

    if (bind->password.len == 0 && bind->dn.len == 0)
        return REPLY; /* anonymous */
    if (bind->password.len == 0) {
        request_fail(request, ret, E_UNWILLING,
                     "a bind with a name needs a password (RFC 4513 5.1.2)");
        return REPLY;
    }
    if (!conn->peer.loopback) {
        request_fail(request, ret, E_CONFIDENTIAL,
                     "passwords are accepted over unix sockets and the loopback only");
        return REPLY;
    }
    if (dn_normalize(bind->dn, buf, &dn) == 0 && dn.len > 0) {
        user = dn;
        if (tree_place(dn, daemon->base, &place) < 0)
            place.kind = TREE_OTHER;
    }
    attempt = attempt_new(request, on_bound, ret);
    if (attempt == NULL)
        return REPLY;
    attempt->service = place.kind == TREE_SERVICE;
    attempt->login.bind = true;
    attempt->login.factor = VERIFY_PASSWORD;
    if (login_set(attempt->login.user, sizeof(attempt->login.user), user) < 0)
        attempt->login.user[0] = '\0'; /* nobody: refused like any other wrong name */
    if (secret_set(&attempt->login.secret, bind->password.data, bind->password.len) < 0)
        (void)secret_set(&attempt->login.secret, "", 0);
    attempt->login.has_secret = true;
    conn->binding = true;
    if (attempt_start(attempt, login_verify, ret) == REPLY) {
        conn->binding = false;
        return REPLY;
    }
    return LATER;
}

static enum handled bind_external(struct request *request, struct result *ret)
{
    struct conn *conn = request->conn;
    const struct bind_request *bind = &request->message->bind;
    int len;

    if (conn->peer.listener == LISTENER_LDAP) {
        request_fail(request, ret, E_UNWILLING,
                     "EXTERNAL needs a unix socket: this connection has no peer credentials");
        ret->code = RESULT_INAPPROPRIATE_AUTHENTICATION;
        return REPLY;
    }
    if (bind->credentials.len > 0) {
        request_fail(request, ret, E_ACCESS, "EXTERNAL with another authorization identity");
        return REPLY;
    }
    if (!conn->peer.trusted)
        return REPLY; /* anonymous */
    len = snprintf(conn->identity.dn, sizeof(conn->identity.dn),
                   "gidNumber=%u+uidNumber=%u,cn=peercred,cn=external,cn=auth",
                   (unsigned)conn->peer.gid, (unsigned)conn->peer.uid);
    conn->identity.dn_len = (size_t)len;
    conn->identity.kind = IDENTITY_PEER;
    return REPLY;
}

void bind_arrived(struct conn *conn)
{
    conn_forget_identity(conn);
    for (struct request *other = conn->requests; other != NULL; other = other->next)
        other->abandoned = true; /* RFC 4511 4.2.1: operations under way are given up */
}

enum handled op_bind(struct request *request, struct result *ret)
{
    const struct bind_request *bind = &request->message->bind;
    char quoted[LOG_QUOTE_MAX];

    if (bind->version != 3) {
        request_fail(request, ret, E_PROTO, "LDAP version 3 is spoken here, not %d", bind->version);
        return REPLY;
    }
    if (!bind->sasl)
        return bind_simple(request, ret);
    if (slice_equal_fold(bind->mechanism, slice_of("EXTERNAL")))
        return bind_external(request, ret);
    request_fail(request, ret, E_UNWILLING, "no such SASL mechanism here (EXTERNAL is): %s",
                 log_quote(bind->mechanism, quoted));
    ret->code = RESULT_AUTH_METHOD_NOT_SUPPORTED;
    return REPLY;
}
