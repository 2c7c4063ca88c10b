/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cookies need not be secret, as they count on their own connection only; they must be told apart.
 */
#include "server/search_list.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t lists_room;
static _Atomic unsigned lists_made;

struct search_list *search_list_new(const char *request)
{
    struct search_list *list = mem_alloc(sizeof(*list));

    list->request = mem_strdup(request);
    list->number = atomic_fetch_add(&lists_made, 1);
    return list;
}

void search_list_free(struct search_list *list)
{
    if (list == NULL)
        return;
    atomic_fetch_sub(&lists_room, list->room);
    free(list->uuids);
    free(list->request);
    free(list);
}

int search_list_add(struct search_list *list, struct slice uuid)
{
    if (uuid.len != SEARCH_UUID || strspn(uuid.data, "0123456789abcdefABCDEF-") < SEARCH_UUID)
        return E_SYNTAX;
    if (list->count == SEARCH_LIST_MAX)
        return E_LIMIT;
    if (list->count == list->room) {
        size_t more = list->room == 0 ? 256 : list->room;

        if (atomic_fetch_add(&lists_room, more) + more > SEARCH_LISTS_MAX) {
            atomic_fetch_sub(&lists_room, more);
            return E_BUSY;
        }
        list->room += more;
        list->uuids = mem_grow(list->uuids, list->room, sizeof(list->uuids[0]));
    }
    memcpy(list->uuids[list->count++], uuid.data, SEARCH_UUID);
    return 0;
}

struct slice search_list_cookie(struct search_list *list)
{
    (void)snprintf(list->cookie, sizeof(list->cookie), "%08x%08x", list->number,
                   (unsigned)list->position);
    return (struct slice){.data = list->cookie, .len = SEARCH_COOKIE};
}

bool search_list_continues(struct search_list *list, struct slice cookie, const char *request)
{
    return list != NULL && slice_equal(cookie, search_list_cookie(list)) &&
           strcmp(list->request, request) == 0;
}
