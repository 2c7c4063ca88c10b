/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection to the daemon: whole LDAP messages out and in, under one monotonic deadline over
 * connect, send and receive. Safe inside a foreign program: never exits, prints, blocks a signal or
 * raises SIGPIPE, has no globals, and its descriptor does not survive exec. What was sent and
 * received is wiped. Knows where a message ends, not what it says.
 */
#ifndef USHER_CLIENT_WIRE_H
#define USHER_CLIENT_WIRE_H

#include "base/buffer.h"

#include <stdint.h>

#define WIRE_RESPONSE_MAX ((size_t)1 << 20) /* bytes of one response */

struct wire {
    int fd;                /* -1: closed */
    int64_t deadline_ms;   /* clock_monotonic_ms() at which every wait ends */
    bool loopback;         /* secrets may travel */
    bool local;            /* a unix socket */
    struct buffer in;      /* received, not yet taken */
    struct buffer message; /* the message last taken */
};

/* Connects. uri as address_parse. A unix socket whose backlog is full is tried again until the
 * deadline. E_SYNTAX or E_LIMIT for the uri; E_UNAVAIL: nobody listens; E_TIMEOUT; E_ACCESS; E_IO;
 * on an error *ret is closed, and wire_close is still allowed. */
int wire_open(const char *uri, int64_t deadline_ms, struct wire *ret);

/* Takes over a connected stream socket on this machine (a unix socket), which it makes non-blocking
 * and will close. E_IO when that fails; fd is then still the caller's. */
int wire_take(int fd, int64_t deadline_ms, struct wire *ret);

/* Closes and wipes; again is fine. */
void wire_close(struct wire *wire);

/* Sends all bytes. E_TIMEOUT, E_UNAVAIL (the other end is gone), E_IO. After any error the wire is
 * closed, because nobody knows how much was read. */
int wire_send(struct wire *wire, const char *bytes, size_t len);

/* The next whole message. The bytes may be changed, have one more writable byte behind them, and
 * stand until the next wire_receive or wire_close. Errors as wire_send, and E_PROTO (no LDAP
 * message), E_LIMIT (over WIRE_RESPONSE_MAX), E_NOMEM; the wire is then closed. */
int wire_receive(struct wire *wire, char **ret_bytes, size_t *ret_len);

#endif
