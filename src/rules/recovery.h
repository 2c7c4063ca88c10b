/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recovery codes at login: accepted wherever a code is asked for, in place of the app or the mail.
 */
#ifndef USHER_RULES_RECOVERY_H
#define USHER_RULES_RECOVERY_H

#include "rules/login.h"

/* Checks what was typed as a recovery code of a known person, once reserved. 0: right, and used up
 * in the ledger; E_SYNTAX: it is no recovery code; E_AUTH: wrong; E_CONFLICT: right but used before
 * and E_BUSY right, but lost to others (neither is to be counted); the store's errors. */
int recovery_check(const struct login_context *context, struct login *login, struct slice typed);

/* Forgets the person's recovery codes. Errors are the store's. */
int recovery_drop(const struct login_context *context, struct login *login);

/* After a complete login with one: says how many are left. */
void recovery_tell(struct login *login);

#endif
