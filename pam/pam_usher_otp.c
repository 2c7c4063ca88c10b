/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The second factor: a code from an app, a mail or an SMS, or a recovery code, behind a module that
 * has verified the first. Without what that module left in the handle there is nothing to complete,
 * and this one denies. The code goes to usherd alone, never into PAM_AUTHTOK. pam_usher_otp(8).
 */
#include "pam_usher.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH_TEXT (PAM_USHER_TEXT_MAX + 32)

static const struct pam_usher_module module = {
    .kind = PAM_USHER_OTP,
    .factor = VERIFY_CODE,
    .prompt = N_("Code: "),
};

/* Has a code sent where that is the means. When the daemon answers but sends none (one was sent
 * already, the mail server is down) the user is told and may still type the earlier code or a
 * recovery code. */
static int code_send(struct pam_usher *call)
{
    struct pam_usher_answer answer;
    char text[ENOUGH_TEXT];

    if (call->login->means != MEANS_EMAIL && call->login->means != MEANS_SMS)
        return PAM_SUCCESS;
    pam_usher_challenge(call, &answer);
    if (!answer.answered)
        return pam_usher_refuse(call, &answer);
    if (answer.rc == 0)
        utf8_format(text, sizeof(text), pam_usher_text(call, "A code was sent to %s."),
                    answer.text);
    else
        utf8_format(text, sizeof(text), "%s", answer.text);
    pam_usher_show(call, PAM_TEXT_INFO, text);
    return PAM_SUCCESS;
}

static int code_ask(struct pam_usher *call, char **ret)
{
    const char *prompt = call->options.prompt != NULL ? call->options.prompt
                                                      : pam_usher_text(call, call->module->prompt);
    char *code = NULL;
    int rc = pam_prompt(call->pamh, PAM_PROMPT_ECHO_OFF, &code, "%s", prompt);

    if (rc != PAM_SUCCESS || code == NULL) {
        free(code);
        return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_CONV_ERR;
    }
    *ret = code;
    return PAM_SUCCESS;
}

static int code_verify(struct pam_usher *call, const char *code)
{
    struct pam_usher_answer answer;
    int rc = pam_usher_sendable(call, code);

    if (rc != PAM_SUCCESS)
        return rc;
    pam_usher_verify(call, VERIFY_CODE, code, &answer);
    rc = pam_usher_accept(call, &answer);
    mem_wipe(&answer, sizeof(answer));
    /* a further factor would need a further module; none is known */
    return rc == PAM_SUCCESS && call->login->stage != STAGE_COMPLETE ? PAM_AUTH_ERR : rc;
}

PAM_USHER_ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct pam_usher call;
    char *code = NULL;
    int rc = pam_usher_begin(pamh, flags, argc, argv, &module, &call);

    if (rc == PAM_SUCCESS)
        rc = pam_usher_agree(&call);
    if (rc != PAM_SUCCESS)
        return rc;
    if (call.login->stage == STAGE_COMPLETE)
        return PAM_SUCCESS;
    if (call.login->stage != STAGE_FACTOR_DUE) {
        pam_usher_debug(&call, "no module before this one has verified a first factor");
        return PAM_AUTH_ERR;
    }
    rc = code_send(&call);
    if (rc == PAM_SUCCESS)
        rc = code_ask(&call, &code);
    if (rc == PAM_SUCCESS)
        rc = code_verify(&call, code);
    if (code != NULL)
        mem_wipe(code, strlen(code));
    free(code);
    return rc;
}
