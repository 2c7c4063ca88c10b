/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The evaluator's last step for everybody who does not compile it in; and when windows change.
 */
#include "model/decide.h"
#include "model/decide_steps.h"

int64_t window_next(const struct window *window, int64_t now_ms)
{
    if (!window->present || !window->active || window->not_before >= window->not_after)
        return INT64_MAX;
    if (now_ms < window->not_before)
        return window->not_before;
    return now_ms < window->not_after ? window->not_after : INT64_MAX;
}

bool window_open(const struct window *window, int64_t now_ms)
{
    return window_is_open(window, now_ms);
}

bool subject_valid(const struct subject *subject, enum membership_kind kind, bool event_query,
                   int64_t now_ms)
{
    return subject_is_valid(subject, kind, event_query, now_ms);
}

struct decision decide(const struct query *query, const struct permission *permission,
                       const struct subject *subject, const struct decide_source *source,
                       int64_t now_ms)
{
    return decide_inline(query, permission, subject, source, now_ms);
}
