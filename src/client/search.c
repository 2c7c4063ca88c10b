/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Searches: one entry, or a subtree page by page. Entries are walked as they come and never kept.
 */
#include "base/err.h"
#include "client/calling.h"
#include "ldap/oid.h"

#include <string.h>

#define ATTRIBUTES_MAX 16 /* asked for in one search */
#define PAGE_SIZE      500

/* Entries until the search is done. */
static int client_search(struct client *client, struct message *request, entry_on_dn *on_dn,
                         entry_on_value *on_value, void *context, struct response *ret_done)
{
    int rc = client_send(client, request), visited = 0;
    char *bytes;
    size_t len;

    while (rc == 0) {
        rc = wire_receive(&client->wire, &bytes, &len);
        if (rc == 0)
            rc = entry_probe(bytes, len);
        if (rc == E_NOTFOUND) {
            rc = client_answer(client, bytes, len, OP_SEARCH_DONE, ret_done);
            return rc == 0 && visited == E_PROTO ? client_fail(client, E_PROTO)
                   : rc == 0                     ? visited
                                                 : rc;
        }
        if (rc == 0 && visited == 0)
            visited = entry_walk(bytes, len, client->id, on_dn, on_value, context);
    }
    return client_fail(client, rc);
}

static int client_search_init(struct message *request, struct slice dn,
                              const char *const *attributes, struct slice *names)
{
    size_t count = 0;

    for (; attributes[count] != NULL; count++) {
        if (count == ATTRIBUTES_MAX)
            return E_LIMIT;
        names[count] = slice_of(attributes[count]);
    }
    *request = (struct message){
        .op = OP_SEARCH, .search = {.base = dn, .attributes = names, .attribute_count = count}};
    return 0;
}

int client_read(struct client *client, struct slice dn, const char *const *attributes,
                entry_on_value *on_value, void *context)
{
    struct slice names[ATTRIBUTES_MAX];
    struct message request;
    struct response done;
    int rc = client_search_init(&request, dn, attributes, names);

    if (rc < 0)
        return client_fail(client, rc);
    return client_search(client, &request, NULL, on_value, context, &done);
}

static int skip_value(void *context, struct slice name, struct slice value)
{
    (void)context;
    (void)name;
    (void)value;
    return 0;
}

int client_freshness(struct client *client, struct freshness *ret)
{
    static const char *const nothing[] = {"1.1", NULL};
    struct slice names[ATTRIBUTES_MAX];
    struct message request;
    struct response done;
    int rc = client_search_init(&request, slice_of(""), nothing, names);

    if (rc < 0)
        return client_fail(client, rc);
    request.controls[0].oid = slice_of(OID_USHER_FRESHNESS);
    request.control_count = 1;
    rc = client_search(client, &request, NULL, skip_value, NULL, &done);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < done.control_count; i++)
        if (slice_is(done.controls[i].oid, OID_USHER_FRESHNESS))
            return freshness_decode(done.controls[i].value, ret);
    return E_UNWILLING;
}

struct base_search {
    char *buf;
    size_t size;
    bool found;
};

static int base_on_value(void *context, struct slice name, struct slice value)
{
    struct base_search *search = context;

    if (search->found || !slice_equal_fold(name, slice_of("namingContexts")) || value.len == 0)
        return 0;
    if (value.len >= search->size)
        return E_LIMIT;
    memcpy(search->buf, value.data, value.len);
    search->buf[value.len] = '\0';
    search->found = true;
    return 0;
}

int client_base(struct client *client, char *buf, size_t size)
{
    static const char *const asked[] = {"namingContexts", NULL};
    struct base_search search = {.buf = buf, .size = size};
    int rc = client_read(client, slice_of(""), asked, base_on_value, &search);

    return rc < 0 ? rc : search.found ? 0 : E_NOTFOUND;
}

/* The cookie of the next page into *ret, which owns it; empty for none. */
static int page_next(const struct response *done, struct buffer *ret)
{
    struct page page = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < done->control_count; i++)
        if (slice_is(done->controls[i].oid, OID_PAGED_RESULTS))
            rc = page_decode(done->controls[i].value, &page);
    ret->len = 0;
    return rc == 0 && page.cookie.len > 0 ? buffer_append(ret, page.cookie.data, page.cookie.len)
                                          : rc;
}

/* One page. */
static int client_find_page(struct client *client, const struct client_search *search,
                            struct buffer *cookie)
{
    struct page page = {.size = PAGE_SIZE, .cookie = buffer_slice(cookie)};
    struct filter filter = {.kind = search->value != NULL ? FILTER_EQUAL : FILTER_PRESENT,
                            .attribute = search->attribute};
    struct slice names[ATTRIBUTES_MAX];
    struct message request;
    struct response done;
    struct buffer value;
    int rc = client_search_init(&request, search->base, search->attributes, names);

    if (rc < 0)
        return client_fail(client, rc);
    buffer_init(&value);
    if (search->value != NULL)
        filter.value = *search->value;
    request.search.scope = search->scope;
    request.search.filter = &filter;
    rc = page_encode(&page, &value);
    request.controls[0] = (struct control){.oid = slice_of(OID_PAGED_RESULTS),
                                           .value = buffer_slice(&value),
                                           .critical = true,
                                           .has_value = true};
    request.control_count = 1;
    if (rc == 0)
        rc = client_search(client, &request, search->on_entry, search->on_value, search->context,
                           &done);
    if (rc == 0)
        rc = page_next(&done, cookie);
    buffer_clear(&value);
    return rc;
}

int client_find(struct client *client, const struct client_search *search)
{
    struct buffer cookie;
    int rc;

    buffer_init(&cookie);
    do {
        rc = client_find_page(client, search, &cookie);
    } while (rc == 0 && cookie.len > 0);
    buffer_clear(&cookie);
    return rc;
}
