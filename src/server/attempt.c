/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/attempt.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ldap/exop.h"
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/limit.h"
#include "server/mailer.h"
#include "server/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the rules are told of the peer. */
static void attempt_peer(const struct conn *conn, struct login_peer *ret)
{
    const struct peer *peer = &conn->peer;
    const struct identity *identity = &conn->identity;
    bool bound = identity->kind == IDENTITY_PERSON || identity->kind == IDENTITY_SERVICE;

    ret->admin = peer->admin && !bound;
    ret->trusted = (peer->trusted && !bound) || identity->kind == IDENTITY_SERVICE;
    ret->unix_peer = peer->listener != LISTENER_LDAP;
    ret->local = ret->unix_peer;
    ret->uid = peer->uid;
    ret->service = identity->kind == IDENTITY_SERVICE;
    (void)snprintf(ret->text, sizeof(ret->text), "%s", peer->text);
    if (identity->kind == IDENTITY_SERVICE) {
        memcpy(ret->service_organization, identity->organization,
               sizeof(ret->service_organization));
        memcpy(ret->service_name, identity->name, sizeof(ret->service_name));
        (void)snprintf(ret->text, sizeof(ret->text), "service:%.63s", identity->name);
    }
    if (identity->kind == IDENTITY_PERSON) {
        memcpy(ret->person, identity->name, sizeof(ret->person));
        ret->person_enrolling = identity->enroll_only;
        (void)snprintf(ret->text, sizeof(ret->text), "person:%.63s", identity->name);
    }
}

struct attempt *attempt_new(struct request *request, void (*answer)(struct attempt *attempt),
                            struct result *ret)
{
    struct attempt *attempt;
    struct request *later = request_defer(request, ret);

    if (later == NULL)
        return NULL;
    attempt = mem_alloc(sizeof(*attempt));
    attempt->request = later;
    attempt->arrived_ns = clock_monotonic_ns();
    attempt->answer = answer;
    attempt->settings = daemon_settings(request->conn->loop->daemon);
    attempt_peer(request->conn, &attempt->login.peer);
    return attempt;
}

/* Whether nobody waits for an answer any more. */
static bool attempt_moot(const struct attempt *attempt)
{
    return attempt->request->conn->closed || attempt->request->abandoned;
}

/* What is to be mailed is on the disk before anybody is answered. */
static void attempt_notice(const struct attempt *attempt, struct login *login)
{
    struct mailer *mailer = attempt->job.loop->daemon->mailer;
    const struct login_context *context = &attempt->settings->login;

    if (login->notice == NOTICE_ENROLL)
        mailer_enroll(mailer, context, login);
    else if (login->notice == NOTICE_TOKEN)
        mailer_token(mailer, context, login);
    else if (login->notice != NOTICE_NONE)
        mailer_notice(mailer, context, login);
}

/* Finds the person, under whose key the steps run then. */
static void attempt_find(struct attempt *attempt)
{
    struct job *job = &attempt->job;
    struct login *login = &attempt->login;

    attempt->ran = true;
    if (login_find(&attempt->settings->login, login) < 0)
        return;
    if (attempt_moot(attempt)) {
        login->err = E_CANCELED; /* nothing was checked: no success */
        return;
    }
    attempt->found = true;
    if (attempt->admit != NULL && attempt->admit(attempt) < 0)
        return;
    attempt->ran = false;
    job->key = login->key;
    job->again = true;
}

/* Runs the first step, or the next, up to where something is to be hashed. Who was found is looked
 * up anew where others were before. */
static void attempt_step(struct attempt *attempt)
{
    const struct login_context *context = &attempt->settings->login;
    struct job *job = &attempt->job;
    struct login *login = &attempt->login;
    bool first = login->hashed == NULL;

    if (!first || !job->waited || login_find(context, login) == 0)
        login_step(context, login, attempt->step);
    if (login->hash != NULL) {
        job->again = job->aside = true;
        return;
    }
    if (login->err == 0 || login->recovery_used) /* the code is gone, whoever is let in */
        attempt_notice(attempt, login);
    attempt->ran = true;
}

/* On the hashing pool; at home, and then without hashing, when that has stopped. Whoever has gone
 * takes nobody's turn there. */
static void attempt_hash(struct attempt *attempt)
{
    const struct job *job = &attempt->job;

    if (!job->aside)
        login_unhashed(&attempt->login, E_UNAVAIL);
    else if (attempt_moot(attempt))
        login_unhashed(&attempt->login, E_CANCELED);
    else
        login_hash(&attempt->settings->login, &attempt->login);
}

static void attempt_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    if (attempt->service) {
        login_service(&attempt->settings->login, &attempt->login);
        attempt->ran = true;
        return;
    }
    if (attempt->login.hash != NULL)
        attempt_hash(attempt);
    if (job->aside) {
        job->again = true;
        job->aside = false;
    } else if (attempt->found)
        attempt_step(attempt);
    else
        attempt_find(attempt);
}

/* Whether the answer says no more than that: what it took to find out must not say more. */
static bool attempt_refused(const struct attempt *attempt)
{
    return attempt->login.err == E_AUTH || attempt->login.err == E_ACCESS;
}

void attempt_answer(struct attempt *attempt)
{
    int64_t after_ms = attempt->settings->limits.refuse_after_ms;

    if ((attempt->even || attempt_refused(attempt)) && after_ms > 0)
        refusals_hold(attempt->job.loop->refusals, attempt, after_ms);
    else
        attempt->answer(attempt);
}

static void attempt_done(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    if (!attempt->ran) {
        attempt->login.err = E_UNAVAIL;
        (void)snprintf(attempt->login.text, sizeof(attempt->login.text),
                       "the server is shutting down");
    }
    if (attempt->login.err != 0 || attempt->onward == NULL || !attempt->onward(attempt))
        attempt_answer(attempt);
}

static int admit_take(struct attempt *attempt, struct limit *limit, unsigned count,
                      const char *kind, struct slice who)
{
    return limit_take(limit, count,
                      slice_of(arena_printf(attempt->login.arena, "%s %.*s", kind, SLICE_ARG(who))),
                      clock_monotonic_ms());
}

int attempt_admit(struct attempt *attempt, const char *kind, enum text text)
{
    struct daemon *daemon = attempt->job.loop->daemon;
    const struct rates *rates = &daemon->rates;
    const struct limits *limits = &attempt->settings->limits;
    const struct conn *conn = attempt->request->conn;
    struct login *login = &attempt->login;
    int rc = admit_take(attempt, rates->challenges_peer, limits->challenges_peer, kind,
                        slice_of(login->peer.text));

    if (rc == 0 && conn->peer.listener == LISTENER_LDAP)
        rc = admit_take(attempt, rates->challenges_address, limits->challenges_address, kind,
                        slice_of(conn->peer.text));
    if (rc == 0)
        rc = admit_take(attempt, rates->challenges_person, limits->challenges_person, kind,
                        login_limit_key(login));
    if (rc < 0) {
        login_answer(login, E_BUSY, VERIFY_STATE_REFUSED, text);
        atomic_fetch_add(&daemon->limited, 1);
    }
    return rc;
}

enum handled attempt_start(struct attempt *attempt,
                           void (*step)(const struct login_context *, struct login *),
                           struct result *ret)
{
    const struct conn *conn = attempt->request->conn;
    struct loop *loop = conn->loop;

    if (conn->peer.listener == LISTENER_LDAP && conn->identity.kind != IDENTITY_SERVICE &&
        limit_take(loop->daemon->rates.logins_address, attempt->settings->limits.logins_address,
                   slice_of(conn->peer.text), clock_monotonic_ms()) < 0) {
        atomic_fetch_add(&loop->daemon->limited, 1);
        attempt_drop(attempt);
        ret->code = err_ldap(E_BUSY);
        ret->text = slice_of("too many logins from this address, try again later");
        return REPLY;
    }
    attempt->step = step;
    attempt->job.run = attempt_run;
    attempt->job.done = attempt_done;
    attempt->job.loop = loop;
    if (attempt->login.factor == VERIFY_PIN)
        attempt->job.side = loop->daemon->hash_pool;
    if (workers_submit(loop->daemon->store_pool, &attempt->job) == 0)
        return LATER;
    attempt_drop(attempt);
    ret->code = err_ldap(E_BUSY);
    ret->text = slice_of("too many logins are waiting, try again");
    return REPLY;
}

static void attempt_free(struct attempt *attempt)
{
    login_clear(&attempt->login);
    settings_release(attempt->settings);
    delivery_release(attempt->delivery);
    free(attempt);
}

void attempt_drop(struct attempt *attempt)
{
    request_take_back(attempt->request);
    attempt_free(attempt);
}

/* value: with bytes, or NULL; control: of the response, or NULL. */
static void attempt_send(struct attempt *attempt, const struct buffer *value,
                         const struct control *control)
{
    struct result result = {.code = err_ldap(attempt->login.err),
                            .text = slice_of(attempt->login.text),
                            .controls = control,
                            .control_count = control != NULL ? 1 : 0};

    if (value != NULL && value->len > 0) {
        result.has_value = true;
        result.value = buffer_slice(value);
    }
    request_finish(attempt->request, &result);
    attempt_free(attempt);
}

void attempt_finish(struct attempt *attempt, struct buffer *value)
{
    attempt_send(attempt, value, NULL);
    if (value != NULL)
        buffer_clear(value);
}

/* The figures of logins: what was let in, refused, refused because locked. */
static void attempt_count(struct daemon *daemon, const struct login *login)
{
    if (login->err == 0)
        atomic_fetch_add(&daemon->logins, 1);
    else if (login->err != E_STEPUP)
        atomic_fetch_add(&daemon->logins_refused, 1);
    if (login->locked)
        atomic_fetch_add(&daemon->logins_locked, 1);
}

void attempt_finish_policy(struct attempt *attempt, struct buffer *value)
{
    const struct login *login = &attempt->login;
    const struct password_policy *told = &login->policy;
    struct policy_control policy = {-1, -1, -1};
    struct control control = {.oid = slice_of(OID_PASSWORD_POLICY), .has_value = true};
    struct buffer told_value;

    buffer_init(&told_value);
    if (login->policy_told)
        policy = (struct policy_control){told->expires_s, told->grace, (int32_t)told->error};
    if (login->change_only && policy.error < 0 && policy.grace < 0)
        policy.error = PASSWORD_CHANGE_AFTER_RESET;
    if (attempt->request->policy && (login->policy_told || login->change_only) &&
        policy_control_encode(&policy, &told_value) == 0)
        control.value = buffer_slice(&told_value);
    attempt_send(attempt, value, told_value.len > 0 ? &control : NULL);
    buffer_clear(&told_value);
    if (value != NULL)
        buffer_clear(value);
}

void attempt_audit(const struct attempt *attempt, const char *what)
{
    const struct login *login = &attempt->login;
    struct request *request = attempt->request;
    char service[LOG_QUOTE_MAX], tty[LOG_QUOTE_MAX], rhost[LOG_QUOTE_MAX];
    char organization[LOG_QUOTE_MAX];

    if (strcmp(what, "bind") == 0 || strcmp(what, "verify") == 0)
        attempt_count(request->conn->loop->daemon, login);
    request->audit.what = what;
    audit_detail(
        request, "outcome=%s state=%d user=%s organization=%s%s service=%s tty=%s rhost=%s",
        login->err == 0 ? "ok" : err_name(login->err), (int)login->state,
        login->uid[0] != '\0' ? login->uid : "-",
        login->organization[0] != '\0' ? log_quote(slice_of(login->organization), organization)
                                       : "-",
        login->locked ? " locked=yes" : "", log_quote(slice_of(login->service), service),
        log_quote(slice_of(login->tty), tty), log_quote(slice_of(login->rhost), rhost));
}
