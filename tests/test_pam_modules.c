/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The three modules in the real libpam against a scripted daemon: each option, each return code,
 * each way in which the daemon can fail. A stack is written with PW, PIN and OTP for the modules;
 * they lie in $USHER_PAM_DIR (default pam/.libs).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fake.h"

#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TALK_MAX     4096
#define NOT_CALLED   (-1)
#define HANGING      12 /* modules and calls: if each waited its second, it would show */

struct talk {
    const char *replies; /* a line for each question; afterwards the conversation fails */
    const char *always;  /* instead: the reply to every question, line breaks and all */
    char said[TALK_MAX]; /* "Q:question|" "I:information|" "E:error|" */
};

static const char *modules_folder(void)
{
    const char *folder = getenv("USHER_PAM_DIR");
    static char path[4096];

    assert_non_null(realpath(folder != NULL ? folder : "pam/.libs", path));
    return path;
}

static void talk_said(struct talk *talk, char kind, const char *text)
{
    size_t used = strlen(talk->said);

    (void)snprintf(talk->said + used, sizeof(talk->said) - used, "%c:%s|", kind, text);
}

/* "NULL" for a line: no error and no reply either, which some programs do. */
static int talk_answer(struct talk *talk, struct pam_response *ret)
{
    size_t len = strcspn(talk->replies, "\n");

    if (talk->always != NULL) {
        ret->resp = strdup(talk->always);
        assert_non_null(ret->resp);
        return PAM_SUCCESS;
    }
    if (*talk->replies == '\0')
        return PAM_CONV_ERR;
    if (strncmp(talk->replies, "NULL\n", 5) != 0) {
        ret->resp = strndup(talk->replies, len);
        assert_non_null(ret->resp);
    }
    talk->replies += len + (talk->replies[len] == '\n');
    return PAM_SUCCESS;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
                    void *context)
{
    struct pam_response *responses = calloc((size_t)count, sizeof(*responses));
    int rc = PAM_SUCCESS;

    assert_non_null(responses);
    for (int i = 0; i < count && rc == PAM_SUCCESS; i++) {
        int style = messages[i]->msg_style;

        talk_said(context,
                  style == PAM_TEXT_INFO   ? 'I'
                  : style == PAM_ERROR_MSG ? 'E'
                                           : 'Q',
                  messages[i]->msg);
        if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON)
            rc = talk_answer(context, &responses[i]);
    }
    if (rc != PAM_SUCCESS) {
        free(responses);
        return rc;
    }
    *ret = responses;
    return PAM_SUCCESS;
}

/* The service file: PW, PIN and OTP become paths, each with the fake's socket= and a time limit for
 * a machine that stalls, unless there is one. */
static void stack_write(const struct fake *fake, const char *stack)
{
    static const struct {
        const char *word, *file;
    } words[] = {{"PW", "password"}, {"PIN", "pin"}, {"OTP", "otp"}};
    char path[FAKE_PATH_MAX], text[8192] = "";
    const char *next = stack;

    while (*next != '\0') {
        size_t len = strcspn(next, " \n"), used = strlen(text), word = 0;

        while (word < COUNT(words) &&
               (len != strlen(words[word].word) || strncmp(next, words[word].word, len) != 0))
            word++;
        if (word < COUNT(words))
            (void)snprintf(text + used, sizeof(text) - used,
                           "%s/pam_usher_%s.so socket=%s timeout=60", modules_folder(),
                           words[word].file, fake->socket);
        else
            (void)snprintf(text + used, sizeof(text) - used, "%.*s", (int)len, next);
        next += len;
        used = strlen(text);
        if (*next != '\0')
            text[used] = *next++;
    }
    strcat(text, "\n");
    (void)snprintf(path, sizeof(path), "%s/test", fake->folder);
    fake_write(path, text);
}

struct session {
    struct fake fake;
    struct talk talk;
    struct pam_conv conv;
    pam_handle_t *pamh;
};

static void session_start(struct session *session, const char *stack, const char *steps,
                          const char *user, const char *replies)
{
    *session = (struct session){.talk = {.replies = replies}};
    fake_start(&session->fake, steps);
    stack_write(&session->fake, stack);
    session->conv = (struct pam_conv){converse, &session->talk};
    assert_int_equal(
        pam_start_confdir("test", user, &session->conv, session->fake.folder, &session->pamh),
        PAM_SUCCESS);
}

static void session_stop(struct session *session)
{
    assert_int_equal(pam_end(session->pamh, PAM_SUCCESS), PAM_SUCCESS);
    fake_stop(&session->fake);
}

#define PW_STACK  "auth required PW\naccount required PW"
#define OTP_STACK "auth required PW org=acme\nauth required OTP\naccount required PW org=acme"
#define PIN_STACK "auth required PIN org=till\naccount required PIN org=till"
#define DUE       "verify 8 state=1 ticket=T1 "
#define DONE      "verify 0 state=0 "

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

/* What sshd types for a user that it does not know, as long as what was really typed, is refused
 * and not counted; a password that only begins so is asked about. */
static void test_sshd_junk(void **state)
{
    static const struct {
        const char *typed;
        int rc;
    } cases[] = {
        {"\b", PAM_AUTH_ERR},
        {"\b\n\r\177INC", PAM_AUTH_ERR},
        {"\b\n\r\177INCORRECT", PAM_AUTH_ERR},
        {"\b\n\r\177INCORRECT\b\n\r\177IN", PAM_AUTH_ERR},
        {"\b\n\r\177INCORRECT!", PAM_SUCCESS},
        {"INCORRECT", PAM_SUCCESS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct session session;

        session_start(&session, "auth required PW", DONE, "alice", "");
        session.talk.always = cases[i].typed;
        assert_int_equal(pam_authenticate(session.pamh, 0), cases[i].rc);
        assert_int_equal(strstr(fake_asked(&session.fake), "verify") != NULL,
                         cases[i].rc == PAM_SUCCESS);
        session_stop(&session);
    }
}

static void test_minimum_uid(void **state)
{
    struct session session;

    (void)state;
    session_start(&session,
                  "auth required PW minimum_uid=1000\naccount required PW minimum_uid=1000\n"
                  "password required PW minimum_uid=1000",
                  DONE, "root", "pw\n");
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_USER_UNKNOWN);
    assert_int_equal(pam_acct_mgmt(session.pamh, 0), PAM_USER_UNKNOWN);
    assert_int_equal(pam_chauthtok(session.pamh, 0), PAM_USER_UNKNOWN);
    assert_string_equal(session.talk.said, "");
    assert_string_equal(fake_asked(&session.fake), "");
    session_stop(&session);
}

static void test_setcred(void **state)
{
    struct session session;

    (void)state;
    session_start(&session, "auth required PW frobnicate\nauth required PIN\nauth required OTP x",
                  "", "alice", "");
    assert_int_equal(pam_setcred(session.pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_setcred(session.pamh, PAM_DELETE_CRED), PAM_SUCCESS);
    session_stop(&session);
}

/* What one user has proved is nothing to the next. */
static void test_other_user(void **state)
{
    struct session session;

    (void)state;
    session_start(&session, PW_STACK, DUE "\n" DONE, "alice", "pw\n");
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_set_item(session.pamh, PAM_USER, "bob"), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(session.pamh, 0), PAM_SUCCESS);
    assert_true(fake_was_asked(&session.fake, "verify user=bob factor=0 service"));
    session_stop(&session);
    session_start(&session, "auth sufficient OTP\nauth required PW", DUE "\nresult 49", "alice",
                  "pw\nno\n1\n");
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_set_item(session.pamh, PAM_USER, "bob"), PAM_SUCCESS);
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_AUTH_ERR);
    assert_null(strstr(fake_asked(&session.fake), "factor=3"));
    session_stop(&session);
}

/* One limit for the stack; a second hung module adds nothing; a rest gives the time anew. */
static void test_deadline(void **state)
{
    char stack[64 * HANGING] = "";
    struct session session;
    int64_t start;

    (void)state;
    for (int i = 1; i < HANGING; i++)
        strcat(stack, "auth optional PW timeout=1\n");
    strcat(stack, "auth required PW timeout=1 try_first_pass");
    session_start(&session, stack, "hang\nagain", "alice", "");
    session.talk.always = "pw";
    start = clock_monotonic_ms();
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_AUTHINFO_UNAVAIL);
    assert_in_range(clock_monotonic_ms() - start, 1000, 1000 * HANGING - 1);
    start = clock_monotonic_ms();
    for (int i = 0; i < HANGING; i++)
        assert_int_equal(pam_authenticate(session.pamh, 0), PAM_AUTHINFO_UNAVAIL);
    assert_true(clock_monotonic_ms() - start < 1000 * HANGING);
    assert_int_equal(pam_end(session.pamh, 0), PAM_SUCCESS);
    assert_int_equal(
        pam_start_confdir("test", "alice", &session.conv, session.fake.folder, &session.pamh),
        PAM_SUCCESS);
    session_stop(&session);
}

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

static bool listed(const char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* What a module exports, and what it must not use: it is a guest in somebody else's process. */
static void test_symbols(void **state)
{
    static const char *const forbidden[] = {
        "exit",        "abort", "signal", "sigaction", "setlocale",
        "printf",      "puts",  "syslog", "openlog",   "pthread_create",
        "getaddrinfo", "fork",  "system", "mem_alloc", NULL};
    static const char *const expected[] = {"pam_sm_authenticate", "pam_sm_setcred",
                                           "pam_sm_acct_mgmt", "pam_sm_chauthtok", NULL};
    static const struct {
        const char *file;
        int exports;
    } modules[] = {{"password", 4}, {"pin", 4}, {"otp", 2}};

    (void)state;
    for (size_t i = 0; i < COUNT(modules); i++) {
        char path[4200], command[4300], kind, name[256];
        int exports = 0, lines = 0;
        void *handle;
        FILE *list;

        snprintf(path, sizeof(path), "%s/pam_usher_%s.so", modules_folder(), modules[i].file);
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL)
            fail_msg("%s", dlerror());
        assert_non_null(dlsym(handle, "pam_sm_authenticate"));
        dlclose(handle);
        snprintf(command, sizeof(command), "nm -D --without-symbol-versions '%s'", path);
        list = popen(command, "r");
        assert_non_null(list);
        while (fgets(path, sizeof(path), list) != NULL) {
            const char *text = path + strspn(path, "0123456789abcdef ");

            assert_int_equal(sscanf(text, "%c %255s", &kind, name), 2);
            lines++;
            if (kind == 'U' && listed(forbidden, name))
                fail_msg("%s uses %s", modules[i].file, name);
            if (strchr("TDBRVW", kind) != NULL && strncmp(name, "__", 2) != 0) {
                if (!listed(expected, name))
                    fail_msg("%s exports %s", modules[i].file, name);
                exports++;
            }
        }
        assert_int_equal(pclose(list), 0);
        assert_true(lines > 10);
        assert_int_equal(exports, modules[i].exports);
    }
}

/* Options at their bounds and beyond; a user name and a language that are too long. */
static void test_bounds(void **state)
{
    static const struct {
        const char *option;
        size_t len; /* of its value, letters; 0: option has it */
        int rc;
    } cases[] = {
        {"org=", 64, PAM_SUCCESS},
        {"org=", 65, PAM_SERVICE_ERR},
        {"permission=", 512, PAM_SUCCESS},
        {"permission=", 513, PAM_SERVICE_ERR},
        {"authtok_prompt=", 257, PAM_SERVICE_ERR},
        {"socket=/", 107, PAM_SERVICE_ERR},
        {"timeout=600", 0, PAM_SUCCESS},
        {"timeout=601", 0, PAM_SERVICE_ERR},
        {"minimum_uid=4294967296", 0, PAM_SERVICE_ERR},
    };
    char text[4096], letters[600];
    struct session session;

    (void)state;
    memset(letters, 'a', sizeof(letters));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "auth required PW %s%.*s", cases[i].option, (int)cases[i].len,
                 letters);
        session_start(&session, text, "verify 0 state=0", "alice", "pw\n");
        if (pam_authenticate(session.pamh, 0) != cases[i].rc)
            fail_msg("%s", text);
        session_stop(&session);
    }
    for (size_t len = 2048; len <= 2049; len++) { /* of a ticket */
        snprintf(text, sizeof(text), "verify 0 state=0 ticket=%0*d", (int)len, 1);
        session_start(&session, "auth required PW", text, "alice", "pw\n");
        assert_int_equal(pam_authenticate(session.pamh, 0),
                         len == 2048 ? PAM_SUCCESS : PAM_SYSTEM_ERR);
        session_stop(&session);
    }
    for (size_t len = 256; len <= 257; len++) {
        snprintf(text, sizeof(text), "%.*s", (int)len, letters);
        session_start(&session, "auth required PW", "verify 0 state=0", text, "pw\n");
        assert_int_equal(pam_authenticate(session.pamh, 0),
                         len == 256 ? PAM_SUCCESS : PAM_USER_UNKNOWN);
        session_stop(&session);
    }
    for (size_t len = 15; len <= 16; len++) {
        snprintf(text, sizeof(text), "LANG=%.*s.UTF-8", (int)len, letters);
        session_start(&session, "auth required PW", "verify 0 state=0", "alice", "pw\n");
        assert_int_equal(pam_putenv(session.pamh, text), PAM_SUCCESS);
        assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
        assert_int_equal(strstr(fake_asked(&session.fake), "language=aaa") != NULL, len == 15);
        session_stop(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),      cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_logins),      cmocka_unit_test(test_silent),
        cmocka_unit_test(test_sshd_junk),   cmocka_unit_test(test_minimum_uid),
        cmocka_unit_test(test_setcred),     cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_deadline),    cmocka_unit_test(test_changes),
        cmocka_unit_test(test_must_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
