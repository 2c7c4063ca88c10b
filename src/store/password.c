/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bind or an extended operation on a connection of the right pool. Buffers of ours that hold a
 * password are wiped; those inside libldap cannot be.
 */
#include "store/password.h"
#include "base/err.h"
#include "ldap/dn.h"

#include <string.h>

/* A DN as text that libldap takes. */
struct owner {
    char dn[4 * DN_MAX];
};

static int owner_init(struct owner *owner, struct slice dn)
{
    if (dn.len == 0 || dn.len >= sizeof(owner->dn) || memchr(dn.data, '\0', dn.len) != NULL)
        return E_UNWILLING;
    memcpy(owner->dn, dn.data, dn.len);
    owner->dn[dn.len] = '\0';
    return 0;
}

/* Reads the policy control of an answer. Without one (or with one that does not parse) nothing is
 * known, which is no error: the result code alone decides. */
static void policy_decode(LDAP *ld, LDAPMessage *answer, struct password_policy *policy)
{
    LDAPControl **controls = NULL, *control = NULL;
    LDAPPasswordPolicyError error = PP_noError;
    ber_int_t expires = -1, grace = -1;

    *policy = (struct password_policy){PASSWORD_ERROR_NONE, false, false, -1, -1};
    if (ldap_parse_result(ld, answer, NULL, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS)
        return;
    control = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
    if (control != NULL &&
        ldap_parse_passwordpolicy_control(ld, control, &expires, &grace, &error) == LDAP_SUCCESS) {
        if (error <= PP_passwordInHistory)
            policy->error = (enum password_error)error;
        policy->must_change = error == PP_changeAfterReset;
        policy->expired = error == PP_passwordExpired || grace >= 0;
        policy->grace = grace;
        policy->expires_s = expires;
    }
    ldap_controls_free(controls);
}

/* Binds on a connection of the login pool as owner. */
static int owner_bind(struct upstream *upstream, const struct owner *owner, struct slice password,
                      int64_t deadline_ms, struct password_policy *policy)
{
    char oid[] = LDAP_CONTROL_PASSWORDPOLICYREQUEST;
    LDAPControl control = {.ldctl_oid = oid}, *controls[] = {&control, NULL};
    LDAPMessage *answer = NULL;
    int err = upstream_bind_simple(upstream, owner->dn, password, controls, deadline_ms, &answer);

    if (answer != NULL) {
        policy_decode(upstream->ld, answer, policy);
        ldap_msgfree(answer);
    }
    return err;
}

/* Ends the owner's session, so that the next user of the connection starts from nothing. A failed
 * bind has done that already (RFC 4511 4.2.1). */
static void owner_forget(struct store *store, struct upstream *upstream, int64_t deadline_ms,
                         int err)
{
    static const struct slice none = {"", 0};

    if (!upstream_broken(err) && err != E_AUTH &&
        upstream_bind_simple(upstream, "", none, NULL, deadline_ms, NULL) != 0)
        err = E_UNAVAIL;
    store_checkin(store, STORE_LOGIN, upstream, err);
}

int store_bind_check(struct store *store, struct slice dn, struct slice password,
                     int64_t deadline_ms, struct password_policy *policy)
{
    struct password_policy ignored;
    struct upstream upstream;
    struct owner owner;
    int err = owner_init(&owner, dn);

    if (password.len == 0)
        return E_UNWILLING;
    if (err == 0)
        err = store_checkout(store, STORE_LOGIN, deadline_ms, &upstream);
    if (err != 0)
        return err;
    err = owner_bind(&upstream, &owner, password, deadline_ms, policy != NULL ? policy : &ignored);
    owner_forget(store, &upstream, deadline_ms, err);
    return err;
}

/* The value of a Password Modify request; identity and old password may be NULL. The caller wipes
 * and frees it. */
static struct berval *exop_encode(const char *identity, const struct slice *old_password,
                                  struct slice new_password)
{
    struct berval *flat = NULL;
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    bool failed = ber == NULL || ber_printf(ber, "{") < 0;

    if (!failed && identity != NULL)
        failed = ber_printf(ber, "ts", LDAP_TAG_EXOP_MODIFY_PASSWD_ID, identity) < 0;
    if (!failed && old_password != NULL)
        failed = ber_printf(ber, "to", LDAP_TAG_EXOP_MODIFY_PASSWD_OLD, old_password->data,
                            (ber_len_t)old_password->len) < 0;
    if (!failed)
        failed = ber_printf(ber, "toN}", LDAP_TAG_EXOP_MODIFY_PASSWD_NEW, new_password.data,
                            (ber_len_t)new_password.len) < 0 ||
                 ber_flatten(ber, &flat) < 0;
    if (ber != NULL) {
        struct berval written;

        if (ber_flatten2(ber, &written, 0) == 0)
            mem_wipe(written.bv_val, written.bv_len);
        ber_free(ber, 1);
    }
    return failed ? NULL : flat;
}

/* A Password Modify on this connection. */
static int exop_run(struct upstream *upstream, struct arena *arena, struct berval *request,
                    int64_t deadline_ms, struct password_policy *policy, struct slice *text)
{
    char oid[] = LDAP_CONTROL_PASSWORDPOLICYREQUEST;
    LDAPControl control = {.ldctl_oid = oid}, *controls[] = {&control, NULL};
    struct password_policy ignored;
    LDAPMessage *answer = NULL;
    int msgid = -1;
    int err = upstream_error(ldap_extended_operation(upstream->ld, LDAP_EXOP_MODIFY_PASSWD, request,
                                                     controls, NULL, &msgid));

    if (err == 0)
        err = upstream_wait(upstream, msgid, true, deadline_ms, &answer);
    if (err == 0) {
        policy_decode(upstream->ld, answer, policy != NULL ? policy : &ignored);
        err = upstream_answer(upstream, answer, arena, text);
        ldap_msgfree(answer);
    }
    return err;
}

/* An answer that was lost: whether the password is the new one by now is told by a bind. */
static int exop_settle(struct store *store, struct slice dn, struct slice new_password,
                       int64_t deadline_ms, struct password_policy *policy, int err)
{
    if (err == E_UNAVAIL && store_bind_check(store, dn, new_password, deadline_ms, policy) == 0)
        return 0;
    return err;
}

static void exop_free(struct berval *request)
{
    if (request == NULL)
        return;
    mem_wipe(request->bv_val, request->bv_len);
    ber_bvfree(request);
}

int store_password_change(struct store *store, struct arena *arena, struct slice dn,
                          struct slice old_password, struct slice new_password, int64_t deadline_ms,
                          struct password_policy *policy, struct slice *text)
{
    struct password_policy ignored;
    struct berval *request = NULL;
    struct upstream upstream;
    struct owner owner;
    bool asked = false;
    int err = owner_init(&owner, dn);

    /* An absent new password would have the store make one up. */
    if (old_password.len == 0 || new_password.len == 0)
        return E_UNWILLING;
    if (err == 0)
        err = store_checkout(store, STORE_LOGIN, deadline_ms, &upstream);
    if (err != 0)
        return err;
    err = owner_bind(&upstream, &owner, old_password, deadline_ms,
                     policy != NULL ? policy : &ignored);
    if (err == 0) {
        request = exop_encode(NULL, &old_password, new_password);
        err = request == NULL ? E_NOMEM
                              : exop_run(&upstream, arena, request, deadline_ms, policy, text);
        if (err == E_AUTH) /* not the old password: that one has just been taken */
            err = E_UNWILLING;
        asked = true;
    }
    exop_free(request);
    owner_forget(store, &upstream, deadline_ms, err);
    if (asked && !slice_equal(old_password, new_password)) /* else a bind tells nothing */
        err = exop_settle(store, dn, new_password, deadline_ms, policy, err);
    return err;
}

int store_password_reset(struct store *store, struct arena *arena, struct slice dn,
                         struct slice new_password, int64_t deadline_ms,
                         struct password_policy *policy, struct slice *text)
{
    struct berval *request = NULL;
    struct upstream upstream;
    struct owner owner;
    int err = owner_init(&owner, dn);

    if (new_password.len == 0)
        return E_UNWILLING;
    if (err == 0)
        err = store_checkout(store, STORE_WORK, deadline_ms, &upstream);
    if (err != 0)
        return err;
    request = exop_encode(owner.dn, NULL, new_password);
    err =
        request == NULL ? E_NOMEM : exop_run(&upstream, arena, request, deadline_ms, policy, text);
    exop_free(request);
    store_checkin(store, STORE_WORK, &upstream, err);
    return exop_settle(store, dn, new_password, deadline_ms, policy, err);
}
