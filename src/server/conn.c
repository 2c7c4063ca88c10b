/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/conn.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/dispatch.h"
#include "server/search_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONN_READ_LEAST 4096
#define CONN_READ_MOST  65536
#define CONN_OUT_MAX    (1U << 20) /* unsent answers; beyond it no more requests are read */
#define CONN_LINGER_MS  500        /* told to go */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static bool has_uid(struct conf_ints uids, uid_t uid)
{
    for (size_t i = 0; i < uids.count; i++)
        if ((uid_t)uids.items[i] == uid)
            return true;
    return false;
}

static int peer_unix(struct peer *peer, const struct settings *settings, int fd)
{
    struct ucred cred;
    socklen_t size = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
        return E_IO;
    peer->uid = cred.uid;
    peer->gid = cred.gid;
    peer->loopback = true;
    peer->admin = peer->listener == LISTENER_ADMIN && (cred.uid == 0 || cred.uid == geteuid() ||
                                                       has_uid(settings->admin_uids, cred.uid));
    peer->trusted = peer->admin || cred.uid == 0 || has_uid(settings->trusted_uids, cred.uid);
    (void)snprintf(peer->text, sizeof(peer->text), "uid:%u", (unsigned)cred.uid);
    return 0;
}

static int peer_net(struct peer *peer, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "";
    int one = 1;

    if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
        return E_IO;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;

        peer->loopback = (ntohl(in->sin_addr.s_addr) >> 24) == 127;
        (void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;

        peer->loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)snprintf(peer->text, sizeof(peer->text), "net:%s", text);
    return 0;
}

static void conn_free(struct conn *conn)
{
    *conn->link = conn->next;
    if (conn->next != NULL)
        conn->next->link = conn->link;
    buffer_clear(&conn->in);
    buffer_clear(&conn->out);
    search_list_free(conn->list);
    free(conn);
}

void conn_forget_identity(struct conn *conn)
{
    mem_wipe(&conn->identity, sizeof(conn->identity));
}

void conn_open(struct loop *loop, int fd, enum listener_kind listener)
{
    struct conn *conn = mem_alloc(sizeof(*conn));
    int rc;

    conn->loop = loop;
    conn->fd = fd;
    conn->peer.listener = listener;
    conn->active_ms = clock_monotonic_ms();
    conn->next = loop->conns;
    conn->link = &loop->conns;
    if (conn->next != NULL)
        conn->next->link = &conn->next;
    loop->conns = conn;
    rc = listener == LISTENER_LDAP ? peer_net(&conn->peer, fd)
                                   : peer_unix(&conn->peer, loop->settings, fd);
    conn->read_event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->write_event = event_new(loop->base, fd, EV_WRITE, on_writable, conn);
    if (rc < 0 || conn->read_event == NULL || conn->write_event == NULL ||
        (listener == LISTENER_ADMIN && !conn->peer.admin) || event_add(conn->read_event, NULL) < 0)
        conn_close(conn);
    else if (loop->daemon->stopping)
        conn_disconnect(conn, RESULT_UNAVAILABLE, "the server is shutting down");
}

void conn_close(struct conn *conn)
{
    if (!conn->closed) {
        conn->closed = true;
        if (conn->read_event != NULL)
            event_free(conn->read_event);
        if (conn->write_event != NULL)
            event_free(conn->write_event);
        (void)close(conn->fd);
        conn_forget_identity(conn);
        atomic_fetch_sub(&conn->loop->daemon->connections, 1);
    }
    if (conn->request_count == 0)
        conn_free(conn);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->out.len - conn->out_sent;
}

/* Whether so much waits to be written that no more requests are looked at. */
static bool conn_full(const struct conn *conn)
{
    return conn_unsent(conn) >= CONN_OUT_MAX;
}

/* What has been written is dropped when it is half of the buffer, so that a long answer is not
 * moved once for each write; the room of a long answer is given back. */
static void conn_sent(struct conn *conn, size_t sent)
{
    conn->out_sent += sent;
    if (conn->out_sent < conn->out.len / 2)
        return;
    buffer_drop(&conn->out, conn->out_sent);
    conn->out_sent = 0;
    if (conn->out.len == 0 && conn->out.size > CONN_OUT_MAX)
        buffer_clear(&conn->out);
}

/* Writes what is there. Returns false when the connection was closed. */
static bool conn_flush(struct conn *conn)
{
    while (conn_unsent(conn) > 0) {
        ssize_t sent =
            send(conn->fd, conn->out.data + conn->out_sent, conn_unsent(conn), MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            (void)event_add(conn->write_event, NULL);
            return true;
        }
        if (sent < 0) {
            conn_close(conn);
            return false;
        }
        conn_sent(conn, (size_t)sent);
    }
    if (conn->closing || (conn->ended && conn->request_count == 0 && conn->in.len == 0)) {
        conn_close(conn);
        return false;
    }
    return true;
}

static size_t conn_message_max(const struct conn *conn)
{
    const struct limits *limits = &conn->loop->settings->limits;

    return conn->identity.kind != IDENTITY_NONE || conn->peer.trusted
               ? limits->message_bytes
               : limits->message_bytes_anonymous;
}

/* Handles the whole messages at the front of the buffer. */
static void conn_messages(struct conn *conn)
{
    size_t at = 0, len = 0;
    int rc = 0;

    while (!conn->binding && !conn->closing && !conn_full(conn)) {
        rc = message_length(conn->in.data + at, conn->in.len - at, conn_message_max(conn), &len);
        if (rc < 0 || len > conn->in.len - at)
            break;
        conn->active_ms = 0;                   /* set below: one clock for all */
        char behind = conn->in.data[at + len]; /* the next message's; decoding may write there */
        dispatch(conn, conn->in.data + at, len);
        conn->in.data[at + len] = behind;
        at += len;
    }
    if (conn->active_ms == 0)
        conn->active_ms = clock_monotonic_ms();
    if (rc < 0 && rc != E_AGAIN && !conn->closing) {
        conn_disconnect(conn, RESULT_PROTOCOL_ERROR,
                        rc == E_LIMIT ? "the message is longer than this server accepts"
                                      : "this is no LDAP message");
        at = conn->in.len;
    }
    if (conn->closing)
        at = conn->in.len;
    if (at > 0)
        buffer_drop(&conn->in, at);
    if (conn->ended && !conn->binding && !conn_full(conn))
        conn->in.len = 0; /* the rest of a message that will not come */
    conn->partial_ms = conn->in.len == 0 || conn->binding || conn_full(conn) ? 0
                       : conn->partial_ms != 0 && at == 0                    ? conn->partial_ms
                                                                             : clock_monotonic_ms();
}

void conn_process(struct conn *conn)
{
    bool full;

    if (conn->closed)
        return;
    do { /* what had to wait for room may find it after a write: nothing else would call again */
        if (conn->in.len > 0)
            conn_messages(conn);
        full = conn_full(conn);
        if (!conn_flush(conn))
            return;
    } while (full && !conn_full(conn) && conn->in.len > 0);
    if (conn->binding || conn->ended || conn_full(conn))
        (void)event_del(conn->read_event);
    else if (!event_pending(conn->read_event, EV_READ, NULL))
        (void)event_add(conn->read_event, NULL);
}

/* After the last byte: whether the other end has not only closed its sending half, so that nobody
 * waits for answers. TCP tells so only to those who write. */
static bool conn_deserted(const struct conn *conn)
{
    struct pollfd other = {.fd = conn->fd};

    return poll(&other, 1, 0) > 0 && (other.revents & POLLHUP) != 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    size_t room = conn->busy ? CONN_READ_MOST : CONN_READ_LEAST;
    ssize_t got;

    (void)what;
    if (buffer_reserve(&conn->in, room + 1) < 0) { /* one byte behind for the decoder */
        conn_close(conn);
        return;
    }
    room = conn->in.size - conn->in.len - 1;
    got = recv(fd, conn->in.data + conn->in.len, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        conn_close(conn);
        return;
    }
    if (got == 0 && conn_deserted(conn)) {
        conn_close(conn);
        return;
    }
    conn->ended = got == 0;
    conn->busy = (size_t)got == room;
    conn->in.len += (size_t)got;
    conn_process(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd, (void)what;
    conn->active_ms = clock_monotonic_ms(); /* who reads is not idle */
    conn_process(conn);
}

void conn_disconnect(struct conn *conn, int code, const char *text)
{
    struct result notice = {
        .code = code, .text = slice_of(text), .oid = slice_of(OID_DISCONNECTION), .has_oid = true};

    if (conn->closed || conn->closing)
        return;
    (void)message_encode_result(&conn->out, 0, OP_EXTENDED_RESPONSE, &notice);
    conn->closing = true;
    conn->closing_ms = clock_monotonic_ms();
    (void)event_add(conn->write_event, NULL); /* written and closed from the loop */
}

void conn_sweep(struct conn *conn, int64_t now_ms)
{
    const struct limits *limits = &conn->loop->settings->limits;

    if (conn->closed)
        return;
    if (conn->closing && now_ms - conn->closing_ms >= CONN_LINGER_MS)
        conn_close(conn);
    else if (conn->closing)
        return;
    else if (conn->partial_ms != 0 && now_ms - conn->partial_ms >= limits->partial_ms)
        conn_disconnect(conn, RESULT_PROTOCOL_ERROR, "the message did not arrive in time");
    else if (conn->request_count == 0 && now_ms - conn->active_ms >= limits->idle_ms)
        conn_disconnect(conn, RESULT_UNAVAILABLE, "the connection was idle for too long");
}
