/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherChallenge: a new mailed code, at most one a minute. Its record is in the ledger before the
 * mail goes out, and is taken back when the mail cannot be delivered. An unknown user gets an
 * answer of the same shape, and no mail.
 */
#include "base/clock.h"
#include "base/err.h"
#include "notify/mask.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/verify.h"
#include "secret/code.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_TRIES 16 /* swaps lost to others */

/* Whether the peer may have a code sent: a trusted one, or one that holds the password step's
 * ticket. */
static int challenge_access(const struct login_context *context, const struct login *login)
{
    const struct login_peer *peer = &login->peer;
    struct ticket ticket;

    if (login->person != NULL && login->ticket[0] != '\0')
        return verify_ticket(context, login, &ticket);
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

/* Swaps a new record in. E_BUSY: the last one is less than a minute old. */
static int challenge_record_once(const struct login_context *context, struct login *login)
{
    struct slice owner = login->person->usher_id, *values, old = {0}, last;
    char record[CODE_RECORD_MAX];
    int64_t now_ms = clock_now_ms(), wait_ms;
    size_t count;
    int rc = ledger_values(context, login->arena, owner, "usherchallenge", &values, &count);

    if (rc == 0 && count > 0) {
        last = old = values[0];
        if (!verify_challenge_used(&last)) /* whoever has used a code may have the next */
            rc = code_interval(last, now_ms, &wait_ms);
    }
    if (rc == 0)
        rc = code_new(context->keys, owner, slice_of("email"), now_ms, login->code, record);
    if (rc == 0)
        rc = ledger_swap(context, login->arena, owner, "usherChallenge", (struct slice){0}, old,
                         slice_of(record));
    if (rc == 0)
        (void)login_set(login->challenge, sizeof(login->challenge), slice_of(record));
    mem_wipe(record, sizeof(record));
    return rc;
}

/* A lost swap is looked at again: somebody had a code sent, or a new key has sealed the last one.
 */
static int challenge_record(const struct login_context *context, struct login *login)
{
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < CHALLENGE_TRIES; i++)
        rc = challenge_record_once(context, login);
    return rc == E_CONFLICT ? E_BUSY : rc;
}

void login_challenge(const struct login_context *context, struct login *login)
{
    const struct person *person = login->person;
    int rc = challenge_access(context, login);

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
    rc = challenge_record(context, login);
    if (rc == E_BUSY) {
        login_answer(login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_CODE_TOO_SOON);
        return;
    }
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    login->means = MEANS_EMAIL; /* a text falls back to mail */
    (void)mask_mail(person->mail, login->masked);
    (void)login_set(login->destination, sizeof(login->destination), person->mail);
    (void)login_set(login->mail_name, sizeof(login->mail_name), person->name);
    (void)login_set(login->mail_language, sizeof(login->mail_language),
                    person->language.len > 0 ? person->language : slice_of(login->language));
    login->err = 0;
}

void login_challenge_failed(const struct login_context *context, struct login *login)
{
    (void)ledger_swap(context, login->arena, login->person->usher_id, "usherChallenge",
                      (struct slice){0}, slice_of(login->challenge), (struct slice){0});
    login_answer(login, E_MAIL, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
}
