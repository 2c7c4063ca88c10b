/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/delivery.h"
#include "base/err.h"
#include "base/locked.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_TOKEN "%s" /* where the token goes in mail.link */

static const struct template_kind kinds[] = {
    {"code", {"name", "code", "minutes", "organization", NULL}, false},
    {"code-sms", {"name", "code", "minutes", "organization", NULL}, true},
    {"password-changed", {"name", "organization", "time", NULL}, false},
    {"pin-changed", {"name", "organization", "time", NULL}, false},
    {"app-confirmed", {"name", "organization", "time", NULL}, false},
    {"enroll", {"name", "organization", "minutes", "key", NULL}, false},
    {"app-removed", {"name", "organization", "time", NULL}, false},
    {"recovery-used", {"name", "organization", "time", "left", NULL}, false},
    {"activation", {"name", "user", "organization", "until", "token", NULL}, false},
    {"activation-link", {"name", "user", "organization", "until", "link", NULL}, false},
    {"forgotten", {"name", "user", "organization", "until", "token", NULL}, false},
    {"forgotten-link", {"name", "user", "organization", "until", "link", NULL}, false},
};

/* The first line of a file that only its owner can read; an option that is empty names none. */
static int secret_load(const struct conf *conf, const char *option, struct secret **ret)
{
    const char *path = conf_string(conf, option);
    char line[SECRET_MAX + 2] = "";
    struct stat st;
    ssize_t got;
    int fd, rc = E_CONF;

    if (path[0] == '\0')
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0) {
        log_error("%s: %s: %s", option, path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        log_error("%s: %s must be a file of mode 0600", option, path);
        goto out;
    }
    got = read(fd, line, sizeof(line) - 1);
    if (got < 0) {
        log_error("%s: %s: %s", option, path, strerror(errno));
        goto out;
    }
    line[got] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    *ret = locked_alloc(sizeof(**ret));
    rc = *ret != NULL ? secret_set(*ret, line, strlen(line)) : E_NOMEM;
    if (rc < 0)
        log_error("%s: %s: %s", option, path, err_text(rc));
out:
    mem_wipe(line, sizeof(line));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static const char *secret_text(const struct secret *secret)
{
    return secret != NULL ? secret->data : NULL;
}

/* An http or https address of printable ASCII, with one %s. */
static bool link_valid(const char *link)
{
    const char *place = strstr(link, LINK_TOKEN);

    for (const char *c = link; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return (strncmp(link, "https://", 8) == 0 || strncmp(link, "http://", 7) == 0) &&
           place != NULL && strstr(place + 1, LINK_TOKEN) == NULL;
}

void delivery_link(const struct delivery *delivery, const char *token, char *ret, size_t size)
{
    int before = (int)(strstr(delivery->link, LINK_TOKEN) - delivery->link);

    (void)snprintf(ret, size, "%.*s%s%s", before, delivery->link, token,
                   delivery->link + before + strlen(LINK_TOKEN));
}

static int delivery_mail(struct delivery *delivery)
{
    const struct conf *conf = delivery->conf;
    char error[CONF_ERROR_MAX];
    int rc = secret_load(conf, "mail.password_file", &delivery->password);

    if (rc < 0)
        return rc;
    delivery->server = (struct mail_server){
        .url = conf_string(conf, "mail.url"),
        .tls = (enum mail_tls)conf_word(conf, "mail.tls"),
        .user = conf_string(conf, "mail.user"),
        .password = secret_text(delivery->password),
        .from = conf_string(conf, "mail.from"),
        .timeout_ms = (long)conf_int(conf, "mail.timeout"),
    };
    if (delivery_mails(delivery))
        rc = mail_check(&delivery->server, error, sizeof(error));
    if (rc < 0) {
        log_error("mail: %s", error);
        return rc;
    }
    delivery->queue_server = delivery->server;
    delivery->queue_server.timeout_ms = (long)conf_int(conf, "mail.queue_timeout") * 1000;
    delivery->link = conf_string(conf, "mail.link");
    if (delivery->link[0] != '\0' && !link_valid(delivery->link)) {
        log_error("mail.link: \"%s\" is no address of a page with one %%s, where the token goes",
                  delivery->link);
        return E_CONF;
    }
    delivery->notices = conf_bool(conf, "mail.notices");
    delivery->count_max = (size_t)conf_int(conf, "mail.queue_count");
    delivery->bytes_max = (size_t)conf_int(conf, "mail.queue_bytes");
    delivery->retry_first_ms = conf_int(conf, "mail.retry_first") * 1000;
    delivery->retry_most_ms = conf_int(conf, "mail.retry_most") * 1000;
    rc =
        templates_load(conf_string(conf, "mail.templates"), kinds, sizeof(kinds) / sizeof(kinds[0]),
                       &delivery->templates, error, sizeof(error));
    if (rc < 0)
        log_error("mail.templates: %s", error);
    return rc;
}

static int delivery_sms(struct delivery *delivery)
{
    const struct conf *conf = delivery->conf;
    struct conf_strings command = conf_string_list(conf, "sms.command");
    char error[SMS_ERROR_MAX] = "";
    int rc = secret_load(conf, "sms.token_file", &delivery->token);

    if (rc < 0)
        return rc;
    delivery->gateway = (struct sms_gateway){
        .command = command.items,
        .command_count = command.count,
        .url = conf_string(conf, "sms.url"),
        .token = secret_text(delivery->token),
        .ca_file = conf_string(conf, "sms.ca_file"),
        .timeout_ms = (long)conf_int(conf, "sms.timeout"),
    };
    rc = sms_check(&delivery->gateway, error, sizeof(error));
    if (rc < 0)
        log_error("sms: %s", error);
    else if (command.count > 0 && delivery->gateway.url[0] != '\0') {
        log_error("sms: either sms.command or sms.url, not both");
        rc = E_CONF;
    }
    return rc;
}

int delivery_open(const struct conf *conf, struct delivery **ret)
{
    struct delivery *delivery = mem_alloc(sizeof(*delivery));
    int rc;

    delivery->owners = 1;
    delivery->conf = conf_share(conf);
    rc = delivery_mail(delivery);
    if (rc == 0)
        rc = delivery_sms(delivery);
    if (rc == 0)
        *ret = delivery;
    else
        delivery_release(delivery);
    return rc;
}

struct delivery *delivery_share(struct delivery *delivery)
{
    atomic_fetch_add(&delivery->owners, 1);
    return delivery;
}

void delivery_release(struct delivery *delivery)
{
    if (delivery == NULL || atomic_fetch_sub(&delivery->owners, 1) > 1)
        return;
    templates_free(delivery->templates);
    locked_free(delivery->password, sizeof(*delivery->password));
    locked_free(delivery->token, sizeof(*delivery->token));
    conf_free(delivery->conf);
    free(delivery);
}

bool delivery_mails(const struct delivery *delivery)
{
    return delivery->server.url[0] != '\0';
}
