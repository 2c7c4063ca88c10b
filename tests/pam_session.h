/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The three modules in the real libpam against a scripted daemon, with a conversation that answers
 * as the test says and writes down what was said. A stack is written with PW, PIN and OTP for the
 * modules; they lie in $USHER_PAM_DIR (default pam/.libs). Works in cmocka tests only, since it
 * asserts.
 */
#ifndef USHER_TESTS_PAM_SESSION_H
#define USHER_TESTS_PAM_SESSION_H

#include "fake.h"

#include <security/pam_appl.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TALK_MAX     4096

#define PW_STACK "auth required PW\naccount required PW"

/* Steps of the daemon. */
#define DUE  "verify 8 state=1 ticket=T1 "
#define DONE "verify 0 state=0 "

struct talk {
    const char *replies; /* a line for each question; afterwards the conversation fails */
    const char *always;  /* instead: the reply to every question, line breaks and all */
    char said[TALK_MAX]; /* "Q:question|" "I:information|" "E:error|" */
};

struct session {
    struct fake fake;
    struct talk talk;
    struct pam_conv conv;
    pam_handle_t *pamh;
};

/* Starts a daemon with these steps and libpam with this stack, for user. */
void session_start(struct session *session, const char *stack, const char *steps, const char *user,
                   const char *replies);
void session_stop(struct session *session);

/* The folder of the modules. */
const char *modules_folder(void);

#endif
