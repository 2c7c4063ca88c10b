/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Passwords, which only the store judges: checking one is a bind there as its owner (RFC
 * 4513 5.1.3), changing one is RFC 3062 as its owner. Both use the login pool, so that slow hashing
 * holds nobody else up; a connection is made anonymous again, or closed, before another gets it.
 * The password policy control (draft-behera-ldap-password-policy) is asked for and decoded. Counts
 * no failures.
 */
#ifndef USHER_STORE_PASSWORD_H
#define USHER_STORE_PASSWORD_H

#include "store/pool.h"

/* The policy's errors, numbered as on the wire. */
enum password_error {
    PASSWORD_ERROR_NONE = -1,
    PASSWORD_EXPIRED,
    PASSWORD_ACCOUNT_LOCKED,
    PASSWORD_CHANGE_AFTER_RESET,
    PASSWORD_MOD_NOT_ALLOWED,
    PASSWORD_MUST_SUPPLY_OLD,
    PASSWORD_QUALITY,
    PASSWORD_TOO_SHORT,
    PASSWORD_TOO_YOUNG,
    PASSWORD_IN_HISTORY,
};

struct password_policy {
    enum password_error error;
    bool must_change;  /* was reset: nothing but changing it is allowed */
    bool expired;      /* right or not, it is too old; with a bind that succeeded: a grace login */
    int grace;         /* logins left with an expired password; -1: not told */
    int64_t expires_s; /* seconds until it expires; -1: not told */
};

/* Whether password is that of the entry. 0: it is; E_AUTH: it is not, or the store does not let
 * this entry in; E_UNWILLING, before anything is sent: DN or password are empty (RFC 4513 5.1.2),
 * or the DN holds a byte 0 or is longer than a DN may be. Other errors: cannot tell. *policy (may
 * be NULL) is set whenever the store answered. */
int store_bind_check(struct store *store, struct slice dn, struct slice password,
                     int64_t deadline_ms, struct password_policy *policy);

/* Changes a password as its owner: binds with the old one, then RFC 3062; when that answer is lost,
 * a bind with the new one tells whether it was done. E_AUTH when the old one is wrong; E_UNWILLING
 * when the store refuses the new one (*text says why, *policy which rule) or one of them is empty.
 * policy and text (with its arena) may be NULL. */
int store_password_change(struct store *store, struct arena *arena, struct slice dn,
                          struct slice old_password, struct slice new_password, int64_t deadline_ms,
                          struct password_policy *policy, struct slice *text);

/* Sets a password as usherd; a lost answer as above, where the present password, set again, is told
 * as set although the store may have refused it. E_NOTFOUND, E_UNWILLING as above. */
int store_password_reset(struct store *store, struct arena *arena, struct slice dn,
                         struct slice new_password, int64_t deadline_ms,
                         struct password_policy *policy, struct slice *text);

#endif
