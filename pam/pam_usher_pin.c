/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The PIN that a person has in one organization, at a terminal of that organization,
 * checked by usherd: auth, account and password. pam_usher_pin(8).
 */
#include "pam_usher.h"

static const struct pam_usher_module module = {
    .kind = PAM_USHER_PIN,
    .factor = VERIFY_PIN,
    .prompt = N_("PIN: "),
    .old_prompt = N_("Current PIN: "),
    .new_prompt = N_("New PIN: "),
    .again_prompt = N_("Retype new PIN: "),
    .differ = N_("The two PINs are not the same."),
    .needs_organization = true,
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
