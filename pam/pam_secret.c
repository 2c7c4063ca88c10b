/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The flows that a password and a PIN have in common: ask it and have it verified; whether the
 * account may be used now; change it. What differs stands in struct pam_usher_module.
 */
#include "pam_usher.h"
#include "base/err.h"
#include "base/mem.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

/* The secret that an earlier module asked for, or a new one. libpam keeps it in PAM_AUTHTOK and
 * wipes it; an existing one would be returned unasked, so it goes first. */
static int secret_ask(struct pam_usher *call, bool reuse, const char **ret)
{
    const char *prompt = call->options.prompt != NULL ? call->options.prompt
                                                      : pam_usher_text(call, call->module->prompt);
    const char *secret = NULL;
    int rc = PAM_SUCCESS;

    if (!reuse)
        rc = pam_set_item(call->pamh, PAM_AUTHTOK, NULL);
    if (rc == PAM_SUCCESS)
        rc = pam_get_authtok(call->pamh, PAM_AUTHTOK, &secret, prompt);
    if (rc == PAM_CONV_AGAIN)
        return PAM_INCOMPLETE;
    if (rc != PAM_SUCCESS || secret == NULL)
        return PAM_CONV_ERR;
    *ret = secret;
    return PAM_SUCCESS;
}

static int secret_verify(struct pam_usher *call, const char *secret)
{
    struct pam_usher_answer answer;
    int rc = pam_usher_sendable(call, secret);

    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_verify(call, call->module->factor, secret, &answer);
    rc = pam_usher_accept(call, &answer);
    mem_wipe(&answer, sizeof(answer));
    return rc;
}

int pam_usher_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv,
                           const struct pam_usher_module *module)
{
    struct pam_usher call;
    const char *secret = NULL;
    const void *earlier = NULL;
    bool reuse;
    int rc = pam_usher_begin(pamh, flags, argc, argv, module, &call);

    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_forget(call.login);
    if (pam_get_item(pamh, PAM_AUTHTOK, &earlier) != PAM_SUCCESS)
        earlier = NULL;
    if (call.options.use_first_pass && earlier == NULL)
        return PAM_AUTH_ERR;
    reuse = earlier != NULL && (call.options.use_first_pass || call.options.try_first_pass);
    rc = secret_ask(&call, reuse, &secret);
    if (rc == PAM_SUCCESS)
        rc = secret_verify(&call, secret);
    if (rc == PAM_AUTH_ERR && reuse && !call.options.use_first_pass) {
        rc = secret_ask(&call, false, &secret);
        if (rc == PAM_SUCCESS)
            rc = secret_verify(&call, secret);
    }
    return rc;
}

int pam_usher_account(pam_handle_t *pamh, int flags, int argc, const char **argv,
                      const struct pam_usher_module *module)
{
    struct pam_usher_answer answer;
    struct pam_usher call;
    int rc = pam_usher_begin(pamh, flags, argc, argv, module, &call);

    if (rc == PAM_SUCCESS)
        rc = pam_usher_agree(&call);
    if (rc != PAM_SUCCESS)
        return rc;
    if (call.login->stage == STAGE_FACTOR_DUE) {
        pam_usher_show(
            &call, PAM_ERROR_MSG,
            pam_usher_text(&call, "A second factor is needed, and nothing asked for it."));
        return PAM_PERM_DENIED;
    }
    pam_usher_verify(&call, VERIFY_NONE, NULL, &answer);
    if (answer.answered && answer.rc == 0 && answer.state == VERIFY_STATE_COMPLETE) {
        rc = PAM_SUCCESS;
    } else if (answer.answered && answer.rc == 0 && answer.state == VERIFY_STATE_MUST_CHANGE) {
        pam_usher_show(&call, PAM_TEXT_INFO, answer.text);
        call.login->must_change = true;
        rc = PAM_NEW_AUTHTOK_REQD;
    } else if (answer.answered && answer.rc == E_NOTFOUND &&
               (call.options.organization == NULL || pam_usher_known(&call) == PAM_USER_UNKNOWN)) {
        rc = PAM_USER_UNKNOWN; /* another module's; a misspelt org= is no such thing */
    } else {
        rc = pam_usher_refuse(&call, &answer);
        if (answer.answered && answer.state == VERIFY_STATE_INACTIVE)
            rc = PAM_ACCT_EXPIRED;
    }
    mem_wipe(&answer, sizeof(answer));
    return rc;
}

/* The first pass of a change: is the old secret right? A factor that is due does not matter here.
 * Nobody is asked for a secret that is another module's, or that cannot be checked now. */
static int change_check(struct pam_usher *call)
{
    struct pam_usher_answer answer;
    const char *secret = NULL;
    int rc = call->login->stage != STAGE_NONE ? PAM_SUCCESS : pam_usher_known(call);

    if (rc != PAM_SUCCESS)
        return rc;
    rc = pam_get_authtok(call->pamh, PAM_OLDAUTHTOK, &secret,
                         pam_usher_text(call, call->module->old_prompt));
    if (rc != PAM_SUCCESS || secret == NULL)
        return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_AUTHTOK_RECOVERY_ERR;
    rc = pam_usher_sendable(call, secret);
    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_verify(call, call->module->factor, secret, &answer);
    if (!answer.answered || (answer.rc != 0 && !(answer.rc == E_STEPUP && answer.ticket_len > 0)))
        rc = pam_usher_refuse(call, &answer);
    mem_wipe(&answer, sizeof(answer));
    return rc;
}

/* The new secret once more, in words of ours: libpam would put its own before our prompt. */
static int change_again(struct pam_usher *call, const char *new_secret)
{
    char *again = NULL;
    int rc = pam_prompt(call->pamh, PAM_PROMPT_ECHO_OFF, &again, "%s",
                        pam_usher_text(call, call->module->again_prompt));

    if (rc == PAM_SUCCESS && again == NULL)
        rc = PAM_CONV_ERR;
    if (rc == PAM_SUCCESS && strcmp(again, new_secret) != 0) {
        pam_usher_show(call, PAM_ERROR_MSG, pam_usher_text(call, call->module->differ));
        rc = PAM_TRY_AGAIN;
    }
    if (rc != PAM_SUCCESS)
        (void)pam_set_item(call->pamh, PAM_AUTHTOK, NULL);
    if (again != NULL)
        mem_wipe(again, strlen(again));
    free(again);
    return rc;
}

/* The new secret: that of an earlier module such as pam_pwquality, or typed twice. */
static int change_ask(struct pam_usher *call, const char **ret)
{
    const void *earlier = NULL;
    const char *secret = NULL;
    int rc;

    if (pam_get_item(call->pamh, PAM_AUTHTOK, &earlier) != PAM_SUCCESS)
        earlier = NULL;
    rc = pam_get_authtok_noverify(call->pamh, &secret,
                                  pam_usher_text(call, call->module->new_prompt));
    if (rc == PAM_SUCCESS && (secret == NULL || *secret == '\0'))
        rc = PAM_AUTHTOK_ERR;
    if (rc == PAM_SUCCESS && earlier == NULL)
        rc = change_again(call, secret);
    if (rc == PAM_CONV_AGAIN)
        return PAM_INCOMPLETE;
    if (rc != PAM_SUCCESS)
        return rc == PAM_TRY_AGAIN ? rc : PAM_AUTHTOK_ERR;
    *ret = secret;
    return PAM_SUCCESS;
}

/* The second pass. */
static int change_make(struct pam_usher *call)
{
    struct pam_usher_answer answer;
    const char *new_secret = NULL;
    const void *old_secret = NULL;
    int rc = pam_get_item(call->pamh, PAM_OLDAUTHTOK, &old_secret);

    if (rc != PAM_SUCCESS || old_secret == NULL)
        return PAM_AUTHTOK_RECOVERY_ERR;
    rc = change_ask(call, &new_secret);
    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_change(call, old_secret, new_secret, &answer);
    if (answer.answered && answer.rc == 0) {
        call->login->must_change = false;
    } else {
        rc = pam_usher_refuse(call, &answer);
        if (answer.answered &&
            (answer.rc == E_UNWILLING || answer.rc == E_SYNTAX || answer.rc == E_LIMIT))
            rc = PAM_AUTHTOK_ERR; /* the new one is not good enough; the text says why */
    }
    mem_wipe(&answer, sizeof(answer));
    return rc;
}

int pam_usher_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv,
                        const struct pam_usher_module *module)
{
    struct pam_usher call;
    int rc = pam_usher_begin(pamh, flags, argc, argv, module, &call);

    if (rc != PAM_SUCCESS)
        return rc;
    if ((flags & PAM_CHANGE_EXPIRED_AUTHTOK) != 0 && call.login->stage == STAGE_COMPLETE &&
        !call.login->must_change)
        return PAM_IGNORE; /* another module's secret has expired, not ours */
    if ((flags & PAM_PRELIM_CHECK) != 0)
        return change_check(&call);
    return (flags & PAM_UPDATE_AUTHTOK) != 0 ? change_make(&call) : PAM_SYSTEM_ERR;
}
