/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sealing anew, while logins go on, all that the store holds and that an older key has sealed:
 * PINs, TOTP secrets, application passwords and the ledger. Each entry is changed only if nobody
 * else has changed it since it was read. Safe to repeat and to break off anywhere.
 */
#ifndef USHER_RULES_RESEAL_H
#define USHER_RULES_RESEAL_H

#include "rules/login.h"

struct reseal {
    /* Given: */
    int (*on_wait)(void *context); /* other than 0 ends it, and is returned */
    void *context;

    /* Counted, in values: */
    int64_t resealed;
    int64_t left; /* sealed with another key of the file still: others were always first */
    int64_t dead; /* open with no key of the file for who and where they are: nothing to be lost */
};

/* Goes through the whole store once. Errors are the store's. */
int reseal_store(const struct login_context *context, struct reseal *reseal);

/* How long, in ms, something sealed with the key before may still be on its way to the store. */
int64_t reseal_wait_ms(const struct login_context *context);

#endif
