/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The evaluator's last step (DESIGN 4, "Deciding a query"): one pure function from what is known of
 * a person in an organization to allow, deny, step-up or an error, with the number of the deciding
 * step. Profiles answer what the layers of one membership say. No I/O, no allocation, no clock.
 */
#ifndef USHER_MODEL_DECIDE_H
#define USHER_MODEL_DECIDE_H

#include "model/grant.h"

#include <stdint.h>

/* One permission of the catalogue, as the evaluator needs it. */
#define REQUIRES_NOTHING (-1)
#define REQUIRES_UNKNOWN                                                                           \
    (-2) /* usherRequires names no permission of the catalogue: never allowed */

#define REQUIRES_CHAIN_MAX                                                                         \
    64 /* permissions that one requires, each the next; with more: denied                          \
        */

struct permission {
    unsigned bit;
    struct slice channel; /* usherChannel; empty: every channel */
    bool editing;         /* usherEditing */
    bool factor;          /* usherFactor */
    int requires;         /* bit, or one of the above */
};

/* What the layers of one membership say of a permission. */
enum verdict { VERDICT_SILENT, VERDICT_GRANT, VERDICT_DENY };

/* A membership as the clock sees it. Times in ms since 1970; not_before <= now < not_after. */
struct window {
    bool present; /* the entry exists and counts */
    bool active;
    int64_t not_before;
    int64_t not_after;
};

#define WINDOW_ALWAYS ((struct window){true, true, INT64_MIN, INT64_MAX})

/* The three memberships that a decision may rest on, in the order in which they are asked. */
enum membership_kind { MEMBERSHIP_EVENT, MEMBERSHIP_OWN, MEMBERSHIP_PLATFORM, MEMBERSHIP_KINDS };

/* How the evaluator asks for what it was not given. Both pure lookups in memory. */
struct decide_source {
    void *context;
    /* What that membership's profile says of the permission for the query's scope (organization of
     * a one-name event already filled in). */
    enum verdict (*verdict)(void *context, enum membership_kind kind, unsigned bit,
                            const struct scope *scope);
    /* The permission of this bit: 0 or E_NOTFOUND. */
    int (*permission)(void *context, unsigned bit, struct permission *ret);
};

struct subject {
    bool organization_known;
    bool organization_active;
    bool person_known;
    bool person_active;
    struct window membership[MEMBERSHIP_KINDS];
    /* Event queries only: */
    bool event_known;
    bool event_open;     /* step 4 holds: owned, primary's or shared with the organization */
    bool event_foreign;  /* it belongs to another organization than the one asked about */
    struct window event; /* its own times, present and active; limits event memberships */
    /* The effective setting event-scope is specific. Counts only where the own membership alone is
     * valid: so its layers, then the organization's own setting. */
    bool event_scope_specific;
    /* The effective setting shared-events is read-only: the layers of all memberships that are
     * valid now, then the organization's own setting. */
    bool shared_read_only;
};

struct decision {
    int result; /* 0 allow, E_DENIED, E_STEPUP, or the error of step 1: E_NOPERM (permission),
                   E_NOTFOUND (organization or event) */
    int step;   /* 1 to 9, the number in DESIGN 4 of the step that decided; 8 for a plain allow */
    enum membership_kind kind; /* step 8 and 9: whose profile spoke last; E_NOTFOUND of an event:
                                  MEMBERSHIP_EVENT; else MEMBERSHIP_KINDS */
};

/* Whether this membership counts at now_ms (step 3); that in the event for event queries only. */
bool subject_valid(const struct subject *subject, enum membership_kind kind, bool event_query,
                   int64_t now_ms);

/* Decides the query at now_ms. permission is NULL when the catalogue does not hold it; a one-name
 * event of the query has its organization filled in by the caller. Chains of usherRequires are
 * followed at most 64 long; a longer one or a circle denies. */
struct decision decide(const struct query *query, const struct permission *permission,
                       const struct subject *subject, const struct decide_source *source,
                       int64_t now_ms);

/* Whether a window is open at now_ms. */
bool window_open(const struct window *window, int64_t now_ms);

/* The first instant after now_ms at which the window opens or shuts; INT64_MAX for never. */
int64_t window_next(const struct window *window, int64_t now_ms);

#endif
