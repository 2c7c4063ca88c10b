/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counting failed attempts. Pure: a record and the time go in, the record to swap in comes out; the
 * caller swaps (delete the old value, add the new one) and, when another was first, reads again.
 * Knows neither the ledger nor what is checked.
 *
 * How count behaves. An attempt is reserved before anything is checked: the swap of a record whose
 * count is one higher is the permission to check. A right secret drops the record; a wrong one does
 * nothing more, it is counted already. The reservation that reaches the limit carries the lock
 * itself, so whatever runs at the same time, no more than limit attempts are checked, and the
 * ledger then shows exactly limit: refusals do not count and do not change the record. When the
 * lock has lapsed one attempt is reserved at a time, each with the next, longer lock: count limit +
 * k goes with the lock of step k. Invariant: a record of lockout_reserve has a lock if, and only
 * if, its count is at the limit or beyond. Where policies differ in time, the new one counts from
 * the next reservation on.
 *
 * The right secret as the fifth attempt succeeds. A clock that is set back lengthens a lock and
 * never shortens it; dropping the record by hand unlocks.
 *
 * The record is text, a value of usherFailure: <key> <count> <last ms> <locked until ms>, times
 * since 1970, 0 for not locked. The key names factor and place: password@local, password@net, code,
 * pin/acme.
 */
#ifndef USHER_SECRET_LOCKOUT_H
#define USHER_SECRET_LOCKOUT_H

#include "base/mem.h"

#include <stdint.h>

#define LOCKOUT_KEY_MAX    96                         /* bytes: printable ASCII without spaces */
#define LOCKOUT_RECORD_MAX (LOCKOUT_KEY_MAX + 4 * 20) /* with the byte 0 */
#define LOCKOUT_COUNT_MAX  1000000

struct lockout {
    char key[LOCKOUT_KEY_MAX + 1];
    int64_t count;     /* attempts reserved and not given back; at least 1 */
    int64_t last_ms;   /* the latest reservation */
    int64_t locked_ms; /* locked until then; 0: not locked */
};

struct lockout_policy {
    int64_t limit;    /* attempts before the first lock, 1 to 1000 */
    int64_t first_ms; /* the first lock; each further one is twice as long */
    int64_t most_ms;  /* but no longer than this, at most 30 days */
};
#define LOCKOUT_PRESET                                                                             \
    {                                                                                              \
        .limit = 5, .first_ms = 60000, .most_ms = 3600000                                          \
    }

/* Reads a value. E_SYNTAX: the caller must take that for locked, not for absent. */
int lockout_parse(struct slice value, struct lockout *ret);

/* Writes it; ret has LOCKOUT_RECORD_MAX bytes. Reading and writing again gives the same bytes. */
void lockout_format(const struct lockout *record, char *ret);

/* Finds the record of key among count values of usherFailure. E_NOTFOUND; E_SYNTAX when a value of
 * this key does not parse or there are two of them. */
int lockout_find(const struct slice *values, size_t count, const char *key, struct lockout *ret);

/* The record to swap in so as to attempt. record is the present one, NULL when there is none; key
 * is for a new one. E_DENIED: locked until *ret_until_ms, nothing to swap. E_SYNTAX, E_LIMIT for
 * key and policy. On success *ret_until_ms is untouched. */
int lockout_reserve(const struct lockout *record, const char *key,
                    const struct lockout_policy *policy, int64_t now_ms, struct lockout *ret,
                    int64_t *ret_until_ms);

/* Gives one reservation back: a used code, a backend that did not answer. record is the present one
 * (NULL: a success has dropped it meanwhile), mine what lockout_reserve gave. 0: swap *ret in;
 * E_NOTFOUND: drop the record, if there is one. The lock goes when the count falls below the limit;
 * at or above it one further attempt is open again at once if nobody has reserved since, and else
 * the later reservation's lock stands. */
int lockout_uncount(const struct lockout *record, const struct lockout *mine,
                    const struct lockout_policy *policy, struct lockout *ret);

#endif
