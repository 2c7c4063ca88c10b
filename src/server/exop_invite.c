/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherInvite and usherRedeem: a token is mailed, and sets a password. Their values, how often such
 * mails may be asked for, and the connections that end with a forgotten password; the rest stands
 * in rules/.
 */
#include "base/err.h"
#include "ldap/exop.h"
#include "server/access.h"
#include "server/attempt.h"
#include "server/daemon.h"
#include "server/exop_value.h"
#include "server/mailer.h"

static void on_invited(struct attempt *attempt)
{
    attempt_audit(attempt, attempt->login.mailed_kind == MAILED_FORGOTTEN ? "forgotten" : "invite");
    attempt_finish(attempt, NULL);
}

/* What is wrong with the mail is told whoever is meant, and the administrator asks as often as they
 * like. On the store pool. */
static int invite_admit(struct attempt *attempt)
{
    struct login *login = &attempt->login;
    int rc;

    if (login_invite_access(login) < 0)
        return 0; /* refused by the step */
    rc = mailer_ready(attempt->job.loop->daemon->mailer);
    if (rc < 0) {
        login_fail(login, rc, "%s",
                   rc == E_BUSY ? "too many mails wait in the queue, try again"
                                : "this server sends no mail (mail.url, mail.queue)");
        return rc;
    }
    return login->peer.admin ? 0 : attempt_admit(attempt, "forgotten", TEXT_TOO_MANY_TOKENS);
}

enum handled exop_invite(struct request *request, struct result *ret)
{
    static const enum mailed_kind kinds[] = {
        [INVITE_ACTIVATION] = MAILED_ACTIVATION, [INVITE_FORGOTTEN] = MAILED_FORGOTTEN};
    struct invite_request invite;
    int rc = invite_request_decode(request->message->extended.value, &invite);
    struct attempt *attempt = exop_attempt(request, rc, "usherInvite", on_invited, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_PASSWORD;
    login->mailed_kind = kinds[invite.kind];
    if (exop_take(
            (struct exop_field[]){
                EXOP_FIELD(invite, login, user),
                EXOP_FIELD(invite, login, organization),
                EXOP_FIELD(invite, login, language),
            },
            3, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    attempt->admit = invite_admit;
    attempt->even = invite.kind == INVITE_FORGOTTEN;
    return attempt_start(attempt, login_invite, ret);
}

static void on_redeemed(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    const struct redeem_response response = {.user = slice_of(login->uid)};
    struct conn *conn = attempt->request->conn;
    struct buffer value;

    attempt_audit(attempt, "redeem");
    buffer_init(&value);
    if (login->err == 0)
        (void)redeem_response_encode(&response, &value);
    if (login->err == 0 && login->mailed_kind == MAILED_FORGOTTEN) {
        if (access_self(attempt->request, slice_of(login->uid)))
            conn_forget_identity(conn); /* told by the answer */
        connections_part(conn->loop->daemon, login->uid);
    }
    attempt_finish_policy(attempt, &value);
}

enum handled exop_redeem(struct request *request, struct result *ret)
{
    struct redeem_request redeem;
    int rc = redeem_request_decode(request->message->extended.value, &redeem);
    struct attempt *attempt = exop_attempt(request, rc, "usherRedeem", on_redeemed, ret);
    struct login *login;

    if (attempt == NULL)
        return REPLY;
    login = &attempt->login;
    login->factor = VERIFY_PASSWORD;
    login->by_id = true;
    if (exop_take((struct exop_field[]){EXOP_FIELD(redeem, login, language)}, 1, request, ret) <
            0 ||
        exop_take_secret(&login->new_secret, &login->has_new_secret, redeem.new_password) < 0)
        return exop_refuse(attempt, request, ret);
    (void)mailed_token_read(redeem.token, login->mailed_token, login->user); /* or else nobody's */
    return attempt_start(attempt, login_redeem, ret);
}
