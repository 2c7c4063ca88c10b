/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The connections to the store (DESIGN 1): bounded pools of them, handed to worker threads one at a
 * time. Two pools: "work" is bound SASL EXTERNAL as usherd's identity; "login" is anonymous, for
 * checking passwords by binding. Nothing here waits beyond the caller's deadline, an instant of the
 * monotonic clock in milliseconds. What is asked is in store/entry.h, store/password.h and
 * store/swap.h. Thread-safe.
 *
 * Errors that any call on the store may give: E_UNAVAIL nobody answers there (given at once),
 * E_TIMEOUT not before the deadline, E_BUSY the store says so. After E_UNAVAIL or E_TIMEOUT a
 * change may have happened or not: repeat it only if it is safe to repeat.
 */
#ifndef USHER_STORE_POOL_H
#define USHER_STORE_POOL_H

#include "base/mem.h"
#include "store/upstream.h"

#include <stdint.h>

#define STORE_CONNECTIONS_MAX 256

struct store;

struct store_options {
    const char *uri;       /* "ldapi://%2Fpath%2Fof%2Fsocket" or "ldap://host:port" */
    const char *authzid;   /* "dn:cn=usher,<base>", or NULL for the identity the peer maps to */
    int connections;       /* of the work pool, at most; 1 to STORE_CONNECTIONS_MAX */
    int login_connections; /* of the login pool, at most */
};

enum store_pool { STORE_WORK, STORE_LOGIN };

/* Connects nothing yet: a store that is down is no error here. From here on the process ignores
 * SIGPIPE unless it has a handler for it: libldap writes with write(2). E_CONF for a URI or a
 * number that will not do. */
int store_open(const struct store_options *options, struct store **ret);

/* All connections must have been given back. NULL is fine. */
void store_close(struct store *store);

/* Takes a connection, waiting until one is free or may be opened. Idle ones are tried first, and
 * dropped when the server has hung up. E_UNAVAIL (also, logged once, when the store refuses our
 * identity), E_TIMEOUT, E_BUSY. */
int store_checkout(struct store *store, enum store_pool pool, int64_t deadline_ms,
                   struct upstream *ret);

/* Gives it back; err is what came of its use, and decides whether it is closed (upstream_broken).
 */
void store_checkin(struct store *store, enum store_pool pool, struct upstream *upstream, int err);

#endif
