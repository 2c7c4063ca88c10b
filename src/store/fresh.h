/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether the cache is as fresh as the store (DESIGN 7; the argument is in store/sync.h): when to
 * ask for contextCSN, and what an answer proves. Pure: times are given, in milliseconds of the
 * monotonic clock. An answer proves freshness for the moment at which it was asked for, so an old
 * question is asked again rather than believed.
 */
#ifndef USHER_STORE_FRESH_H
#define USHER_STORE_FRESH_H

#include "store/csn.h"

#include <stdint.h>

#define FRESH_PROOF_MS    250   /* the longest time from question to proof */
#define FRESH_GAP_MS      20    /* the shortest time between two questions */
#define FRESH_QUIET_MS    300   /* the cookie stays behind, and nothing arrives: lags */
#define FRESH_PATIENCE_MS 10000 /* to this, when beginning anew does not help */
#define FRESH_ANSWER_MS   10000 /* no answer for this long: the connection is dead */

enum fresh_verdict {
    FRESH_WAIT,   /* nothing to do */
    FRESH_ASK,    /* ask for contextCSN now, then call fresh_asked */
    FRESH_PROVEN, /* what was committed is what the store holds: told once for each question */
    FRESH_LAGS,   /* begin the search anew, then call fresh_reset */
    FRESH_LOST,   /* the store does not answer */
};

struct fresh {
    int64_t interval_ms;
    int64_t asked_ms; /* when the question at hand was put */
    int64_t next_ms;  /* when to ask next */
    int64_t quiet_ms; /* how long quiet must last: grows */
    struct csn_set wanted;
    bool asking;   /* a question is on its way */
    bool answered; /* wanted is its answer */
};

void fresh_init(struct fresh *fresh, int64_t interval_ms);

/* A new connection: what was asked on the old one is void. */
void fresh_reset(struct fresh *fresh, int64_t now_ms);

void fresh_asked(struct fresh *fresh, int64_t now_ms);

/* The answer; NULL when the store gave none (no right to read it, say). */
void fresh_answered(struct fresh *fresh, const struct csn_set *csn, int64_t now_ms);

/* Something was committed: ask soon. */
void fresh_hurry(struct fresh *fresh, int64_t now_ms);

/* What to do now. message_ms: when the last message of the search came. */
enum fresh_verdict fresh_judge(struct fresh *fresh, const struct csn_set *committed,
                               int64_t message_ms, int64_t now_ms);

#endif
