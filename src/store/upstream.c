/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The socket is opened here and given to libldap (ldap_init_fd): libldap's own connect may block,
 * and its writes do on a socket that blocks. On ours a request that does not fit waits in libldap
 * until ldap_result finds room for it.
 */
#include "store/upstream.h"
#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
    int code;
    int err;
} upstream_errors[] = {
    {LDAP_SUCCESS, 0},
    {LDAP_PROTOCOL_ERROR, E_PROTO},
    {LDAP_TIMELIMIT_EXCEEDED, E_TIMEOUT},
    {LDAP_SIZELIMIT_EXCEEDED, E_LIMIT},
    {LDAP_STRONG_AUTH_REQUIRED, E_ACCESS},
    {LDAP_ADMINLIMIT_EXCEEDED, E_LIMIT},
    {LDAP_CONFIDENTIALITY_REQUIRED, E_CONFIDENTIAL},
    {LDAP_NO_SUCH_ATTRIBUTE, E_CONFLICT},
    {LDAP_UNDEFINED_TYPE, E_UNWILLING},
    {LDAP_CONSTRAINT_VIOLATION, E_UNWILLING},
    {LDAP_TYPE_OR_VALUE_EXISTS, E_CONFLICT},
    {LDAP_INVALID_SYNTAX, E_SYNTAX},
    {LDAP_NO_SUCH_OBJECT, E_NOTFOUND},
    {LDAP_INVALID_DN_SYNTAX, E_SYNTAX},
    {LDAP_INAPPROPRIATE_AUTH, E_AUTH},
    {LDAP_INVALID_CREDENTIALS, E_AUTH},
    {LDAP_INSUFFICIENT_ACCESS, E_ACCESS},
    {LDAP_BUSY, E_BUSY},
    {LDAP_UNAVAILABLE, E_UNAVAIL},
    {LDAP_UNWILLING_TO_PERFORM, E_UNWILLING},
    {LDAP_NAMING_VIOLATION, E_UNWILLING},
    {LDAP_OBJECT_CLASS_VIOLATION, E_UNWILLING},
    {LDAP_NOT_ALLOWED_ON_NONLEAF, E_UNWILLING},
    {LDAP_NOT_ALLOWED_ON_RDN, E_UNWILLING},
    {LDAP_NO_OBJECT_CLASS_MODS, E_UNWILLING},
    {LDAP_ALREADY_EXISTS, E_EXISTS},
    {LDAP_CANCELLED, E_CANCELED},
    {LDAP_ASSERTION_FAILED, E_CONFLICT},
    {LDAP_SERVER_DOWN, E_UNAVAIL},
    {LDAP_CONNECT_ERROR, E_UNAVAIL},
    {LDAP_TIMEOUT, E_TIMEOUT},
    {LDAP_NO_MEMORY, E_NOMEM},
    {LDAP_FILTER_ERROR, E_SYNTAX},
    {LDAP_ENCODING_ERROR, E_SYNTAX}, /* an assertion that does not parse */
    {LDAP_DECODING_ERROR, E_PROTO},
};

int upstream_error(int code)
{
    for (size_t i = 0; i < sizeof(upstream_errors) / sizeof(upstream_errors[0]); i++)
        if (upstream_errors[i].code == code)
            return upstream_errors[i].err;
    return code < 0 ? E_INTERNAL : E_IO;
}

bool upstream_broken(int err)
{
    return err == E_UNAVAIL || err == E_TIMEOUT || err == E_PROTO || err == E_INTERNAL;
}

/* A path longer than a socket's crashes slapd, and is cut by others. */
static int target_local(struct upstream_target *target, const char *path)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&target->addresses[0];
    size_t len = path != NULL ? strlen(path) : 0;

    if (len == 0 || len >= sizeof(address->sun_path))
        return E_CONF;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len + 1);
    target->lengths[0] = sizeof(*address);
    target->count = 1;
    target->proto = LDAP_PROTO_IPC;
    return 0;
}

static int target_network(struct upstream_target *target, const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[8];

    (void)snprintf(service, sizeof(service), "%d", port);
    if (port < 1 || port > 65535 || host == NULL || getaddrinfo(host, service, &hints, &list) != 0)
        return E_CONF;
    for (struct addrinfo *at = list; at != NULL && target->count < UPSTREAM_ADDRESSES_MAX;
         at = at->ai_next) {
        memcpy(&target->addresses[target->count], at->ai_addr, at->ai_addrlen);
        target->lengths[target->count++] = at->ai_addrlen;
    }
    freeaddrinfo(list);
    target->proto = LDAP_PROTO_TCP;
    return target->count > 0 ? 0 : E_CONF;
}

int upstream_target_init(struct upstream_target *target, const char *uri)
{
    struct upstream_target result = {.count = 0};
    LDAPURLDesc *url = NULL;
    int err = E_CONF;

    if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS)
        return E_CONF;
    if (strcmp(url->lud_scheme, "ldapi") == 0)
        err = target_local(&result, url->lud_host);
    else if (strcmp(url->lud_scheme, "ldap") == 0)
        err = target_network(&result, url->lud_host, url->lud_port);
    ldap_free_urldesc(url);
    if (err == 0) {
        result.uri = mem_strdup(uri);
        *target = result;
    }
    return err;
}

void upstream_target_clear(struct upstream_target *target)
{
    free(target->uri);
    *target = (struct upstream_target){.count = 0};
}

static int remaining_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_monotonic_ms();

    return left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* Waits until the connect that has begun on fd has ended. */
static int socket_connected(int fd, int64_t deadline_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    int number = 0, ready;
    socklen_t len = sizeof(number);

    do
        ready = poll(&item, 1, remaining_ms(deadline_ms));
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return E_TIMEOUT;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0 || number != 0)
        return E_UNAVAIL;
    return 0;
}

/* A local socket gives EAGAIN when the server's queue is full: nothing tells when there is room
 * again, so the try is repeated. */
static int socket_connect(int fd, const struct sockaddr *address, socklen_t len,
                          int64_t deadline_ms)
{
    for (;;) {
        if (connect(fd, address, len) == 0)
            return 0;
        if (errno == EINPROGRESS || errno == EINTR)
            return socket_connected(fd, deadline_ms);
        if (errno != EAGAIN)
            return E_UNAVAIL;
        if (remaining_ms(deadline_ms) == 0)
            return E_TIMEOUT;
        (void)poll(NULL, 0, 1);
    }
}

static int socket_open(const struct upstream_target *target, int64_t deadline_ms, int *ret_fd)
{
    int err = E_UNAVAIL;

    for (size_t i = 0; i < target->count; i++) {
        const struct sockaddr *address = (const struct sockaddr *)&target->addresses[i];
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
            return errno == ENOMEM ? E_NOMEM : E_UNAVAIL;
        err = socket_connect(fd, address, target->lengths[i], deadline_ms);
        if (err == 0) {
            *ret_fd = fd;
            return 0;
        }
        (void)close(fd);
    }
    return err;
}

/* Everything that ldap.conf and the environment could have set is set here. */
static int handle_configure(LDAP *ld)
{
    static const int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER, unlimited = LDAP_NO_LIMIT;
    ber_len_t incoming = UPSTREAM_MESSAGE_MAX;
    const struct {
        int option;
        const void *value;
    } options[] = {
        {LDAP_OPT_PROTOCOL_VERSION, &version}, {LDAP_OPT_DEREF, &deref},
        {LDAP_OPT_SIZELIMIT, &unlimited},      {LDAP_OPT_TIMELIMIT, &unlimited},
        {LDAP_OPT_REFERRALS, LDAP_OPT_OFF},    {LDAP_OPT_RESTART, LDAP_OPT_ON},
    };
    Sockbuf *sockbuf = NULL;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (ldap_set_option(ld, options[i].option, options[i].value) != LDAP_OPT_SUCCESS)
            return E_INTERNAL;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) != LDAP_OPT_SUCCESS || sockbuf == NULL)
        return E_INTERNAL;
    (void)ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &incoming);
    return 0;
}

int upstream_open(const struct upstream_target *target, int64_t deadline_ms, struct upstream *ret)
{
    struct upstream result = {.fd = -1};
    int err = socket_open(target, deadline_ms, &result.fd);

    if (err != 0)
        return err;
    if (ldap_init_fd(result.fd, target->proto, target->uri, &result.ld) != LDAP_SUCCESS) {
        (void)close(result.fd);
        return E_NOMEM;
    }
    err = handle_configure(result.ld);
    if (err != 0)
        upstream_close(&result);
    else
        *ret = result;
    return err;
}

int upstream_read_ahead(struct upstream *upstream)
{
    ber_len_t size = UPSTREAM_READ_AHEAD;
    Sockbuf *sockbuf = NULL;

    if (ldap_get_option(upstream->ld, LDAP_OPT_SOCKBUF, &sockbuf) != LDAP_OPT_SUCCESS ||
        sockbuf == NULL)
        return E_INTERNAL;
    return ber_sockbuf_add_io(sockbuf, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_PROVIDER,
                              &size) == 0
               ? 0
               : E_NOMEM;
}

void upstream_close(struct upstream *upstream)
{
    if (upstream->ld != NULL)
        (void)ldap_unbind_ext(upstream->ld, NULL, NULL);
    *upstream = (struct upstream){.fd = -1};
}

bool upstream_idle(const struct upstream *upstream)
{
    struct pollfd item = {.fd = upstream->fd, .events = POLLIN | POLLRDHUP};

    return poll(&item, 1, 0) == 0;
}

int upstream_wait(struct upstream *upstream, int msgid, bool all, int64_t deadline_ms,
                  LDAPMessage **ret)
{
    LDAPMessage *message = NULL;
    int code = LDAP_SERVER_DOWN;

    for (;;) {
        int left = remaining_ms(deadline_ms);
        struct timeval wait = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
        int type =
            ldap_result(upstream->ld, msgid, all ? LDAP_MSG_ALL : LDAP_MSG_ONE, &wait, &message);

        if (type > 0) {
            *ret = message;
            return 0;
        }
        if (type < 0)
            break;
        if (left == 0)
            return E_TIMEOUT;
    }
    (void)ldap_get_option(upstream->ld, LDAP_OPT_RESULT_CODE, &code);
    return code == LDAP_SUCCESS ? E_UNAVAIL : upstream_error(code);
}

int upstream_answer(struct upstream *upstream, LDAPMessage *answer, struct arena *arena,
                    struct slice *text)
{
    char *diagnostic = NULL;
    int code = LDAP_OTHER;
    int err = upstream_error(
        ldap_parse_result(upstream->ld, answer, &code, NULL, &diagnostic, NULL, NULL, 0));

    if (err == 0)
        err = upstream_error(code);
    if (err != 0 && arena != NULL && text != NULL)
        *text = arena_copy(arena, slice_of(diagnostic));
    ldap_memfree(diagnostic);
    return err;
}

int upstream_start_external(struct upstream *upstream, const char *authzid, int *ret_msgid)
{
    /* NULL would start a negotiation without a credential, which slapd does not take. */
    char none[] = "";
    struct berval credential = {authzid != NULL ? strlen(authzid) : 0,
                                authzid != NULL ? (char *)(uintptr_t)authzid : none};

    return upstream_error(
        ldap_sasl_bind(upstream->ld, NULL, "EXTERNAL", &credential, NULL, NULL, ret_msgid));
}

/* Waits for the answer to a bind. */
static int bind_finish(struct upstream *upstream, int msgid, int64_t deadline_ms,
                       LDAPMessage **ret_answer)
{
    LDAPMessage *answer = NULL;
    int err = upstream_wait(upstream, msgid, true, deadline_ms, &answer);

    if (err == 0)
        err = upstream_answer(upstream, answer, NULL, NULL);
    if (ret_answer != NULL && answer != NULL)
        *ret_answer = answer;
    else if (answer != NULL)
        ldap_msgfree(answer);
    return err;
}

int upstream_bind_external(struct upstream *upstream, const char *authzid, int64_t deadline_ms)
{
    int msgid = -1;
    int err = upstream_start_external(upstream, authzid, &msgid);

    return err != 0 ? err : bind_finish(upstream, msgid, deadline_ms, NULL);
}

int upstream_bind_simple(struct upstream *upstream, const char *dn, struct slice password,
                         LDAPControl **controls, int64_t deadline_ms, LDAPMessage **ret_answer)
{
    struct berval credential = {password.len, (char *)(uintptr_t)password.data};
    int msgid = -1;
    int err = upstream_error(
        ldap_sasl_bind(upstream->ld, dn, LDAP_SASL_SIMPLE, &credential, controls, NULL, &msgid));

    return err != 0 ? err : bind_finish(upstream, msgid, deadline_ms, ret_answer);
}
