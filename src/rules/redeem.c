/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherRedeem: a mailed token sets a password, once. The token is claimed by swap before the
 * password is touched, and given back when the store's policy refuses that password. Whoever dies
 * in between leaves a claim that lapses: until the password was set the token is good again, and
 * after it the same password carries the rest through. What else the token proves (the address) and
 * asks for (a forgotten password may be known to others) is one change of the person's entry.
 */
#include "rules/redeem.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ldap/filter.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/verify.h"
#include "store/entry.h"
#include "store/password.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REDEEM_TRIES 16 /* swaps lost to others before we say busy */
#define CLAIM_STEPS  4  /* at the store: so long a claim holds */

/* A token on its way. */
struct redeeming {
    struct slice owner;
    enum mailed_kind kind;
    struct mailed mailed; /* as it lies in the ledger, in the arena's record */
    struct slice record;
    bool set; /* the password is the new one already */
};

/* What the digest of the token is worth in one value of usherToken. Errors of mailed_judge, with
 * the record taken into redeeming unless it is another token's (E_AUTH). */
static int redeem_value(const struct login_context *context, const struct login *login,
                        struct redeeming *redeeming, struct slice value,
                        const unsigned char *digest, const struct mailed_state *now)
{
    struct slice record, word = ledger_slot_word(value, &record);
    struct mailed mailed;
    enum mailed_kind kind;
    int rc;

    if (mailed_kind(word, &kind) < 0)
        return E_AUTH;
    if (mailed_open(context->keys, redeeming->owner, kind, record, &mailed) < 0) {
        log_error("a mailed token of %s does not open", login->uid);
        return E_AUTH;
    }
    rc = mailed_judge(&mailed, digest, now, clock_now_ms());
    if (rc != E_AUTH) {
        redeeming->kind = kind;
        redeeming->mailed = mailed;
        redeeming->record = record;
    }
    return rc;
}

/* Judges the token by what the ledger says now; nobody's is E_AUTH, after the same reading. */
static int redeem_look(const struct login_context *context, struct login *login,
                       struct redeeming *redeeming)
{
    unsigned char digest[MAILED_DIGEST_SIZE];
    struct mailed_state now;
    struct slice *values;
    size_t count = 0;
    int found = E_AUTH, rc = redeem_state(login->person, (struct slice){0}, &now);

    if (rc == 0)
        rc = mailed_digest(slice_of(login->mailed_token), digest);
    if (rc == 0)
        rc = ledger_values(context, login->arena, redeeming->owner, "ushertoken", &values, &count);
    for (size_t i = 0; rc == 0 && login->person != NULL && i < count; i++) {
        int judged = redeem_value(context, login, redeeming, values[i], digest, &now);

        found = judged != E_AUTH ? judged : found;
    }
    return rc == 0 ? found : rc;
}

/* Swaps the record for the same token in another phase, claimed until then (0: by nobody). */
static int redeem_phase(const struct login_context *context, struct login *login,
                        struct redeeming *redeeming, enum mailed_phase phase, int64_t claimed_ms)
{
    struct mailed next = redeeming->mailed;
    char record[MAILED_RECORD_MAX];
    int rc;

    next.phase = phase;
    next.claimed_ms = claimed_ms;
    rc = mailed_seal(context->keys, redeeming->owner, redeeming->kind, &next, record);
    if (rc == 0)
        rc = ledger_slot_swap(context, login->arena, redeeming->owner, mailed_word(redeeming->kind),
                              redeeming->record, slice_of(record));
    if (rc == 0) {
        redeeming->mailed = next;
        redeeming->record = arena_copy(login->arena, slice_of(record));
    }
    return rc;
}

/* Whether a record is a claim of ours. */
static bool claim_same(const struct mailed *present, const struct mailed *mine)
{
    return present->phase == MAILED_CLAIMED && present->claimed_ms == mine->claimed_ms &&
           memcmp(present->token, mine->token, sizeof(mine->token)) == 0;
}

/* The same of a claim of ours, which a new key may have sealed anew meanwhile. E_NOTFOUND: it is
 * ours no more. */
static int redeem_unclaim(const struct login_context *context, struct login *login,
                          struct redeeming *redeeming, enum mailed_phase phase)
{
    struct mailed present;
    int rc = redeem_phase(context, login, redeeming, phase, 0);

    for (int i = 0; rc == E_CONFLICT && i < REDEEM_TRIES; i++) {
        rc = ledger_slot(context, login->arena, redeeming->owner, mailed_word(redeeming->kind),
                         &redeeming->record);
        if (rc == 0 && (redeeming->record.data == NULL ||
                        mailed_open(context->keys, redeeming->owner, redeeming->kind,
                                    redeeming->record, &present) < 0 ||
                        !claim_same(&present, &redeeming->mailed)))
            return E_NOTFOUND;
        if (rc == 0)
            rc = redeem_phase(context, login, redeeming, phase, 0);
    }
    return rc;
}

/* Claims the token for as long as the steps behind it may take. A claim that has lapsed after the
 * password was changed is taken over by whoever brings that password. */
static int redeem_claim(const struct login_context *context, struct login *login,
                        struct redeeming *redeeming)
{
    int rc = E_CONFLICT;

    for (int i = 0; i < REDEEM_TRIES; i++) {
        rc = redeem_look(context, login, redeeming);
        if (rc == E_AGAIN) {
            rc = store_bind_check(context->store, login->person->dn,
                                  secret_slice(&login->new_secret), login_deadline(context), NULL);
            redeeming->set = rc == 0;
            rc = rc == E_UNWILLING ? E_AUTH : rc; /* a guess at the password: it stays counted */
        }
        if (rc == 0 && !login->person->active)
            rc = E_CONFLICT;
        if (rc == 0 && redeeming->kind == MAILED_FORGOTTEN &&
            login->person->auth_epoch >= LOGIN_EPOCH_MOST)
            rc = E_LIMIT; /* before anything is changed */
        if (rc < 0)
            return rc;
        rc = redeem_phase(context, login, redeeming, MAILED_CLAIMED,
                          clock_now_ms() + CLAIM_STEPS * context->timeout_ms);
        if (rc != E_CONFLICT) /* else another's claim, or sealed with a new key: looked at again */
            return rc;
    }
    return E_BUSY;
}

/* Whether the mail address is still the one that the token was sent to. */
static bool address_same(const struct redeeming *redeeming, struct slice mail)
{
    struct mailed_state state;

    return mail.len > 0 && redeem_state(NULL, mail, &state) == 0 &&
           memcmp(state.address, redeeming->mailed.state.address, sizeof(state.address)) == 0;
}

/* The assertion that the entry is as it was read: its address (empty: any) and its epoch. */
static int person_assertion(struct arena *arena, struct slice mail, struct slice epoch,
                            const char **ret)
{
    const char *same = "", *before = "(!(usherAuthEpoch=*))";
    struct buffer text;
    int rc;

    buffer_init(&text);
    rc = filter_escape(mail, &text);
    if (rc == 0 && mail.len > 0)
        same = arena_printf(arena, "(mail=%.*s)", (int)text.len, text.data);
    if (epoch.len > 0)
        before = arena_printf(arena, "(usherAuthEpoch=%.*s)", SLICE_ARG(epoch));
    if (rc == 0)
        *ret = arena_printf(arena, "(&%s%s)", same, before);
    buffer_clear(&text);
    return rc;
}

/* The epoch that follows, as text. E_LIMIT. */
static int epoch_next(struct arena *arena, struct slice old, struct slice *ret)
{
    int64_t epoch = old.len > 0 && old.len < 19 ? strtoll(old.data, NULL, 10) : 0;

    if (epoch < 0 || epoch >= LOGIN_EPOCH_MOST)
        return E_LIMIT;
    *ret = slice_of(arena_printf(arena, "%" PRId64, epoch + 1));
    return 0;
}

static int person_settle_once(const struct login_context *context, struct login *login,
                              const struct redeeming *redeeming)
{
    static const char *const attributes[] = {"mail", "usherAuthEpoch", "usherMustChange",
                                             "pwdReset", NULL};
    struct slice yes = slice_of("TRUE"), mail, old_epoch, epoch;
    struct modification changes[4];
    struct store_entry entry;
    const char *assertion = NULL;
    size_t count = 0;
    int rc = store_read(context->store, login->arena, login->person->dn, attributes,
                        login_deadline(context), &entry);

    if (rc < 0)
        return rc;
    mail = address_same(redeeming, store_value(&entry, "mail")) ? store_value(&entry, "mail")
                                                                : (struct slice){0};
    old_epoch = store_value(&entry, "usherauthepoch");
    if (mail.len > 0)
        changes[count++] =
            (struct modification){.kind = 2, .attribute = {slice_of("usherMailVerified"), &yes, 1}};
    if (store_value(&entry, "ushermustchange").len > 0)
        changes[count++] =
            (struct modification){.kind = 2, .attribute = {slice_of("usherMustChange"), NULL, 0}};
    if (store_value(&entry, "pwdreset").len > 0) /* we are not the owner, who now knows it */
        changes[count++] =
            (struct modification){.kind = 2, .attribute = {slice_of("pwdReset"), NULL, 0}};
    if (redeeming->kind == MAILED_FORGOTTEN) {
        rc = epoch_next(login->arena, old_epoch, &epoch);
        changes[count++] =
            (struct modification){.kind = 2, .attribute = {slice_of("usherAuthEpoch"), &epoch, 1}};
    }
    if (rc == 0)
        rc = person_assertion(login->arena, mail, old_epoch, &assertion);
    if (rc == 0 && count > 0)
        rc = store_modify(context->store, login->arena, login->person->dn, changes, count,
                          assertion, login_deadline(context), NULL);
    return rc;
}

/* Empties a slot. The store's own time of the change ends what cannot be removed. */
static void slot_end(const struct login_context *context, struct login *login,
                     enum mailed_kind kind)
{
    struct slice owner = login->person->usher_id, record;
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < REDEEM_TRIES; i++) {
        rc = ledger_slot(context, login->arena, owner, mailed_word(kind), &record);
        if (rc == 0 && record.data != NULL)
            rc = ledger_slot_swap(context, login->arena, owner, mailed_word(kind), record,
                                  (struct slice){0});
    }
    if (rc < 0)
        log_warning("a mailed token of %s stays in the ledger: %s", login->uid, err_text(rc));
}

/* What follows from the new password, and then the end of the token; failures were those of the
 * password before. */
static int redeem_settle(const struct login_context *context, struct login *login,
                         struct redeeming *redeeming)
{
    static const char *const keys[] = {REDEEM_KEY, VERIFY_PASSWORD_LOCAL, VERIFY_PASSWORD_NET};
    int rc = E_CONFLICT;

    /* Once more also when the answer was lost: another epoch would end the token half done. */
    for (int i = 0; (rc == E_CONFLICT && i < REDEEM_TRIES) || (rc == E_UNAVAIL && i == 1); i++)
        rc = person_settle_once(context, login, redeeming);
    if (rc == E_CONFLICT) { /* the claim lapses at once: the same password carries this through */
        (void)redeem_unclaim(context, login, redeeming, MAILED_CLAIMED);
        return E_BUSY;
    }
    if (rc == 0)
        rc = redeem_unclaim(context, login, redeeming, MAILED_USED);
    if (rc == E_CONFLICT)
        log_warning("a mailed token of %s stays claimed in the ledger: %s", login->uid,
                    err_text(rc));
    if (rc == E_NOTFOUND || rc == E_CONFLICT)
        rc = 0; /* another was mailed meanwhile; or it stays claimed, for the same password */
    for (int i = 0; rc == 0 && i < MAILED_KINDS; i++)
        if (i != (int)redeeming->kind) /* its own stays, to be known as used */
            slot_end(context, login, (enum mailed_kind)i);
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
        if (ledger_drop(context, login->arena, redeeming->owner, keys[i]) < 0)
            log_warning("the failed logins of %s stay counted", login->uid);
    return rc;
}

/* Whether the store may have done what it was asked for without telling. */
static bool cannot_tell(int err)
{
    return err == E_UNAVAIL || err == E_TIMEOUT || err == E_PROTO || err == E_INTERNAL;
}

static void redeem_password(const struct login_context *context, struct login *login,
                            struct redeeming *redeeming)
{
    struct slice text = {0};
    int rc = 0;

    if (!redeeming->set)
        rc = store_password_reset(context->store, login->arena, login->person->dn,
                                  secret_slice(&login->new_secret), login_deadline(context),
                                  &login->policy, &text);
    login->policy_told = rc == 0 || rc == E_UNWILLING;
    if (rc < 0 && !cannot_tell(rc))
        (void)redeem_unclaim(context, login, redeeming, MAILED_OPEN); /* or else it lapses */
    if (rc == E_UNWILLING) {
        verify_password_refused(login, text);
        return;
    }
    if (rc == 0)
        rc = redeem_settle(context, login, redeeming);
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    login->person->mail_verified = true;
    login_notify(login, NOTICE_PASSWORD);
    login->mailed_kind = redeeming->kind;
    login->err = 0;
    login->state = VERIFY_STATE_COMPLETE;
}

void login_redeem(const struct login_context *context, struct login *login)
{
    struct redeeming redeeming = {.set = false};
    struct lockout mine;
    int rc;

    redeeming.owner = ledger_owner(login->arena, login->person, login->user);
    login->policy = (struct password_policy){PASSWORD_ERROR_NONE, false, false, -1, -1};
    if (!login->has_new_secret || login->new_secret.len == 0) {
        login_fail(login, E_UNWILLING, "a new password has to be given: none is made up here");
        return;
    }
    rc = ledger_reserve(context, login->arena, redeeming.owner, REDEEM_KEY, &mine);
    login->locked = rc == E_DENIED;
    if (rc == 0) {
        rc = redeem_claim(context, login, &redeeming);
        if (rc == 0)
            redeem_password(context, login, &redeeming);
        /* Only what was never a token of this person's is counted. */
        if (rc != E_AUTH && (rc < 0 || login->err < 0))
            (void)ledger_uncount(context, login->arena, redeeming.owner, &mine);
        if (rc == 0)
            return;
    }
    if (rc == E_AUTH || rc == E_DENIED || rc == E_CONFLICT)
        login_answer(login, E_AUTH, VERIFY_STATE_REFUSED, TEXT_TOKEN_REFUSED);
    else if (rc == E_EXISTS)
        login_answer(login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_TOKEN_CLAIMED);
    else
        login_unavailable(login, rc);
}

void redeem_end(const struct login_context *context, struct login *login)
{
    for (int i = 0; i < MAILED_KINDS; i++)
        slot_end(context, login, (enum mailed_kind)i);
}
