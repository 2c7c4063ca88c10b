/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A search of the store whose entries are handed over one by one as they arrive, so that a long
 * list needs no memory. Complete, or an error: a list that the store cut, or part of which stands
 * on another server, is none. With usherd's identity, on a connection of the work pool; aliases are
 * not followed. Errors: see store/pool.h.
 */
#ifndef USHER_STORE_FIND_H
#define USHER_STORE_FIND_H

#include "store/entry.h"

struct store_search {
    const char *base;
    int scope; /* as store_find */
    const char *filter;
    const char *const *attributes; /* NULL-terminated; NULL: all user attributes */
    int64_t silence_ms;            /* the store must say something within this time */
    int64_t deadline_ms;           /* monotonic; may be INT64_MAX */
    /* An entry, in memory that lasts as long as the call, with names as the store writes them.
     * Other than 0 ends the search and is returned. */
    int (*on_entry)(void *context, const struct store_entry *entry);
    /* Called a few times a second while nothing arrives, with the same meaning; may be NULL. */
    int (*on_wait)(void *context);
    void *context;
};

/* 0 when on_entry has seen every entry; E_NOTFOUND when base does not exist; E_LIMIT when the store
 * cut the list; E_AGAIN when the deadline has passed; E_TIMEOUT when the store was silent for too
 * long; E_IO when part of the list stands on another server. An entry may have been seen before any
 * error. */
int store_each(struct store *store, const struct store_search *search);

#endif
