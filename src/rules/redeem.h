/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mailed tokens in the ledger: what making one and redeeming one share.
 */
#ifndef USHER_RULES_REDEEM_H
#define USHER_RULES_REDEEM_H

#include "rules/login.h"

struct person;

#define REDEEM_KEY "token" /* of failures */

/* What a token of this person is good for as long as it stays the same. address: in the place of
 * the person's, or empty. E_LIMIT, E_CRYPTO. */
int redeem_state(const struct person *person, struct slice address, struct mailed_state *ret);

/* The password is another one: ends what was mailed for the one before. An error has been logged:
 * the store's own time of the change ends it too. */
void redeem_end(const struct login_context *context, struct login *login);

#endif
