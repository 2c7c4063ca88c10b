/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why somebody may or may not: the steps of DESIGN 4 in words, each with the entry that it rests
 * on, up to the one that decides. The steps are walked anew from the entries; should the walk ever
 * come to another end than decide(), there is no explanation rather than a wrong one.
 */
#ifndef USHER_CACHE_EXPLAIN_H
#define USHER_CACHE_EXPLAIN_H

#include "cache/view.h"

#define EXPLAIN_STEPS_MAX 256 /* lines; those that decide nothing are left out beyond it */

struct explain_step {
    int step;         /* 1 to 9 */
    const char *text; /* a sentence without its full stop */
    struct slice dn;  /* of the entry; empty: none */
    bool deciding;    /* of exactly one */
};

struct explanation {
    struct decision decision;
    const struct explain_step *steps; /* in the order in which they were walked */
    size_t count;
};

/* Explains the query (as text) about uid in organization. factor: that of the session, whatever the
 * query says; NULL: the query's. Memory of the arena. An unknown
 * permission, a query that does not parse and the like are a decision of step 1; errors are the
 * state's, and E_INTERNAL when the two readings differ. */
int explain(struct view *view, struct slice organization, struct slice uid, struct slice query,
            const enum factor *factor, int64_t now_ms, struct arena *arena,
            struct explanation *ret);

#endif
