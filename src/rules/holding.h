/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a membership holds, as text: the values of usherPermission and usherEffectiveSetting. Each
 * value of usherPermission is a permission P that holds unscoped, or P@S or -P@S where the answer
 * for a scope S is another than the one for the next wider scope that the list names; with
 * ";channel=C" where it holds in that channel alone, and ";factor=due" where a second factor is
 * needed. Whatever the list does not say is denied. Every line is an answer of the evaluator.
 */
#ifndef USHER_RULES_HOLDING_H
#define USHER_RULES_HOLDING_H

#include "cache/tree.h"
#include "cache/view.h"

#define HOLDING_MAX 65536 /* values of one list */

/* A list of values in an arena. */
struct holding {
    struct slice *values;
    size_t count, room;
};

/* The lists of a membership or event membership (place.kind), at now_ms. An event membership's say
 * what holds on that event, without a scope. Errors of the state; E_LIMIT. */
int holding_permissions(struct view *view, const struct tree_place *place, int64_t now_ms,
                        struct arena *arena, struct holding *ret);
int holding_settings(struct view *view, const struct tree_place *place, int64_t now_ms,
                     struct arena *arena, struct holding *ret);

#endif
