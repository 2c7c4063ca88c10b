/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherLogout: a person is logged out everywhere. The rules raise the epoch; here the connections
 * of this gateway on which the person is bound are told and closed, each on the loop that owns it.
 * The one that asked, if it is one of them, is anonymous from then on.
 */
#include "base/err.h"
#include "ldap/exop.h"
#include "server/access.h"
#include "server/daemon.h"
#include "server/exop_value.h"

#include <stdlib.h>
#include <string.h>

/* On its way to one loop. */
struct parting {
    struct job job; /* first */
    char name[sizeof(((struct identity *)NULL)->name)];
};

static void parting_done(struct job *job)
{
    struct parting *parting = (struct parting *)job;
    struct conn *next;

    for (struct conn *conn = job->loop->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->identity.kind != IDENTITY_PERSON ||
            strcmp(conn->identity.name, parting->name) != 0)
            continue;
        conn_forget_identity(conn); /* what is under way finds nobody */
        conn_disconnect(conn, RESULT_STRONGER_AUTH_REQUIRED, "logged out");
    }
    free(parting);
}

void connections_part(struct daemon *daemon, const char *uid)
{
    if (atomic_load(&daemon->stopping)) /* all are told to go, and loops may be gone already */
        return;
    for (unsigned i = 0; i < daemon->loop_count; i++) {
        struct parting *parting = mem_alloc(sizeof(*parting));

        (void)login_set(parting->name, sizeof(parting->name), slice_of(uid));
        parting->job.loop = daemon->loops[i];
        parting->job.done = parting_done;
        loop_post(daemon->loops[i], &parting->job);
    }
}

static void on_logged_out(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct conn *conn = attempt->request->conn;

    attempt_audit(attempt, "logout");
    if (login->err == 0) {
        if (access_self(attempt->request, slice_of(login->uid)))
            conn_forget_identity(conn);
        connections_part(conn->loop->daemon, login->uid);
    }
    attempt_finish(attempt, NULL);
}

enum handled exop_logout(struct request *request, struct result *ret)
{
    struct logout_request logout;
    int rc = logout_request_decode(request->message->extended.value, &logout);
    struct attempt *attempt = exop_attempt(request, rc, "usherLogout", on_logged_out, ret);

    if (attempt == NULL)
        return REPLY;
    if (exop_take_user(attempt, logout.user, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_logout, ret);
}
