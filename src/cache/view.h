/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A consistent snapshot of the state, for answers that the rights table is too terse for: lists of
 * what somebody may do, lists of who may, and explanations. Computed from the entries by the same
 * resolve() and decide(). Any thread, beside the one that writes; keep a view for one answer only.
 */
#ifndef USHER_CACHE_VIEW_H
#define USHER_CACHE_VIEW_H

#include "cache/state.h"
#include "model/decide.h"
#include "model/resolve.h"

struct view;

/* E_STALE before the first complete refresh. */
int view_open(struct state *state, struct view **ret);
void view_close(struct view *view); /* NULL is fine */

/* The catalogue of the snapshot; belongs to the view. */
const struct catalogue *view_catalogue(const struct view *view);

/* What is known of a person in an organization, and, with an event, there. */
struct view_subject {
    struct subject subject; /* what decide() takes */
    bool has_profile[MEMBERSHIP_KINDS];
    struct profile profile[MEMBERSHIP_KINDS];     /* of those that count */
    struct slice membership_dn[MEMBERSHIP_KINDS]; /* empty: there is none */
    bool denied_all[MEMBERSHIP_KINDS]; /* more scopes than can be told apart: denies everything */
    struct profile organization;       /* its own settings alone */
};

/* Names of any case; event_organization and event are empty for no event (a one-name event: give
 * the organization asked about). Memory of the arena. Unknown things are told in ret->subject;
 * errors are the state's. */
int view_subject(struct view *view, struct slice organization, struct slice uid,
                 struct slice event_organization, struct slice event, int64_t now_ms,
                 struct arena *arena, struct view_subject *ret);

/* Decides a query wholly from the entries: events, scopes and channels included. Returns the
 * decision's result, or an error of the state with *ret untouched. */
int view_decide(struct view *view, struct slice organization, struct slice uid,
                const struct query *query, int64_t now_ms, struct decision *ret);

/* The same for somebody whose facts are known: those of view_subject with the query's event. Many
 * queries about one person cost one reading of them. Returns the decision's result. */
int view_ask(const struct view *view, struct slice organization, const struct view_subject *subject,
             const struct query *query, int64_t now_ms, struct decision *ret);

/* One value that a layer holds, with the entry that holds it. value is a grant, or a setting. */
struct view_value {
    unsigned layer;     /* 1 to 8, as in DESIGN 4 */
    struct slice value; /* as stored */
    struct slice dn;    /* of the entry that holds it */
    struct slice via;   /* DN of the membership or group through which a role is held; else empty */
    struct slice included_by;  /* DN of the role that includes it; empty: held directly */
    struct slice organization; /* to which a one-name event in the value belongs; empty: to none */
    bool counts;               /* false: it was skipped, and why says in words why */
    const char *why;
};

/* Calls on_value for every grant of every layer of the person in the organization (and event),
 * highest layer first, also those that are skipped (inactive, circles, not parsing, of a membership
 * that does not count now). A role held twice is told of once. The slices stand during the call,
 * which may not ask the view anything. */
typedef void view_on_value(void *context, const struct view_value *value);
int view_values(struct view *view, struct slice organization, struct slice uid,
                struct slice event_organization, struct slice event, int64_t now_ms,
                view_on_value *on_value, void *context);

/* The same for settings; layer VIEW_LAYER_ORGANIZATION has the organization's own. */
#define VIEW_LAYER_ORGANIZATION 9
int view_settings(struct view *view, struct slice organization, struct slice uid,
                  struct slice event_organization, struct slice event, int64_t now_ms,
                  view_on_value *on_value, void *context);

/* Calls on_member for every stored membership of the organization (event empty) or of one of its
 * events, in the order of the entries' names; a return other than 0 ends it and is returned. */
int view_members(struct view *view, struct slice organization, struct slice event,
                 int (*on_member)(void *context, struct slice uid, struct slice dn), void *context);

#endif
