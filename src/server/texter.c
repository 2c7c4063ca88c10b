/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/texter.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/daemon.h"
#include "server/mailer.h"

#include <string.h>

/* An SMS ends without the end of its last line. */
static void trim(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
}

/* On the SMS pool. */
static void texter_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    struct login *login = &attempt->login;
    char *subject = NULL, *text = NULL, error[SMS_ERROR_MAX] = "", quoted[LOG_QUOTE_MAX];
    int rc = clock_monotonic_ms() < attempt->send_until_ms ? 0 : E_BUSY;

    attempt->ran = true;
    if (rc == 0 && !sms_configured(&attempt->delivery->gateway))
        rc = E_MAIL; /* a reload took it away meanwhile */
    if (rc == 0)
        rc = mailer_code_text(attempt, "code-sms", &subject, &text);
    if (rc == 0) {
        trim(text);
        rc = sms_send(&attempt->delivery->gateway, login->destination, text,
                      &job->loop->daemon->stopping, error, sizeof(error));
    }
    template_text_free(subject);
    template_text_free(text);
    if (rc == 0)
        return;
    log_error("a code could not be sent by SMS: %s",
              log_quote(slice_of(error[0] != '\0' ? error : err_text(rc)), quoted));
    (void)login_challenge_fallback(&attempt->settings->login, login);
}

static void texter_done(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    struct login *login = &attempt->login;

    if (!attempt->ran)
        login_answer(login, E_UNAVAIL, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
    else if (login->err == 0 && login->means != MEANS_SMS) {
        mailer_send(attempt);
        return;
    }
    attempt_answer(attempt);
}

void texter_send(struct attempt *attempt)
{
    struct daemon *daemon = attempt->job.loop->daemon;

    attempt->delivery = mailer_delivery(daemon->mailer);
    attempt->send_until_ms = clock_monotonic_ms() + attempt->delivery->gateway.timeout_ms;
    mailer_pass(attempt, daemon->sms_pool, texter_run, texter_done);
}
