/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/mailer.h"
#include "base/err.h"
#include "base/log.h"
#include "notify/mail.h"
#include "notify/template.h"
#include "secret/code.h"
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct template_kind kinds[] = {
    {"code", {"name", "code", "minutes", "organization", NULL}},
};

struct mailer {
    struct mail_server server;
    struct templates *templates;
    struct secret password;
};

/* Reads the password's file: its first line. */
static int mailer_password(struct mailer *mailer, const char *path)
{
    char line[SECRET_MAX + 2];
    struct stat st;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = E_CONF;

    if (fd < 0 || fstat(fd, &st) < 0) {
        log_error("mail.password_file: %s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        log_error("mail.password_file: %s must be a file of mode 0600", path);
        goto out;
    }
    got = read(fd, line, sizeof(line) - 1);
    if (got < 0)
        goto out;
    line[got] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    rc = secret_set(&mailer->password, line, strlen(line));
    mailer->server.password = mailer->password.data;
out:
    mem_wipe(line, sizeof(line));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int mailer_open(const struct conf *conf, struct mailer **ret)
{
    struct mailer *mailer = mem_alloc(sizeof(*mailer));
    const char *password_file = conf_string(conf, "mail.password_file");
    char error[CONF_ERROR_MAX];
    int rc;

    mailer->server = (struct mail_server){
        .url = conf_string(conf, "mail.url"),
        .tls = (enum mail_tls)conf_word(conf, "mail.tls"),
        .user = conf_string(conf, "mail.user"),
        .from = conf_string(conf, "mail.from"),
        .timeout_ms = (long)conf_int(conf, "mail.timeout"),
    };
    rc = mail_init();
    if (rc == 0 && password_file[0] != '\0')
        rc = mailer_password(mailer, password_file);
    if (rc == 0) {
        rc = templates_load(conf_string(conf, "mail.templates"), kinds,
                            sizeof(kinds) / sizeof(kinds[0]), &mailer->templates, error,
                            sizeof(error));
        if (rc < 0)
            log_error("mail.templates: %s", error);
    }
    if (rc < 0) {
        mailer_close(mailer);
        return rc;
    }
    *ret = mailer;
    return 0;
}

void mailer_close(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    templates_free(mailer->templates);
    secret_clear(&mailer->password);
    free(mailer);
}

/* The template's value for one that may be empty. */
static const char *or_else(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

/* On the mail pool. */
static void mailer_run(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    struct login *login = &attempt->login;
    struct daemon *daemon = job->loop->daemon;
    const struct mailer *mailer = daemon->mailer;
    char *subject = NULL, *body = NULL, minutes[8], error[MAIL_ERROR_MAX] = "";
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"code", login->code},
        {"minutes", minutes},
        {"organization", or_else(login->organization, daemon->login->issuer)},
    };
    int rc = mailer->server.url[0] == '\0' ? E_MAIL : 0;

    attempt->ran = true;
    (void)snprintf(minutes, sizeof(minutes), "%d", CODE_LIFETIME_MS / 60000);
    if (rc == 0)
        rc = template_fill(mailer->templates, "code", or_else(login->mail_language, "en"), values,
                           sizeof(values) / sizeof(values[0]), &subject, &body);
    if (rc == 0)
        rc = mail_send(&mailer->server,
                       &(struct mail){.to = login->destination, .subject = subject, .body = body},
                       error, sizeof(error));
    template_text_free(subject);
    template_text_free(body);
    if (rc == 0)
        return;
    log_error("a code could not be mailed: %s", error[0] != '\0' ? error : err_text(rc));
    login_challenge_failed(daemon->login, login);
}

static void mailer_done(struct job *job)
{
    struct attempt *attempt = (struct attempt *)job;

    if (!attempt->ran)
        login_answer(&attempt->login, E_UNAVAIL, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
    attempt->answer(attempt);
}

int mailer_send(struct attempt *attempt, void (*answer)(struct attempt *attempt))
{
    struct job *job = &attempt->job;

    attempt->answer = answer;
    attempt->ran = false;
    job->run = mailer_run;
    job->done = mailer_done;
    job->key = 0;
    if (!atomic_load(&job->loop->daemon->stopping) &&
        workers_submit(job->loop->daemon->mail_pool, job) == 0)
        return 0;
    login_answer(&attempt->login, E_BUSY, VERIFY_STATE_REFUSED, TEXT_MAIL_FAILED);
    return E_BUSY;
}
