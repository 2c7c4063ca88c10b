/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of the PAM modules and the user's name: the first letter says which module, then come
 * the name and the options, one a line. What is taken lies within its bounds.
 */
#include "../../pam/pam_usher.h"
#include "fuzz.h"

#include <security/pam_appl.h>

#define OPTIONS_MAX 16

struct begin {
    const struct pam_usher_module *module;
    pam_handle_t *pamh;
    char *user, *options[OPTIONS_MAX];
    int count, called, rc;
};

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

/* libpam lets modules alone keep data on a handle, and holds whoever is called from one for one:
 * the module under test runs inside the conversation of pam_echo. */
static int in_module(int count, const struct pam_message **messages, struct pam_response **replies,
                     void *context)
{
    struct begin *begin = context;
    struct pam_usher call;

    (void)messages;
    HOLDS(count == 1 && (*replies = calloc(1, sizeof(**replies))) != NULL);
    begin->rc = pam_usher_begin(begin->pamh, 0, begin->count, (const char **)begin->options,
                                begin->module, &call);
    begin->called++;
    HOLDS(begin->rc == PAM_SUCCESS || begin->rc == PAM_SERVICE_ERR ||
          begin->rc == PAM_USER_UNKNOWN);
    if (begin->rc == PAM_SUCCESS) {
        check(&call.options, begin->module);
        HOLDS(strcmp(call.login->user, begin->user) == 0 && call.login->stage == STAGE_NONE);
    }
    return PAM_SUCCESS;
}

static void run(struct begin *begin)
{
    static const char stack[] = "auth required pam_echo.so in\n";
    const struct pam_conv conv = {in_module, begin};

    (void)fuzz_file("fuzz", stack, sizeof(stack) - 1);
    HOLDS(pam_start_confdir("fuzz", begin->user, &conv, fuzz_folder(), &begin->pamh) ==
          PAM_SUCCESS);
    (void)pam_authenticate(begin->pamh, 0);
    HOLDS(begin->called == 1);
    HOLDS(pam_end(begin->pamh, PAM_SUCCESS) == PAM_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    const struct pam_usher_module modules[] = {
        {.kind = PAM_USHER_PASSWORD, .factor = VERIFY_PASSWORD},
        {.kind = PAM_USHER_PIN, .factor = VERIFY_PIN, .needs_organization = true},
        {.kind = PAM_USHER_OTP, .factor = VERIFY_CODE},
    };
    struct begin begin = {.module = &modules[(unsigned char)fuzz_letter(&input) % 3]};

    begin.user = fuzz_string(fuzz_part(&input, '\n'));
    while (input.len > 0 && begin.count < OPTIONS_MAX)
        begin.options[begin.count++] = fuzz_string(fuzz_part(&input, '\n'));
    run(&begin);
    while (begin.count > 0)
        free(begin.options[--begin.count]);
    free(begin.user);
    return 0;
}
