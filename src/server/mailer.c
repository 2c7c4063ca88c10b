/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/mailer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "notify/qr.h"
#include "secret/code.h"
#include "secret/token.h"
#include "server/daemon.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000

/* Which mail tells of what, and for how long it is worth telling. */
static const struct {
    const char *kind;
    int64_t lifetime_ms;
} notices[NOTICES] = {
    [NOTICE_PASSWORD] = {"password-changed", 3 * DAY_MS},
    [NOTICE_PIN] = {"pin-changed", 3 * DAY_MS},
    [NOTICE_APP] = {"app-confirmed", 3 * DAY_MS},
    [NOTICE_APP_GONE] = {"app-removed", 3 * DAY_MS},
    [NOTICE_RECOVERY] = {"recovery-used", 3 * DAY_MS},
    [NOTICE_ENROLL] = {"enroll", ENROLMENT_LIFETIME_MS},
};

struct mailer {
    const char *folder; /* of the queue */
    pthread_mutex_t lock;
    struct delivery *delivery; /* in force */
    struct outbox *outbox;     /* NULL: none; once there is one it stays */
    /* Of the last code that the mail server was asked to take: how long that took, and whether it
     * was not taken. */
    _Atomic int64_t code_ns;
    _Atomic bool code_refused;
};

/* Tells the queue, or opens it once there is a mail server. Without it the daemon serves on: logins
 * matter more. What could have been queued is then refused or, for notices, not sent. */
static void mailer_queue(struct mailer *mailer, struct delivery *delivery)
{
    struct outbox *outbox = mailer->outbox; /* written here alone */

    if (outbox != NULL) {
        outbox_adopt(outbox, delivery);
        return;
    }
    if (!delivery_mails(delivery))
        return;
    if (outbox_open(mailer->folder, delivery, &outbox) < 0) {
        log_error("there is no mail queue: notices are not sent");
        return;
    }
    pthread_mutex_lock(&mailer->lock);
    mailer->outbox = outbox;
    pthread_mutex_unlock(&mailer->lock);
}

int mailer_open(const struct conf *conf, struct mailer **ret)
{
    struct delivery *delivery = NULL;
    struct mailer *mailer;
    int rc = mail_init();

    if (rc == 0)
        rc = delivery_open(conf, &delivery);
    if (rc < 0)
        return rc;
    mailer = mem_alloc(sizeof(*mailer));
    pthread_mutex_init(&mailer->lock, NULL);
    mailer->folder = conf_string(conf, "mail.queue");
    mailer->delivery = delivery;
    mailer_queue(mailer, delivery);
    *ret = mailer;
    return 0;
}

void mailer_close(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    outbox_close(mailer->outbox);
    delivery_release(mailer->delivery);
    pthread_mutex_destroy(&mailer->lock);
    free(mailer);
}

void mailer_adopt(struct mailer *mailer, struct delivery *delivery)
{
    struct delivery *old;

    pthread_mutex_lock(&mailer->lock);
    old = mailer->delivery;
    mailer->delivery = delivery;
    pthread_mutex_unlock(&mailer->lock);
    mailer_queue(mailer, delivery);
    delivery_release(old);
}

struct delivery *mailer_delivery(struct mailer *mailer)
{
    struct delivery *delivery;

    pthread_mutex_lock(&mailer->lock);
    delivery = delivery_share(mailer->delivery);
    pthread_mutex_unlock(&mailer->lock);
    return delivery;
}

/* NULL: there is none. It lives as long as the mailer. */
static struct outbox *mailer_outbox(struct mailer *mailer)
{
    struct outbox *outbox;

    pthread_mutex_lock(&mailer->lock);
    outbox = mailer->outbox;
    pthread_mutex_unlock(&mailer->lock);
    return outbox;
}

/* The template's value for one that may be empty. */
static const char *or_else(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

int mailer_code_text(const struct attempt *attempt, const char *kind, char **ret_subject,
                     char **ret_body)
{
    const struct login *login = &attempt->login;
    char minutes[8];
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"code", login->code},
        {"minutes", minutes},
        {"organization", or_else(login->organization, attempt->settings->login.issuer)},
    };

    (void)snprintf(minutes, sizeof(minutes), "%d", CODE_LIFETIME_MS / 60000);
    return template_fill(attempt->delivery->templates, kind, or_else(login->mail_language, "en"),
                         values, sizeof(values) / sizeof(values[0]), ret_subject, ret_body);
}

/* Mails the attempt's code. What became of it will become of codes for nobody. */
static int mailer_mail(struct attempt *attempt, struct mailer *mailer, char *errbuf, size_t size)
{
    int64_t start_ns = clock_monotonic_ns();
    char *subject = NULL, *body = NULL;
    bool reached = false;
    int rc = mailer_code_text(attempt, "code", &subject, &body);

    if (rc == 0)
        rc = mail_send(
            &attempt->delivery->server,
            &(struct mail){.to = attempt->login.destination, .subject = subject, .body = body},
            &reached, errbuf, size);
    template_text_free(subject);
    template_text_free(body);
    if (reached) { /* else everybody will see for themselves */
        atomic_store(&mailer->code_ns, clock_monotonic_ns() - start_ns);
        atomic_store(&mailer->code_refused, rc < 0);
    }
    return rc;
}

/* Nobody's code: as much of a mail as there can be; the rest is as it last was for somebody. */
static int mailer_pretend(struct attempt *attempt, struct mailer *mailer, char *errbuf, size_t size)
{
    int64_t start_ns = clock_monotonic_ns();
    int rc = mail_probe(&attempt->delivery->server, errbuf, size);

    if (rc < 0)
        return rc;
    attempt->ready_ns = start_ns + atomic_load(&mailer->code_ns);
    return atomic_load(&mailer->code_refused) ? E_MAIL : 0;
}

/* On the mail pool. */
static void mailer_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    struct login *login = &attempt->login;
    struct mailer *mailer = job->loop->daemon->mailer;
    char error[MAIL_ERROR_MAX] = "", quoted[LOG_QUOTE_MAX];
    int rc = delivery_mails(attempt->delivery) ? 0 : E_MAIL;

    attempt->ran = true;
    if (rc == 0 && clock_monotonic_ms() >= attempt->send_until_ms)
        rc = E_BUSY; /* it has waited behind others for as long as it might take to be sent */
    if (rc == 0 && login->destination[0] != '\0')
        rc = mailer_mail(attempt, mailer, error, sizeof(error));
    else if (rc == 0)
        rc = mailer_pretend(attempt, mailer, error, sizeof(error));
    if (rc == 0)
        return;
    log_error("a code could not be mailed: %s",
              log_quote(slice_of(error[0] != '\0' ? error : err_text(rc)), quoted));
    login_challenge_failed(&attempt->settings->login, login);
}

static void mailer_done(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    if (!attempt->ran)
        login_answer(&attempt->login, E_UNAVAIL, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
    attempt_answer(attempt);
}

void mailer_send(struct attempt *attempt)
{
    struct daemon *daemon = attempt->job.loop->daemon;

    if (attempt->delivery == NULL)
        attempt->delivery = mailer_delivery(daemon->mailer);
    attempt->send_until_ms = clock_monotonic_ms() + attempt->delivery->server.timeout_ms;
    mailer_pass(attempt, daemon->mail_pool, mailer_run, mailer_done);
}

/* On the store pool. */
static void refused_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    login_challenge_failed(&attempt->settings->login, &attempt->login);
}

static void refused_done(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    login_answer(&attempt->login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
    attempt_answer(attempt);
}

void mailer_pass(struct attempt *attempt, struct workers *pool, void (*run)(struct job *job),
                 void (*done)(struct job *job))
{
    struct job *job = &attempt->job;
    struct daemon *daemon = job->loop->daemon;

    attempt->ran = false;
    job->run = run;
    job->done = done;
    job->key = 0;
    if (atomic_load(&daemon->stopping)) { /* the pools may be gone */
        done(job);
        return;
    }
    if (workers_submit(pool, job) == 0)
        return;
    job->run = refused_run;
    job->done = refused_done;
    job->key = attempt->login.key;
    if (workers_submit(daemon->store_pool, job) < 0) {
        log_warning("a challenge whose code was not sent stays, its minute runs: too much to do");
        refused_done(job);
    }
}

/* A time (ms since 1970) for people: "2026-11-21 18:30 UTC". */
static void mailer_time(int64_t ms, char ret[CLOCK_TEXT_MAX])
{
    char text[CLOCK_TEXT_MAX]; /* 20261121183000Z */

    (void)clock_format(ms, text);
    (void)snprintf(ret, CLOCK_TEXT_MAX, "%.4s-%.2s-%.2s %.2s:%.2s UTC", text, text + 4, text + 6,
                   text + 8, text + 10);
}

void mailer_notice(struct mailer *mailer, const struct login_context *context,
                   const struct login *login)
{
    char *subject = NULL, *body = NULL, time_text[CLOCK_TEXT_MAX], left[16];
    const char *kind = notices[login->notice].kind;
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"organization", or_else(login->organization, context->issuer)},
        {"time", time_text},
        {"left", left},
    };
    struct delivery *delivery = mailer_delivery(mailer);
    struct outbox *outbox = mailer_outbox(mailer);
    int rc;

    if (!delivery->notices || !delivery_mails(delivery) || outbox == NULL)
        goto out;
    mailer_time(clock_now_ms(), time_text);
    (void)snprintf(left, sizeof(left), "%u", login->recovery_left);
    rc = template_fill(delivery->templates, kind, or_else(login->mail_language, "en"), values,
                       sizeof(values) / sizeof(values[0]), &subject, &body);
    if (rc == 0)
        (void)outbox_put(outbox, kind,
                         &(struct mail){.to = login->destination, .subject = subject, .body = body},
                         (struct slice){0}, notices[login->notice].lifetime_ms, false);
    else
        log_error("a notice (%s) cannot be written: %s", kind, err_text(rc));
    template_text_free(subject);
    template_text_free(body);
out:
    delivery_release(delivery);
}

/* The key of an otpauth URI, for people to type. ret has size bytes. */
static void uri_key(const char *uri, char *ret, size_t size)
{
    const char *key = strstr(uri, "secret=");

    ret[0] = '\0';
    if (key != NULL) {
        key += strlen("secret=");
        (void)snprintf(ret, size, "%.*s", (int)strcspn(key, "&"), key);
    }
}

/* The mail of an enrolment: its picture and its key. */
static int mailer_put_enroll(struct outbox *outbox, const struct delivery *delivery,
                             const char *issuer, const struct login *login)
{
    char *subject = NULL, *body = NULL, minutes[16], key[TEMPLATE_VALUE_MAX + 1];
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"organization", issuer},
        {"minutes", minutes},
        {"key", key},
    };
    struct buffer png;
    int rc;

    buffer_init(&png);
    (void)snprintf(minutes, sizeof(minutes), "%d", ENROLMENT_LIFETIME_MS / 60000);
    uri_key(login->uri, key, sizeof(key));
    rc = qr_png(login->uri, &png);
    if (rc == 0)
        rc = template_fill(delivery->templates, "enroll", or_else(login->mail_language, "en"),
                           values, sizeof(values) / sizeof(values[0]), &subject, &body);
    if (rc == 0)
        rc = outbox_put(outbox, "enroll",
                        &(struct mail){.to = login->destination, .subject = subject, .body = body},
                        buffer_slice(&png), ENROLMENT_LIFETIME_MS, true);
    mem_wipe(key, sizeof(key));
    buffer_clear(&png);
    template_text_free(subject);
    template_text_free(body);
    return rc;
}

void mailer_enroll(struct mailer *mailer, const struct login_context *context, struct login *login)
{
    struct delivery *delivery = mailer_delivery(mailer);
    struct outbox *outbox = mailer_outbox(mailer);
    int rc = E_UNWILLING;

    if (outbox != NULL && delivery_mails(delivery))
        rc = mailer_put_enroll(outbox, delivery, context->issuer, login);
    mem_wipe(login->uri, sizeof(login->uri));
    if (rc == E_UNWILLING)
        login_fail(login, rc, "this server sends no mail (mail.url, mail.queue)");
    else if (rc < 0)
        login_fail(login, rc, "the mail could not be queued: %s", err_text(rc));
    delivery_release(delivery);
}

/* The mail with a token, or a link that has it. */
static int mailer_put_token(struct outbox *outbox, const struct delivery *delivery,
                            const char *issuer, const struct login *login)
{
    static const char *const templates[MAILED_KINDS][2] = {
        [MAILED_ACTIVATION] = {"activation", "activation-link"},
        [MAILED_FORGOTTEN] = {"forgotten", "forgotten-link"},
    };
    bool linked = delivery->link[0] != '\0';
    const char *kind = templates[login->mailed_kind][linked];
    char *subject = NULL, *body = NULL, until[CLOCK_TEXT_MAX], link[TEMPLATE_VALUE_MAX + 1] = "";
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"user", login->uid},
        {"organization", or_else(login->organization, issuer)},
        {"until", until},
        {linked ? "link" : "token", linked ? link : login->mailed_token},
    };
    int rc;

    mailer_time(login->mailed_until_ms, until);
    if (linked)
        delivery_link(delivery, login->mailed_token, link, sizeof(link));
    rc = template_fill(delivery->templates, kind, or_else(login->mail_language, "en"), values,
                       sizeof(values) / sizeof(values[0]), &subject, &body);
    if (rc == 0)
        rc = outbox_put(outbox, kind,
                        &(struct mail){.to = login->destination, .subject = subject, .body = body},
                        (struct slice){0}, login->mailed_until_ms - clock_now_ms(), true);
    mem_wipe(link, sizeof(link));
    template_text_free(subject);
    template_text_free(body);
    return rc;
}

void mailer_token(struct mailer *mailer, const struct login_context *context, struct login *login)
{
    struct delivery *delivery = mailer_delivery(mailer);
    struct outbox *outbox = mailer_outbox(mailer);
    int rc = outbox != NULL && delivery_mails(delivery)
                 ? mailer_put_token(outbox, delivery, context->issuer, login)
                 : E_UNWILLING;

    if (rc < 0) {
        login_invite_failed(context, login);
        log_error("the mail (%s) to %s could not be queued: %s", mailed_word(login->mailed_kind),
                  login->uid, err_text(rc));
        if (login->mailed_kind == MAILED_ACTIVATION || login->peer.admin)
            login_fail(login, rc, "the mail could not be queued: %s", err_text(rc));
        /* Else nothing: it would tell that there is such a person. */
    }
    mem_wipe(login->mailed_token, sizeof(login->mailed_token));
    delivery_release(delivery);
}

int mailer_ready(struct mailer *mailer)
{
    struct delivery *delivery = mailer_delivery(mailer);
    struct outbox *outbox = mailer_outbox(mailer);
    struct outbox_status status;
    int rc = E_UNWILLING;

    if (outbox != NULL && delivery_mails(delivery)) {
        outbox_status(outbox, &status);
        rc =
            status.waiting < delivery->count_max && status.bytes < delivery->bytes_max ? 0 : E_BUSY;
    }
    delivery_release(delivery);
    return rc;
}

bool mailer_status(struct mailer *mailer, struct outbox_status *ret)
{
    struct outbox *outbox = mailer_outbox(mailer);

    if (outbox != NULL)
        outbox_status(outbox, ret);
    return outbox != NULL;
}
