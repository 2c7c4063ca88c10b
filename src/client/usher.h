/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libusher: may this person do that, there?
 *
 *     struct usher *usher;
 *     int rc = usher_open(NULL, &usher);
 *
 *     if (rc == 0)
 *         rc = usher_check(usher, "acme", "alice", "ticket:delete@event/hamlet");
 *     if (rc == 0)
 *         ... yes ...
 *     else if (rc == USHER_DENIED)
 *         ... no ...
 *     else
 *         ... cannot tell: usher_strerror(rc). Never treat this as yes. ...
 *     usher_close(usher);
 *
 * A question is answered in this process out of the table that usherd publishes, where that table
 * may be read and can answer it; otherwise by the daemon over its socket. Both give the same
 * answer.
 *
 * Threads: one struct usher serves any number of threads at once; only usher_close needs that no
 * other call is running. Fork: a child may go on using the handle. Signals: none is raised, handled
 * or blocked. Descriptors: close-on-exec. Memory: no call exits or aborts; USHER_NOMEM instead.
 * Strings: terminated, UTF-8, copied where they are kept; NULL only where it is said to be allowed.
 */
#ifndef USHER_H
#define USHER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define USHER_API __attribute__((visibility("default")))

/* 0 is yes, or done. Everything else: */
enum usher_error {
    USHER_DENIED = -1,        /* no */
    USHER_STEPUP = -2,        /* not without a second factor in the session */
    USHER_AUTH = -3,          /* the name or password to bind with was refused */
    USHER_ACCESS = -4,        /* the caller may not ask about that person */
    USHER_UNWILLING = -5,     /* the daemon will not answer this */
    USHER_SYNTAX = -6,        /* the query, a name or the URI does not parse */
    USHER_NOPERM = -7,        /* there is no such permission */
    USHER_NOTFOUND = -8,      /* there is no such organization or event */
    USHER_STALE = -11,        /* the cache is too old or not yet filled */
    USHER_UNAVAIL = -12,      /* the daemon does not answer, or its cache is too old */
    USHER_TIMEOUT = -13,      /* no answer within timeout_ms */
    USHER_BUSY = -14,         /* too much to do, try again */
    USHER_PROTO = -15,        /* what answered does not speak the protocol */
    USHER_LIMIT = -16,        /* a name, a query or the URI is too long */
    USHER_NOMEM = -17,        /* out of memory */
    USHER_IO = -18,           /* a system call failed */
    USHER_CONFIDENTIAL = -22, /* a password may not travel in clear text */
    USHER_INTERNAL = -25      /* the daemon failed */
};

struct usher; /* opaque */

/* Zero the struct and set what differs from the defaults. Strings are copied by usher_open. */
struct usher_options {
    /* Where usherd listens: a path, "ldapi://%2Frun%2Fusher%2Fldapi" or "ldap://127.0.0.1:3890".
     * NULL: the socket that this library was built for. No host names. */
    const char *uri;
    /* The base DN of the tree. NULL: asked of the daemon (its root DSE), once, when first needed.
     */
    const char *base;
    /* The published table. NULL: the path that this library was built for; "": do not use it. */
    const char *rights;
    /* Who asks, when it is not the process (its peer credentials on the unix socket): a service's
     * DN and password. NULL: no simple bind. */
    const char *bind_dn;
    const char *bind_password;
    /* The longest that one call may wait, in milliseconds. 0: 5000. */
    int timeout_ms;
};

/* Makes a handle; asks and opens nothing that would have to succeed, so that a program can start
 * before the daemon. options may be NULL. USHER_SYNTAX or USHER_LIMIT for options, USHER_NOMEM. */
USHER_API int usher_open(const struct usher_options *options, struct usher **ret_usher);

/* Whether user (a uid) may do what query asks in the organization (its o). The query is
 * resource:action, then perhaps @event/NAME or @TYPE/NAME, then perhaps ;channel=WORD and
 * ;factor=none|totp|email|sms (the factor of that person's session). Validity counts to 10 ms.
 * 0 yes; USHER_DENIED no; USHER_STEPUP yes, once a second factor is given; else it cannot tell. */
USHER_API int usher_check(struct usher *usher, const char *organization, const char *user,
                          const char *query);

struct usher_permission; /* opaque */

/* What usher_check takes as query, resolved once, for a program that asks the same of many people:
 * usher_permission_check then neither parses it nor looks it up. Belongs to no struct usher,
 * outlives every table and serves any number of threads. A permission that does not exist is no
 * error here, for it may come. USHER_SYNTAX, USHER_LIMIT, USHER_NOMEM. */
USHER_API int usher_permission_resolve(const char *query, struct usher_permission **ret_permission);

/* As usher_check, and with the same answers: also over the wire, and after a table was replaced. */
USHER_API int usher_permission_check(struct usher *usher, const char *organization,
                                     const char *user, struct usher_permission *permission);

/* No check with it may be running. NULL is fine. */
USHER_API void usher_permission_free(struct usher_permission *permission);

struct usher_freshness {
    int64_t age_ms; /* since the answers were last known to match the directory */
    char csn[64];   /* contextCSN of the directory that they reflect */
    int in_process; /* 1: of the table in this process; 0: of the daemon */
};

/* How old the answers are that usher_check gives now. */
USHER_API int usher_freshness(struct usher *usher, struct usher_freshness *ret);

/* A sentence for people. Never NULL; static; any number is fine. */
USHER_API const char *usher_strerror(int error);

/* Frees everything. NULL is fine. */
USHER_API void usher_close(struct usher *usher);

#ifdef __cplusplus
}
#endif

#endif
