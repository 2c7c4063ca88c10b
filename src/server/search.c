/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loop's side of a Search: everything that the thread will need is copied, since the message
 * is gone by then.
 */
#include "server/search.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "ldap/exop.h"
#include "ldap/oid.h"
#include "server/daemon.h"
#include "server/view_job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Searches share the pool with logins: they take a quarter of its threads at most, those of one
 * connection one at a time. A search may use two connections to the store at once. */
#define SEARCH_SHARE 4
#define SEARCH_KEY   0x736561726368u /* beside it, logins' keys are hashes of 64 bits */

void search_fail(struct search *search, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    utf8_vformat(search->text, sizeof(search->text), format, args);
    va_end(args);
    search->code = err_ldap(err);
    buffer_clear(&search->out);
    buffer_clear(&search->page_value);
}

static void search_free(struct search *search)
{
    computed_clear(&search->computed);
    search_list_free(search->list);
    buffer_clear(&search->out);
    buffer_clear(&search->page_value);
    arena_free(search->scratch);
    arena_free(search->arena);
    free(search);
}

/* On the loop: who asks. */
static void search_reader(const struct conn *conn, struct reader *ret)
{
    const struct identity *identity = &conn->identity;

    ret->base = conn->loop->daemon->base;
    ret->store = conn->loop->daemon->store;
    ret->now_ms = clock_now_ms();
    switch (identity->kind) {
    case IDENTITY_NONE:
    case IDENTITY_PEER:
        ret->kind = conn->peer.admin     ? READER_ADMINISTRATOR
                    : conn->peer.trusted ? READER_TRUSTED
                                         : READER_NOBODY;
        break;
    case IDENTITY_SERVICE:
        ret->kind = identity->organization[0] == '\0' ? READER_TRUSTED : READER_SERVICE;
        memcpy(ret->organization, identity->organization, sizeof(ret->organization));
        break;
    case IDENTITY_PERSON:
        ret->kind = identity->enroll_only || identity->app ? READER_NOBODY : READER_PERSON;
        ret->factor = identity->factor;
        memcpy(ret->name, identity->name, sizeof(ret->name));
        (void)snprintf(ret->dn, sizeof(ret->dn), "%.*s", (int)identity->dn_len, identity->dn);
        break;
    }
}

/* Keeps every leaf, and takes note of those that only the cache can answer. */
static enum truth copy_leaf(void *context, const struct filter *leaf)
{
    struct search *search = context;

    if (computed_leaf(leaf))
        search->needs_view = true;
    return TRUTH_UNKNOWN;
}

/* Which attributes the store is asked for: those of the client but secrets and computed ones. A
 * name that holds a byte 0 is none. */
static void search_attributes(struct search *search, const struct search_request *asked)
{
    bool all = asked->attribute_count == 0, belongs = all;
    size_t count = 0;

    search->attributes =
        arena_alloc(search->arena, (asked->attribute_count + 3) * sizeof(search->attributes[0]));
    for (size_t i = 0; i < asked->attribute_count; i++) {
        struct slice name = asked->attributes[i];
        enum computed_kind kind = computed_kind(name);

        if (kind < COMPUTED_KINDS)
            search->needs_view = search->computed.wanted[kind] = true;
        else if (name.len > 0 && memchr(name.data, '\0', name.len) == NULL &&
                 !secret_attribute(name))
            search->attributes[count++] = arena_copy(search->arena, name).data;
        if (slice_is(name, "*") || slice_equal_fold(name, slice_of("usherBelongsTo")))
            belongs = true;
    }
    if (all)
        search->attributes[count++] = "*";
    if (!belongs && reader_needs_belongs(&search->reader)) {
        search->attributes[count++] = "usherBelongsTo";
        search->drop_belongs = true;
    }
    if (count == 0)
        search->attributes[count++] = "1.1";
}

/* The time that the client allows, or ours. */
static void search_deadline(struct search *search, int32_t limit_s)
{
    int64_t now_ms = clock_monotonic_ms();

    search->own_deadline = limit_s == 0 || (int64_t)limit_s * 1000 > SEARCH_TIME_MS;
    search->deadline_ms = now_ms + (search->own_deadline ? SEARCH_TIME_MS : limit_s * 1000);
    search->reader.deadline_ms = search->deadline_ms;
    search->reader.silence_ms = SEARCH_SILENCE_MS;
}

static int search_paged(struct search *search, const struct message *message)
{
    const struct control *control = message_control(message, OID_PAGED_RESULTS);
    struct page page;
    int rc;

    if (control == NULL)
        return 0;
    rc = control->has_value ? page_decode(control->value, &page) : E_PROTO;
    if (rc < 0)
        return rc;
    search->paged = true;
    search->page_size = page.size;
    search->cookie = arena_copy(search->arena, page.cookie);
    return 0;
}

static void search_copy(struct search *search, const struct search_request *asked,
                        struct slice base)
{
    search->base = arena_copy(search->arena, base);
    search->scope = asked->scope;
    search->size_limit = asked->size_limit;
    search->types_only = asked->types_only;
    search->filter = filter_fold(asked->filter, search->arena, copy_leaf, search);
    search->subschema = slice_is(base, "cn=subschema");
    search->reader.arena = search->arena;
    search->computed.reader = &search->reader;
    search_reader(search->request->conn, &search->reader);
    search->needs_view = search->needs_view || search->reader.kind == READER_PERSON;
    search_attributes(search, asked);
    search_deadline(search, asked->time_limit);
}

static void search_run(struct job *job)
{
    struct search *search = (struct search *)job;

    search->ran = true;
    search_work(search);
}

/* Hands the entries over to the connection. */
static void search_entries(struct search *search, struct conn *conn)
{
    struct buffer swap = conn->out;

    if (conn_unsent(conn) > SEARCH_UNSENT_MAX)
        search_fail(search, E_LIMIT, "earlier answers on this connection have not been read");
    else if (conn->out.len == 0) {
        conn->out = search->out;
        search->out = swap;
    } else if (buffer_append(&conn->out, search->out.data, search->out.len) < 0)
        search_fail(search, E_NOMEM, "%s", err_text(E_NOMEM));
}

static void search_done(struct job *job)
{
    struct search *search = (struct search *)job;
    struct request *request = search->request;
    struct conn *conn = request->conn;
    struct control control = {.oid = slice_of(OID_PAGED_RESULTS), .has_value = true};
    struct result result = {0};

    if (!search->ran)
        search_fail(search, E_UNAVAIL, "the server is shutting down");
    if (!conn->closed && !request->abandoned) {
        if (search->out.len > 0)
            search_entries(search, conn);
        if (search->list != NULL) {
            search_list_free(conn->list);
            conn->list = search->list;
            search->list = NULL;
        }
    }
    if (search->page_value.len > 0) {
        control.value = buffer_slice(&search->page_value);
        result.controls = &control;
        result.control_count = 1;
    }
    result.code = search->code;
    result.text = slice_of(search->text);
    request_finish(request, &result);
    search_free(search);
}

static int search_submit(struct search *search, struct loop *loop)
{
    struct conn *conn = search->request->conn;
    unsigned threads = (unsigned)conf_int(loop->daemon->conf, "store.connections");
    unsigned share = threads / SEARCH_SHARE > 0 ? threads / SEARCH_SHARE : 1;
    int rc;

    search->job.run = search_run;
    search->job.done = search_done;
    search->job.loop = loop;
    search->job.key = SEARCH_KEY + (unsigned)conn->fd % share;
    if (search->paged) {
        search->list = conn->list;
        conn->list = NULL;
    }
    rc = workers_submit(loop->daemon->store_pool, &search->job);
    if (rc < 0 && search->paged) { /* the client may ask for the page again */
        conn->list = search->list;
        search->list = NULL;
    }
    return rc;
}

enum handled search_start(struct request *request, struct slice base, struct result *ret)
{
    struct conn *conn = request->conn;
    struct loop *loop = conn->loop;
    struct request *later;
    struct search *search;
    int rc;

    later = request_defer(request, ret);
    if (later == NULL)
        return REPLY;
    search = mem_alloc(sizeof(*search));
    search->request = later;
    search->arena = arena_new();
    search->scratch = arena_new();
    buffer_init(&search->out);
    buffer_init(&search->page_value);
    rc = search_paged(search, request->message);
    if (rc < 0)
        request_fail(request, ret, rc, SEARCH_BAD_PAGE);
    else {
        search_copy(search, &request->message->search, base);
        if (search->reader.kind == READER_NOBODY)
            request_fail(request, ret, rc = E_ACCESS, "only the root DSE may be read so");
        else if (search->needs_view) /* what is computed, and what a person may read */
            rc = view_job_fresh(request, ret);
    }
    if (rc == 0) {
        rc = search_submit(search, loop);
        if (rc == 0)
            return LATER;
        request_fail(request, ret, rc, "too much is waiting, try again");
    }
    request_take_back(search->request);
    search_free(search);
    return REPLY;
}
