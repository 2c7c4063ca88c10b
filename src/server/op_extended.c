/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Extended operations (RFC 4511 4.12): one table from OID to handler. What carries secrets is
 * refused in clear text off the machine; what a later version brings says so.
 */
#include "base/err.h"
#include "base/log.h"
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/dispatch.h"

#include <string.h>

static const struct extension {
    const char *oid;
    const char *name;
    const char *what; /* in the audit line and the metrics: one word */
    handler *handle;  /* NULL: not in this version */
    bool secret;
} extensions[] = {
    {OID_WHOAMI, "Who am I?", "whoami", exop_whoami, false},
    {OID_USHER_VERIFY, "usherVerify", "verify", exop_verify, true},
    {OID_USHER_CHALLENGE, "usherChallenge", "challenge", exop_challenge, true},
    {OID_USHER_SET_PIN, "usherSetPin", "set-pin", exop_set_pin, true},
    {OID_USHER_ENROLL, "usherEnroll", "enroll", exop_enroll, true},
    {OID_USHER_UNLOCK, "usherUnlock", "unlock", exop_unlock, false},
    {OID_PASSWORD_MODIFY, "Password Modify", "password-modify", exop_password_modify, true},
    {OID_USHER_RECOVERY, "usherRecovery", "recovery", exop_recovery, true},
    {OID_USHER_REDEEM, "usherRedeem", "redeem", exop_redeem, true},
    {OID_USHER_INVITE, "usherInvite", "invite", exop_invite, false},
    {OID_USHER_EXPLAIN, "usherExplain", "explain", exop_explain, false},
    {OID_USHER_APP_PASSWORD, "usherAppPassword", "app-password", exop_app_password, true},
    {OID_USHER_LOGOUT, "usherLogout", "logout", exop_logout, false},
    {OID_USHER_RESEAL, "usherReseal", "reseal", exop_reseal, false},
    {OID_USHER_DOCTOR, "usherDoctor", "doctor", exop_doctor, false},
    {OID_STARTTLS, "StartTLS", "starttls", NULL, false},
    {OID_CANCEL, "Cancel", "cancel", NULL, false},
    {OID_TRANSACTION_START, "transactions (RFC 5805)", "transaction", NULL, false},
    {OID_TRANSACTION_END, "transactions (RFC 5805)", "transaction", NULL, false},
};

enum handled op_extended(struct request *request, struct result *ret)
{
    const struct extended_request *extended = &request->message->extended;
    char quoted[LOG_QUOTE_MAX];

    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        const struct extension *extension = &extensions[i];

        if (!slice_is(extended->oid, extension->oid))
            continue;
        request->audit.what = extension->what;
        if (extension->handle == NULL) {
            request_fail(request, ret, E_UNWILLING, "this version of usher does not offer %s",
                         extension->name);
            return REPLY;
        }
        if (extension->secret && !request->conn->peer.loopback) {
            request_fail(request, ret, E_CONFIDENTIAL,
                         "secrets are accepted over unix sockets and the loopback only");
            return REPLY;
        }
        return extension->handle(request, ret);
    }
    request_fail(request, ret, E_PROTO, "no such extended operation: %s",
                 log_quote(extended->oid, quoted));
    return REPLY;
}

enum handled exop_whoami(struct request *request, struct result *ret)
{
    const struct identity *identity = &request->conn->identity;
    size_t len = identity->dn_len;

    if (request->message->extended.has_value) {
        request_fail(request, ret, E_PROTO, "Who am I? takes no value (RFC 4532)");
        return REPLY;
    }
    ret->has_value = true;
    if (identity->kind == IDENTITY_NONE)
        return REPLY; /* the empty authorization identity */
    if (len > sizeof(request->text) - 3)
        len = sizeof(request->text) - 3;
    memcpy(request->text, "dn:", 3);
    memcpy(request->text + 3, identity->dn, len);
    ret->value = (struct slice){.data = request->text, .len = len + 3};
    return REPLY;
}
