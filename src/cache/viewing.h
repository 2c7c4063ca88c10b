/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the view share: the view itself, names made ready for the index, and the
 * entries that a question about somebody rests on. Private to them; everybody else sees
 * cache/view.h.
 */
#ifndef USHER_CACHE_VIEWING_H
#define USHER_CACHE_VIEWING_H

#include "cache/batch.h"
#include "cache/pool.h"
#include "cache/view.h"

struct view {
    struct batch batch; /* its arena is emptied by each call */
    struct catalogue *catalogue;
    struct pool *pool;
};

/* The names of a question, folded; a name that cannot be one is empty. */
struct viewing_names {
    struct slice organization;
    struct slice uid;
    struct slice event_organization;
    struct slice event;
    bool on_event; /* one was asked for, whether or not it can be one */
    char bytes[4][TREE_NAME_MAX];
};

/* Points into ret, which must not be copied. */
void viewing_fold(struct slice organization, struct slice uid, struct slice event_organization,
                  struct slice event, struct viewing_names *ret);

/* The entries of a question, in the view's arena; kind is TREE_OTHER where there is none. */
struct viewing_entries {
    struct entry organization;
    struct entry person;
    struct entry event;
    struct entry event_owner; /* the organization that holds it */
    struct entry membership[MEMBERSHIP_KINDS];
};

/* Reads them and says in *ret_subject what they mean, but for the settings. Errors of the state
 * stick to the view's batch. */
void viewing_read(struct view *view, const struct viewing_names *names, struct viewing_entries *ret,
                  struct subject *ret_subject);

#endif
