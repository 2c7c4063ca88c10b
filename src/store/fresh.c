/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One question is on its way or answered at a time; next_ms says when the next is due.
 */
#include "store/fresh.h"

void fresh_init(struct fresh *fresh, int64_t interval_ms)
{
    *fresh = (struct fresh){.interval_ms = interval_ms, .quiet_ms = FRESH_QUIET_MS};
}

void fresh_reset(struct fresh *fresh, int64_t now_ms)
{
    fresh->asking = false;
    fresh->answered = false;
    fresh->next_ms = now_ms;
}

void fresh_asked(struct fresh *fresh, int64_t now_ms)
{
    fresh->asking = true;
    fresh->answered = false;
    fresh->asked_ms = now_ms;
    fresh->next_ms = now_ms + fresh->interval_ms;
}

void fresh_answered(struct fresh *fresh, const struct csn_set *csn, int64_t now_ms)
{
    fresh->asking = false;
    if (csn == NULL || csn->count == 0)
        return;
    if (now_ms - fresh->asked_ms > FRESH_PROOF_MS) {
        fresh->next_ms = now_ms;
        return;
    }
    fresh->answered = true;
    fresh->wanted = *csn;
}

void fresh_hurry(struct fresh *fresh, int64_t now_ms)
{
    int64_t soon = fresh->asked_ms + FRESH_GAP_MS;

    if (soon < now_ms)
        soon = now_ms;
    if (fresh->next_ms > soon)
        fresh->next_ms = soon;
}

/* The wanted CSNs are committed. */
static enum fresh_verdict fresh_covered(struct fresh *fresh, int64_t now_ms)
{
    fresh->answered = false;
    fresh->quiet_ms = FRESH_QUIET_MS;
    if (now_ms - fresh->asked_ms > FRESH_PROOF_MS) {
        fresh->next_ms = now_ms;
        return FRESH_ASK;
    }
    return FRESH_PROVEN;
}

enum fresh_verdict fresh_judge(struct fresh *fresh, const struct csn_set *committed,
                               int64_t message_ms, int64_t now_ms)
{
    if (fresh->asking)
        return now_ms - fresh->asked_ms > FRESH_ANSWER_MS ? FRESH_LOST : FRESH_WAIT;
    if (!fresh->answered)
        return now_ms >= fresh->next_ms ? FRESH_ASK : FRESH_WAIT;
    if (csn_set_covers(committed, &fresh->wanted))
        return fresh_covered(fresh, now_ms);
    if (now_ms - message_ms < fresh->quiet_ms || now_ms - fresh->asked_ms < fresh->quiet_ms)
        return FRESH_WAIT;
    fresh->answered = false;
    fresh->quiet_ms *= 2;
    if (fresh->quiet_ms > FRESH_PATIENCE_MS)
        fresh->quiet_ms = FRESH_PATIENCE_MS;
    return FRESH_LAGS;
}
