/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherVerify and the simple Bind: one path for each factor. Reserve, check, settle; the same text
 * for an unknown user, a wrong secret and a locked one, and the same work.
 */
#include "rules/verify.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "rules/app_password.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "secret/pin.h"
#include "store/password.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define PASSWD_BUFFER 16384

void verify_refuse(struct login *login)
{
    login_answer(login, E_AUTH, VERIFY_STATE_REFUSED, TEXT_REFUSED);
}

const char *verify_password_key(const struct login *login)
{
    return login->peer.local ? VERIFY_PASSWORD_LOCAL : VERIFY_PASSWORD_NET;
}

void verify_decoy(const struct login_context *context, const struct login *login)
{
    char dn[DN_MAX];
    int len = snprintf(dn, sizeof(dn), "cn=decoy,ou=services,%.*s", SLICE_ARG(context->base));

    if (len > 0 && (size_t)len < sizeof(dn))
        (void)store_bind_check(context->store, (struct slice){dn, (size_t)len},
                               secret_slice(&login->secret), login_deadline(context), NULL);
}

/* sshd types this for users that it does not let in; other programs send control bytes by mistake.
 * It cannot be anybody's secret and is refused without being counted. */
static bool verify_junk(const struct secret *secret)
{
    for (size_t i = 0; i < secret->len; i++)
        if ((unsigned char)secret->data[i] < 0x20 || secret->data[i] == 0x7f)
            return true;
    return secret->len == 0;
}

/* Whether the peer may ask about this user at all. */
static int verify_access(const struct login *login)
{
    const struct login_peer *peer = &login->peer;
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;

    if (login->bind || peer->admin)
        return 0;
    if (peer->service && login->factor != VERIFY_PIN && peer->service_organization[0] == '\0')
        return 0;
    if (peer->service) /* a PIN is taken from a till of its organization alone */
        return strcmp(peer->service_organization, login->organization) == 0 ? 0 : E_ACCESS;
    if (peer->trusted)
        return 0;
    if (!peer->unix_peer || peer->person[0] != '\0' || login->person == NULL ||
        login->factor == VERIFY_PIN ||
        (login->factor == VERIFY_NONE && login->ticket[0] == '\0')) /* a ticket is of one's own */
        return E_ACCESS;
    if (getpwuid_r(peer->uid, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return E_ACCESS;
    return slice_equal_fold(slice_of(found->pw_name), login->person->uid) ? 0 : E_ACCESS;
}

/* A right password of a person whose second factor is due, outside a bind: on to the code. */
static void password_factor_due(const struct login_context *context, struct login *login)
{
    int rc;

    if (!person_enrolled(login->person)) {
        login_answer(login, E_STEPUP, VERIFY_STATE_ENROLL_DUE, TEXT_ENROLL_NEEDED);
        return;
    }
    rc = verify_ticket_make(context, login, TICKET_PASSWORD);
    if (rc < 0) {
        login_fail(login, rc, "%s", err_text(rc));
        return;
    }
    login_answer(login, E_STEPUP, VERIFY_STATE_FACTOR_DUE, TEXT_CODE_NEEDED);
    login->due = login->person->second_factor;
}

/* A code of a person whose password was right; factors: those of the steps before. */
static void verify_code_attempt(const struct login_context *context, struct login *login,
                                struct slice owner, struct slice code, unsigned factors)
{
    struct lockout mine;
    int rc = ledger_reserve(context, login->arena, owner, "code", &mine);

    login->locked = rc == E_DENIED;
    if (rc == 0) {
        rc = verify_code_check(context, login, code, &login->done);
        if (rc != 0 && rc != E_AUTH) /* no guess: used before, not to be had, or not checked */
            (void)ledger_uncount(context, login->arena, owner, &mine);
    }
    if (rc == 0) /* the code is used up: nothing short of a store that is away fails the login */
        rc = ledger_forget(context, login->arena, owner, verify_password_key(login));
    if (rc == 0)
        verify_settle(context, login, owner, &mine, factors | TICKET_CODE);
    else if (rc == E_AUTH || rc == E_DENIED || rc == E_CONFLICT)
        verify_refuse(login);
    else
        login_unavailable(login, rc);
}

/* A right password in a bind, whose code (may be empty) has been cut off. */
static void password_bind_code(const struct login_context *context, struct login *login,
                               struct slice owner, struct slice code)
{
    if (!person_enrolled(login->person)) {
        login->enroll_only = true;
        login->change_only = login->person->must_change;
        login_answer(login, 0, VERIFY_STATE_ENROLL_DUE, TEXT_ENROLL_NEEDED);
        return;
    }
    if (code.len == 0) {
        verify_refuse(login);
        return;
    }
    verify_code_attempt(context, login, owner, code, TICKET_PASSWORD);
}

/* In a bind the code follows the password directly: its last six characters, if they are digits. */
static struct slice bind_code(const struct login *login, bool due, struct slice *password)
{
    struct slice code = {0};

    if (!login->bind || !due || !person_enrolled(login->person) || password->len <= TOTP_DIGITS)
        return code;
    code = (struct slice){password->data + password->len - TOTP_DIGITS, TOTP_DIGITS};
    for (size_t i = 0; i < code.len; i++)
        if (code.data[i] < '0' || code.data[i] > '9')
            return (struct slice){0};
    password->len -= TOTP_DIGITS;
    return code;
}

static void password_right(const struct login_context *context, struct login *login,
                           struct slice owner, const struct lockout *mine, bool due,
                           struct slice code)
{
    int rc;

    if (!due && login->person->active) {
        verify_settle(context, login, owner, mine, TICKET_PASSWORD);
        return;
    }
    rc = due ? ledger_uncount(context, login->arena, owner, mine)
             : ledger_success(context, login->arena, owner, mine, false);
    if (rc < 0)
        login_unavailable(login, rc);
    else if (!login->person->active)
        login_answer(login, login->bind ? E_AUTH : E_UNWILLING, VERIFY_STATE_INACTIVE,
                     login->bind ? TEXT_REFUSED : TEXT_INACTIVE);
    else if (login->bind)
        password_bind_code(context, login, owner, code);
    else
        password_factor_due(context, login);
}

static void verify_password(const struct login_context *context, struct login *login)
{
    struct slice owner = ledger_owner(login->arena, login->person, login->user);
    struct slice password = secret_slice(&login->secret), code;
    struct password_policy policy = {0};
    struct lockout mine;
    bool due = false;
    int rc = 0;

    if (login->person != NULL)
        rc = person_factor_due(context, login->arena, login->person, &due);
    if (rc == 0)
        rc = ledger_reserve(context, login->arena, owner, verify_password_key(login), &mine);
    if (rc == E_DENIED) {
        login->locked = true;
        verify_decoy(context, login);
        verify_refuse(login);
        return;
    }
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    if (login->person == NULL) {
        verify_decoy(context, login);
        verify_refuse(login);
        return;
    }
    code = bind_code(login, due, &password);
    rc = store_bind_check(context->store, login->person->dn, password, login_deadline(context),
                          &policy);
    login->policy = policy;
    login->policy_told = !due && (rc == 0 || (rc == E_AUTH && policy.expired));
    if (rc == E_AUTH || rc == E_UNWILLING)
        verify_refuse(login);
    else if (rc < 0) {
        (void)ledger_uncount(context, login->arena, owner, &mine);
        login_unavailable(login, rc);
    } else {
        login->person->must_change |= policy.must_change || policy.expired;
        password_right(context, login, owner, &mine, due, code);
    }
}

static void verify_code(const struct login_context *context, struct login *login)
{
    struct slice owner = ledger_owner(login->arena, login->person, login->user);
    struct ticket ticket;
    struct lockout mine;

    if (login->person == NULL || verify_ticket(context, login, &ticket) < 0 ||
        (ticket.factors & TICKET_PASSWORD) == 0) {
        /* Nobody's attempt, so it counts for nobody, but costs the same. */
        owner = ledger_owner(login->arena, NULL, login->user);
        (void)ledger_reserve(context, login->arena, owner, "code", &mine);
        verify_refuse(login);
        return;
    }
    verify_code_attempt(context, login, owner, secret_slice(&login->secret), ticket.factors);
}

/* Checks a PIN against the sealed hash of the membership; nobody's costs the same. Hashes. */
static void pin_check(const struct login_context *context, struct login *login)
{
    struct seal_for what = {.purpose = slice_of(SEAL_PIN),
                            .organization = slice_of(login->organization)};
    struct slice pin = secret_slice(&login->secret);
    struct secret record = {0};
    int rc = E_AUTH;

    if (login->pin.sealed.len > 0) {
        what.person = login->person->usher_id;
        rc = seal_open(context->keys, &what, login->pin.sealed, &record);
        if (rc < 0)
            log_error("the PIN of %.*s does not open: %s", SLICE_ARG(login->pin.dn), err_text(rc));
    }
    if (rc == 0)
        rc = pin_verify(pin, secret_slice(&record));
    else {
        (void)pin_dummy(pin, context->pin_cost);
        rc = E_AUTH;
    }
    secret_clear(&record);
    login->pin.err = rc == E_SYNTAX || rc == E_CRYPTO ? E_AUTH : rc;
}

/* A locked PIN was hashed as nobody's, and nothing was reserved for it. */
static void pin_checked(const struct login_context *context, struct login *login)
{
    struct slice owner = ledger_owner(login->arena, login->person, login->user);
    int rc = login->pin.err;

    if (rc == 0)
        verify_settle(context, login, owner, &login->pin.mine, TICKET_PIN);
    else if (rc == E_AUTH || login->locked)
        verify_refuse(login);
    else {
        (void)ledger_uncount(context, login->arena, owner, &login->pin.mine);
        login_unavailable(login, rc);
    }
}

static void verify_pin(const struct login_context *context, struct login *login)
{
    struct slice owner = ledger_owner(login->arena, login->person, login->user);
    const char *key = arena_printf(login->arena, "pin/%s", login->organization);
    struct membership membership = {0};
    char quoted[LOG_QUOTE_MAX];
    int rc = 0;

    if (login->organization[0] == '\0') {
        login_fail(login, E_UNWILLING, "a PIN belongs to an organization: name it (org=)");
        return;
    }
    if (!tree_name_valid(slice_of(login->organization))) {
        login_fail(login, E_SYNTAX, "no name of an organization: %s",
                   log_quote(slice_of(login->organization), quoted));
        return;
    }
    if (pin_syntax(secret_slice(&login->secret)) < 0) {
        verify_refuse(login); /* no PIN at all: nothing to count */
        return;
    }
    if (login->person != NULL)
        rc = membership_read(context, login->arena, login->person, slice_of(login->organization),
                             &membership);
    if (membership.dn.len == 0) /* so many names there may be: they share a record */
        key = "pin";
    if (rc == 0)
        rc = ledger_reserve(context, login->arena, owner, key, &login->pin.mine);
    login->locked = rc == E_DENIED;
    if (rc < 0 && !login->locked) {
        login_unavailable(login, rc);
        return;
    }
    if (!login->locked)
        login->pin.sealed = membership.pin;
    login->pin.dn = membership.dn;
    login->hash = pin_check;
    login->hashed = pin_checked;
}

/* No secret: PAM's account phase. A ticket says what the stack has completed. */
static void verify_none(const struct login_context *context, struct login *login)
{
    struct ticket ticket = {0};
    bool due = false;
    int rc = 0;

    if (login->person == NULL) { /* trusted peers alone get here: their stack asks another module */
        login_fail(login, E_NOTFOUND, "%s", err_text(E_NOTFOUND));
        return;
    }
    if (login->ticket[0] != '\0' && verify_ticket(context, login, &ticket) < 0) {
        verify_refuse(login);
        return;
    }
    if ((ticket.factors & (TICKET_PIN | TICKET_CODE | TICKET_APP)) == 0)
        rc = person_factor_due(context, login->arena, login->person, &due);
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    if (due && login->person->active) {
        bool enrolled = person_enrolled(login->person);

        login_answer(login, E_STEPUP, enrolled ? VERIFY_STATE_FACTOR_DUE : VERIFY_STATE_ENROLL_DUE,
                     enrolled ? TEXT_CODE_NEEDED : TEXT_ENROLL_NEEDED);
        return;
    }
    if ((ticket.factors & TICKET_CODE) != 0)
        login->done = login->person->second_factor == MEANS_EMAIL ? FACTOR_EMAIL
                      : login->person->second_factor == MEANS_SMS ? FACTOR_SMS
                                                                  : FACTOR_TOTP;
    verify_complete(context, login, ticket.factors);
}

void login_verify(const struct login_context *context, struct login *login)
{
    static void (*const methods[])(const struct login_context *, struct login *) = {
        [VERIFY_NONE] = verify_none,
        [VERIFY_PASSWORD] = verify_password,
        [VERIFY_PIN] = verify_pin,
        [VERIFY_CODE] = verify_code,
    };
    int rc = verify_access(login);

    if (rc < 0)
        login_fail(login, rc, "you may verify only the user that is your own");
    else if ((size_t)login->factor >= sizeof(methods) / sizeof(methods[0]))
        login_fail(login, E_PROTO, "no such factor: %d", (int)login->factor);
    else if (login->factor == VERIFY_NONE && login->has_secret)
        login_fail(login, E_PROTO, "the factor none takes no secret");
    else if (login->factor != VERIFY_NONE && verify_junk(&login->secret))
        verify_refuse(login);
    else if (!app_password_login(context, login))
        methods[login->factor](context, login);
}
