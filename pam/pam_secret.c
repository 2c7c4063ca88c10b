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

/* Asks for a secret and has libpam keep it as this item, which it wipes. Not pam_get_authtok: that
 * makes an error of a conversation that wants to be asked again later. PAM_INCOMPLETE for one. */
static int token_ask(struct pam_usher *call, int item, const char *prompt, const char **ret)
{
    const void *kept = NULL;
    char *typed = NULL;
    int rc = pam_prompt(call->pamh, PAM_PROMPT_ECHO_OFF, &typed, "%s", prompt);

    if (rc == PAM_SUCCESS && typed != NULL)
        rc = pam_set_item(call->pamh, item, typed);
    if (rc == PAM_SUCCESS && typed != NULL)
        rc = pam_get_item(call->pamh, item, &kept);
    if (typed != NULL)
        mem_wipe(typed, strlen(typed));
    free(typed);
    if (rc == PAM_CONV_AGAIN)
        return PAM_INCOMPLETE;
    if (rc != PAM_SUCCESS || kept == NULL)
        return PAM_CONV_ERR;
    *ret = kept;
    return PAM_SUCCESS;
}

/* What an earlier module asked for; NULL for nothing. It stands until the item is set. */
static const char *token_earlier(const struct pam_usher *call, int item)
{
    const void *earlier = NULL;

    return pam_get_item(call->pamh, item, &earlier) == PAM_SUCCESS ? earlier : NULL;
}

/* What an earlier module asked for goes first: should nothing be typed, modules that follow do not
 * see it. */
static int secret_ask(struct pam_usher *call, const char **ret)
{
    const char *prompt = call->options.prompt != NULL ? call->options.prompt
                                                      : pam_usher_text(call, call->module->prompt);

    (void)pam_set_item(call->pamh, PAM_AUTHTOK, NULL);
    return token_ask(call, PAM_AUTHTOK, prompt, ret);
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
    bool reuse;
    int rc = pam_usher_begin(pamh, flags, argc, argv, module, &call);

    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_forget(call.login);
    if (call.options.use_first_pass || call.options.try_first_pass)
        secret = token_earlier(&call, PAM_AUTHTOK);
    if (call.options.use_first_pass && secret == NULL)
        return PAM_AUTH_ERR;
    reuse = secret != NULL;
    rc = reuse ? PAM_SUCCESS : secret_ask(&call, &secret);
    if (rc == PAM_SUCCESS)
        rc = secret_verify(&call, secret);
    if (rc == PAM_AUTH_ERR && reuse && !call.options.use_first_pass) {
        rc = secret_ask(&call, &secret);
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
    const char *secret = token_earlier(call, PAM_OLDAUTHTOK);
    struct pam_usher_answer answer;
    int rc = call->login->stage != STAGE_NONE ? PAM_SUCCESS : pam_usher_known(call);

    if (rc != PAM_SUCCESS)
        return rc;
    if (secret == NULL && call->options.use_first_pass)
        return PAM_AUTHTOK_RECOVERY_ERR;
    if (secret == NULL)
        rc = token_ask(call, PAM_OLDAUTHTOK, pam_usher_text(call, call->module->old_prompt),
                       &secret);
    if (rc != PAM_SUCCESS)
        return rc == PAM_INCOMPLETE ? rc : PAM_AUTHTOK_RECOVERY_ERR;
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
    return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : rc;
}

/* The new secret: that of an earlier module such as pam_pwquality, or typed twice. */
static int change_ask(struct pam_usher *call, const char **ret)
{
    const char *secret = token_earlier(call, PAM_AUTHTOK);
    bool reuse = secret != NULL;
    int rc = PAM_SUCCESS;

    if (!reuse && (call->options.use_authtok || call->options.use_first_pass))
        return PAM_AUTHTOK_ERR;
    if (!reuse)
        rc = token_ask(call, PAM_AUTHTOK, pam_usher_text(call, call->module->new_prompt), &secret);
    if (rc == PAM_SUCCESS && *secret == '\0')
        rc = PAM_AUTHTOK_ERR;
    if (rc == PAM_SUCCESS && !reuse)
        rc = change_again(call, secret);
    if (rc != PAM_SUCCESS)
        return rc == PAM_TRY_AGAIN || rc == PAM_INCOMPLETE ? rc : PAM_AUTHTOK_ERR;
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
