/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Logins through the PAM modules: each return code of authentication and account, what is said and
 * asked, and each way in which the daemon can fail.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pam_session.h"

#include <string.h>

#define NOT_CALLED (-1)

#define OTP_STACK "auth required PW org=acme\nauth required OTP\naccount required PW org=acme"
#define PIN_STACK "auth required PIN org=till\naccount required PIN org=till"

static const struct login {
    const char *stack, *steps, *replies;
    int auth, account;
    const char *said;
    const char *asked, *asked_too; /* NULL: whatever */
    const char *unasked;           /* in no request */
} logins[] = {
    /* password alone */
    {PW_STACK, DONE "ticket=F1\n" DONE, "pw\n", PAM_SUCCESS, PAM_SUCCESS, "Q:Password: |",
     "verify user=alice factor=1 secret=pw service=test tty=tty9 rhost=far.example",
     "verify user=alice factor=0 ticket=F1", NULL},
    {PW_STACK, DONE "\n" DONE, "pw\n", PAM_SUCCESS, PAM_SUCCESS, "Q:Password: |",
     "verify user=alice factor=0 service", NULL, "ticket"},
    {PW_STACK, "verify 49 state=7 text=Wrong%20name%20or%20secret.", "no\n", PAM_AUTH_ERR,
     NOT_CALLED, "Q:Password: |E:Wrong name or secret.|", NULL, NULL, NULL},
    {PW_STACK, "verify 49 state=7 text=N%C3%B8%1B%5B2J%C2%9B2J", "no\n", PAM_AUTH_ERR, NOT_CALLED,
     "Q:Password: |E:N\xc3\xb8 [2J 2J|", NULL, NULL, NULL}, /* no cursor moves */
    {PW_STACK, "result 49 text=internal%20reason", "no\n", PAM_AUTH_ERR, NOT_CALLED,
     "Q:Password: |", NULL, NULL, NULL},
    {"auth required PW org=acme permission=shell:use", DONE, "pw\n", PAM_SUCCESS, NOT_CALLED,
     "Q:Password: |", "user=alice organization=acme permission=shell:use factor=1", NULL, NULL},
    {"auth required PW authtok_prompt=Secret? debug nullok", DONE, "pw\n", PAM_SUCCESS, NOT_CALLED,
     "Q:Secret?|", NULL, NULL, NULL},
    /* a factor is due and nothing completes it */
    {PW_STACK, DUE "\n" DONE, "pw\n", PAM_SUCCESS, PAM_PERM_DENIED,
     "Q:Password: |E:A second factor is needed, and nothing asked for it.|", NULL, NULL,
     "factor=0"},
    {PW_STACK, "verify 8 state=1", "pw\n", PAM_PERM_DENIED, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "verify 0 state=1 ticket=T1\n" DONE, "pw\n", PAM_SYSTEM_ERR, NOT_CALLED,
     "Q:Password: |", NULL, NULL, NULL},
    {PW_STACK, "verify 8 state=6 ticket=T1 text=Set%20up%20an%20app.", "pw\n", PAM_PERM_DENIED,
     NOT_CALLED, "Q:Password: |E:Set up an app.|", NULL, NULL, NULL},
    {"auth required PW\naccount required PW", DONE "\nverify 8 state=1 ticket=T1", "pw\n",
     PAM_SUCCESS, PAM_PERM_DENIED, "Q:Password: |", NULL, NULL, NULL},
    {"auth required PW\naccount required PW", DONE "\nverify 0 state=1", "pw\n", PAM_SUCCESS,
     PAM_SYSTEM_ERR, "Q:Password: |", NULL, NULL, NULL},
    /* the code */
    {OTP_STACK, DUE "means=3\n" DONE "ticket=F2\n" DONE, "pw\n123456\n", PAM_SUCCESS, PAM_SUCCESS,
     "Q:Password: |Q:Code: |",
     "verify user=alice organization=acme factor=3 secret=123456 ticket=T1 service=test",
     "verify user=alice organization=acme factor=0 ticket=F2", "challenge"},
    {OTP_STACK, DUE "means=1\nchallenge 0 destination=a***@x.org\n" DONE "ticket=F2\n" DONE,
     "pw\n123456\n", PAM_SUCCESS, PAM_SUCCESS,
     "Q:Password: |I:A code was sent to a***@x.org.|Q:Code: |",
     "challenge user=alice organization=acme means=1 ticket=T1", "factor=3 secret=123456 ticket=T1",
     NULL},
    {OTP_STACK, DUE "means=2\nchallenge 51 diagnostic=one%20a%20minute\n" DONE "ticket=F2\n" DONE,
     "pw\n123456\n", PAM_SUCCESS, PAM_SUCCESS, "Q:Password: |I:one a minute|Q:Code: |",
     "challenge user=alice organization=acme means=2 ticket=T1", NULL, NULL},
    {OTP_STACK, DUE "means=1\nclose", "pw\n123456\n", PAM_AUTHINFO_UNAVAIL, PAM_PERM_DENIED,
     "Q:Password: |E:A second factor is needed, and nothing asked for it.|", NULL, NULL, "123456"},
    {OTP_STACK, DUE "\nverify 0 state=0 ticket=F2 text=Recovery%20codes%20left:%209\n" DONE,
     "pw\nabcde-fghij\n", PAM_SUCCESS, PAM_SUCCESS,
     "Q:Password: |Q:Code: |I:Recovery codes left: 9|", "secret=abcde-fghij", NULL, NULL},
    {OTP_STACK, DUE "\nverify 49 state=7 text=no", "pw\n000000\n", PAM_AUTH_ERR, PAM_PERM_DENIED,
     "Q:Password: |Q:Code: |E:no|E:A second factor is needed, and nothing asked for it.|", NULL,
     NULL, "factor=0"},
    {OTP_STACK, DUE "\n" DUE, "pw\n000000\n", PAM_AUTH_ERR, PAM_PERM_DENIED,
     "Q:Password: |Q:Code: |E:A second factor is needed, and nothing asked for it.|", NULL, NULL,
     "factor=0"},
    {OTP_STACK, DUE "\nhang", "pw\n\n", PAM_AUTH_ERR, PAM_PERM_DENIED,
     "Q:Password: |Q:Code: |E:A second factor is needed, and nothing asked for it.|", NULL, NULL,
     "factor=3"},
    {OTP_STACK, DUE "\nhang", "pw\nNULL\n", PAM_CONV_ERR, PAM_PERM_DENIED,
     "Q:Password: |Q:Code: |E:A second factor is needed, and nothing asked for it.|", NULL, NULL,
     "factor=3"},
    {OTP_STACK, DUE "\n" DONE "\nverify 8 state=1", "pw\n123456\n", PAM_SUCCESS, PAM_PERM_DENIED,
     "Q:Password: |Q:Code: |", NULL, NULL, NULL},
    {OTP_STACK, DONE "\n" DONE, "pw\n", PAM_SUCCESS, PAM_SUCCESS, "Q:Password: |", NULL, NULL,
     "factor=3"},
    {OTP_STACK, "verify 0 state=2 ticket=F1\nverify 0 state=2 text=Change%20it.", "pw\n",
     PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, "Q:Password: |I:Change it.|", NULL, NULL, NULL},
    {"auth required OTP\naccount required PW", DONE, "123456\n", PAM_AUTH_ERR, NOT_CALLED, "", NULL,
     NULL, "verify"},
    {"auth required PW\nauth required OTP authtok_prompt=Token?", DUE "\n" DONE, "pw\n1\n",
     PAM_SUCCESS, NOT_CALLED, "Q:Password: |Q:Token?|", NULL, NULL, NULL},
    /* the code does not reach PAM_AUTHTOK: the last module sends the password */
    {"auth required PW\nauth required OTP\nauth required PW use_first_pass",
     DUE "\n" DONE "\n" DONE, "pw\n123456\n", PAM_SUCCESS, NOT_CALLED, "Q:Password: |Q:Code: |",
     "factor=3 secret=123456", NULL, "factor=1 secret=123456"},
    /* a ticket is good for one organization */
    {"auth required PW\naccount required PW org=acme", DONE "ticket=F1\n" DONE, "pw\n", PAM_SUCCESS,
     PAM_SERVICE_ERR, "Q:Password: |", NULL, NULL, "factor=0"},
    {"auth required PW org=acme\naccount required PW", DONE "ticket=F1\n" DONE, "pw\n", PAM_SUCCESS,
     PAM_SERVICE_ERR, "Q:Password: |", NULL, NULL, "factor=0"},
    {"auth required PW org=acme\nauth required OTP org=other", DUE "\n" DONE, "pw\n1\n",
     PAM_SERVICE_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, "factor=3"},
    {"auth required PW org=acme\naccount required PW org=ACME", DONE "ticket=F1\n" DONE, "pw\n",
     PAM_SUCCESS, PAM_SUCCESS, "Q:Password: |", "factor=0 ticket=F1", NULL, NULL},
    /* PIN */
    {PIN_STACK, DONE "ticket=F1\n" DONE, "007\n", PAM_SUCCESS, PAM_SUCCESS, "Q:PIN: |",
     "verify user=alice organization=till factor=2 secret=007", "organization=till factor=0", NULL},
    {"auth required PIN\naccount required PIN", DONE, "007\n", PAM_SERVICE_ERR, PAM_SERVICE_ERR, "",
     NULL, NULL, "verify"},
    /* account */
    {PW_STACK, DONE "\nverify 53 state=3 text=Not%20a%20member.", "pw\n", PAM_SUCCESS,
     PAM_PERM_DENIED, "Q:Password: |E:Not a member.|", NULL, NULL, NULL},
    {PW_STACK, DONE "\nverify 53 state=4 text=Gone.", "pw\n", PAM_SUCCESS, PAM_ACCT_EXPIRED,
     "Q:Password: |E:Gone.|", NULL, NULL, NULL},
    {PW_STACK, DONE "\nverify 53 state=5 text=Lacks.", "pw\n", PAM_SUCCESS, PAM_PERM_DENIED,
     "Q:Password: |E:Lacks.|", NULL, NULL, NULL},
    {PW_STACK, DONE "\nverify 0 state=3", "pw\n", PAM_SUCCESS, PAM_SYSTEM_ERR, "Q:Password: |",
     NULL, NULL, NULL},
    {PW_STACK, DONE "\nresult 32", "pw\n", PAM_SUCCESS, PAM_USER_UNKNOWN, "Q:Password: |", NULL,
     NULL, NULL},
    {OTP_STACK, DONE "\nresult 32\nresult 32", "pw\n", PAM_SUCCESS, PAM_USER_UNKNOWN,
     "Q:Password: |", "factor=0 service", NULL, NULL},
    {OTP_STACK, DONE "\nresult 32", "pw\n", PAM_SUCCESS, PAM_PERM_DENIED, "Q:Password: |", NULL,
     NULL, NULL},
    {PW_STACK, DONE "\nresult 49", "pw\n", PAM_SUCCESS, PAM_AUTH_ERR, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, DONE "\nresult 16", "pw\n", PAM_SUCCESS, PAM_SYSTEM_ERR, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, DONE "\nresult 0", "pw\n", PAM_SUCCESS, PAM_AUTHINFO_UNAVAIL, "Q:Password: |", NULL,
     NULL, NULL},
    {PW_STACK, DONE "\nclose", "pw\n", PAM_SUCCESS, PAM_AUTHINFO_UNAVAIL, "Q:Password: |", NULL,
     NULL, NULL},
    /* the daemon fails */
    {PW_STACK, "close", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "half", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL, NULL},
    {PW_STACK, "garbage", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "huge", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL, NULL},
    {PW_STACK, "wrongid", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "result 0", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "result 51", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "result 52", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED, "Q:Password: |", NULL, NULL,
     NULL},
    {PW_STACK, "result 50", "pw\n", PAM_PERM_DENIED, NOT_CALLED, "Q:Password: |", NULL, NULL, NULL},
    {PW_STACK, "result 53", "pw\n", PAM_PERM_DENIED, NOT_CALLED, "Q:Password: |", NULL, NULL, NULL},
    {PW_STACK, "result 80", "pw\n", PAM_SYSTEM_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, NULL},
    {"auth required PW socket=/nowhere/ldapi", "", "pw\n", PAM_AUTHINFO_UNAVAIL, NOT_CALLED,
     "Q:Password: |", NULL, NULL, NULL},
    /* what is typed */
    {PW_STACK, DONE, "\n", PAM_AUTH_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, "verify"},
    {"auth required PW nullok", DONE, "\n", PAM_AUTH_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL,
     "verify"},
    {PW_STACK, DONE, "\b\r", PAM_SUCCESS, NOT_CALLED, "Q:Password: |", "factor=1", NULL, NULL},
    {PW_STACK, DONE, "NULL\n", PAM_CONV_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, "verify"},
    {PW_STACK, DONE, "", PAM_CONV_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, "verify"},
    /* first passes */
    {"auth required PW use_first_pass", DONE, "pw\n", PAM_AUTH_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth optional PW\nauth required PW use_first_pass", "result 49\nresult 49", "pw\nother\n",
     PAM_AUTH_ERR, NOT_CALLED, "Q:Password: |", NULL, NULL, "other"},
    {"auth optional PW\nauth required PW try_first_pass", "result 49\nresult 49\n" DONE,
     "pw\nother\n", PAM_SUCCESS, NOT_CALLED, "Q:Password: |Q:Password: |", "secret=pw",
     "secret=other", NULL},
    {"auth optional PW\nauth required PW try_first_pass", "result 49\n" DONE, "pw\nother\n",
     PAM_SUCCESS, NOT_CALLED, "Q:Password: |", "secret=pw", NULL, "other"},
    {"auth optional PW\nauth required PW", "result 49\n" DONE, "pw\nother\n", PAM_SUCCESS,
     NOT_CALLED, "Q:Password: |Q:Password: |", "secret=pw", "secret=other", NULL},
    /* a later failure takes back what an earlier module had */
    {"auth optional PW\nauth optional PW\nauth required OTP", DUE "\nresult 49", "pw\nno\n",
     PAM_AUTH_ERR, NOT_CALLED, "Q:Password: |Q:Password: |", NULL, NULL, "factor=3"},
    /* options */
    {"auth required PW frobnicate", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW nullok_secure", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW org=", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL, "verify"},
    {"auth required PW timeout=0", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW timeout=1s", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW minimum_uid=-1", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW socket=run/ldapi", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required OTP use_first_pass", DONE, "pw\n", PAM_SERVICE_ERR, NOT_CALLED, "", NULL, NULL,
     "verify"},
    {"auth required PW minimum_uid=1000", DONE, "pw\n", PAM_SUCCESS, NOT_CALLED, "Q:Password: |",
     NULL, NULL, NULL},
};

static void login_run(const struct login *login, int flags, const char *said)
{
    struct session session;
    int rc;

    session_start(&session, login->stack, login->steps, "alice", login->replies);
    pam_set_item(session.pamh, PAM_TTY, "tty9");
    pam_set_item(session.pamh, PAM_RHOST, "far.example");
    rc = pam_authenticate(session.pamh, flags);
    if (rc != login->auth)
        fail_msg("%s\n%s\nauth: %s", login->stack, login->steps, pam_strerror(NULL, rc));
    if (login->account != NOT_CALLED) {
        rc = pam_acct_mgmt(session.pamh, flags);
        if (rc != login->account)
            fail_msg("%s\n%s\naccount: %s", login->stack, login->steps, pam_strerror(NULL, rc));
    }
    if (strcmp(session.talk.said, said) != 0)
        fail_msg("%s\n%s\nsaid: %s", login->stack, login->steps, session.talk.said);
    if ((login->asked != NULL && !fake_was_asked(&session.fake, login->asked)) ||
        (login->asked_too != NULL && !fake_was_asked(&session.fake, login->asked_too)))
        fail_msg("%s\n%s\nasked: %s", login->stack, login->steps, fake_asked(&session.fake));
    if (login->unasked != NULL && strstr(fake_asked(&session.fake), login->unasked) != NULL)
        fail_msg("%s\n%s\nasked: %s", login->stack, login->steps, fake_asked(&session.fake));
    session_stop(&session);
}

static void test_logins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++)
        login_run(&logins[i], 0, logins[i].said);
}

/* Silence leaves the questions. */
static void test_silent(void **state)
{
    static const struct login login = {
        .stack = OTP_STACK,
        .steps = DUE "means=1\nchallenge 0 destination=a***@x\nverify 49 text=no",
        .replies = "pw\n1\n",
        .auth = PAM_AUTH_ERR,
        .account = PAM_PERM_DENIED,
    };

    (void)state;
    login_run(&login, PAM_SILENT, "Q:Password: |Q:Code: |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
