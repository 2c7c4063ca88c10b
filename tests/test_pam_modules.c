/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The PAM modules as guests in a foreign process: what they export and use, their options at the
 * bounds, the time that a stack may take, and what is left to other modules. Logins stand in
 * test_pam_logins.c, changes in test_pam_changes.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "pam_session.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT    512 /* bytes of a text for the user, terminated */
#define HANGING 12  /* modules and calls: if each waited its second, it would show */

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

/* A conversation is the host's own code, and may set the user. */
static int converse_as_bob(int count, const struct pam_message **messages,
                           struct pam_response **ret, void *context)
{
    struct session *session = context;
    struct pam_response *responses = calloc((size_t)count, sizeof(*responses));

    (void)messages;
    assert_non_null(responses);
    assert_int_equal(pam_set_item(session->pamh, PAM_USER, "bob"), PAM_SUCCESS);
    responses[0].resp = strdup("pw");
    *ret = responses;
    return PAM_SUCCESS;
}

/* What was begun about one user is not asked about another, nor about freed memory, and lets in
 * neither. */
static void test_user_set_meanwhile(void **state)
{
    struct session session;
    struct pam_conv conv = {converse_as_bob, &session};

    (void)state;
    session_start(&session, PW_STACK, DONE "ticket=F1\n" DONE, "alice", "");
    assert_int_equal(pam_set_item(session.pamh, PAM_CONV, &conv), PAM_SUCCESS);
    assert_int_equal(pam_authenticate(session.pamh, 0), PAM_SYSTEM_ERR);
    assert_true(fake_was_asked(&session.fake, "verify user=alice factor=1 secret=pw"));
    assert_int_equal(pam_acct_mgmt(session.pamh, 0), PAM_SUCCESS);
    assert_true(fake_was_asked(&session.fake, "verify user=bob factor=0 service"));
    assert_null(strstr(fake_asked(&session.fake), "F1"));
    session_stop(&session);
}

/* An application that cannot answer yet calls again, and the stack goes on where it was. */
static void test_conversation_later(void **state)
{
    static const struct {
        int (*call)(pam_handle_t *pamh, int flags);
        const char *stack, *steps, *replies;
        int later; /* times that it cannot */
    } cases[] = {
        {pam_authenticate, "auth required PW", DONE, "LATER\npw\n", 1},
        {pam_authenticate, "auth required PW", DONE, "LATER\nLATER\npw\n", 2},
        {pam_authenticate, "auth required PIN org=till", DONE, "LATER\n1111\n", 1},
        {pam_authenticate, "auth required PW\nauth required OTP", DUE "means=3\n" DONE,
         "LATER\npw\nLATER\n123456\n", 2},
        {pam_chauthtok, "password required PW", DONE "\n" DONE "\n" DONE "\nresult 0",
         "LATER\nold\nnew\nnew\n", 1},
        {pam_chauthtok, "password required PW", DONE "\n" DONE "\nresult 0",
         "old\nLATER\nnew\nLATER\nnew\nnew\n", 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct session session;
        int later = 0, rc;

        session_start(&session, cases[i].stack, cases[i].steps, "alice", cases[i].replies);
        while ((rc = cases[i].call(session.pamh, 0)) == PAM_INCOMPLETE)
            later++;
        if (rc != PAM_SUCCESS || later != cases[i].later)
            fail_msg("case %zu: %s, %d times later", i, pam_strerror(NULL, rc), later);
        session_stop(&session);
    }
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
    for (size_t len = 255; len <= 256; len++) { /* of a user name */
        snprintf(text, sizeof(text), "%.*s", (int)len, letters);
        session_start(&session, "auth required PW", "verify 0 state=0", text, "pw\n");
        assert_int_equal(pam_authenticate(session.pamh, 0),
                         len == 255 ? PAM_SUCCESS : PAM_USER_UNKNOWN);
        session_stop(&session);
    }
    for (size_t len = 1024; len <= 1025; len++) { /* of a secret */
        snprintf(text, sizeof(text), "%0*d", (int)len, 1);
        session_start(&session, "auth required PW", "verify 0 state=0", "alice", "");
        session.talk.always = text;
        assert_int_equal(pam_authenticate(session.pamh, 0),
                         len == 1024 ? PAM_SUCCESS : PAM_AUTH_ERR);
        assert_int_equal(strstr(fake_asked(&session.fake), "verify") != NULL, len == 1024);
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

/* A text for the user that is longer than its place is cut between two characters. */
static void test_long_text(void **state)
{
    struct session session;
    char text[4096];
    size_t len;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), "verify 49 state=0 text=%s", i == 0 ? "" : "x");
        while (strlen(text) < 3600)
            strcat(text, "%c3%bc");
        session_start(&session, "auth required PW", text, "alice", "pw\n");
        assert_int_not_equal(pam_authenticate(session.pamh, 0), PAM_SUCCESS);
        text[0] = '\0';
        assert_non_null(strstr(session.talk.said, "|E:"));
        strcpy(text, strstr(session.talk.said, "|E:") + 3);
        text[strcspn(text, "|")] = '\0';
        len = strlen(text);
        assert_true(len < TEXT && len > TEXT - 3);
        assert_string_equal(text + len - 5, "\xc3\xbc...");
        session_stop(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_sshd_junk),
        cmocka_unit_test(test_minimum_uid),
        cmocka_unit_test(test_setcred),
        cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_user_set_meanwhile),
        cmocka_unit_test(test_conversation_later),
        cmocka_unit_test(test_long_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
