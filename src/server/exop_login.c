/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The extended operations about secrets: usherVerify, usherChallenge, usherSetPin, usherEnroll,
 * usherUnlock and Password Modify. Here only their values are taken apart and put together; what is
 * allowed and what happens stands in rules/.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ldap/exop.h"
#include "secret/code.h"
#include "server/access.h"
#include "server/attempt.h"
#include "server/daemon.h"
#include "server/exop_value.h"
#include "server/limit.h"
#include "server/mailer.h"
#include "server/texter.h"

#include <stdlib.h>
#include <string.h>

static void on_verified(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct verify_response response = {
        .state = login->state, .text = slice_of(login->text), .means = login->due};
    struct buffer value;

    if (login->ret_ticket[0] != '\0')
        response.ticket = slice_of(login->ret_ticket);
    if ((login->err == 0 || login->err == E_STEPUP) && login->uid[0] != '\0')
        response.user = slice_of(login->uid);
    attempt_audit(attempt, "verify");
    buffer_init(&value);
    (void)verify_response_encode(&response, &value);
    attempt_finish(attempt, &value);
}

enum handled exop_verify(struct request *request, struct result *ret)
{
    struct verify_request verify;
    int rc = verify_request_decode(request->message->extended.value, &verify);
    struct attempt *attempt = exop_attempt(request, rc, "usherVerify", on_verified, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = verify.factor;
    if (exop_take(
            (struct exop_field[]){
                EXOP_FIELD(verify, login, user),
                EXOP_FIELD(verify, login, organization),
                EXOP_FIELD(verify, login, permission),
                EXOP_FIELD(verify, login, ticket),
                EXOP_FIELD(verify, login, language),
            },
            5, request, ret) < 0 ||
        exop_take_secret(&login->secret, &login->has_secret, verify.secret) < 0)
        return exop_refuse(attempt, request, ret);
    /* Claims for the audit line alone: cut where they are too long. */
    (void)login_set(login->service, sizeof(login->service), verify.service);
    (void)login_set(login->tty, sizeof(login->tty), verify.tty);
    (void)login_set(login->rhost, sizeof(login->rhost), verify.rhost);
    return attempt_start(attempt, login_verify, ret);
}

/* A code that was not sent does not make its person wait for a minute; nobody neither. */
static void challenge_give_back(struct attempt *attempt)
{
    const struct login *login = &attempt->login;

    if (login->err != 0 && attempt->delivery != NULL && !login_is_somebody(login))
        limit_give(attempt->job.loop->daemon->rates.challenges_ghost, login_limit_key(login));
}

static void on_challenged(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct challenge_response response = {.means = login->means,
                                          .destination = slice_of(login->masked),
                                          .digits = CODE_DIGITS,
                                          .seconds = CODE_LIFETIME_MS / 1000};
    struct buffer value;

    challenge_give_back(attempt);
    attempt_audit(attempt, "challenge");
    buffer_init(&value);
    if (login->err == 0)
        (void)challenge_response_encode(&response, &value);
    attempt_finish(attempt, &value);
}

/* Off to the pool that sends it. A code for nobody goes the way of a mail, without being one. */
static bool challenge_send(struct attempt *attempt)
{
    if (attempt->login.means == MEANS_SMS)
        texter_send(attempt);
    else
        mailer_send(attempt);
    return true;
}

/* Names of nobody cost the same as those of people. On the store pool. */
static int challenge_admit(struct attempt *attempt)
{
    struct daemon *daemon = attempt->job.loop->daemon;
    struct login *login = &attempt->login;
    int rc;

    if (login_challenge_access(&attempt->settings->login, login) < 0)
        return 0; /* refused by the step; it takes nothing from the person meant */
    rc = attempt_admit(attempt, "code", TEXT_TOO_MANY_CODES);
    if (rc == 0 && !login_is_somebody(login) &&
        limit_take(daemon->rates.challenges_ghost, 1, login_limit_key(login),
                   clock_monotonic_ms()) < 0) {
        atomic_fetch_add(&daemon->limited, 1);
        login_answer(login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_CODE_TOO_SOON);
        rc = E_BUSY;
    }
    return rc;
}

enum handled exop_challenge(struct request *request, struct result *ret)
{
    struct challenge_request challenge;
    int rc = challenge_request_decode(request->message->extended.value, &challenge);
    struct attempt *attempt = exop_attempt(request, rc, "usherChallenge", on_challenged, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_CODE;
    login->means = challenge.means;
    if (exop_take(
            (struct exop_field[]){
                EXOP_FIELD(challenge, login, user),
                EXOP_FIELD(challenge, login, organization),
                EXOP_FIELD(challenge, login, ticket),
                EXOP_FIELD(challenge, login, language),
            },
            4, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    attempt->admit = challenge_admit;
    attempt->onward = challenge_send;
    attempt->even = true;
    return attempt_start(attempt, login_challenge, ret);
}

/* Operations whose answer is a result and no value. */
static void on_changed(struct attempt *attempt, const char *what)
{
    attempt_audit(attempt, what);
    attempt_finish(attempt, NULL);
}

static void on_pin_set(struct attempt *attempt)
{
    on_changed(attempt, "set-pin");
}

static void on_unlocked(struct attempt *attempt)
{
    on_changed(attempt, "unlock");
}

static void on_password_changed(struct attempt *attempt)
{
    const struct login *login = &attempt->login;

    attempt_audit(attempt, "password-modify");
    if (login->err == 0 && access_self(attempt->request, slice_of(login->uid)))
        attempt->request->conn->identity.change_only = false; /* the way is open from here on */
    attempt_finish_policy(attempt, NULL);
}

enum handled exop_set_pin(struct request *request, struct result *ret)
{
    struct set_pin_request set_pin;
    int rc = set_pin_request_decode(request->message->extended.value, &set_pin);
    struct attempt *attempt = exop_attempt(request, rc, "usherSetPin", on_pin_set, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_PIN;
    if (exop_take_user(attempt, set_pin.user, request, ret) < 0 ||
        exop_take((struct exop_field[]){EXOP_FIELD(set_pin, login, organization)}, 1, request,
                  ret) < 0 ||
        exop_take_secret(&login->secret, &login->has_secret, set_pin.old_pin) < 0 ||
        exop_take_secret(&login->new_secret, &login->has_new_secret, set_pin.new_pin) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_set_pin, ret);
}

static void on_enrolled(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct enroll_response response = {.uri = slice_of(login->uri)};
    struct buffer value;

    attempt_audit(attempt, "enroll");
    buffer_init(&value);
    if (login->err == 0 && login->uri[0] != '\0')
        (void)enroll_response_encode(&response, &value);
    if (login->err == 0 && login->step == ENROLL_CONFIRM &&
        access_self(attempt->request, slice_of(login->uid)))
        attempt->request->conn->identity.enroll_only = false; /* the way is open from here on */
    attempt_finish(attempt, &value);
}

enum handled exop_enroll(struct request *request, struct result *ret)
{
    struct enroll_request enroll;
    int rc = enroll_request_decode(request->message->extended.value, &enroll);
    struct attempt *attempt = exop_attempt(request, rc, "usherEnroll", on_enrolled, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_CODE;
    login->step = enroll.step;
    if (exop_take_user(attempt, enroll.user, request, ret) < 0 ||
        exop_take_secret(&login->secret, &login->has_secret, enroll.code) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_enroll, ret);
}

enum handled exop_unlock(struct request *request, struct result *ret)
{
    struct unlock_request unlock;
    int rc = unlock_request_decode(request->message->extended.value, &unlock);
    struct attempt *attempt = exop_attempt(request, rc, "usherUnlock", on_unlocked, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    if (exop_take_user(attempt, unlock.user, request, ret) < 0 ||
        exop_take((struct exop_field[]){EXOP_FIELD(unlock, login, organization)}, 1, request, ret) <
            0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_unlock, ret);
}

enum handled exop_password_modify(struct request *request, struct result *ret)
{
    struct password_modify_request modify = {0};
    struct attempt *attempt;
    struct login *login;

    if (request->message->extended.has_value &&
        password_modify_request_decode(request->message->extended.value, &modify) < 0) {
        request_fail(request, ret, E_PROTO, "the value of Password Modify is malformed (RFC 3062)");
        return REPLY;
    }
    attempt = attempt_new(request, on_password_changed, ret);
    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_PASSWORD;
    if (exop_take_user(attempt, modify.user, request, ret) < 0 ||
        exop_take_secret(&login->secret, &login->has_secret, modify.old_password) < 0 ||
        exop_take_secret(&login->new_secret, &login->has_new_secret, modify.new_password) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_password_change, ret);
}
