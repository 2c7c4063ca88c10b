/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Passwords and PINs changed through the PAM modules: what is asked of the person and of the
 * daemon, and each refusal.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pam_session.h"

#include <string.h>

#define PASSWORD_STACK   "auth required PW\naccount required PW\npassword required PW\n"
#define PIN_CHANGE_STACK "password required PIN org=till\n"

static const struct change {
    const char *stack, *steps, *replies;
    int rc;
    const char *asked, *unasked, *said;
} changes[] = {
    {PASSWORD_STACK, DONE "\n" DONE "\nresult 0", "old\nnew\nnew\n", PAM_SUCCESS,
     "password user=alice old=old new=new", NULL,
     "Q:Current password: |Q:New password: |Q:Retype new password: |"},
    {PASSWORD_STACK, DONE "\n" DUE "\nresult 0", "old\nnew\nnew\n", PAM_SUCCESS,
     "password user=alice old=old new=new", NULL, NULL},
    {PASSWORD_STACK, DONE "\nverify 0 state=2\nresult 0", "old\nnew\nnew\n", PAM_SUCCESS, "new=new",
     NULL, NULL},
    {PASSWORD_STACK, DONE "\nverify 49 text=no", "bad\nnew\nnew\n", PAM_AUTH_ERR, "secret=bad",
     "new=", "Q:Current password: |E:no|"},
    {PASSWORD_STACK, DONE "\n" DONE "\nresult 19 text=too%20short", "old\nnew\nnew\n",
     PAM_AUTHTOK_ERR, "new=new", NULL,
     "Q:Current password: |Q:New password: |Q:Retype new password: |E:too short|"},
    {PASSWORD_STACK, DONE "\n" DONE "\nresult 11 text=too%20long", "old\nnew\nnew\n",
     PAM_AUTHTOK_ERR, "new=new", NULL,
     "Q:Current password: |Q:New password: |Q:Retype new password: |E:too long|"},
    {PASSWORD_STACK, DONE "\n" DONE "\nresult 49", "old\nnew\nnew\n", PAM_AUTH_ERR, "new=new", NULL,
     NULL},
    {PASSWORD_STACK, DONE "\n" DONE "\nclose", "old\nnew\nnew\n", PAM_AUTHINFO_UNAVAIL, "new=new",
     NULL, NULL},
    {PASSWORD_STACK, DONE "\n" DONE, "old\nnew\nother\n", PAM_TRY_AGAIN, "secret=old",
     "new=", NULL},
    {PASSWORD_STACK, DONE "\n" DONE, "\nnew\nnew\n", PAM_AUTH_ERR, NULL, "factor=1", NULL},
    {PASSWORD_STACK, DONE "\n" DONE, "", PAM_AUTHTOK_RECOVERY_ERR, NULL, "factor=1", NULL},
    {PIN_CHANGE_STACK, DONE "\n" DONE "\nresult 0", "1111\n2222\n2222\n", PAM_SUCCESS,
     "set-pin organization=till user=alice new=2222 old=1111", NULL,
     "Q:Current PIN: |Q:New PIN: |Q:Retype new PIN: |"},
    {PIN_CHANGE_STACK, DONE "\n" DONE "\nresult 21 text=digits%20only", "1111\nabcd\nabcd\n",
     PAM_AUTHTOK_ERR, "new=abcd", NULL, NULL},
    /* known to usherd or not, that is asked first; who may not ask (insufficientAccessRights) goes
       on */
    {PASSWORD_STACK, "result 32", "old\nnew\nnew\n", PAM_USER_UNKNOWN, "verify user=alice factor=0",
     "factor=1", ""},
    {"password required PW org=acmee", "result 32", "old\nnew\nnew\n", PAM_USER_UNKNOWN,
     "verify user=alice factor=0", "acmee", ""},
    {PASSWORD_STACK, "result 50\n" DONE "\nresult 0", "old\nnew\nnew\n", PAM_SUCCESS,
     "password user=alice old=old new=new", NULL, NULL},
    {PASSWORD_STACK, "close", "old\nnew\nnew\n", PAM_AUTHINFO_UNAVAIL, NULL, "factor=1", ""},
    {"password required PIN", DONE, "1\n2\n2\n", PAM_SERVICE_ERR, NULL, "verify", ""},
};

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        const struct change *change = &changes[i];
        struct session session;
        int rc;

        session_start(&session, change->stack, change->steps, "alice", change->replies);
        rc = pam_chauthtok(session.pamh, 0);
        if (rc != change->rc)
            fail_msg("change %zu: %s (said %s)", i, pam_strerror(NULL, rc), session.talk.said);
        if (change->asked != NULL && !fake_was_asked(&session.fake, change->asked))
            fail_msg("change %zu asked: %s", i, fake_asked(&session.fake));
        if (change->unasked != NULL && strstr(fake_asked(&session.fake), change->unasked) != NULL)
            fail_msg("change %zu asked: %s", i, fake_asked(&session.fake));
        if (change->said != NULL)
            assert_string_equal(session.talk.said, change->said);
        session_stop(&session);
    }
}

/* A password that must change is changed; one that need not is left to the other modules. */
static void test_must_change(void **state)
{
    struct session session;

    (void)state;
    session_start(&session, PASSWORD_STACK,
                  "verify 0 state=2\nverify 0 state=2\nverify 0 state=2\nresult 0", "alice",
                  "old\nold\nnew\nnew\n");
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(session.pamh, 0), PAM_NEW_AUTHTOK_REQD);
    assert_int_equal(pam_chauthtok(session.pamh, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
    assert_true(fake_was_asked(&session.fake, "password user=alice old=old new=new"));
    session_stop(&session);
    session_start(&session, PASSWORD_STACK "password required pam_permit.so\n", DONE, "alice",
                  "old\n");
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_chauthtok(session.pamh, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
    assert_null(strstr(fake_asked(&session.fake), "password"));
    session_stop(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_must_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
