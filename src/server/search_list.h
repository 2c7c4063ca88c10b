/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The list behind a paged search: the entryUUIDs of all that was found when its first page was
 * asked for, and how far the client has come. It belongs to the connection, which has at most one;
 * its cookie is worth nothing elsewhere or for another request. Each page is read, and judged,
 * anew, so that an entry that has gone or may no longer be read is left out.
 */
#ifndef USHER_SERVER_SEARCH_LIST_H
#define USHER_SERVER_SEARCH_LIST_H

#include "base/mem.h"

#define SEARCH_LIST_MAX  1000000 /* entries of one list */
#define SEARCH_LISTS_MAX 4000000 /* of all lists */
#define SEARCH_UUID      36      /* as text */
#define SEARCH_COOKIE    16

struct search_list {
    char *request; /* what was asked, by whom, as text */
    char (*uuids)[SEARCH_UUID];
    size_t count, room;
    size_t position;
    bool cut;                       /* the client's size limit ended it */
    unsigned number;                /* tells lists apart */
    char cookie[SEARCH_COOKIE + 1]; /* of the position: search_list_cookie */
};

/* A list for this request. */
struct search_list *search_list_new(const char *request);
void search_list_free(struct search_list *list); /* NULL is fine */

/* Appends; E_SYNTAX for what is no UUID; E_LIMIT when the list, E_BUSY when all lists together, are
 * too long. */
int search_list_add(struct search_list *list, struct slice uuid);

/* The cookie for the list's position, in the list. */
struct slice search_list_cookie(struct search_list *list);

/* Whether the cookie is that of the list's position, for the same request. */
bool search_list_continues(struct search_list *list, struct slice cookie, const char *request);

#endif
