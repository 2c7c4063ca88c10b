/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The one table of errors. A function returns 0 or a negative E_...; the table gives each its
 * text, its LDAP result code (RFC 4511 4.1.9) and its PAM code. For a question, 0 is yes,
 * E_DENIED is no and everything else is "cannot tell". Texts are for people, never secret.
 */
#ifndef USHER_BASE_ERR_H
#define USHER_BASE_ERR_H

/*  name, number, LDAP result, PAM code, text */
#define E_TABLE(X)                                                                                 \
    X(E_DENIED, 1, 5, 6, "denied")                                                                 \
    X(E_STEPUP, 2, 8, 7, "a second factor is needed")                                              \
    X(E_AUTH, 3, 49, 7, "wrong user name or secret")                                               \
    X(E_ACCESS, 4, 50, 6, "insufficient access rights")                                            \
    X(E_UNWILLING, 5, 53, 4, "the server is unwilling to do this")                                 \
    X(E_SYNTAX, 6, 21, 4, "the value does not parse")                                              \
    X(E_NOPERM, 7, 16, 4, "no such permission")                                                    \
    X(E_NOTFOUND, 8, 32, 10, "no such entry")                                                      \
    X(E_EXISTS, 9, 68, 4, "the entry exists already")                                              \
    X(E_CONFLICT, 10, 51, 9, "another writer was first")                                           \
    X(E_STALE, 11, 52, 9, "the cache is too old or not yet filled")                                \
    X(E_UNAVAIL, 12, 52, 9, "the directory store does not answer")                                 \
    X(E_TIMEOUT, 13, 52, 9, "no answer within the time allowed")                                   \
    X(E_BUSY, 14, 51, 9, "too much to do, try again")                                              \
    X(E_PROTO, 15, 2, 4, "the message is malformed")                                               \
    X(E_LIMIT, 16, 11, 4, "a limit was reached")                                                   \
    X(E_NOMEM, 17, 80, 5, "out of memory")                                                         \
    X(E_IO, 18, 80, 4, "input or output failed")                                                   \
    X(E_CRYPTO, 19, 80, 4, "the value was not sealed with a known key, or was changed")            \
    X(E_CONF, 20, 80, 4, "the configuration is not valid")                                         \
    X(E_MAIL, 21, 52, 9, "the message could not be delivered to the mail server")                  \
    X(E_CONFIDENTIAL, 22, 13, 4, "a secret may not travel in clear text")                          \
    X(E_AGAIN, 23, 51, 9, "not complete yet")                                                      \
    X(E_CANCELED, 24, 118, 4, "the operation was canceled")                                        \
    X(E_INTERNAL, 25, 80, 4, "internal error")

enum {
#define X(name, number, ldap, pam, text) name = -(number),
    E_TABLE(X)
#undef X
};

/* The text of an error ("success" for 0). Never NULL, static. */
const char *err_text(int err);

/* The name of an error, "E_BUSY". Never NULL, static. */
const char *err_name(int err);

/* The LDAP result code of an error; 0 for 0, 80 (other) for what the table does not hold. */
int err_ldap(int err);

/* The PAM code (Linux-PAM) of an error; 0 (PAM_SUCCESS) for 0, 4 (PAM_SYSTEM_ERR) otherwise. */
int err_pam(int err);

/* The error for an errno value: ENOMEM, EAGAIN, ETIMEDOUT, ENOENT, EEXIST, EACCES ...; E_IO else.
 */
int err_errno(int number);

#endif
