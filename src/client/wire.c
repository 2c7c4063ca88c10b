/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/wire.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/address.h"
#include "ldap/message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE        4096
#define BACKLOG_WAIT_MS  1  /* first pause when a unix backlog is full; doubled */
#define BACKLOG_PAUSE_MS 20 /* longest pause */

/* Milliseconds left for poll(); 0 when the deadline has passed. */
static int wire_left_ms(const struct wire *wire)
{
    int64_t left = wire->deadline_ms - clock_monotonic_ms();

    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Waits until the socket is ready for events, or just for pause_ms when events is 0. */
static int wire_wait(const struct wire *wire, short events, int pause_ms)
{
    struct pollfd poll_fd = {.fd = events != 0 ? wire->fd : -1, .events = events};
    int left_ms, count;

    do {
        left_ms = wire_left_ms(wire);
        if (left_ms == 0)
            return E_TIMEOUT;
        if (pause_ms > 0 && left_ms > pause_ms)
            left_ms = pause_ms;
        count = poll(&poll_fd, 1, left_ms);
        if (count > 0 || (count == 0 && pause_ms > 0))
            return 0;
    } while (count == 0 || errno == EINTR);
    return E_IO;
}

static int wire_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return E_UNAVAIL;
    default:
        return err_errno(number);
    }
}

/* A TCP connect goes on by itself; its outcome is read from the socket. */
static int wire_connected(const struct wire *wire)
{
    socklen_t size = sizeof(int);
    int error = 0, rc = wire_wait(wire, POLLOUT, 0);

    if (rc < 0)
        return rc;
    if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return E_IO;
    return wire_errno(error);
}

static int wire_connect(const struct wire *wire, const struct address *address)
{
    int pause_ms = BACKLOG_WAIT_MS, rc;

    while (connect(wire->fd, (const struct sockaddr *)&address->sockaddr, address->len) < 0) {
        if (errno == EINPROGRESS || (errno == EINTR && !address->local))
            return wire_connected(wire);
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return wire_errno(errno);
        rc = wire_wait(wire, 0, pause_ms);
        if (rc < 0)
            return rc;
        pause_ms = pause_ms * 2 < BACKLOG_PAUSE_MS ? pause_ms * 2 : BACKLOG_PAUSE_MS;
    }
    return 0;
}

int wire_open(const char *uri, int64_t deadline_ms, struct wire *ret)
{
    struct wire wire = {.fd = -1, .deadline_ms = deadline_ms};
    struct address address;
    int rc, one = 1;

    *ret = wire;
    rc = address_parse(uri, &address);
    if (rc < 0)
        return rc;
    if (wire_left_ms(&wire) == 0)
        return E_TIMEOUT;
    wire.loopback = address.loopback;
    wire.local = address.local;
    wire.fd = socket(address.sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire.fd < 0)
        return E_IO;
    rc = wire_connect(&wire, &address);
    if (rc == 0 && !wire.local &&
        setsockopt(wire.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
        rc = E_IO;
    if (rc < 0)
        wire_close(&wire);
    *ret = wire;
    return rc;
}

int wire_take(int fd, int64_t deadline_ms, struct wire *ret)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return E_IO;
    *ret = (struct wire){.fd = fd, .deadline_ms = deadline_ms, .loopback = true, .local = true};
    return 0;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
    buffer_clear(&wire->in);
    buffer_clear(&wire->message);
}

int wire_send(struct wire *wire, const char *bytes, size_t len)
{
    int rc = wire->fd < 0 ? E_UNAVAIL : wire_left_ms(wire) == 0 ? E_TIMEOUT : 0;

    while (rc == 0 && len > 0) {
        ssize_t sent = send(wire->fd, bytes, len, MSG_NOSIGNAL);

        if (sent >= 0) {
            bytes += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            rc = wire_wait(wire, POLLOUT, 0);
        } else if (errno != EINTR) {
            rc = wire_errno(errno);
        }
    }
    if (rc < 0)
        wire_close(wire);
    return rc;
}

/* Some more bytes into wire->in. */
static int wire_read(struct wire *wire)
{
    int rc = buffer_reserve(&wire->in, READ_SIZE);

    while (rc == 0) {
        ssize_t count = recv(wire->fd, wire->in.data + wire->in.len, READ_SIZE, 0);

        if (count > 0) {
            wire->in.len += (size_t)count;
            return 0;
        }
        if (count == 0)
            return E_UNAVAIL;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            rc = wire_wait(wire, POLLIN, 0);
        else if (errno != EINTR)
            rc = wire_errno(errno);
    }
    return rc;
}

/* Moves the first len bytes received into wire->message, with a byte behind them. */
static int wire_cut(struct wire *wire, size_t len)
{
    int rc;

    buffer_clear(&wire->message);
    rc = buffer_append(&wire->message, wire->in.data, len);
    if (rc == 0)
        rc = buffer_append(&wire->message, "", 1);
    if (rc == 0)
        buffer_drop(&wire->in, len);
    return rc;
}

int wire_receive(struct wire *wire, char **ret_bytes, size_t *ret_len)
{
    int rc = wire->fd < 0 ? E_UNAVAIL : 0;
    size_t len = 0;

    while (rc == 0) {
        rc = message_length(wire->in.data, wire->in.len, WIRE_RESPONSE_MAX, &len);
        if (rc == 0 && wire->in.len >= len)
            break;
        if (rc == 0 || rc == E_AGAIN) /* a peer that drips bytes does not move the deadline */
            rc = wire_left_ms(wire) == 0 ? E_TIMEOUT : wire_read(wire);
    }
    if (rc == 0)
        rc = wire_cut(wire, len);
    if (rc < 0) {
        wire_close(wire);
        return rc;
    }
    *ret_bytes = wire->message.data;
    *ret_len = len;
    return 0;
}
