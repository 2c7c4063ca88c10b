/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A login, challenge or change of a secret on its way through the pools: the person is found first;
 * then its steps run, those of one at a time for each person and factor, on the store pool, and
 * what is hashed between them on the pool for that; then the answer is made on the loop: of a
 * refusal not before its time (server/refusal.h).
 */
#ifndef USHER_SERVER_ATTEMPT_H
#define USHER_SERVER_ATTEMPT_H

#include "rules/login.h"
#include "server/delivery.h"
#include "server/dispatch.h"
#include "server/settings.h"
#include "server/work.h"

#include <sys/queue.h>

struct attempt {
    struct job job; /* first */
    struct request *request;
    struct settings *settings; /* in force when it began */
    struct login login;
    bool service; /* a service binds */
    void (*step)(const struct login_context *context, struct login *login);
    /* On the pool, once the person has been looked for; NULL: always. Other than 0: answered, with
     * login.err, and no step runs. */
    int (*admit)(struct attempt *attempt);
    /* On the loop, after a step that went well; NULL: none. True: another pool has the attempt, and
     * attempt_answer follows. */
    bool (*onward)(struct attempt *attempt);
    void (*answer)(struct attempt *attempt); /* on the loop; ends with attempt_finish */
    bool even;          /* each answer waits for its time, not refusals alone */
    bool found;         /* the person has been looked for */
    bool ran;           /* false when dropped at shutdown */
    int64_t arrived_ns; /* monotonic */
    int64_t ready_ns;   /* monotonic: not to be answered before; 0: at once */
    int64_t due_ns;     /* while it is held */
    TAILQ_ENTRY(attempt) held;
    struct delivery *delivery; /* by which its code is sent, or NULL */
    int64_t send_until_ms;     /* monotonic: a code is of no use to be sent later */
};

/* A new attempt with the peer filled in and the request deferred. NULL, with ret filled in, when
 * the connection has too much under way. */
struct attempt *attempt_new(struct request *request, void (*answer)(struct attempt *attempt),
                            struct result *ret);

/* Sends it off. LATER, or REPLY with ret filled in (E_BUSY: too much to do, or too many from this
 * address) and the attempt gone. */
enum handled attempt_start(struct attempt *attempt,
                           void (*step)(const struct login_context *, struct login *),
                           struct result *ret);

/* Has the answer made: at once, or, where what it took to find out must not show, at its time. On
 * the attempt's loop. */
void attempt_answer(struct attempt *attempt);

/* Takes what having something sent to the person costs: of the peer, the address, the person, one
 * after the other; what the first take is not given back. Each kind of thing has buckets of its
 * own, so that whoever asks for one in a stranger's name keeps none of the other from them. E_BUSY:
 * too often, answered with this text. On the store pool, once the person has been looked for. */
int attempt_admit(struct attempt *attempt, const char *kind, enum text text);

/* Answers as the login says (login.err, login.text), with value where it holds bytes (NULL: there
 * is none). Wipes and frees, the value's bytes too. */
void attempt_finish(struct attempt *attempt, struct buffer *value);

/* The same with the response control of the password policy where it was asked for and the store
 * has said something of the password. */
void attempt_finish_policy(struct attempt *attempt, struct buffer *value);

/* Wipes and frees an attempt that was never started, and takes its deferred request back. */
void attempt_drop(struct attempt *attempt);

/* What the audit line of the attempt will say: what it was (static), the outcome, the peer's
 * claims, the person when known. Before attempt_finish. */
void attempt_audit(const struct attempt *attempt, const char *what);

#endif
