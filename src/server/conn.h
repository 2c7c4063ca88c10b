/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One client connection: bytes in, messages to the dispatcher, answers out; who is at the other end
 * and as whom they are bound. Lives on one loop. Many requests are read at once and their answers
 * written at once. Knows nothing of what operations mean.
 */
#ifndef USHER_SERVER_CONN_H
#define USHER_SERVER_CONN_H

#include "base/buffer.h"
#include "ldap/dn.h"
#include "ldap/message.h"
#include "model/grant.h"
#include "server/loop.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum listener_kind { LISTENER_LDAPI, LISTENER_ADMIN, LISTENER_LDAP };

/* Who is at the other end, as the kernel says. */
struct peer {
    enum listener_kind listener;
    uid_t uid; /* unix sockets */
    gid_t gid;
    bool loopback; /* bytes do not leave the machine */
    bool trusted;  /* uid 0, or a configured one, on ldapi; anybody on admin who may use it */
    bool admin;    /* the platform administrator, on admin */
    char text[80]; /* for the audit line and tickets: "uid:0", "net:127.0.0.1" */
};

enum identity_kind { IDENTITY_NONE, IDENTITY_PEER, IDENTITY_PERSON, IDENTITY_SERVICE };

/* As whom the connection is bound. */
struct identity {
    enum identity_kind kind;
    char dn[DN_MAX]; /* normalized */
    size_t dn_len;
    char name[65];         /* uid of a person, cn of a service */
    char organization[65]; /* of a service, or of an application password; empty: all */
    bool app;              /* a person bound with an application password */
    enum factor factor;    /* of the session */
    bool enroll_only;      /* a factor is due and not enrolled: may do nothing else */
    bool change_only;      /* the password has to be changed: may do nothing else */
};

struct conn {
    struct loop *loop;
    int fd;
    struct event *read_event, *write_event;
    struct buffer in, out;
    size_t out_sent; /* bytes at the front of out that are written already */
    struct peer peer;
    struct identity identity;
    struct request *requests; /* deferred, to be answered */
    unsigned request_count;
    bool busy;                /* the last read filled the buffer: read more at once */
    bool binding;             /* a Bind is under way: nothing else is looked at */
    bool ended;               /* the client has sent its last byte; it is answered still */
    bool closing;             /* to be closed once everything is written */
    _Atomic bool closed;      /* the descriptor is gone; freed when request_count is 0 */
    struct search_list *list; /* of the paged search under way, or NULL */
    int64_t active_ms;        /* monotonic: last whole message, answer, or part of one taken */
    int64_t partial_ms;       /* since when the message in hand is incomplete; 0: none */
    int64_t closing_ms;
    struct conn *next, **link;
};

/* Takes over fd. */
void conn_open(struct loop *loop, int fd, enum listener_kind listener);

/* Looks at what has been received, answers, writes. */
void conn_process(struct conn *conn);

/* Bytes that wait to be written. */
size_t conn_unsent(const struct conn *conn);

/* Closes now; freed at once or when the last deferred request is finished. */
void conn_close(struct conn *conn);

/* Notice of Disconnection (RFC 4511 4.4.1), then closed when written or a second has passed. */
void conn_disconnect(struct conn *conn, int code, const char *text);

/* Closes what idles, lingers though told to go, or dawdles over a message. Called each quarter
 * second. */
void conn_sweep(struct conn *conn, int64_t now_ms);

/* The identity of nobody. */
void conn_forget_identity(struct conn *conn);

/* Tells and closes every connection of this gateway on which the person is bound, each on the loop
 * that owns it. Any loop. */
void connections_part(struct daemon *daemon, const char *uid);

#endif
