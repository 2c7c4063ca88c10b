/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Setting secrets: a PIN, an authenticator app, a password; and unlocking. The administrator sets
 * anybody's; everybody else their own, with the old secret or a session that proved it.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/recovery.h"
#include "rules/redeem.h"
#include "rules/verify.h"
#include "secret/pin.h"
#include "secret/token.h"
#include "secret/totp.h"
#include "store/entry.h"
#include "store/password.h"

#include <inttypes.h>
#include <string.h>

#define ENROLL_TRIES 16 /* swaps lost to others before we say busy */

static bool is_self(const struct login *login)
{
    return login->person != NULL && login->peer.person[0] != '\0' &&
           slice_is(login->person->uid, login->peer.person);
}

/* One replacement: old (data NULL: none) goes, new (data NULL: none) comes, on one entry. Asked a
 * second time when the connection died: it does no harm, and may have been done without an answer.
 */
static int entry_replace(const struct login_context *context, struct login *login, struct slice dn,
                         const char *attribute, struct slice new_value)
{
    struct slice text = {0};
    struct modification changes[] = {
        {.kind = 2,
         .attribute = {.name = slice_of(attribute),
                       .values = &new_value,
                       .value_count = new_value.data != NULL ? 1 : 0}},
    };
    int rc = store_modify(context->store, login->arena, dn, changes, 1, NULL,
                          login_deadline(context), &text);

    if (rc == E_UNAVAIL)
        rc = store_modify(context->store, login->arena, dn, changes, 1, NULL,
                          login_deadline(context), &text);
    if (rc < 0 && text.len > 0)
        log_warning("the store refused to change %s: %.*s", attribute, SLICE_ARG(text));
    return rc;
}

static void answer_store(struct login *login, int err)
{
    if (err == 0) {
        login->err = 0;
        login->state = VERIFY_STATE_COMPLETE;
    } else if (err == E_UNAVAIL || err == E_TIMEOUT || err == E_BUSY)
        login_unavailable(login, err);
    else
        login_fail(login, err, "%s", err_text(err));
}

/* Hashes the new PIN. */
static void pin_make(const struct login_context *context, struct login *login)
{
    struct seal_for what = {.purpose = slice_of(SEAL_PIN),
                            .person = login->person->usher_id,
                            .organization = slice_of(login->organization)};
    char record[PIN_RECORD_MAX], sealed[SEAL_MAX];
    int rc = pin_hash(secret_slice(&login->new_secret), context->pin_cost, record);

    if (rc == 0)
        rc = seal_close(context->keys, &what, record, strlen(record), sealed);
    if (rc == 0)
        login->pin.sealed = arena_copy(login->arena, slice_of(sealed));
    login->pin.err = rc;
    mem_wipe(record, sizeof(record));
    mem_wipe(sealed, sizeof(sealed));
}

/* Puts the new PIN, or none, on the membership. */
static void pin_store(const struct login_context *context, struct login *login)
{
    int rc = login->pin.err;

    if (rc == 0)
        rc = entry_replace(context, login, login->pin.dn, "usherPin", login->pin.sealed);
    if (rc == 0)
        login_notify(login, NOTICE_PIN);
    answer_store(login, rc);
}

/* Whoever asks may. */
static void pin_change(const struct login_context *context, struct login *login)
{
    struct membership membership = {0};
    int rc = 0;

    if (login->person != NULL)
        rc = membership_read(context, login->arena, login->person, slice_of(login->organization),
                             &membership);
    if (rc == 0 && membership.dn.len == 0) {
        login_fail(login, E_NOTFOUND, "no such membership: user \"%s\" in organization \"%s\"",
                   login->user, login->organization);
        return;
    }
    if (rc < 0) {
        answer_store(login, rc);
        return;
    }
    login->pin = (struct login_pin){.dn = membership.dn};
    if (login->has_new_secret) {
        login->hash = pin_make;
        login->hashed = pin_store;
    } else
        pin_store(context, login);
}

/* The old PIN has proved who changes it, or not; it was counted like a login. */
static void pin_proven(const struct login_context *context, struct login *login)
{
    int rc = login->err;

    if (rc == 0)
        pin_change(context, login);
    else if (rc == E_AUTH)
        verify_refuse(login);
    else
        login_fail(login, rc, "the old PIN could not be checked: %s", err_text(rc));
}

void login_set_pin(const struct login_context *context, struct login *login)
{
    if (!login->peer.admin && (login->person == NULL || !(is_self(login) || login->peer.trusted))) {
        login_fail(login, E_ACCESS, "you may set only your own PIN");
        return;
    }
    if (login->has_new_secret && pin_syntax(secret_slice(&login->new_secret)) < 0) {
        login_fail(login, E_SYNTAX, "a PIN has one to eight digits");
        return;
    }
    if (login->peer.admin) {
        pin_change(context, login);
        return;
    }
    if (!login->has_secret) {
        login_fail(login, E_ACCESS, "the old PIN has to be given");
        return;
    }
    login->proven = pin_proven;
    if (is_self(login)) { /* bound as themself: as good as a till here */
        login->peer.trusted = true;
        login->peer.person[0] = '\0';
    }
    login->permission[0] = '\0';
    login_verify(context, login);
}

static int enroll_pending(const struct login_context *context, struct login *login,
                          struct slice *ret)
{
    return ledger_slot(context, login->arena, login->person->usher_id, LEDGER_ENROLL, ret);
}

/* Puts a record (data NULL: none) in the place of the pending one, whichever that is by now. */
static int enroll_swap(const struct login_context *context, struct login *login,
                       struct slice record)
{
    struct slice old;
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < ENROLL_TRIES; i++) {
        rc = enroll_pending(context, login, &old);
        if (rc == 0 && (old.data != NULL || record.data != NULL))
            rc = ledger_slot_swap(context, login->arena, login->person->usher_id, LEDGER_ENROLL,
                                  old, record);
    }
    return rc == E_CONFLICT ? E_BUSY : rc;
}

static void enroll_begin(const struct login_context *context, struct login *login)
{
    unsigned char secret[TOTP_SECRET_SIZE];
    char record[ENROLMENT_MAX];
    int rc = totp_new(secret);

    _Static_assert(sizeof(login->uri) >= TOTP_URI_MAX, "a URI fits");
    if (rc == 0)
        rc = enrolment_seal(context->keys, login->person->usher_id, secret, sizeof(secret),
                            clock_now_ms(), record);
    if (rc == 0)
        rc = enroll_swap(context, login, slice_of(record));
    if (rc == 0)
        rc = totp_uri(secret, sizeof(secret), slice_of(context->issuer), login->person->uid,
                      login->uri);
    mem_wipe(secret, sizeof(secret));
    answer_store(login, rc);
}

/* The same, for a mail to the person: whoever asks does not see the secret. */
static void enroll_mail(const struct login_context *context, struct login *login)
{
    login_notify(login, NOTICE_ENROLL);
    if (login->notice == NOTICE_NONE)
        login_fail(login, E_UNWILLING, "this person has no verified mail address");
    else
        enroll_begin(context, login);
}

/* Puts the proven secret and the factor on the person, in one change. */
static int enroll_store(const struct login_context *context, struct login *login,
                        const struct secret *secret)
{
    struct seal_for what = {.purpose = slice_of(SEAL_TOTP), .person = login->person->usher_id};
    char sealed[SEAL_MAX];
    struct slice sealed_value, factor = slice_of("totp"), text = {0};
    int rc = seal_close(context->keys, &what, secret->data, secret->len, sealed);

    sealed_value = rc == 0 ? slice_of(sealed) : (struct slice){0};
    struct modification changes[] = {
        {.kind = 2, .attribute = {slice_of("usherTotpSecret"), &sealed_value, 1}},
        {.kind = 2, .attribute = {slice_of("usherSecondFactor"), &factor, 1}},
    };
    if (rc == 0)
        rc = store_modify(context->store, login->arena, login->person->dn, changes, 2, NULL,
                          login_deadline(context), &text);
    mem_wipe(sealed, sizeof(sealed));
    return rc;
}

/* Checks the first code, and uses it up. */
static int enroll_check(const struct login_context *context, struct login *login,
                        const struct secret *secret)
{
    struct slice owner = login->person->usher_id, *values, old = {0};
    int64_t step, last;
    size_t count;
    int rc = totp_check(secret->data, secret->len, secret_slice(&login->secret), clock_now_ms(),
                        TOTP_STEP_NONE, &step);

    if (rc == 0)
        rc = ledger_values(context, login->arena, owner, "ushertotpstep", &values, &count);
    if (rc == 0) {
        if (count > 0)
            old = values[0];
        if (person_enrolled(login->person) && totp_step_parse(old, &last) == 0 && last > step)
            step = last; /* those of the secret in force stay used */
        rc = ledger_swap(context, login->arena, owner, "usherTotpStep", (struct slice){0}, old,
                         slice_of(arena_printf(login->arena, "%" PRId64, step)));
    }
    return rc;
}

/* The first code proves that the app has the secret: an attempt like any other. */
static int enroll_prove(const struct login_context *context, struct login *login,
                        const struct secret *secret)
{
    struct slice owner = login->person->usher_id;
    struct lockout mine;
    int rc = ledger_reserve(context, login->arena, owner, "code", &mine);

    if (rc < 0)
        return rc;
    rc = enroll_check(context, login, secret);
    if (rc < 0 && rc != E_AUTH)
        (void)ledger_uncount(context, login->arena, owner, &mine);
    return rc == 0 ? ledger_drop(context, login->arena, owner, "code") : rc;
}

static void enroll_confirm(const struct login_context *context, struct login *login)
{
    struct secret secret = {0};
    struct slice pending;
    int rc = enroll_pending(context, login, &pending);

    if (rc == 0 && pending.data == NULL) {
        login_fail(login, E_NOTFOUND, "no enrolment of this person is under way: begin one first");
        return;
    }
    if (rc == 0) {
        rc = enrolment_open(context->keys, login->person->usher_id, pending, clock_now_ms(),
                            &secret);
        if (rc == E_TIMEOUT) { /* its own, not the store's */
            login_fail(login, E_NOTFOUND, "the enrolment has expired: begin again");
            return;
        }
    }
    if (rc == 0)
        rc = enroll_prove(context, login, &secret);
    if (rc == E_AUTH || rc == E_DENIED || rc == E_CONFLICT) {
        secret_clear(&secret);
        verify_refuse(login);
        return;
    }
    if (rc == 0)
        rc = enroll_store(context, login, &secret);
    secret_clear(&secret);
    answer_store(login, rc);
    if (rc < 0)
        return;
    login_notify(login, NOTICE_APP);
    rc = enroll_swap(context, login, (struct slice){0});
    if (rc < 0) /* it expires, and its secret is the app's own */
        log_warning("the enrolment of %s stays in the ledger: %s", login->uid, err_text(rc));
}

/* The recovery codes go first: they stood in for an app that is no longer trusted. */
static void enroll_reset(const struct login_context *context, struct login *login)
{
    bool gone = login->person->totp.len > 0;
    int rc = recovery_drop(context, login);

    if (rc == 0)
        rc = entry_replace(context, login, login->person->dn, "usherTotpSecret", (struct slice){0});
    if (rc == 0 && gone)
        login_notify(login, NOTICE_APP_GONE);
    answer_store(login, rc);
}

void login_enroll(const struct login_context *context, struct login *login)
{
    static void (*const steps[])(const struct login_context *, struct login *) = {
        [ENROLL_BEGIN] = enroll_begin,
        [ENROLL_CONFIRM] = enroll_confirm,
        [ENROLL_RESET] = enroll_reset,
        [ENROLL_MAIL] = enroll_mail,
    };
    bool self = is_self(login);
    bool admin_only = login->step == ENROLL_RESET || login->step == ENROLL_MAIL;

    if (!login->peer.admin && (!self || admin_only)) {
        login_fail(login, E_ACCESS,
                   admin_only ? "only the administrator resets a second factor or mails one"
                              : "you may enrol only yourself");
        return;
    }
    if (login->person == NULL) {
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
        return;
    }
    if (login->step == ENROLL_BEGIN && login->peer.person_enrolling &&
        person_enrolled(login->person)) {
        login_fail(login, E_ACCESS, "your second factor is enrolled by now: bind with a code");
        return;
    }
    if (login->step >= sizeof(steps) / sizeof(steps[0]))
        login_fail(login, E_PROTO, "no such step of an enrolment: %d", (int)login->step);
    else
        steps[login->step](context, login);
}

void login_unlock(const struct login_context *context, struct login *login)
{
    struct slice *values, owner;
    size_t count, wanted_len;
    const char *wanted;
    int rc;

    if (!login->peer.admin) {
        login_fail(login, E_ACCESS, "only the administrator unlocks");
        return;
    }
    if (login->person == NULL) {
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
        return;
    }
    owner = login->person->usher_id;
    wanted = login->organization[0] != '\0'
                 ? arena_printf(login->arena, "pin/%s ", login->organization)
                 : "";
    wanted_len = strlen(wanted);
    rc = ledger_values(context, login->arena, owner, "usherfailure", &values, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (values[i].len < wanted_len || memcmp(values[i].data, wanted, wanted_len) != 0)
            continue;
        rc = ledger_swap(context, login->arena, owner, "usherFailure",
                         (struct slice){values[i].data, 1}, values[i], (struct slice){0});
        if (rc == E_CONFLICT)
            rc = 0; /* an attempt was first; it is the newer one */
    }
    answer_store(login, rc);
}

void verify_password_refused(struct login *login, struct slice text)
{
    static const char *const reasons[] = {
        [PASSWORD_MOD_NOT_ALLOWED] = "passwords may not be changed",
        [PASSWORD_QUALITY] = "the new password is not good enough",
        [PASSWORD_TOO_SHORT] = "the new password is too short",
        [PASSWORD_TOO_YOUNG] = "the password was changed too short a time ago",
        [PASSWORD_IN_HISTORY] = "the new password was used before",
    };
    int error = (int)login->policy.error;
    const char *reason =
        error >= 0 && (size_t)error < sizeof(reasons) / sizeof(reasons[0]) ? reasons[error] : NULL;

    login_fail(login, E_UNWILLING, "%s%s%.*s",
               reason != NULL ? reason : "the store refuses the new password",
               text.len > 0 ? ": " : "", SLICE_ARG(text));
}

static void password_reset(const struct login_context *context, struct login *login)
{
    struct slice text = {0};
    int rc = store_password_reset(context->store, login->arena, login->person->dn,
                                  secret_slice(&login->new_secret), login_deadline(context),
                                  &login->policy, &text);

    login->policy_told = true;
    if (rc == 0) {
        redeem_end(context, login);
        login_notify(login, NOTICE_PASSWORD);
    }
    if (rc == E_UNWILLING)
        verify_password_refused(login, text);
    else
        answer_store(login, rc);
}

/* What follows from the owner's change. It has happened: what cannot be tidied up stays. */
static void password_changed(const struct login_context *context, struct login *login,
                             const char *key)
{
    struct slice owner = login->person->usher_id;

    login_notify(login, NOTICE_PASSWORD);
    if (login->person->must_change &&
        entry_replace(context, login, login->person->dn, "usherMustChange", (struct slice){0}) < 0)
        log_warning("the password of %s has been changed and must be again", login->uid);
    redeem_end(context, login);
    if (ledger_forget(context, login->arena, owner, key) < 0)
        log_warning("the failed logins of %s stay counted", login->uid);
}

/* The owner's change: the old password is an attempt like any other. */
static void password_change(const struct login_context *context, struct login *login)
{
    const char *key = verify_password_key(login);
    struct slice owner = login->person->usher_id, text = {0};
    struct lockout mine;
    int rc = ledger_reserve(context, login->arena, owner, key, &mine);

    if (rc == E_DENIED) {
        verify_decoy(context, login);
        verify_refuse(login);
        return;
    }
    if (rc == 0) {
        rc = store_password_change(context->store, login->arena, login->person->dn,
                                   secret_slice(&login->secret), secret_slice(&login->new_secret),
                                   login_deadline(context), &login->policy, &text);
        login->policy_told = rc == 0 || rc == E_UNWILLING;
        if (rc != 0 && rc != E_AUTH)
            (void)ledger_uncount(context, login->arena, owner, &mine);
    }
    if (rc == 0)
        password_changed(context, login, key);
    if (rc == E_AUTH)
        verify_refuse(login);
    else if (rc == E_UNWILLING)
        verify_password_refused(login, text);
    else
        answer_store(login, rc);
}

void login_password_change(const struct login_context *context, struct login *login)
{
    bool reset = login->peer.admin && !login->has_secret;

    login->policy = (struct password_policy){PASSWORD_ERROR_NONE, false, false, -1, -1};
    if (!login->has_new_secret || login->new_secret.len == 0) {
        login_fail(login, E_UNWILLING, "a new password has to be given: none is made up here");
        return;
    }
    if (!reset && !is_self(login) && !login->peer.trusted) {
        login_fail(login, E_ACCESS, "you may change only your own password");
        return;
    }
    if (!reset && !login->has_secret) {
        login_fail(login, E_UNWILLING, "the old password has to be given");
        return;
    }
    if (login->person == NULL && login->peer.admin)
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
    else if (login->person == NULL) {
        verify_decoy(context, login);
        verify_refuse(login);
    } else if (reset)
        password_reset(context, login);
    else
        password_change(context, login);
}
