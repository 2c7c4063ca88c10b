/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of extended operations and controls, requests and responses: each codec over the same
 * bytes; what decodes, encoded and decoded again, is the same. The password policy's control, which
 * libldap alone decodes, is made of the first bytes.
 */
#include "../exercise_message.h"
#include "fuzz.h"

#include <ldap.h>

/* libldap reads any value of a control, and ours as what it says. */
static void check_policy(const uint8_t *data, size_t size)
{
    char oid[] = LDAP_CONTROL_PASSWORDPOLICYRESPONSE, *bytes = exact_copy(data, size);
    LDAPControl control = {.ldctl_oid = oid, .ldctl_value = {size, bytes}};
    LDAPPasswordPolicyError error = PP_noError;
    ber_int_t expires = -1, grace = -1, made[3] = {0};
    struct policy_control policy;
    struct buffer out = {0};
    static LDAP *ld;

    HOLDS(ld != NULL || ldap_initialize(&ld, NULL) == LDAP_SUCCESS);
    (void)ldap_parse_passwordpolicy_control(ld, &control, &expires, &grace, &error);
    memcpy(made, bytes, size < sizeof(made) ? size : sizeof(made));
    policy = (struct policy_control){.expires_s = made[0] < 0 ? -1 : made[0],
                                     .grace = made[1] < 0 ? -1 : made[1],
                                     .error = made[2] < 0 ? -1 : made[2] % 9};
    HOLDS(policy_control_encode(&policy, &out) == 0);
    control.ldctl_value = (struct berval){out.len, out.data};
    error = PP_noError;
    HOLDS(ldap_parse_passwordpolicy_control(ld, &control, &expires, &grace, &error) ==
          LDAP_SUCCESS);
    HOLDS(grace == policy.grace && (policy.grace >= 0 || expires == policy.expires_s));
    HOLDS(error == (policy.error < 0 ? PP_noError : (LDAPPasswordPolicyError)policy.error));
    buffer_clear(&out);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer encoded = {0};
    struct page page, again;
    char *bytes = exact_copy(data, size);

    for (size_t i = 0; i < EXOP_CODEC_COUNT; i++)
        (void)exercise_exop(&exop_codecs[i], data, size);
    check_policy(data, size);
    if (page_decode((struct slice){bytes, size}, &page) == 0) {
        HOLDS(page.size >= 0);
        HOLDS(page_encode(&page, &encoded) == 0 && buffer_append(&encoded, "Z", 1) == 0);
        HOLDS(page_decode((struct slice){encoded.data, encoded.len - 1}, &again) == 0);
        HOLDS(again.size == page.size && slice_equal(again.cookie, page.cookie));
    }
    buffer_clear(&encoded);
    free(bytes);
    return 0;
}
