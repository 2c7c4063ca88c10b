/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A password checked by usherd: auth, account and password. pam_usher_password(8).
 */
#include "pam_usher.h"

static const struct pam_usher_module module = {
    .kind = PAM_USHER_PASSWORD,
    .factor = VERIFY_PASSWORD,
    .prompt = N_("Password: "),
    .old_prompt = N_("Current password: "),
    .new_prompt = N_("New password: "),
    .again_prompt = N_("Retype new password: "),
    .differ = N_("The two passwords are not the same."),
    .needs_organization = false,
};

PAM_USHER_ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_usher_authenticate(pamh, flags, argc, argv, &module);
}

PAM_USHER_ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_usher_account(pamh, flags, argc, argv, &module);
}

PAM_USHER_ENTRY int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return pam_usher_chauthtok(pamh, flags, argc, argv, &module);
}
