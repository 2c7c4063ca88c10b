/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/mailer.h"
#include "base/err.h"
#include "base/locked.h"
#include "base/log.h"
#include "notify/mail.h"
#include "notify/template.h"
#include "secret/code.h"
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct template_kind kinds[] = {
    {"code", {"name", "code", "minutes", "organization", NULL}},
};

struct mail_setup {
    _Atomic unsigned owners;
    struct conf *conf; /* holds the strings of server */
    struct mail_server server;
    struct templates *templates;
    struct secret *password; /* locked memory, or NULL */
};

struct mailer {
    pthread_mutex_t lock;
    struct mail_setup *setup; /* in force */
};

/* Reads the password's file: its first line. */
static int mailer_password(struct mail_setup *setup, const char *path)
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
    setup->password = locked_alloc(sizeof(*setup->password));
    rc = setup->password != NULL ? secret_set(setup->password, line, strlen(line)) : E_NOMEM;
    if (rc < 0) {
        log_error("mail.password_file: %s: %s", path, err_text(rc));
        goto out;
    }
    setup->server.password = setup->password->data;
out:
    mem_wipe(line, sizeof(line));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static void mail_setup_release(struct mail_setup *setup)
{
    if (setup == NULL || atomic_fetch_sub(&setup->owners, 1) > 1)
        return;
    templates_free(setup->templates);
    locked_free(setup->password, sizeof(*setup->password));
    conf_free(setup->conf);
    free(setup);
}

int mail_setup_open(const struct conf *conf, struct mail_setup **ret)
{
    struct mail_setup *setup = mem_alloc(sizeof(*setup));
    const char *password_file = conf_string(conf, "mail.password_file");
    char error[CONF_ERROR_MAX];
    int rc = 0;

    setup->owners = 1;
    setup->conf = conf_share(conf);
    setup->server = (struct mail_server){
        .url = conf_string(conf, "mail.url"),
        .tls = (enum mail_tls)conf_word(conf, "mail.tls"),
        .user = conf_string(conf, "mail.user"),
        .from = conf_string(conf, "mail.from"),
        .timeout_ms = (long)conf_int(conf, "mail.timeout"),
    };
    if (password_file[0] != '\0')
        rc = mailer_password(setup, password_file);
    if (rc == 0) {
        rc = templates_load(conf_string(conf, "mail.templates"), kinds,
                            sizeof(kinds) / sizeof(kinds[0]), &setup->templates, error,
                            sizeof(error));
        if (rc < 0)
            log_error("mail.templates: %s", error);
    }
    if (rc < 0) {
        mail_setup_release(setup);
        return rc;
    }
    *ret = setup;
    return 0;
}

int mailer_open(const struct conf *conf, struct mailer **ret)
{
    struct mail_setup *setup = NULL;
    int rc = mail_init();

    if (rc == 0)
        rc = mail_setup_open(conf, &setup);
    if (rc < 0)
        return rc;
    *ret = mem_alloc(sizeof(**ret));
    pthread_mutex_init(&(*ret)->lock, NULL);
    (*ret)->setup = setup;
    return 0;
}

void mailer_adopt(struct mailer *mailer, struct mail_setup *setup)
{
    struct mail_setup *old;

    pthread_mutex_lock(&mailer->lock);
    old = mailer->setup;
    mailer->setup = setup;
    pthread_mutex_unlock(&mailer->lock);
    mail_setup_release(old);
}

static struct mail_setup *mailer_setup(struct mailer *mailer)
{
    struct mail_setup *setup;

    pthread_mutex_lock(&mailer->lock);
    setup = mailer->setup;
    atomic_fetch_add(&setup->owners, 1);
    pthread_mutex_unlock(&mailer->lock);
    return setup;
}

void mailer_close(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    mail_setup_release(mailer->setup);
    pthread_mutex_destroy(&mailer->lock);
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
    const struct login_context *context = &attempt->settings->login;
    struct mail_setup *setup = mailer_setup(job->loop->daemon->mailer);
    char *subject = NULL, *body = NULL, minutes[8], error[MAIL_ERROR_MAX] = "";
    const struct template_value values[] = {
        {"name", or_else(login->mail_name, login->uid)},
        {"code", login->code},
        {"minutes", minutes},
        {"organization", or_else(login->organization, context->issuer)},
    };
    int rc = setup->server.url[0] == '\0' ? E_MAIL : 0;

    attempt->ran = true;
    (void)snprintf(minutes, sizeof(minutes), "%d", CODE_LIFETIME_MS / 60000);
    if (rc == 0)
        rc = template_fill(setup->templates, "code", or_else(login->mail_language, "en"), values,
                           sizeof(values) / sizeof(values[0]), &subject, &body);
    if (rc == 0)
        rc = mail_send(&setup->server,
                       &(struct mail){.to = login->destination, .subject = subject, .body = body},
                       error, sizeof(error));
    template_text_free(subject);
    template_text_free(body);
    mail_setup_release(setup);
    if (rc == 0)
        return;
    log_error("a code could not be mailed: %s", error[0] != '\0' ? error : err_text(rc));
    login_challenge_failed(context, login);
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
