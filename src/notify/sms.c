/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/sms.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS_LEAST 7
#define DIGITS_MOST  15
#define LOOK_MS      250 /* how often a running command is interrupted to see whether to stop */
#define TOKEN_HEADER "Authorization: Bearer "
#define TOKEN_MAX                                                                                  \
    (sizeof(TOKEN_HEADER) + SECRET_MAX) /* of the header; delivery.c reads the token */

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

int sms_number(struct slice text, char *ret)
{
    char number[SMS_NUMBER_MAX] = "+";
    size_t digits = 0;

    if (text.len == 0 || text.data[0] != '+')
        return E_SYNTAX;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.data[i];
        if (c != '\0' && strchr(" -./()", c) != NULL)
            continue;
        if (c < '0' || c > '9' || digits == DIGITS_MOST || (digits == 0 && c == '0'))
            return E_SYNTAX;
        number[++digits] = c;
    }
    if (digits < DIGITS_LEAST)
        return E_SYNTAX;
    memcpy(ret, number, sizeof(number));
    return 0;
}

bool sms_configured(const struct sms_gateway *gateway)
{
    return gateway->command_count > 0 || is_set(gateway->url);
}

static bool is_loopback(const char *host)
{
    struct in_addr address;

    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static int check_url(const char *text, char *errbuf, size_t size)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL;
    int err = 0;

    if (url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)) {
        utf8_format(errbuf, size, "the URL is not https://host/path");
        err = E_SYNTAX;
    } else if (strcmp(scheme, "http") == 0 && !is_loopback(host)) {
        utf8_format(errbuf, size, "codes would travel to %s in the clear: https:// it must be",
                    host);
        err = E_CONFIDENTIAL;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return err;
}

int sms_check(const struct sms_gateway *gateway, char *errbuf, size_t size)
{
    if (gateway->command_count > SMS_WORDS_MAX) {
        utf8_format(errbuf, size, "the command has more than %d words", SMS_WORDS_MAX);
        return E_LIMIT;
    }
    if (gateway->command_count > 0 && gateway->command[0][0] != '/') {
        utf8_format(errbuf, size, "the command must begin with an absolute path");
        return E_SYNTAX;
    }
    return is_set(gateway->url) ? check_url(gateway->url, errbuf, size) : 0;
}

/* What the child finds: the text on its standard input, nobody at its outputs, nothing else open.
 */
static int spawn(const struct sms_gateway *gateway, const char *number, int input, pid_t *ret)
{
    static char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    const char *argv[SMS_WORDS_MAX + 2] = {0};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int rc;

    for (size_t i = 0; i < gateway->command_count; i++)
        argv[i] = gateway->command[i];
    argv[gateway->command_count] = number;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    rc = posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (rc == 0)
        rc = posix_spawn_file_actions_addchdir_np(&actions, "/");
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    if (rc == 0)
        rc = posix_spawn(ret, argv[0], &actions, &attributes, (char *const *)argv, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Waits for the child until the deadline; kills its group when it is late. */
static int wait_child(pid_t pid, int64_t deadline_ms, const _Atomic bool *stop, int *ret_status)
{
    struct pollfd child = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int rc = child.fd >= 0 ? E_AGAIN : E_IO;

    while (rc == E_AGAIN) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            rc = E_TIMEOUT;
        else if (stop != NULL && atomic_load(stop))
            rc = E_CANCELED;
        else if (poll(&child, 1, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS)) > 0)
            rc = 0;
    }
    if (rc < 0) /* not waited for yet, so that the number is still its own */
        (void)kill(-pid, SIGKILL);
    if (child.fd >= 0)
        (void)close(child.fd);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return rc;
}

static int run_command(const struct sms_gateway *gateway, const char *number, const char *text,
                       const _Atomic bool *stop, char *errbuf, size_t size)
{
    int64_t deadline_ms = clock_monotonic_ms() + gateway->timeout_ms;
    int ends[2], status = 0, rc;
    pid_t pid;

    _Static_assert(SMS_TEXT_MAX <= 4096, "a text fits into a pipe: writing it never waits");
    if (pipe2(ends, O_CLOEXEC) < 0)
        rc = errno;
    else {
        rc = write(ends[1], text, strlen(text)) < 0 ? errno : 0;
        if (rc == 0)
            rc = spawn(gateway, number, ends[0], &pid);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
    if (rc != 0) {
        utf8_format(errbuf, size, "%s: %s", gateway->command[0], strerror(rc));
        return E_MAIL;
    }
    rc = wait_child(pid, deadline_ms, stop, &status);
    if (rc < 0)
        utf8_format(errbuf, size, "%s: %s, killed", gateway->command[0], err_text(rc));
    else if (WIFSIGNALED(status))
        utf8_format(errbuf, size, "%s: ended by signal %d", gateway->command[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        utf8_format(errbuf, size, "%s: status %d", gateway->command[0], WEXITSTATUS(status));
    else
        return 0;
    return rc < 0 ? rc : E_MAIL;
}

static size_t on_answer(char *data, size_t one, size_t count, void *user)
{
    (void)data;
    (void)user;
    return one * count; /* its status says it all */
}

static int on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    const _Atomic bool *stop = user;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return stop != NULL && atomic_load(stop);
}

static struct curl_slist *headers_of(const struct sms_gateway *gateway)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json"), *more;
    char line[TOKEN_MAX];

    if (list == NULL || !is_set(gateway->token))
        return list;
    (void)snprintf(line, sizeof(line), TOKEN_HEADER "%s", gateway->token);
    more = curl_slist_append(list, line);
    mem_wipe(line, sizeof(line));
    if (more == NULL)
        curl_slist_free_all(list);
    return more;
}

static int post(const struct sms_gateway *gateway, CURL *curl, struct curl_slist *headers,
                const char *body, const _Atomic bool *stop, char *errbuf, size_t size)
{
    char why[CURL_ERROR_SIZE] = "";
    long answer = 0;
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_URL, gateway->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, gateway->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (is_set(gateway->ca_file))
        curl_easy_setopt(curl, CURLOPT_CAINFO, gateway->ca_file);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)stop);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    if (code == CURLE_OK && answer >= 200 && answer <= 299)
        return 0;
    utf8_format(errbuf, size, "sms.url: %s (answer %ld)", /* itself it may hold a key */
                code == CURLE_OK ? "it is not sent"
                : why[0] != '\0' ? why
                                 : curl_easy_strerror(code),
                answer);
    return code == CURLE_OPERATION_TIMEDOUT    ? E_TIMEOUT
           : code == CURLE_ABORTED_BY_CALLBACK ? E_CANCELED
                                               : E_MAIL;
}

static int run_hook(const struct sms_gateway *gateway, const char *number, const char *text,
                    const _Atomic bool *stop, char *errbuf, size_t size)
{
    json_t *object = json_pack("{s:s, s:s}", "to", number, "text", text);
    char *body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    struct curl_slist *headers = headers_of(gateway);
    CURL *curl = curl_easy_init();
    int rc = E_NOMEM;

    if (body != NULL && headers != NULL && curl != NULL)
        rc = post(gateway, curl, headers, body, stop, errbuf, size);
    else
        utf8_format(errbuf, size, "%s", err_text(rc));
    if (curl != NULL)
        curl_easy_cleanup(curl);
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        mem_wipe(line->data, strlen(line->data));
    curl_slist_free_all(headers);
    if (body != NULL)
        mem_wipe(body, strlen(body));
    free(body);
    json_decref(object);
    return rc;
}

int sms_send(const struct sms_gateway *gateway, const char *number, const char *text,
             const _Atomic bool *stop, char *errbuf, size_t size)
{
    char checked[SMS_NUMBER_MAX];

    if (sms_number(slice_of(number), checked) < 0) {
        utf8_format(errbuf, size, "the number is none of E.164");
        return E_SYNTAX;
    }
    if (strlen(text) > SMS_TEXT_MAX) {
        utf8_format(errbuf, size, "the text is longer than %d bytes", SMS_TEXT_MAX);
        return E_LIMIT;
    }
    return gateway->command_count > 0 ? run_command(gateway, checked, text, stop, errbuf, size)
                                      : run_hook(gateway, checked, text, stop, errbuf, size);
}
