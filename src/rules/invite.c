/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherInvite: a token by mail with which a person sets a password, the first one or one in the
 * place of a forgotten one; at most one a minute, and the one before ends. Its record is in the
 * ledger before the mail is queued, and is taken back when it cannot be. Who asks about a forgotten
 * password for somebody else learns nothing of them: nobody's name costs the same writes and gets
 * the same answers.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/redeem.h"
#include "rules/verify.h"

#include <string.h>

#define INVITE_TRIES       32 /* swaps lost to others before we say busy */
#define INVITE_INTERVAL_MS 60000
#define NOBODY             "00000000-0000-0000-0000-000000000000"

int redeem_state(const struct person *person, struct slice address, struct mailed_state *ret)
{
    struct slice changed = person != NULL ? person->password_changed : (struct slice){0};
    char folded[LOGIN_NAME_MAX + 64];

    *ret = (struct mailed_state){.epoch = person != NULL ? person->auth_epoch : 0, .changed = "-"};
    if (address.len == 0 && person != NULL)
        address = person->mail;
    if (address.len > sizeof(folded) || changed.len >= sizeof(ret->changed))
        return E_LIMIT;
    if (changed.len > 0)
        memcpy(ret->changed, changed.data, changed.len);
    for (size_t i = 0; i < address.len; i++)
        folded[i] = address.data[i] >= 'A' && address.data[i] <= 'Z'
                        ? (char)(address.data[i] - 'A' + 'a')
                        : address.data[i];
    return mailed_digest((struct slice){folded, address.len}, ret->address);
}

int login_invite_access(const struct login *login)
{
    const struct login_peer *peer = &login->peer;

    if (peer->admin)
        return 0;
    if (login->mailed_kind != MAILED_FORGOTTEN || !peer->trusted)
        return E_ACCESS;
    return peer->service && peer->service_organization[0] != '\0' &&
                   strcmp(peer->service_organization, login->organization) != 0
               ? E_ACCESS
               : 0;
}

/* Why no mail goes to this person; NULL: it may. Only the administrator is told. */
static const char *invite_obstacle(const struct login *login, const struct membership *membership)
{
    const struct person *person = login->person;

    if (person == NULL)
        return "no such user";
    if (!person->active)
        return "this person is not active";
    if (person->mail.len == 0 || person->mail.len >= sizeof(login->destination))
        return "this person has no mail address";
    if (login->mailed_kind == MAILED_FORGOTTEN && !person->mail_verified)
        return "the mail address of this person is not verified: an invitation verifies it";
    if (login->organization[0] != '\0' && !membership->valid)
        return "this person is not a member of the organization";
    return NULL;
}

/* Makes the token and puts its record in the place of the one before. E_BUSY: that one was made
 * less than a minute ago, for the same address if it is nobody's. */
static int invite_once(const struct login_context *context, struct login *login,
                       const struct person *person, struct slice owner)
{
    const char *word = mailed_word(login->mailed_kind);
    char record[MAILED_RECORD_MAX];
    int64_t now_ms = clock_now_ms();
    struct mailed made = {.phase = MAILED_OPEN, .issued_ms = now_ms}, last;
    int rc = redeem_state(person, person == NULL ? slice_of(login->user) : (struct slice){0},
                          &made.state);

    made.expires_ms = now_ms + context->mailed_ms[login->mailed_kind];
    if (rc == 0)
        rc = ledger_slot(context, login->arena, owner, word, &login->mailed_old);
    if (rc == 0 && login->mailed_old.data != NULL &&
        mailed_open(context->keys, owner, login->mailed_kind, login->mailed_old, &last) == 0 &&
        now_ms - last.issued_ms < INVITE_INTERVAL_MS &&
        (person != NULL ||
         memcmp(last.state.address, made.state.address, sizeof(last.state.address)) == 0))
        return E_BUSY;
    if (rc == 0)
        rc = mailed_token_new(person != NULL ? owner : slice_of(NOBODY), login->mailed_token);
    if (rc == 0)
        rc = mailed_digest(slice_of(login->mailed_token), made.token);
    if (rc == 0)
        rc = mailed_seal(context->keys, owner, login->mailed_kind, &made, record);
    if (rc < 0)
        return rc;
    login->mailed_new = arena_copy(login->arena, slice_of(record));
    login->mailed_until_ms = made.expires_ms;
    return ledger_slot_swap(context, login->arena, owner, word, login->mailed_old,
                            login->mailed_new);
}

/* person NULL: nobody. */
static void invite_make(const struct login_context *context, struct login *login,
                        const struct person *person)
{
    struct slice owner = ledger_owner(login->arena, person, login->user);
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < INVITE_TRIES; i++)
        rc = invite_once(context, login, person, owner);
    if (rc == E_BUSY) {
        login_answer(login, rc, VERIFY_STATE_REFUSED, TEXT_TOKEN_TOO_SOON);
        return;
    }
    if (rc == E_SYNTAX || rc == E_LIMIT || rc == E_CRYPTO) {
        login_fail(login, rc, "no token can be made for \"%s\": %s", login->uid,
                   rc == E_SYNTAX ? "the usherId is no UUID" : err_text(rc));
        return;
    }
    if (rc < 0) {
        login_unavailable(login, rc == E_CONFLICT ? E_BUSY : rc);
        return;
    }
    login->err = 0;
    login->state = VERIFY_STATE_COMPLETE;
    if (person == NULL)
        return;
    (void)login_set(login->destination, sizeof(login->destination), person->mail);
    (void)login_set(login->mail_name, sizeof(login->mail_name), person->name);
    (void)login_set(login->mail_language, sizeof(login->mail_language),
                    person->language.len > 0 ? person->language : slice_of(login->language));
    login->notice = NOTICE_TOKEN;
}

void login_invite(const struct login_context *context, struct login *login)
{
    struct membership membership = {0};
    const char *obstacle;
    int rc = 0;

    if (login_invite_access(login) < 0) {
        login_fail(login, E_ACCESS,
                   login->mailed_kind == MAILED_ACTIVATION
                       ? "only the administrator invites"
                       : "only trusted peers have a forgotten password's mail sent");
        return;
    }
    if (login->person != NULL && login->organization[0] != '\0')
        rc = membership_read(context, login->arena, login->person, slice_of(login->organization),
                             &membership);
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    obstacle = invite_obstacle(login, &membership);
    if (obstacle != NULL && login->peer.admin)
        login_fail(login, login->person == NULL ? E_NOTFOUND : E_UNWILLING, "%s: \"%s\"", obstacle,
                   login->user);
    else
        invite_make(context, login, obstacle == NULL ? login->person : NULL);
}

void login_invite_failed(const struct login_context *context, struct login *login)
{
    struct slice owner = ledger_owner(login->arena, login->person, login->user);

    mem_wipe(login->mailed_token, sizeof(login->mailed_token));
    if (login->mailed_new.data != NULL)
        (void)ledger_slot_swap(context, login->arena, owner, mailed_word(login->mailed_kind),
                               login->mailed_new, login->mailed_old);
}
