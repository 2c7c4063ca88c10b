/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libcurl sends a mail without AUTH, silently, to a server that offers none. So the conversation is
 * watched for the answer to AUTH, and the body is not handed over before it was seen: a transfer
 * that ends inside DATA is no mail.
 */
#include "notify/mail.h"

#include "base/err.h"
#include "notify/header.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS    30000
#define AUTH_ACCEPTED "235"

/* One delivery. */
struct delivery {
    const struct mail_server *server;
    const struct mail *mail;
    bool authorized; /* the server accepted AUTH, or none was asked for */
    char *body;      /* lines end in CRLF, which quoted-printable needs */
    size_t len, sent;
    CURL *curl;
    curl_mime *mime;
    struct curl_slist *headers;
    struct curl_slist *recipients;
    char why[CURL_ERROR_SIZE];
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

int mail_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : E_MAIL;
}

int mail_address_check(struct slice address)
{
    static const char atext[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "!#$%&'*+-/=?^_`{|}~.";
    static const char domain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    const char *at = address.len > 0 ? memchr(address.data, '@', address.len) : NULL;
    const char *end = address.data + address.len;

    if (at == NULL || at == address.data || at + 1 == end || address.len > MAIL_ADDRESS_MAX ||
        at - address.data > 64 || address.data[0] == '-' || at[1] == '.' || at[1] == '-' ||
        end[-1] == '.')
        return E_SYNTAX;
    for (const char *c = address.data; c < end; c++)
        if (c != at && (*c == '\0' || strchr(c < at ? atext : domain, *c) == NULL))
            return E_SYNTAX;
    return 0;
}

/* A header's text: UTF-8 without control bytes. */
static int check_text(const char *what, const char *text, size_t most, char *errbuf, size_t size)
{
    struct slice bytes = slice_of(text);

    if (bytes.len > most) {
        snprintf(errbuf, size, "the %s is longer than %zu bytes", what, most);
        return E_LIMIT;
    }
    if (header_text_check(bytes) < 0) {
        snprintf(errbuf, size, "the %s has control bytes or is not UTF-8", what);
        return E_SYNTAX;
    }
    return 0;
}

static int check_body(const char *body, char *errbuf, size_t size)
{
    struct slice bytes = slice_of(body);

    if (bytes.len > MAIL_BODY_MAX) {
        snprintf(errbuf, size, "the body is longer than %d bytes", MAIL_BODY_MAX);
        return E_LIMIT;
    }
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.data) : bytes.len;
        if (header_text_check((struct slice){bytes.data, len}) < 0) {
            snprintf(errbuf, size, "the body has control bytes or is not UTF-8");
            return E_SYNTAX;
        }
        len += end != NULL ? 1 : 0;
        bytes.data += len;
        bytes.len -= len;
    }
    return 0;
}

static bool is_loopback(const char *host)
{
    struct in_addr address;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* May the password go to this server? */
static int check_confidential(const struct mail_server *server, char *errbuf, size_t size)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL;
    int err = 0;

    if (url == NULL || curl_url_set(url, CURLUPART_URL, server->url, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0)) {
        snprintf(errbuf, size, "the server's URL is not smtp://host:port or smtps://host:port");
        err = E_SYNTAX;
    } else if (is_set(server->user) && server->tls != MAIL_TLS_ALWAYS &&
               strcmp(scheme, "smtps") != 0 && !is_loopback(host)) {
        snprintf(errbuf, size, "the password for %s would travel in the clear", host);
        err = E_CONFIDENTIAL;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return err;
}

static int check_all(const struct mail_server *server, const struct mail *mail, char *errbuf,
                     size_t size)
{
    int err;

    if (mail_address_check(slice_of(server->from)) < 0 ||
        mail_address_check(slice_of(mail->to)) < 0) {
        snprintf(errbuf, size, "the %s is not a mail address",
                 mail_address_check(slice_of(server->from)) < 0 ? "sender" : "recipient");
        return E_SYNTAX;
    }
    if ((err = check_text("sender's name", server->from_name, MAIL_NAME_MAX, errbuf, size)) < 0 ||
        (err = check_text("subject", mail->subject, MAIL_SUBJECT_MAX, errbuf, size)) < 0 ||
        (err = check_body(mail->body, errbuf, size)) < 0)
        return err;
    return check_confidential(server, errbuf, size);
}

static int on_debug(CURL *curl, curl_infotype type, char *data, size_t size, void *user)
{
    struct delivery *delivery = user;

    (void)curl;
    if (type == CURLINFO_HEADER_IN && size > 3 && memcmp(data, AUTH_ACCEPTED, 3) == 0)
        delivery->authorized = true;
    return 0;
}

static size_t on_read(char *to, size_t one, size_t count, void *user)
{
    struct delivery *delivery = user;
    size_t len = delivery->len - delivery->sent;

    if (!delivery->authorized)
        return CURL_READFUNC_ABORT;
    if (len > one * count)
        len = one * count;
    memcpy(to, delivery->body + delivery->sent, len);
    delivery->sent += len;
    return len;
}

static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct delivery *delivery = user;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > delivery->len)
        return CURL_SEEKFUNC_CANTSEEK;
    delivery->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return E_NOMEM;
    *list = longer;
    return 0;
}

static int add_headers(struct delivery *delivery)
{
    char line[HEADER_MAX];
    int err;

    header_date(line, sizeof(line));
    if ((err = add_line(&delivery->headers, line)) < 0)
        return err;
    header_address("From", delivery->server->from_name, delivery->server->from, line);
    if ((err = add_line(&delivery->headers, line)) < 0)
        return err;
    header_address("To", NULL, delivery->mail->to, line);
    if ((err = add_line(&delivery->headers, line)) < 0)
        return err;
    header_text("Subject", delivery->mail->subject, line);
    if ((err = add_line(&delivery->headers, line)) < 0 ||
        (err = header_message_id(delivery->server->from, line)) < 0 ||
        (err = add_line(&delivery->headers, line)) < 0)
        return err;
    return add_line(&delivery->headers, "Auto-Submitted: auto-generated");
}

/* The body with CRLF at the end of each line. */
static void copy_body(struct delivery *delivery)
{
    const char *body = delivery->mail->body;
    char *to;

    delivery->body = mem_alloc(2 * strlen(body) + 1);
    for (to = delivery->body; *body != '\0'; body++) {
        if (*body == '\n')
            *to++ = '\r';
        *to++ = *body;
    }
    delivery->len = (size_t)(to - delivery->body);
}

static int build_message(struct delivery *delivery)
{
    curl_mimepart *part;
    int err = add_headers(delivery);

    if (err < 0)
        return err;
    copy_body(delivery);
    delivery->mime = curl_mime_init(delivery->curl);
    part = delivery->mime != NULL ? curl_mime_addpart(delivery->mime) : NULL;
    if (part == NULL ||
        curl_mime_data_cb(part, (curl_off_t)delivery->len, on_read, on_seek, NULL, delivery) ||
        curl_mime_type(part, "text/plain; charset=UTF-8") ||
        curl_mime_encoder(part, "quoted-printable"))
        return E_NOMEM;
    return add_line(&delivery->recipients, delivery->mail->to);
}

/* The overall timeout does not cover the goodbye, for which libcurl would wait two minutes; the one
 * for each answer does, if the connection is closed within the transfer and not kept. */
static void set_timeouts(CURL *curl, long timeout_ms)
{
    long answer_s = (timeout_ms / 2 + 999) / 1000;

    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, answer_s > 0 ? answer_s : 1);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void set_options(struct delivery *delivery)
{
    static const long use_tls[] = {[MAIL_TLS_NONE] = CURLUSESSL_NONE,
                                   [MAIL_TLS_TRY] = CURLUSESSL_TRY,
                                   [MAIL_TLS_ALWAYS] = CURLUSESSL_ALL};
    const struct mail_server *server = delivery->server;
    CURL *curl = delivery->curl;

    curl_easy_setopt(curl, CURLOPT_URL, server->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    set_timeouts(curl, server->timeout_ms > 0 ? server->timeout_ms : TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, use_tls[server->tls]);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (is_set(server->ca_file))
        curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file);
    if (is_set(server->user)) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password != NULL ? server->password : "");
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, server->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, delivery->recipients);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, delivery->headers);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, delivery->mime);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, delivery->why);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, delivery);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
}

static int perform(struct delivery *delivery, char *errbuf, size_t size)
{
    CURLcode code = curl_easy_perform(delivery->curl);
    long answer = 0;

    if (code == CURLE_OK)
        return 0;
    curl_easy_getinfo(delivery->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (!delivery->authorized && code == CURLE_ABORTED_BY_CALLBACK)
        snprintf(errbuf, size, "%s: the server does not ask for the password",
                 delivery->server->url);
    else
        snprintf(errbuf, size, "%s: %s (last answer %ld)", delivery->server->url,
                 delivery->why[0] != '\0' ? delivery->why : curl_easy_strerror(code), answer);
    return code == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT
           : code == CURLE_OUT_OF_MEMORY    ? E_NOMEM
                                            : E_MAIL;
}

int mail_send(const struct mail_server *server, const struct mail *mail, char *errbuf, size_t size)
{
    struct delivery delivery = {.server = server, .mail = mail};
    int err = check_all(server, mail, errbuf, size);

    if (err < 0)
        return err;
    delivery.authorized = !is_set(server->user);
    delivery.curl = curl_easy_init();
    err = delivery.curl != NULL ? build_message(&delivery) : E_NOMEM;
    if (err < 0) {
        snprintf(errbuf, size, "%s", err_text(err));
        goto out;
    }
    set_options(&delivery);
    err = perform(&delivery, errbuf, size);
out:
    if (delivery.curl != NULL)
        curl_easy_cleanup(delivery.curl);
    curl_mime_free(delivery.mime);
    curl_slist_free_all(delivery.headers);
    curl_slist_free_all(delivery.recipients);
    if (delivery.body != NULL)
        mem_wipe(delivery.body, delivery.len);
    free(delivery.body);
    return err;
}
