/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nine steps of DESIGN 4 in their order. Steps 1 to 5 look at the people and places, steps 6 to
 * 8 at one permission, so that usherRequires can walk them again for the next. Everybody calls
 * decide(); the reader of the rights table has these same lines compiled into its loop, where what
 * it knows of a question beforehand makes most of them disappear.
 */
#ifndef USHER_MODEL_DECIDE_STEPS_H
#define USHER_MODEL_DECIDE_STEPS_H

#include "base/err.h"
#include "model/decide.h"

/* Also where it is called more than once: with what the caller knows, little of it is left. */
#define DECIDE_INLINE static inline __attribute__((always_inline))

/* What stays the same while the permissions of one question are looked at. */
struct question {
    const struct query *query;
    const struct subject *subject;
    const struct decide_source *source;
    bool on_event;
    bool valid[MEMBERSHIP_KINDS];
};

DECIDE_INLINE bool window_is_open(const struct window *window, int64_t now_ms)
{
    return window->present && window->active && window->not_before <= now_ms &&
           now_ms < window->not_after;
}

DECIDE_INLINE bool subject_is_valid(const struct subject *subject, enum membership_kind kind,
                                    bool event_query, int64_t now_ms)
{
    if (kind == MEMBERSHIP_EVENT && (!event_query || !window_is_open(&subject->event, now_ms)))
        return false;
    return window_is_open(&subject->membership[kind], now_ms);
}

DECIDE_INLINE struct decision decision_of(int result, int step, enum membership_kind kind)
{
    return (struct decision){.result = result, .step = step, .kind = kind};
}

/* Step 1: 0 or the error that it gives; E_NOTFOUND with what is not there. */
DECIDE_INLINE int step_known(const struct question *question, const struct permission *permission,
                             enum membership_kind *kind)
{
    const struct subject *subject = question->subject;

    if (permission == NULL)
        return E_NOPERM;
    if (!subject->organization_known || !subject->organization_active)
        return E_NOTFOUND;
    if (!question->on_event || subject->event_known)
        return 0;
    *kind = MEMBERSHIP_EVENT;
    return E_NOTFOUND;
}

/* Steps 2 to 5: 0 or the number of the one that denies. */
DECIDE_INLINE int step_subject(const struct question *question)
{
    const struct subject *subject = question->subject;
    const bool *valid = question->valid;

    if (!subject->person_known || !subject->person_active)
        return 2;
    if (!valid[MEMBERSHIP_EVENT] && !valid[MEMBERSHIP_OWN] && !valid[MEMBERSHIP_PLATFORM])
        return 3;
    if (!question->on_event)
        return 0;
    if (!subject->event_open)
        return 4;
    if (subject->event_scope_specific && !valid[MEMBERSHIP_EVENT] && !valid[MEMBERSHIP_PLATFORM])
        return 5;
    return 0;
}

/* Whether this membership counts and says anything; what it says then, and that it was this one.
 * Called by name for each of the three and not in a loop, which the compiler would keep. */
DECIDE_INLINE bool kind_speaks(const struct question *question, const struct permission *permission,
                               enum membership_kind kind, enum verdict *ret_verdict,
                               enum membership_kind *ret_kind)
{
    const struct decide_source *source = question->source;
    enum verdict verdict;

    if (!question->valid[kind])
        return false;
    verdict = source->verdict(source->context, kind, permission->bit, &question->query->scope);
    if (verdict != VERDICT_SILENT) {
        *ret_verdict = verdict;
        *ret_kind = kind;
        return true;
    }
    return false;
}

/* Steps 6, 7 and the layers of 8 for one permission: 0 or the number of the one that denies. */
DECIDE_INLINE int step_permission(const struct question *question,
                                  const struct permission *permission, enum membership_kind *kind)
{
    const struct subject *subject = question->subject;
    enum verdict verdict = VERDICT_SILENT;

    if (permission->channel.len > 0 && !slice_equal(permission->channel, question->query->channel))
        return 6;
    if (permission->editing && question->on_event && subject->event_foreign &&
        subject->shared_read_only)
        return 7;
    if (!kind_speaks(question, permission, MEMBERSHIP_EVENT, &verdict, kind) &&
        !kind_speaks(question, permission, MEMBERSHIP_OWN, &verdict, kind))
        kind_speaks(question, permission, MEMBERSHIP_PLATFORM, &verdict, kind);
    return verdict == VERDICT_GRANT ? 0 : 8;
}

/* The rest of step 8: whether all that is required, directly or not, is allowed. A circle never
 * ends, so it runs into the limit. */
DECIDE_INLINE bool requires_hold(const struct question *question, int requires,
                                 enum membership_kind *kind)
{
    struct permission permission;

    for (int i = 0; i < REQUIRES_CHAIN_MAX && requires != REQUIRES_NOTHING; i++) {
        if (requires < 0)
            return false;
        if (question->source->permission(question->source->context, (unsigned) requires,
                                         &permission) != 0)
            return false;
        if (step_permission(question, &permission, kind) != 0)
            return false;
        requires = permission.requires;
    }
    return requires == REQUIRES_NOTHING;
}

DECIDE_INLINE struct decision decide_inline(const struct query *query,
                                            const struct permission *permission,
                                            const struct subject *subject,
                                            const struct decide_source *source, int64_t now_ms)
{
    struct question question = {
        .query = query,
        .subject = subject,
        .source = source,
        .on_event = query->scope.kind == SCOPE_EVENT,
    };
    enum membership_kind kind = MEMBERSHIP_KINDS;
    int err, step;

    err = step_known(&question, permission, &kind);
    if (err != 0)
        return decision_of(err, 1, kind);
    question.valid[MEMBERSHIP_EVENT] =
        subject_is_valid(subject, MEMBERSHIP_EVENT, question.on_event, now_ms);
    question.valid[MEMBERSHIP_OWN] =
        subject_is_valid(subject, MEMBERSHIP_OWN, question.on_event, now_ms);
    question.valid[MEMBERSHIP_PLATFORM] =
        subject_is_valid(subject, MEMBERSHIP_PLATFORM, question.on_event, now_ms);
    step = step_subject(&question);
    if (step == 0)
        step = step_permission(&question, permission, &kind);
    if (step != 0)
        return decision_of(E_DENIED, step, kind);
    if (!requires_hold(&question, permission->requires, &kind))
        return decision_of(E_DENIED, 8, kind);
    if (permission->factor && query->factor <= FACTOR_NONE)
        return decision_of(E_STEPUP, 9, kind);
    return decision_of(0, 8, kind);
}

#endif
