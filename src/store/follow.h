/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection that follows the store: it is opened, bound, searches with the Sync control (RFC
 * 4533) and asks for contextCSN in between. No call waits for the server: each does what can be
 * done now. What arrives goes to apply. Internal to src/store; the thread and the reconnecting are
 * sync.c's.
 */
#ifndef USHER_STORE_FOLLOW_H
#define USHER_STORE_FOLLOW_H

#include "store/apply.h"
#include "store/fresh.h"
#include "store/upstream.h"

#define FOLLOW_TEXT_MAX 256

enum follow_stage { FOLLOW_CLOSED, FOLLOW_BINDING, FOLLOW_SEARCHING };

struct follow {
    const struct upstream_target *target;
    const char *authzid;
    const char *base;
    const char *filter;
    struct apply *apply;
    struct fresh *fresh;
    struct arena *arena; /* of the message at hand */
    struct upstream upstream;
    enum follow_stage stage;
    int search, question, bind; /* message ids */
    struct csn_set answer;      /* contextCSN, as it comes in */
    bool deaf;                  /* contextCSN could not be read: said so in the log */
    int64_t began_ms;           /* when the stage began */
    int64_t message_ms;         /* when the last message of the search came */
    int64_t commit_ms;          /* when a batch was last committed */
    char text[FOLLOW_TEXT_MAX]; /* what the server said when it ended the search; "" */
};

/* apply and fresh are the caller's and must outlive follow, as must the texts. */
void follow_init(struct follow *follow);
void follow_clear(struct follow *follow);

/* Connects and begins to bind. E_UNAVAIL, E_TIMEOUT ... */
int follow_open(struct follow *follow, int64_t now_ms);

/* Closes; what was not committed is dropped. */
void follow_close(struct follow *follow);

/* Takes what has arrived on upstream.fd, until there is nothing more or a batch is full
 * (*ret_more), and commits it. Any error ends the connection: E_STALE means that the cookie is of
 * no use (apply_forget), others that the store or the state failed. */
int follow_step(struct follow *follow, int64_t now_ms, bool *ret_more);

/* Asks for contextCSN; the answer goes to fresh. */
int follow_ask(struct follow *follow, int64_t now_ms);

#endif
