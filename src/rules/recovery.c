/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One value of usherRecoveryCode is the whole set, so a fresh set and a used code are one swap
 * each: of two logins with the same code one wins, and the other then reads it as used.
 */
#include "rules/recovery.h"
#include "base/err.h"
#include "base/log.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/text.h"

#include <stdio.h>

#define RECOVERY_TRIES 64 /* swaps lost to others before we say busy */

/* The record of the set; data NULL: there is none. */
static int recovery_record(const struct login_context *context, struct login *login,
                           struct slice *ret)
{
    struct slice *values;
    size_t count;
    int rc = ledger_values(context, login->arena, login->person->usher_id, "usherrecoverycode",
                           &values, &count);

    *ret = rc == 0 && count > 0 ? values[0] : (struct slice){0};
    return rc;
}

static int recovery_swap(const struct login_context *context, struct login *login,
                         struct slice old_value, struct slice new_value)
{
    return ledger_put(context, login->arena, login->person->usher_id, "usherrecoverycode",
                      (struct slice){0}, old_value, new_value);
}

static int recovery_spend(const struct login_context *context, struct login *login,
                          const char *letters)
{
    char record[RECOVERY_RECORD_MAX];
    struct slice old;
    unsigned left;
    int rc = E_CONFLICT;

    for (int i = 0; i < RECOVERY_TRIES; i++) {
        rc = recovery_record(context, login, &old);
        if (rc == 0 && old.data == NULL)
            return E_AUTH;
        if (rc == 0)
            rc = recovery_use(context->keys, login->person->usher_id, old, letters, record, &left);
        if (rc == E_CRYPTO) {
            log_error("the recovery codes of %s do not open", login->uid);
            return E_AUTH;
        }
        if (rc < 0)
            return rc;
        rc = recovery_swap(context, login, old, slice_of(record));
        if (rc == 0) {
            login->recovery_used = true;
            login->recovery_left = left;
            login_notify(login, NOTICE_RECOVERY);
        }
        if (rc != E_CONFLICT)
            return rc;
    }
    return E_BUSY;
}

int recovery_check(const struct login_context *context, struct login *login, struct slice typed)
{
    char letters[RECOVERY_LETTERS];
    int rc = recovery_letters(typed, letters);

    if (rc == 0)
        rc = recovery_spend(context, login, letters);
    mem_wipe(letters, sizeof(letters));
    return rc;
}

int recovery_drop(const struct login_context *context, struct login *login)
{
    struct slice old;
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < RECOVERY_TRIES; i++) {
        rc = recovery_record(context, login, &old);
        if (rc == 0 && old.data != NULL)
            rc = recovery_swap(context, login, old, (struct slice){0});
    }
    return rc == E_CONFLICT ? E_BUSY : rc;
}

void recovery_tell(struct login *login)
{
    if (login->recovery_used)
        (void)snprintf(login->text, sizeof(login->text), "%s %u",
                       text_in(login->language, TEXT_RECOVERY_LEFT), login->recovery_left);
}

/* Whether the peer may have a set of codes made: the administrator for anybody, a person who has
 * come in with all that is due for themself. Answers and returns false when not. */
static bool recovery_access(struct login *login)
{
    const struct login_peer *peer = &login->peer;
    bool self = login->person != NULL && peer->person[0] != '\0' && !peer->person_enrolling &&
                slice_is(login->person->uid, peer->person);

    if (!peer->admin && !self)
        login_fail(login, E_ACCESS, "you may have recovery codes made only for yourself");
    else if (login->person == NULL)
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
    else if (!person_enrolled(login->person))
        login_fail(login, E_UNWILLING,
                   "this person has no second factor that recovery codes could stand in for");
    else
        return true;
    return false;
}

void login_recovery(const struct login_context *context, struct login *login)
{
    char record[RECOVERY_RECORD_MAX];
    struct slice old;
    int rc;

    if (!recovery_access(login))
        return;
    rc = recovery_record(context, login, &old);
    if (rc == 0)
        rc = recovery_new(context->keys, login->person->usher_id, login->recovery, record);
    if (rc == 0)
        rc = recovery_swap(context, login, old, slice_of(record));
    if (rc == 0) {
        login->err = 0;
        login->state = VERIFY_STATE_COMPLETE;
        return;
    }
    mem_wipe(login->recovery, sizeof(login->recovery));
    if (rc == E_CRYPTO)
        login_fail(login, rc, "the recovery codes could not be made: %s", err_text(rc));
    else
        login_unavailable(login, rc == E_CONFLICT ? E_BUSY : rc);
}
