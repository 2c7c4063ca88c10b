/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pam_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *modules_folder(void)
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

/* "NULL" for a line: no error and no reply either, which some programs do. "LATER": ask again. */
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
    if (strncmp(talk->replies, "LATER\n", 6) == 0) {
        talk->replies += len + 1;
        return PAM_CONV_AGAIN;
    }
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

void session_start(struct session *session, const char *stack, const char *steps, const char *user,
                   const char *replies)
{
    *session = (struct session){.talk = {.replies = replies}};
    fake_start(&session->fake, steps);
    stack_write(&session->fake, stack);
    session->conv = (struct pam_conv){converse, &session->talk};
    assert_int_equal(
        pam_start_confdir("test", user, &session->conv, session->fake.folder, &session->pamh),
        PAM_SUCCESS);
}

void session_stop(struct session *session)
{
    assert_int_equal(pam_end(session->pamh, PAM_SUCCESS), PAM_SUCCESS);
    fake_stop(&session->fake);
}
