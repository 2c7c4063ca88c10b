/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The thread's side of a Search. Assertions on computed attributes are settled here: the truth of
 * each may be one of three for an entry, so the store is asked once for every combination of truths
 * under which the filter can still hold (combinations that leave the same filter are one), and an
 * entry that it finds counts when its own truths are among those. Each entry thus rests on exactly
 * one question, and the outcome is that of the whole filter.
 */
#include "base/clock.h"
#include "base/err.h"
#include "ldap/exop.h"
#include "server/daemon.h"
#include "server/search.h"
#include "store/find.h"

#include <stdio.h>
#include <string.h>

#define PAGE_UUIDS 500 /* entries asked for by their entryUUID in one question */
#define TRUTHS     3
#define CASES_MAX  (TRUTHS * TRUTHS * TRUTHS * TRUTHS) /* to the power of COMPUTED_LEAVES_MAX */

_Static_assert(COMPUTED_LEAVES_MAX == 4, "CASES_MAX is for four leaves");

/* What the store is asked for one group of combinations. */
struct question {
    struct filter *filter;
    const char *text;
    bool cases[CASES_MAX];
};

struct plan {
    struct search *search;
    struct filter *restriction; /* what is added to every question, or NULL */
    struct question questions[CASES_MAX];
    size_t question_count;
    const struct question *question; /* in hand */
    enum truth truths[COMPUTED_LEAVES_MAX];
    struct search_list *listing; /* entries go to the list, not to the answer */
    int rc;                      /* of a leaf */
};

static enum truth plan_leaf(void *context, const struct filter *leaf)
{
    const struct plan *plan = context;
    const struct computed *computed = &plan->search->computed;
    size_t index;

    if (!computed_leaf(leaf))
        return TRUTH_UNKNOWN;
    index = computed_index(computed, leaf);
    return index < computed->leaf_count ? plan->truths[index] : TRUTH_UNDEFINED;
}

/* An entry where a leaf is TRUE has the class that goes with it: the store need not show others. */
static struct filter *plan_class(const struct plan *plan)
{
    const struct computed *computed = &plan->search->computed;
    const char *class = NULL;

    for (size_t i = 0; i < computed->leaf_count; i++) {
        const char *needed = computed_class(&computed->leaves[i]);

        if (plan->truths[i] != TRUTH_TRUE)
            continue;
        if (class != NULL && strcmp(class, needed) != 0)
            return filter_any(plan->search->arena); /* no entry has both */
        class = needed;
    }
    return class != NULL ? filter_equal(plan->search->arena, "objectClass", slice_of(class)) : NULL;
}

static void plan_case(struct plan *plan, size_t number)
{
    struct search *search = plan->search;
    struct filter *class = plan_class(plan);
    struct filter *filter = filter_fold(search->filter, search->arena, plan_leaf, plan);
    const char *text;
    size_t i = 0;

    if (filter_never(filter) || (class != NULL && filter_never(class)))
        return;
    filter = filter_both(search->arena, class, filter);
    filter = filter_both(search->arena, plan->restriction, filter);
    text = filter_text(filter, search->arena);
    while (i < plan->question_count && strcmp(plan->questions[i].text, text) != 0)
        i++;
    if (i == plan->question_count)
        plan->questions[plan->question_count++] = (struct question){.filter = filter, .text = text};
    plan->questions[i].cases[number] = true;
}

/* All combinations; a number's digits to the base 3 are the truths. */
static void plan_questions(struct plan *plan)
{
    size_t leaves = plan->search->computed.leaf_count, cases = 1;

    for (size_t i = 0; i < leaves; i++)
        cases *= TRUTHS;
    for (size_t number = 0; number < cases; number++) {
        size_t rest = number;

        for (size_t i = 0; i < leaves; i++, rest /= TRUTHS)
            plan->truths[i] = (enum truth)(rest % TRUTHS);
        plan_case(plan, number);
    }
}

static int search_canceled(void *context)
{
    const struct search *search = context;
    const struct conn *conn = search->request->conn;

    return search->request->abandoned || conn->closed || conn->loop->daemon->stopping ? E_CANCELED
                                                                                      : 0;
}

static const struct attribute *entry_find(const struct store_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->attribute_count; i++)
        if (slice_equal_fold(entry->attributes[i].name, slice_of(name)))
            return &entry->attributes[i];
    return NULL;
}

/* Whether the entry's truths are among those of the question in hand. */
static int entry_counts(struct plan *plan, struct slice dn, bool *ret)
{
    struct computed *computed = &plan->search->computed;
    enum truth truths[COMPUTED_LEAVES_MAX];
    size_t number = 0;
    int rc;

    *ret = true;
    if (computed->leaf_count == 0)
        return 0;
    rc = computed_truth(computed, dn, truths);
    if (rc < 0)
        return rc;
    for (size_t i = computed->leaf_count; i > 0; i--)
        number = number * TRUTHS + (size_t)truths[i - 1];
    *ret = plan->question->cases[number];
    return 0;
}

/* What is sent of an attribute that the store has: no secrets, nothing computed, nothing that only
 * we asked for. */
static bool attribute_sent(const struct search *search, struct slice name)
{
    return !secret_attribute(name) && computed_kind(name) == COMPUTED_KINDS &&
           !(search->drop_belongs && slice_equal_fold(name, slice_of("usherBelongsTo")));
}

static int entry_send(struct search *search, const struct store_entry *entry, struct slice dn)
{
    struct attribute *list =
        arena_alloc(search->scratch, (entry->attribute_count + COMPUTED_KINDS) * sizeof(list[0]));
    size_t count = 0, more = 0;
    int rc = 0;

    for (size_t i = 0; i < entry->attribute_count; i++)
        if (attribute_sent(search, entry->attributes[i].name))
            list[count++] = entry->attributes[i];
    if (search->needs_view)
        rc = computed_attributes(&search->computed, dn, search->scratch, &list[count], &more);
    if (rc == 0)
        rc = message_encode_entry(&search->out, search->request->id, entry->dn, list, count + more,
                                  search->types_only);
    if (rc == 0 && search->out.len > SEARCH_BYTES_MAX)
        rc = E_LIMIT;
    search->count += rc == 0;
    return rc;
}

static int entry_list(struct search *search, struct search_list *list,
                      const struct store_entry *entry)
{
    const struct attribute *uuid = entry_find(entry, "entryUUID");

    if (search->size_limit > 0 && list->count == (size_t)search->size_limit) {
        list->cut = true;
        return E_EXISTS; /* enough */
    }
    return uuid == NULL || uuid->value_count == 0 ? E_IO : search_list_add(list, uuid->values[0]);
}

static int on_entry(void *context, const struct store_entry *entry)
{
    struct plan *plan = context;
    struct search *search = plan->search;
    bool counts = false;
    char buf[DN_MAX];
    struct slice dn;
    int rc = search_canceled(search);

    if (rc == 0)
        rc = dn_normalize(entry->dn, buf, &dn);
    if (rc == E_SYNTAX || rc == E_LIMIT) /* nobody's rights speak of such a name */
        return reader_needs_belongs(&search->reader) ? 0 : E_IO;
    arena_reset(search->scratch);
    if (rc == 0)
        rc = reader_entry(&search->reader, dn, entry_find(entry, "usherBelongsTo"));
    if (rc == E_ACCESS)
        return 0;
    if (rc == 0)
        rc = entry_counts(plan, dn, &counts);
    if (rc != 0 || !counts)
        return rc;
    if (plan->listing != NULL)
        return entry_list(search, plan->listing, entry);
    if (!search->paged && search->size_limit > 0 && search->count == (size_t)search->size_limit) {
        search->cut = true;
        return E_EXISTS; /* enough */
    }
    return entry_send(search, entry, dn);
}

static int on_wait(void *context)
{
    return search_canceled(((struct plan *)context)->search);
}

/* Asks the store; narrow is a further restriction, or NULL. */
static int question_ask(struct plan *plan, const struct question *question, struct filter *narrow,
                        const char *const *attributes)
{
    struct search *search = plan->search;
    struct store_search ask = {
        .base = search->base.data,
        .scope = search->scope,
        .filter = question->text,
        .attributes = attributes,
        .silence_ms = SEARCH_SILENCE_MS,
        .deadline_ms = search->deadline_ms,
        .on_entry = on_entry,
        .on_wait = on_wait,
        .context = plan,
    };

    if (narrow != NULL)
        ask.filter =
            filter_text(filter_both(search->arena, narrow, question->filter), search->arena);
    plan->question = question;
    return store_each(search->reader.store, &ask);
}

static int plan_ask(struct plan *plan, struct filter *narrow, const char *const *attributes)
{
    const struct question nothing = {.text = "(|)"};
    int rc = 0;

    if (plan->question_count == 0) /* still, the base may not be there */
        return question_ask(plan, &nothing, NULL, attributes);
    for (size_t i = 0; rc == 0 && i < plan->question_count; i++)
        rc = question_ask(plan, &plan->questions[i], narrow, attributes);
    return rc;
}

/* Who asks for what, as text: a cookie counts for that alone. */
static const char *request_text(const struct search *search)
{
    const struct reader *reader = &search->reader;
    const char *text = arena_printf(search->arena, "%d %s %s %d %s %d %d %d %s", (int)reader->kind,
                                    reader->dn, reader->organization, (int)reader->factor,
                                    search->base.data, search->scope, search->types_only,
                                    search->size_limit, filter_text(search->filter, search->arena));

    for (const char **name = search->attributes; *name != NULL; name++)
        text = arena_printf(search->arena, "%s %s", text, *name);
    for (enum computed_kind kind = 0; kind < COMPUTED_KINDS; kind++)
        text = arena_printf(search->arena, "%s %d", text, search->computed.wanted[kind]);
    return text;
}

/* The first page: finds all that there is. */
static int list_fill(struct plan *plan, const char *request)
{
    struct search *search = plan->search;
    const char *wanted[] = {"entryUUID",
                            reader_needs_belongs(&search->reader) ? "usherBelongsTo" : NULL, NULL};
    int rc;

    search_list_free(search->list);
    search->list = plan->listing = search_list_new(request);
    rc = plan_ask(plan, NULL, wanted);
    plan->listing = NULL;
    if (rc != 0 && rc != E_EXISTS) { /* a part of the list is none */
        search_list_free(search->list);
        search->list = NULL;
        return rc;
    }
    return 0;
}

/* Entries from the list's position on, count of them. After an error the page may be asked for
 * again. */
static int list_read(struct plan *plan, size_t count)
{
    struct search *search = plan->search;
    struct search_list *list = search->list;
    size_t start = list->position;
    int rc = 0;

    while (rc == 0 && count > 0) {
        struct filter *narrow = filter_any(search->arena), **tail = &narrow->children;
        size_t now = count < PAGE_UUIDS ? count : PAGE_UUIDS;

        for (size_t i = 0; i < now; i++) {
            *tail = filter_equal(
                search->arena, "entryUUID",
                (struct slice){.data = list->uuids[list->position + i], .len = SEARCH_UUID});
            tail = &(*tail)->next;
        }
        rc = plan_ask(plan, narrow, search->attributes);
        list->position += now;
        count -= now;
    }
    if (rc < 0)
        list->position = start;
    return rc;
}

static int page_value(struct search *search, bool more)
{
    struct search_list *list = search->list;
    struct page page = {.size = (int32_t)list->count};

    if (more)
        page.cookie = search_list_cookie(list);
    return page_encode(&page, &search->page_value);
}

static int search_page(struct plan *plan)
{
    struct search *search = plan->search;
    const char *request = request_text(search);
    size_t left, count;
    bool more;
    int rc = 0;

    if (search->cookie.len == 0)
        rc = list_fill(plan, request);
    else if (!search_list_continues(search->list, search->cookie, request)) {
        search_fail(search, E_UNWILLING, SEARCH_BAD_COOKIE);
        return E_UNWILLING;
    }
    if (rc != 0)
        return rc;
    left = search->list->count - search->list->position;
    count = (size_t)search->page_size < left ? (size_t)search->page_size : left;
    more = count < left && (search->page_size > 0 || search->cookie.len == 0);
    rc = list_read(plan, count);
    if (rc == 0)
        rc = page_value(search, more);
    if (rc < 0)
        return rc;
    search->cut = !more && count == left && search->list->cut;
    if (!more) {
        search_list_free(search->list);
        search->list = NULL;
    }
    return rc;
}

/* Secrets out of the filter, computed attributes into the list of leaves. */
static enum truth prepare_leaf(void *context, const struct filter *leaf)
{
    struct plan *plan = context;
    struct search *search = plan->search;

    if (plan->rc == 0 && computed_leaf(leaf))
        plan->rc = computed_add(&search->computed, leaf,
                                reader_organization(&search->reader, search->base));
    return secret_leaf(NULL, leaf);
}

static const struct {
    int err;
    int code;
    const char *text;
} outcomes[] = {
    {E_ACCESS, RESULT_INSUFFICIENT_ACCESS, "the store lets us read nothing there"},
    {E_NOTFOUND, RESULT_NO_SUCH_OBJECT, "no such entry"},
    {E_STALE, RESULT_UNAVAILABLE, "the cache is not yet filled"},
    {E_UNAVAIL, RESULT_UNAVAILABLE, "the directory store does not answer"},
    {E_TIMEOUT, RESULT_UNAVAILABLE, "the directory store does not answer in time"},
    {E_LIMIT, RESULT_ADMIN_LIMIT_EXCEEDED,
     "more than this server gives at once: ask for pages (RFC 2696), or narrow the filter"},
    {E_IO, RESULT_OTHER, "the store's answer is not complete"},
    {E_BUSY, RESULT_BUSY, "too much to do, try again"},
    {E_CANCELED, RESULT_UNAVAILABLE, "the server is shutting down"}, /* or else nobody listens */
};

/* The result of a search that ended so. */
static void search_outcome(struct search *search, int rc)
{
    if (search->code != 0) /* said already */
        return;
    if (rc == E_EXISTS || (rc == 0 && search->cut)) {
        search->code = RESULT_SIZE_LIMIT_EXCEEDED;
        (void)snprintf(search->text, sizeof(search->text), "the size limit of the request");
        return;
    }
    if (rc == E_TIMEOUT && clock_monotonic_ms() >= search->deadline_ms)
        rc = E_AGAIN;
    if (rc == E_AGAIN && !search->own_deadline) {
        search->code = RESULT_TIME_LIMIT_EXCEEDED;
        (void)snprintf(search->text, sizeof(search->text), "the time limit of the request");
        return;
    }
    if (rc == E_AGAIN)
        rc = E_LIMIT;
    if (search->computed.text[0] != '\0' && rc != 0) {
        search_fail(search, rc, "%s", search->computed.text);
        return;
    }
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (outcomes[i].err == rc) {
            search_fail(search, rc, "%s", outcomes[i].text);
            search->code = outcomes[i].code;
            return;
        }
    if (rc != 0)
        search_fail(search, rc, "%s", err_text(rc));
}

/* The tree: the reader, the base, the filter; then page or whole. */
static int search_tree(struct search *search, struct plan *plan)
{
    int rc = reader_prepare(&search->reader);

    if (rc == 0)
        rc = reader_base(&search->reader, search->base);
    if (rc < 0)
        return rc;
    plan->restriction = reader_filter(&search->reader, search->base);
    search->filter = filter_fold(search->filter, search->arena, prepare_leaf, plan);
    if (plan->rc < 0)
        return plan->rc;
    plan_questions(plan);
    return search->paged ? search_page(plan) : plan_ask(plan, NULL, search->attributes);
}

/* The one entry of the schema is the last page of any size. */
static int search_schema_page(struct search *search)
{
    int rc;

    if (search->paged && search->cookie.len > 0) {
        search_fail(search, E_UNWILLING, SEARCH_BAD_COOKIE);
        return E_UNWILLING;
    }
    rc = search_schema(search);
    return rc == 0 && search->paged ? page_encode(&(struct page){0}, &search->page_value) : rc;
}

void search_work(struct search *search)
{
    struct daemon *daemon = search->job.loop->daemon;
    struct plan plan = {.search = search};
    struct view *view = NULL;
    int rc = search_canceled(search);

    if (rc == 0 && search->subschema)
        rc = search_schema_page(search);
    else if (rc == 0) {
        if (search->needs_view)
            rc = view_open(daemon->state, &view);
        search->reader.view = search->computed.view = view;
        if (rc == 0)
            rc = search_tree(search, &plan);
    }
    search_outcome(search, rc);
    computed_clear(&search->computed);
    view_close(view);
}
