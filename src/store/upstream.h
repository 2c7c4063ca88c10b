/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection to the store: a libldap handle over a socket of ours, which never blocks, so that
 * every wait has an end. Requests are started with libldap's asynchronous calls on ld and waited
 * for with upstream_wait. A connection on which a wait ended in E_UNAVAIL, E_TIMEOUT or E_PROTO is
 * broken: close it. One thread at a time. Knows no pool and no tree. Internal to src/store.
 */
#ifndef USHER_STORE_UPSTREAM_H
#define USHER_STORE_UPSTREAM_H

#include "base/mem.h"

#include <ldap.h>
#include <stdint.h>
#include <sys/socket.h>

#define UPSTREAM_ADDRESSES_MAX 8
#define UPSTREAM_MESSAGE_MAX   (256u << 20) /* bytes of one message that we take */
#define UPSTREAM_READ_AHEAD    (128u << 10)

/* Where the store listens. */
struct upstream_target {
    char *uri;
    int proto; /* LDAP_PROTO_... */
    size_t count;
    struct sockaddr_storage addresses[UPSTREAM_ADDRESSES_MAX];
    socklen_t lengths[UPSTREAM_ADDRESSES_MAX];
};

struct upstream {
    LDAP *ld;
    int fd; /* owned by ld */
};

/* Reads "ldapi://%2Fpath" or "ldap://host:port". A host name is looked up here, once (and only here
 * may this block). E_CONF for another scheme, a path too long for a socket, a host unknown. */
int upstream_target_init(struct upstream_target *target, const char *uri);
void upstream_target_clear(struct upstream_target *target);

/* Connects, not bound. E_UNAVAIL when nobody listens, E_TIMEOUT, E_NOMEM. */
int upstream_open(const struct upstream_target *target, int64_t deadline_ms, struct upstream *ret);
/* Reads ahead what the server sends, for a connection on which much comes: a few system calls for
 * many messages. From then on ldap_result must have said that there is nothing more before anybody
 * waits for the socket. E_NOMEM. */
int upstream_read_ahead(struct upstream *upstream);

void upstream_close(
    struct upstream *upstream); /* never blocks; an unopened one (ld NULL) is fine */

/* Whether an idle connection is still good: nothing has arrived and nobody hung up. */
bool upstream_idle(const struct upstream *upstream);

/* Starts a SASL EXTERNAL bind (RFC 4513 5.2.3) with this authorization identity ("dn:...", or
 * NULL). */
int upstream_start_external(struct upstream *upstream, const char *authzid, int *ret_msgid);

/* Binds and waits. An empty password with an empty DN makes the connection anonymous. The answer,
 * controls included, is in ret_answer (free with ldap_msgfree) when the server gave one. 0 only for
 * success; else as upstream_answer. ret_answer may be NULL. */
int upstream_bind_external(struct upstream *upstream, const char *authzid, int64_t deadline_ms);
int upstream_bind_simple(struct upstream *upstream, const char *dn, struct slice password,
                         LDAPControl **controls, int64_t deadline_ms, LDAPMessage **ret_answer);

/* Waits for the next message of a request (all: for all of them together). E_TIMEOUT when the
 * deadline has passed, E_UNAVAIL when the connection is lost. */
int upstream_wait(struct upstream *upstream, int msgid, bool all, int64_t deadline_ms,
                  LDAPMessage **ret);

/* The error that an LDAP result stands for: of the server (RFC 4511 4.1.9) or, negative, of
 * libldap. Everything that is not success is an error. */
int upstream_error(int code);

/* The error of an answer. The server's diagnostic is copied to the arena and put into *text when it
 * is not success (both may be NULL). */
int upstream_answer(struct upstream *upstream, LDAPMessage *answer, struct arena *arena,
                    struct slice *text);

/* Whether a connection is of no more use after this error. */
bool upstream_broken(int err);

#endif
