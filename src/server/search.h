/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A Search of the tree on its way: copied out of the message on the loop, worked off by a thread of
 * the store pool, which asks the store and judges and encodes entries one by one, and answered on
 * the loop, all entries at once and the result behind them. So a slow client holds no thread. What
 * one search may hold is bounded; what does not fit is an error, never a part of the list.
 */
#ifndef USHER_SERVER_SEARCH_H
#define USHER_SERVER_SEARCH_H

#include "rules/computed.h"
#include "server/dispatch.h"
#include "server/search_list.h"
#include "server/work.h"

#include <stdint.h>

#define SEARCH_BYTES_MAX  (64u << 20) /* of encoded entries of one search */
#define SEARCH_UNSENT_MAX (64u << 20) /* on one connection, before more are added */
#define SEARCH_TIME_MS    60000       /* the longest that one may take */
#define SEARCH_SILENCE_MS 15000       /* without a word from the store */

#define SEARCH_BAD_PAGE   "the paged results control is malformed"
#define SEARCH_BAD_COOKIE "the cookie is not one of this connection and request, or is used up"

struct search {
    struct job job; /* first */
    struct request *request;
    struct arena *arena;

    /* Asked: */
    struct slice base; /* normalized */
    int scope;
    int32_t size_limit;
    int64_t deadline_ms; /* monotonic */
    bool own_deadline;   /* it is ours, not the client's */
    bool types_only;
    bool subschema;
    struct filter *filter;
    const char **attributes; /* what the store is asked for, NULL-terminated; NULL: all user's */
    bool drop_belongs;       /* usherBelongsTo was asked for by us alone */
    bool needs_view;         /* asks for what is computed, or is a person's */
    struct reader reader;
    struct computed computed;

    /* Paged results (RFC 2696): */
    bool paged;
    int32_t page_size;
    struct slice cookie;
    struct search_list *list; /* taken from the connection while the search runs */

    /* Found: */
    bool ran;
    struct arena *scratch; /* of the entry in hand */
    size_t count;
    bool cut; /* the client's size limit was reached */
    struct buffer out;
    struct buffer page_value; /* of the response control */
    int code;
    char text[REQUEST_TEXT_MAX];
};

/* Sets the result of a search that failed; the entries are dropped. */
void search_fail(struct search *search, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Works it off, on a thread of the pool: fills in what was found. */
void search_work(struct search *search);

/* The same for cn=Subschema: 0, E_NOTFOUND for another scope than base, or the store's error. */
int search_schema(struct search *search);

/* Starts the search of the message in hand; the base has been normalized. */
enum handled search_start(struct request *request, struct slice base, struct result *ret);

/* The entries that are not in the tree: the root DSE, and cn=monitor. */
void search_root_dse(struct request *request);
void search_monitor(struct request *request);

#endif
