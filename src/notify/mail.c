/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libcurl sends a mail without AUTH, silently, to a server that offers none. So the conversation is
 * watched for the answer to AUTH, and the body is not handed over before it was seen: a transfer
 * that ends inside DATA is no mail.
 */
#include "notify/mail.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "notify/header.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS     30000
#define STOP_ANSWER_MS 5000 /* for the answer to a whole mail, once told to stop */
#define AUTH_ACCEPTED  "235"

/* How far the conversation has come: the last command that was sent. */
enum phase { PHASE_HELLO, PHASE_MAIL, PHASE_RCPT, PHASE_DATA };

/* One delivery. */
struct delivery {
    const struct mail_server *server;
    struct slice message;
    const _Atomic bool *stop;
    int64_t stop_ms; /* since when it is known to be set; 0: it was not */
    size_t sent;
    enum phase phase;
    bool authorized; /* the server accepted AUTH, or none was asked for */
    bool accepted;   /* it has taken the mail */
    CURL *curl;
    struct curl_slist *recipients;
    char why[CURL_ERROR_SIZE];
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* libcurl frees passwords, tokens and codes as they are. */
static void on_free(void *old)
{
    if (old != NULL)
        mem_wipe(old, malloc_usable_size(old));
    free(old);
}

/* realloc() would leave what it moves away from. */
static void *on_realloc(void *old, size_t size)
{
    size_t kept = old != NULL ? malloc_usable_size(old) : 0;
    void *grown = malloc(size);

    if (grown == NULL)
        return NULL;
    if (kept > 0)
        memcpy(grown, old, kept < size ? kept : size);
    on_free(old);
    return grown;
}

int mail_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, on_free, on_realloc, strdup, calloc) ==
                   CURLE_OK
               ? 0
               : E_MAIL;
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
        utf8_format(errbuf, size, "the %s is longer than %zu bytes", what, most);
        return E_LIMIT;
    }
    if (header_text_check(bytes) < 0) {
        utf8_format(errbuf, size, "the %s has control bytes or is not UTF-8", what);
        return E_SYNTAX;
    }
    return 0;
}

static int check_body(const char *body, char *errbuf, size_t size)
{
    struct slice bytes = slice_of(body);

    if (bytes.len > MAIL_BODY_MAX) {
        utf8_format(errbuf, size, "the body is longer than %d bytes", MAIL_BODY_MAX);
        return E_LIMIT;
    }
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.data) : bytes.len;
        if (header_text_check((struct slice){bytes.data, len}) < 0) {
            utf8_format(errbuf, size, "the body has control bytes or is not UTF-8");
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

/* Whether the URL has one of these parts. */
static bool has_part(CURLU *url, const CURLUPart *parts, size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        char *part = NULL;

        found |= curl_url_get(url, parts[i], &part, 0) == CURLUE_OK;
        curl_free(part);
    }
    return found;
}

/* May the password go to this server? One in the URL itself would pass by all that is asked of
 * user, and stand in every error text. */
static int check_confidential(const struct mail_server *server, char *errbuf, size_t size)
{
    static const CURLUPart login[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS};
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL;
    int err = 0;

    if (url == NULL || curl_url_set(url, CURLUPART_URL, server->url, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0)) {
        utf8_format(errbuf, size, "the server's URL is not smtp://host:port or smtps://host:port");
        err = E_SYNTAX;
    } else if (has_part(url, login, sizeof(login) / sizeof(login[0]))) {
        utf8_format(errbuf, size,
                    "the server's URL holds a user name: smtp://host:port is expected");
        err = E_SYNTAX;
    } else if (is_set(server->user) && server->tls != MAIL_TLS_ALWAYS &&
               strcmp(scheme, "smtps") != 0 && !is_loopback(host)) {
        utf8_format(errbuf, size, "the password for %s would travel in the clear", host);
        err = E_CONFIDENTIAL;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return err;
}

static int check_address(const char *what, const char *address, char *errbuf, size_t size)
{
    if (mail_address_check(slice_of(address)) == 0)
        return 0;
    utf8_format(errbuf, size, "the %s is not a mail address", what);
    return E_SYNTAX;
}

int mail_check(const struct mail_server *server, char *errbuf, size_t size)
{
    int err = check_address("sender", server->from, errbuf, size);

    return err == 0 ? check_confidential(server, errbuf, size) : err;
}

int mail_compose(const struct mail_server *server, const struct mail *mail, struct slice png,
                 const char *id, struct buffer *ret, char *errbuf, size_t size)
{
    const struct letter letter = {
        .id = id,
        .from = server->from,
        .from_name = server->from_name,
        .to = mail->to,
        .subject = mail->subject,
        .body = mail->body,
        .png = png,
    };
    int err;

    if ((err = check_address("sender", server->from, errbuf, size)) < 0 ||
        (err = check_address("recipient", mail->to, errbuf, size)) < 0 ||
        (err = check_text("sender's name", server->from_name, MAIL_NAME_MAX, errbuf, size)) < 0 ||
        (err = check_text("subject", mail->subject, MAIL_SUBJECT_MAX, errbuf, size)) < 0 ||
        (err = check_body(mail->body, errbuf, size)) < 0)
        return err;
    err = letter_write(&letter, ret);
    if (err < 0)
        utf8_format(errbuf, size, "%s", err_text(err));
    return err;
}

/* Follows the conversation. Nothing of it is kept: it carries the password and the mail. */
static int on_debug(CURL *curl, curl_infotype type, char *data, size_t size, void *user)
{
    static const struct {
        const char *word;
        enum phase phase;
    } commands[] = {{"MAIL ", PHASE_MAIL}, {"RCPT ", PHASE_RCPT}, {"DATA", PHASE_DATA}};
    struct delivery *delivery = user;

    (void)curl;
    if (type == CURLINFO_HEADER_OUT)
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
            if (size >= strlen(commands[i].word) &&
                memcmp(data, commands[i].word, strlen(commands[i].word)) == 0)
                delivery->phase = commands[i].phase;
    if (type != CURLINFO_HEADER_IN || size <= 3)
        return 0;
    if (memcmp(data, AUTH_ACCEPTED, 3) == 0)
        delivery->authorized = true;
    if (delivery->phase == PHASE_DATA && delivery->sent == delivery->message.len && data[0] == '2')
        delivery->accepted = true;
    return 0;
}

static size_t on_read(char *to, size_t one, size_t count, void *user)
{
    struct delivery *delivery = user;
    size_t len = delivery->message.len - delivery->sent;

    if (!delivery->authorized)
        return CURL_READFUNC_ABORT;
    if (len > one * count)
        len = one * count;
    memcpy(to, delivery->message.data + delivery->sent, len);
    delivery->sent += len;
    return len;
}

/* Called about once a second, and whenever something happens. */
static int on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    struct delivery *delivery = user;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    if (delivery->stop == NULL || !atomic_load(delivery->stop))
        return 0;
    if (delivery->stop_ms == 0)
        delivery->stop_ms = clock_monotonic_ms();
    return delivery->sent < delivery->message.len ||
           clock_monotonic_ms() - delivery->stop_ms >= STOP_ANSWER_MS;
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
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, delivery);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, delivery->why);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, delivery);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
}

static void set_mail(struct delivery *delivery)
{
    CURL *curl = delivery->curl;

    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, delivery->server->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, delivery->recipients);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, delivery);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)delivery->message.len);
}

/* In the place of a mail: a command that does nothing. */
static void set_no_mail(struct delivery *delivery)
{
    curl_easy_setopt(delivery->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(delivery->curl, CURLOPT_NOBODY, 1L);
}

/* What a failed transfer means for the mail. */
static int verdict(const struct delivery *delivery, CURLcode code, long answer)
{
    bool of_the_mail = delivery->phase == PHASE_RCPT || delivery->phase == PHASE_DATA;

    if (code == CURLE_OUT_OF_MEMORY)
        return E_NOMEM;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return E_TIMEOUT;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return delivery->authorized ? E_CANCELED : E_MAIL;
    if (of_the_mail && answer >= 500)
        return E_UNWILLING;
    return of_the_mail && answer >= 400 ? E_BUSY : E_MAIL;
}

static int perform(struct delivery *delivery, char *errbuf, size_t size)
{
    CURLcode code = curl_easy_perform(delivery->curl);
    long answer = 0;

    if ((code == CURLE_OK && delivery->authorized) || delivery->accepted)
        return 0;
    curl_easy_getinfo(delivery->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (!delivery->authorized && (code == CURLE_OK || code == CURLE_ABORTED_BY_CALLBACK))
        utf8_format(errbuf, size, "%s: the server does not ask for the password",
                    delivery->server->url);
    else
        utf8_format(errbuf, size, "%s: %s (last answer %ld)", delivery->server->url,
                    delivery->why[0] != '\0' ? delivery->why : curl_easy_strerror(code), answer);
    return verdict(delivery, code, answer);
}

/* Holds the conversation; without a message one that ends before the first mail. */
static int converse(struct delivery *delivery, char *errbuf, size_t size)
{
    int err;

    delivery->authorized = !is_set(delivery->server->user);
    delivery->curl = curl_easy_init();
    if (delivery->curl == NULL) {
        err = E_NOMEM;
        utf8_format(errbuf, size, "%s", err_text(err));
        return err;
    }
    set_options(delivery);
    if (delivery->message.len > 0)
        set_mail(delivery);
    else
        set_no_mail(delivery);
    err = perform(delivery, errbuf, size);
    curl_easy_cleanup(delivery->curl);
    return err;
}

int mail_deliver(const struct mail_server *server, const char *to, struct slice message,
                 const _Atomic bool *stop, bool *ret_reached, char *errbuf, size_t size)
{
    struct delivery delivery = {.server = server, .message = message, .stop = stop};
    int err;

    if ((err = mail_check(server, errbuf, size)) < 0 ||
        (err = check_address("recipient", to, errbuf, size)) < 0)
        return err;
    delivery.recipients = curl_slist_append(NULL, to);
    if (delivery.recipients == NULL) {
        err = E_NOMEM;
        utf8_format(errbuf, size, "%s", err_text(err));
    } else
        err = converse(&delivery, errbuf, size);
    if (ret_reached != NULL)
        *ret_reached = delivery.phase != PHASE_HELLO && delivery.authorized;
    curl_slist_free_all(delivery.recipients);
    return err;
}

int mail_probe(const struct mail_server *server, char *errbuf, size_t size)
{
    struct delivery delivery = {.server = server};
    int err = check_confidential(server, errbuf, size);

    return err == 0 ? converse(&delivery, errbuf, size) : err;
}

int mail_send(const struct mail_server *server, const struct mail *mail, bool *ret_reached,
              char *errbuf, size_t size)
{
    char id[LETTER_ID_SIZE];
    struct buffer message;
    int err = letter_id(id);

    buffer_init(&message);
    if (err < 0)
        utf8_format(errbuf, size, "%s", err_text(err));
    else
        err = mail_compose(server, mail, (struct slice){0}, id, &message, errbuf, size);
    if (err == 0)
        err =
            mail_deliver(server, mail->to, buffer_slice(&message), NULL, ret_reached, errbuf, size);
    buffer_clear(&message);
    return err;
}
