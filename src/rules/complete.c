/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How a login ends: one-time codes are used up, tickets made and read, and the person is let in
 * where they belong and may.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/rights.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/recovery.h"
#include "rules/verify.h"
#include "secret/code.h"
#include "secret/totp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CODE_TRIES 16 /* swaps lost to others before we say busy */

/* A TOTP code: its step is swapped into the ledger before anybody is told. */
static int code_totp(const struct login_context *context, struct login *login, struct slice owner,
                     struct slice code)
{
    struct seal_for what = {.purpose = slice_of(SEAL_TOTP), .person = login->person->usher_id};
    struct slice *values, old = {0};
    struct secret secret = {0};
    int64_t last = TOTP_STEP_NONE, step;
    size_t count;
    int rc;

    if (login->person->totp.len == 0)
        return E_AUTH;
    rc = ledger_values(context, login->arena, owner, "ushertotpstep", &values, &count);
    if (rc == 0 && count > 0) {
        old = values[0];
        rc = totp_step_parse(old, &last);
        if (rc < 0)
            return E_AUTH; /* unreadable: no code is known to be fresh */
    }
    if (rc == 0)
        rc = seal_open(context->keys, &what, login->person->totp, &secret);
    if (rc == E_CRYPTO)
        log_error("the TOTP secret of %s does not open", login->uid);
    if (rc == 0)
        rc = totp_check(secret.data, secret.len, code, clock_now_ms(), last, &step);
    secret_clear(&secret);
    if (rc == 0)
        rc = ledger_swap(context, login->arena, owner, "usherTotpStep", (struct slice){0}, old,
                         slice_of(arena_printf(login->arena, "%" PRId64, step)));
    return rc == E_CRYPTO ? E_AUTH : rc; /* a lost swap: somebody used a code just now */
}

/* A mailed or texted code: its record is marked used in the ledger before anybody is told, so that
 * the same code is known again: refused, but not counted. */
static int code_sent_once(const struct login_context *context, struct login *login,
                          struct slice owner, struct slice code, bool *ret_lost, enum factor *ret)
{
    struct slice *values, record;
    bool used;
    size_t count;
    int rc = ledger_values(context, login->arena, owner, "usherchallenge", &values, &count);

    if (rc < 0)
        return rc;
    if (count == 0)
        return E_AUTH;
    record = values[0];
    used = verify_challenge_used(&record);
    rc = code_check(context->keys, login->person->usher_id, record, code, clock_now_ms());
    if (rc == E_TIMEOUT || rc == E_CRYPTO) /* it has expired; the store's own is another matter */
        return E_AUTH;
    if (rc == 0 && used)
        return E_CONFLICT;
    if (rc == 0) {
        rc = ledger_swap(
            context, login->arena, owner, "usherChallenge", (struct slice){0}, values[0],
            slice_of(arena_printf(login->arena, VERIFY_USED "%.*s", SLICE_ARG(record))));
        *ret_lost = rc == E_CONFLICT;
    }
    if (rc == 0)
        *ret = code_is_for(record, slice_of("sms")) ? FACTOR_SMS : FACTOR_EMAIL;
    return rc;
}

/* A lost swap is looked at again: somebody used the code, or a new key has sealed it. */
static int code_sent(const struct login_context *context, struct login *login, struct slice owner,
                     struct slice code, enum factor *ret)
{
    bool lost = true;
    int rc = E_CONFLICT;

    for (int i = 0; lost && i < CODE_TRIES; i++) {
        lost = false;
        rc = code_sent_once(context, login, owner, code, &lost, ret);
    }
    return lost ? E_BUSY : rc; /* it was right */
}

bool verify_challenge_used(struct slice *record)
{
    size_t len = strlen(VERIFY_USED);

    if (record->len < len || memcmp(record->data, VERIFY_USED, len) != 0)
        return false;
    record->data += len;
    record->len -= len;
    return true;
}

int verify_code_check(const struct login_context *context, struct login *login, struct slice code,
                      enum factor *ret)
{
    struct slice owner = login->person->usher_id;
    bool totp = login->person->second_factor == MEANS_TOTP;
    int rc = recovery_check(context, login, code);

    if (rc == 0)
        *ret = totp                                        ? FACTOR_TOTP
               : login->person->second_factor == MEANS_SMS ? FACTOR_SMS
                                                           : FACTOR_EMAIL;
    if (rc != E_SYNTAX) /* else it is none */
        return rc;

    if (!totp)
        return code_sent(context, login, owner, code, ret);
    rc = code_totp(context, login, owner, code);
    if (rc == 0)
        *ret = FACTOR_TOTP;
    return rc;
}

static struct ticket_for ticket_whom(const struct login *login)
{
    return (struct ticket_for){.person = login->person->usher_id,
                               .organization = slice_of(login->organization),
                               .peer = slice_of(login->peer.text),
                               .epoch = login->person->auth_epoch};
}

int verify_ticket(const struct login_context *context, const struct login *login,
                  struct ticket *ret)
{
    struct ticket_for whom = ticket_whom(login);

    if (login->ticket[0] == '\0')
        return E_AUTH;
    return ticket_open(context->keys, &whom, slice_of(login->ticket), clock_now_ms(), ret) == 0
               ? 0
               : E_AUTH;
}

int verify_ticket_make(const struct login_context *context, struct login *login, unsigned factors)
{
    struct ticket_for whom = ticket_whom(login);
    int64_t now_ms = clock_now_ms();
    struct ticket ticket = {
        .factors = factors, .issued_ms = now_ms, .expires_ms = now_ms + TICKET_LIFETIME_MS};

    _Static_assert(TICKET_MAX <= LOGIN_TICKET_MAX, "a ticket fits into a login");
    return ticket_seal(context->keys, &whom, &ticket, login->ret_ticket);
}

static int permitted(const struct login_context *context, const struct login *login)
{
    struct decision decision;
    struct rights *rights;
    struct query query;
    int rc;

    if (query_parse(slice_of(login->permission), &query) < 0)
        return E_SYNTAX;
    query.factor = login->done;
    rc = rights_open(context->rights_path, &rights);
    if (rc < 0)
        return E_STALE;
    rc = rights_check(rights, slice_of(login->organization), login->person->uid, &query,
                      clock_now_ms(), &decision);
    rights_close(rights);
    return rc;
}

/* Whether the person may come in here; answers and returns false when not. */
static bool complete_here(const struct login_context *context, struct login *login)
{
    int rc;

    if (login->organization[0] == '\0' && login->permission[0] == '\0')
        return true;
    if (login->organization[0] == '\0') {
        login_fail(login, E_UNWILLING, "a permission is asked in an organization: name it (org=)");
        return false;
    }
    rc = membership_valid(context, login->arena, login->person, slice_of(login->organization));
    if (rc == E_DENIED) {
        login_answer(login, E_UNWILLING, VERIFY_STATE_NOT_A_MEMBER, TEXT_NOT_A_MEMBER);
        return false;
    }
    if (rc == 0 && login->permission[0] != '\0')
        rc = permitted(context, login);
    if (rc == 0)
        return true;
    if (rc == E_DENIED)
        login_answer(login, E_UNWILLING, VERIFY_STATE_LACKS_PERMISSION, TEXT_LACKS_PERMISSION);
    else if (rc == E_STEPUP)
        login_answer(login, E_STEPUP, VERIFY_STATE_FACTOR_DUE, TEXT_CODE_NEEDED);
    else if (rc == E_NOPERM || rc == E_SYNTAX || rc == E_NOTFOUND) {
        char quoted[LOG_QUOTE_MAX];

        login_fail(login, rc, "%s: %s", err_text(rc),
                   log_quote(slice_of(login->permission), quoted));
    } else
        login_unavailable(login, rc);
    return false;
}

void verify_complete(const struct login_context *context, struct login *login, unsigned factors)
{
    int rc;

    if (!login->person->active) {
        login_answer(login, E_UNWILLING, VERIFY_STATE_INACTIVE, TEXT_INACTIVE);
        return;
    }
    if (login->done == FACTOR_ABSENT)
        login->done = FACTOR_NONE;
    if (!login->bind && !complete_here(context, login))
        return;
    rc = login->bind || login->factor == VERIFY_NONE ? 0
                                                     : verify_ticket_make(context, login, factors);
    if (rc < 0) {
        login_fail(login, rc, "%s", err_text(rc));
        return;
    }
    if (login->person->must_change && (factors & (TICKET_PIN | TICKET_APP)) == 0) {
        login->change_only = true; /* a bind may change the password and nothing else */
        login_answer(login, 0, VERIFY_STATE_MUST_CHANGE, TEXT_MUST_CHANGE);
    } else {
        login->err = 0;
        login->state = VERIFY_STATE_COMPLETE;
        login->text[0] = '\0';
        recovery_tell(login);
    }
}

void verify_settle(const struct login_context *context, struct login *login, struct slice owner,
                   const struct lockout *mine, unsigned factors)
{
    int rc;

    verify_complete(context, login, factors);
    rc = ledger_success(context, login->arena, owner, mine, login->err == 0);
    if (rc == 0)
        return;
    mem_wipe(login->ret_ticket, sizeof(login->ret_ticket));
    login->change_only = false;
    login_unavailable(login, rc);
}
