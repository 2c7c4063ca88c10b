/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ledger of one person (DESIGN 6): what logins write, changed by compare-and-swap alone. An
 * attempt is reserved here before anything is checked. Unknown names share hashed entries, so that
 * they cost the same writes.
 */
#ifndef USHER_RULES_LEDGER_H
#define USHER_RULES_LEDGER_H

#include "rules/login.h"
#include "secret/lockout.h"

struct person;

/* Whose ledger: the usherId, or unknown-<hash of the name>. In the arena. */
struct slice ledger_owner(struct arena *arena, const struct person *person, const char *user);

/* The values of one attribute ("usherfailure", lower case); none is no error. */
int ledger_values(const struct login_context *context, struct arena *arena, struct slice owner,
                  const char *attribute, struct slice **ret, size_t *ret_count);

/* Reserves an attempt. 0 with what was reserved; E_DENIED: locked, after the same work at the
 * store; the store's errors. */
int ledger_reserve(const struct login_context *context, struct arena *arena, struct slice owner,
                   const char *key, struct lockout *ret);

/* Gives it back: nothing was checked, or what was checked does not count. */
int ledger_uncount(const struct login_context *context, struct arena *arena, struct slice owner,
                   const struct lockout *mine);

/* Drops the record of a key (a login was complete; unlock). No record is no error. */
int ledger_drop(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *key);

/* The same when what the failures were counted for has happened already: a record that others keep
 * changing stays, which the log is told, and undoes nothing. */
int ledger_forget(const struct login_context *context, struct arena *arena, struct slice owner,
                  const char *key);

/* The same, after a success: mine is what was reserved, and most likely still there. complete: it
 * was a whole login, whose day is noted in the same write. */
int ledger_success(const struct login_context *context, struct arena *arena, struct slice owner,
                   const struct lockout *mine, bool complete);

/* Swaps one value: old (data NULL: none there with this prefix) for new (data NULL: none). */
int ledger_swap(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *attribute, struct slice prefix, struct slice old_value,
                struct slice new_value);

/* The same for a new value that has just been sealed, so that nobody else can have put it there: an
 * answer that was lost is looked up in the ledger, which has the new value, or not. The attribute
 * is in lower case. */
int ledger_put(const struct login_context *context, struct arena *arena, struct slice owner,
               const char *attribute, struct slice prefix, struct slice old_value,
               struct slice new_value);

/* The slots of usherToken: a value for each word, "<word> <record>". A pending enrolment has this
 * one; mailed tokens have those of mailed_word. */
#define LEDGER_ENROLL "enroll"

/* The record in a slot; data NULL: none. */
int ledger_slot(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *word, struct slice *ret);

/* Swaps it: old (data NULL: none) for new, just sealed (data NULL: none). */
int ledger_slot_swap(const struct login_context *context, struct arena *arena, struct slice owner,
                     const char *word, struct slice old_record, struct slice new_record);

/* The word of a value of usherToken, with its record in *ret; data NULL: it is of no slot. */
struct slice ledger_slot_word(struct slice value, struct slice *ret);

#endif
