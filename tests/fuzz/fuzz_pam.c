/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of the PAM modules and the user's name: the first letter says which module, then come
 * the name and the options, one a line. What is taken lies within its bounds.
 */
#include "../../pam/pam_usher.h"
#include "fuzz.h"

#include <security/pam_appl.h>

#define OPTIONS_MAX 16

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *context)
{
    (void)count;
    (void)messages;
    (void)replies;
    (void)context;
    return PAM_CONV_ERR;
}

static pam_handle_t *handle(void)
{
    static const char stack[] = "auth required pam_permit.so\n";
    static const struct pam_conv conv = {converse, NULL};
    static pam_handle_t *pamh;

    if (pamh == NULL) {
        (void)fuzz_file("fuzz", stack, sizeof(stack) - 1);
        HOLDS(pam_start_confdir("fuzz", NULL, &conv, fuzz_folder(), &pamh) == PAM_SUCCESS);
    }
    return pamh;
}

static void check(const struct pam_usher_options *options, const struct pam_usher_module *module)
{
    HOLDS(options->socket[0] == '/' && strlen(options->socket) < 108);
    HOLDS(options->timeout_s >= 1 && options->timeout_s <= 600);
    HOLDS(options->minimum_uid >= 0 && options->minimum_uid <= UINT32_MAX);
    HOLDS(!module->needs_organization || options->organization != NULL);
    HOLDS(options->organization == NULL || strlen(options->organization) <= PAM_USHER_NAME_MAX);
    HOLDS(options->permission == NULL || strlen(options->permission) <= 512);
    HOLDS(options->prompt == NULL || strlen(options->prompt) <= 256);
    HOLDS(module->kind != PAM_USHER_OTP || !options->use_first_pass);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    const struct pam_usher_module modules[] = {
        {.kind = PAM_USHER_PASSWORD, .factor = VERIFY_PASSWORD},
        {.kind = PAM_USHER_PIN, .factor = VERIFY_PIN, .needs_organization = true},
        {.kind = PAM_USHER_OTP, .factor = VERIFY_CODE},
    };
    const struct pam_usher_module *module = &modules[(unsigned char)fuzz_letter(&input) % 3];
    char *user = fuzz_string(fuzz_part(&input, '\n')), *options[OPTIONS_MAX];
    struct pam_usher call;
    int count = 0;

    while (input.len > 0 && count < OPTIONS_MAX)
        options[count++] = fuzz_string(fuzz_part(&input, '\n'));
    HOLDS(pam_set_item(handle(), PAM_USER, user) == PAM_SUCCESS);
    if (pam_usher_begin(handle(), 0, count, (const char **)options, module, &call) == PAM_SUCCESS) {
        check(&call.options, module);
        HOLDS(strcmp(call.login->user, user) == 0 && call.login->stage == STAGE_NONE);
    }
    while (count > 0)
        free(options[--count]);
    free(user);
    return 0;
}
