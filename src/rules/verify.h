/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the factors share when a login is verified: codes, tickets, and how a login ends.
 */
#ifndef USHER_RULES_VERIFY_H
#define USHER_RULES_VERIFY_H

#include "rules/login.h"
#include "secret/token.h"

struct person;

/* Refuses with the one text. */
void verify_refuse(struct login *login);

/* The work of checking a password, for nobody: done where nothing may be checked. */
void verify_decoy(const struct login_context *context, const struct login *login);

/* Checks a one-time code (totp, mailed or recovery) of a known person, once reserved: 0 with the
 * factor that it proved, used up in the ledger; E_AUTH wrong; E_CONFLICT right but used before, and
 * E_BUSY not to be had now (neither is to be counted); the store's errors. */
int verify_code_check(const struct login_context *context, struct login *login, struct slice code,
                      enum factor *ret);

/* Whether a value of usherChallenge is marked used; the mark is cut off. */
#define VERIFY_USED "used "
bool verify_challenge_used(struct slice *record);

/* Opens login->ticket for this person, organization and peer. E_AUTH. */
int verify_ticket(const struct login_context *context, const struct login *login,
                  struct ticket *ret);

/* Puts a fresh ticket for these factors (bits of enum ticket_factor) into ret_ticket. */
int verify_ticket_make(const struct login_context *context, struct login *login, unsigned factors);

/* Every secret was right: settles whether the person may come in here, and answers. */
void verify_complete(const struct login_context *context, struct login *login, unsigned factors);

/* The same, and then clears what was reserved as mine: the answer stands only if that is written.
 */
void verify_settle(const struct login_context *context, struct login *login, struct slice owner,
                   const struct lockout *mine, unsigned factors);

/* The failure key of a password from this peer. */
const char *verify_password_key(const struct login *login);
#define VERIFY_PASSWORD_LOCAL "password@local"
#define VERIFY_PASSWORD_NET   "password@net"

/* Answers why the store's policy refuses a new password (text: what the store says), in words for
 * the person. */
void verify_password_refused(struct login *login, struct slice text);

#endif
