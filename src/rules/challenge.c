/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherChallenge: a new code by mail or SMS, at most one a minute. Its record is in the ledger
 * before it goes out, and is taken back when it cannot be delivered; an SMS falls back to mail. An
 * unknown user gets an answer of the same shape, after the same conversation with the mail server,
 * and no code.
 */
#include "base/clock.h"
#include "base/err.h"
#include "notify/mask.h"
#include "notify/sms.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/verify.h"
#include "secret/code.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_TRIES 16 /* swaps lost to others before we say busy */

/* Whether the peer may have a code sent: a trusted one, or one that holds the password step's
 * ticket. */
int login_challenge_access(const struct login_context *context, const struct login *login)
{
    const struct login_peer *peer = &login->peer;
    struct ticket ticket;

    if (login->ticket[0] != '\0') /* nobody has one */
        return login->person != NULL ? verify_ticket(context, login, &ticket) : E_AUTH;
    if (peer->service && peer->service_organization[0] != '\0' &&
        strcmp(peer->service_organization, login->organization) != 0)
        return E_ACCESS;
    return peer->trusted || peer->admin ? 0 : E_ACCESS;
}

/* For a name that nobody has: a destination that looks like anybody's. */
static void challenge_ghost(const struct login_context *context, struct login *login)
{
    char address[MASK_MAX] = "", domain[128] = "";
    size_t used = 0;
    struct slice base = context->base;

    for (size_t i = 0; i + 3 < base.len && used + 1 < sizeof(domain); i++)
        if (memcmp(base.data + i, "dc=", 3) == 0 && (i == 0 || base.data[i - 1] == ',')) {
            if (used > 0)
                domain[used++] = '.';
            for (i += 3; i < base.len && base.data[i] != ',' && used + 1 < sizeof(domain); i++)
                domain[used++] = base.data[i];
        }
    if (strchr(login->user, '@') != NULL)
        (void)snprintf(address, sizeof(address), "%.200s", login->user);
    else
        (void)snprintf(address, sizeof(address), "%.1s@%s", login->user,
                       domain[0] != '\0' ? domain : "localhost");
    login->means = MEANS_EMAIL;
    (void)mask_mail(slice_of(address), login->masked);
}

/* Puts a new code's record in the place of old (empty: none). */
static int challenge_swap(const struct login_context *context, struct login *login,
                          struct slice old)
{
    struct slice owner = login->person->usher_id;
    const char *means = login->means == MEANS_SMS ? "sms" : "email";
    char record[CODE_RECORD_MAX];
    int rc = code_new(context->keys, owner, slice_of(means), clock_now_ms(), login->code, record);

    if (rc == 0)
        rc = ledger_put(context, login->arena, owner, "usherchallenge", (struct slice){0}, old,
                        slice_of(record));
    if (rc == 0)
        (void)login_set(login->challenge, sizeof(login->challenge), slice_of(record));
    mem_wipe(record, sizeof(record));
    return rc;
}

/* Swaps a new record in. E_BUSY: the last one is less than a minute old; E_CONFLICT: lost. */
static int challenge_record_once(const struct login_context *context, struct login *login)
{
    struct slice *values, old = {0}, last;
    int64_t wait_ms;
    size_t count;
    int rc = ledger_values(context, login->arena, login->person->usher_id, "usherchallenge",
                           &values, &count);

    if (rc == 0 && count > 0) {
        last = old = values[0];
        if (!verify_challenge_used(&last)) /* whoever has used a code may have the next */
            rc = code_interval(last, clock_now_ms(), &wait_ms);
    }
    return rc == 0 ? challenge_swap(context, login, old) : rc;
}

/* A lost swap is looked at again: somebody had a code sent, or a new key has sealed the last one.
 */
static int challenge_record(const struct login_context *context, struct login *login)
{
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < CHALLENGE_TRIES; i++)
        rc = challenge_record_once(context, login);
    return rc;
}

static bool has_mail(const struct person *person)
{
    return person->mail.len > 0 && person->mail_verified;
}

/* Where the code goes: to the mobile if that is the person's factor, nobody asked for a mail, and
 * it can be; else to the verified address. E_NOTFOUND: nowhere. */
static int challenge_destination(const struct login_context *context, struct login *login)
{
    const struct person *person = login->person;
    char number[SMS_NUMBER_MAX];

    if (person->second_factor == MEANS_SMS && login->means != MEANS_EMAIL && context->sms &&
        sms_number(person->mobile, number) == 0) {
        login->means = MEANS_SMS;
        (void)mask_mobile(slice_of(number), login->masked);
        return login_set(login->destination, sizeof(login->destination), slice_of(number));
    }
    if (!has_mail(person))
        return E_NOTFOUND;
    login->means = MEANS_EMAIL;
    (void)mask_mail(person->mail, login->masked);
    return login_set(login->destination, sizeof(login->destination), person->mail);
}

void login_challenge(const struct login_context *context, struct login *login)
{
    const struct person *person = login->person;
    int rc = login_challenge_access(context, login);

    if (rc < 0) {
        if (rc == E_AUTH)
            verify_refuse(login);
        else
            login_fail(login, rc, "a code is sent for a login whose password was right");
        return;
    }
    if (person == NULL || !person->active) {
        challenge_ghost(context, login);
        login->err = 0;
        return;
    }
    if (person->second_factor == MEANS_TOTP || person->second_factor == MEANS_DEFAULT ||
        !person_enrolled(person)) {
        login_fail(login, E_UNWILLING, "the second factor of this person is no mailed code");
        return;
    }
    if (challenge_destination(context, login) < 0) {
        login->destination[0] = '\0';
        login_answer(login, E_UNWILLING, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
        return;
    }
    rc = challenge_record(context, login);
    if (rc < 0)
        login->destination[0] = '\0';
    if (rc == E_BUSY) {
        login_answer(login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_CODE_TOO_SOON);
        return;
    }
    if (rc < 0) {
        login_unavailable(login, rc == E_CONFLICT ? E_BUSY : rc);
        return;
    }
    (void)login_set(login->mail_name, sizeof(login->mail_name), person->name);
    (void)login_set(login->mail_language, sizeof(login->mail_language),
                    person->language.len > 0 ? person->language : slice_of(login->language));
    login->err = 0;
}

int login_challenge_fallback(const struct login_context *context, struct login *login)
{
    struct slice old = arena_copy(login->arena, slice_of(login->challenge));
    int rc = E_NOTFOUND;

    if (login->means == MEANS_SMS && has_mail(login->person)) {
        login->means = MEANS_EMAIL;
        rc = challenge_destination(context, login);
    }
    if (rc == 0)
        rc = challenge_swap(context, login, old); /* a code that may still come by SMS is void */
    if (rc < 0)
        login_challenge_failed(context, login);
    return rc;
}

void login_challenge_failed(const struct login_context *context, struct login *login)
{
    if (login->challenge[0] != '\0') /* nobody has none */
        (void)ledger_swap(context, login->arena, login->person->usher_id, "usherChallenge",
                          (struct slice){0}, slice_of(login->challenge), (struct slice){0});
    login_answer(login, E_MAIL, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
}
