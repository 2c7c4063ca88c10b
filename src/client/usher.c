/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libusher: the table in this process first, the daemon where that cannot answer. Connections that
 * are idle wait in a few slots, exchanged atomically: no lock that a fork() could leave held. One
 * belongs to the process that opened it; a child closes its copy without a byte to the daemon.
 */
#include "client/usher.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/address.h"
#include "client/cache.h"
#include "client/client.h"
#include "ldap/dn.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS    5000
#define IDLE_MAX      8
#define NAME_TEXT_MAX 256 /* bytes of an organization's or a person's name in a question */

_Static_assert((int)USHER_DENIED == E_DENIED && (int)USHER_STEPUP == E_STEPUP, "usher.h: err.h");
_Static_assert((int)USHER_AUTH == E_AUTH && (int)USHER_ACCESS == E_ACCESS, "usher.h: err.h");
_Static_assert((int)USHER_UNWILLING == E_UNWILLING && (int)USHER_SYNTAX == E_SYNTAX, "err.h");
_Static_assert((int)USHER_NOPERM == E_NOPERM && (int)USHER_NOTFOUND == E_NOTFOUND, "err.h");
_Static_assert((int)USHER_STALE == E_STALE && (int)USHER_UNAVAIL == E_UNAVAIL, "err.h");
_Static_assert((int)USHER_TIMEOUT == E_TIMEOUT && (int)USHER_BUSY == E_BUSY, "err.h");
_Static_assert((int)USHER_PROTO == E_PROTO && (int)USHER_LIMIT == E_LIMIT, "err.h");
_Static_assert((int)USHER_NOMEM == E_NOMEM && (int)USHER_IO == E_IO, "err.h");
_Static_assert((int)USHER_CONFIDENTIAL == E_CONFIDENTIAL, "err.h");
_Static_assert((int)USHER_INTERNAL == E_INTERNAL, "err.h");

struct link {
    struct client *client;
    pid_t process;
};

struct usher {
    char *uri;
    char *rights_path;
    char *bind_dn;
    char *bind_password;
    int timeout_ms;
    struct cache *cache;  /* NULL: not used */
    _Atomic(char *) base; /* NULL until known; never changed afterwards */
    _Atomic(struct link *) idle[IDLE_MAX];
};

/* The text, and what was parsed out of it, which points into it. */
struct usher_permission {
    struct query query;
    _Atomic uint64_t place; /* where the table last read has it */
    size_t len;
    char text[];
};

/* What is asked of the daemon, given a bound connection. */
typedef int usher_on_link(struct usher *usher, struct client *client, void *context);

static void link_free(struct link *link)
{
    if (link == NULL)
        return;
    if (link->process == getpid())
        client_close(link->client);
    else
        client_abandon(link->client);
    free(link);
}

/* Without a name of its own the process is who its peer credentials say. */
static int link_bind(const struct usher *usher, struct client *client)
{
    if (usher->bind_dn != NULL)
        return client_bind(client, slice_of(usher->bind_dn), slice_of(usher->bind_password));
    return usher->uri[0] == '/' || strncmp(usher->uri, "ldapi:", 6) == 0
               ? client_bind_external(client)
               : 0;
}

static int link_open(const struct usher *usher, int64_t deadline_ms, struct link **ret)
{
    struct link *link = calloc(1, sizeof(*link));
    int rc;

    if (link == NULL)
        return E_NOMEM;
    link->process = getpid();
    rc = client_open(usher->uri, deadline_ms, &link->client);
    if (rc == 0)
        rc = link_bind(usher, link->client);
    if (rc < 0) {
        link_free(link);
        return rc;
    }
    *ret = link;
    return 0;
}

static struct link *link_take(struct usher *usher, int64_t deadline_ms)
{
    for (size_t i = 0; i < IDLE_MAX; i++) {
        struct link *link = atomic_exchange(&usher->idle[i], NULL);

        if (link != NULL && link->process == getpid()) {
            client_deadline(link->client, deadline_ms);
            return link;
        }
        link_free(link);
    }
    return NULL;
}

static void link_put(struct usher *usher, struct link *link)
{
    for (size_t i = 0; i < IDLE_MAX; i++) {
        struct link *empty = NULL;

        if (atomic_compare_exchange_strong(&usher->idle[i], &empty, link))
            return;
    }
    link_free(link);
}

/* Asks over an idle connection; the daemon may have closed that long ago, so once more over a new
 * one. Questions may be put twice. */
static int usher_ask(struct usher *usher, usher_on_link *ask, void *context)
{
    int64_t deadline_ms = clock_monotonic_ms() + usher->timeout_ms;
    struct link *link = link_take(usher, deadline_ms);
    int rc;

    if (link != NULL) {
        rc = ask(usher, link->client, context);
        if (client_code(link->client) >= 0) {
            link_put(usher, link);
            return rc;
        }
        link_free(link);
        if (rc == E_TIMEOUT)
            return rc;
    }
    rc = link_open(usher, deadline_ms, &link);
    if (rc < 0)
        return rc;
    rc = ask(usher, link->client, context);
    if (client_code(link->client) >= 0)
        link_put(usher, link);
    else
        link_free(link);
    return rc;
}

/* The base DN, asked for once; two threads may ask at the same time, the first answer stays. */
static int usher_base(struct usher *usher, struct client *client, const char **ret)
{
    char buf[DN_MAX], *base = atomic_load(&usher->base), *copy;
    int rc;

    if (base == NULL) {
        rc = client_base(client, buf, sizeof(buf));
        if (rc < 0)
            return rc == E_NOTFOUND ? E_UNAVAIL : rc;
        copy = strdup(buf);
        if (copy == NULL)
            return E_NOMEM;
        if (atomic_compare_exchange_strong(&usher->base, &base, copy))
            base = copy;
        else
            free(copy);
    }
    *ret = base;
    return 0;
}

struct question {
    struct slice organization;
    struct slice user;
    struct slice query;
};

static int ask_check(struct usher *usher, struct client *client, void *context)
{
    const struct question *question = context;
    const char *base;
    int rc = usher_base(usher, client, &base);

    return rc < 0 ? rc
                  : client_check(client, slice_of(base), question->organization, question->user,
                                 question->query);
}

#define ANSWER(rc) (UINT64_C(1) << -(rc))

/* Whether the table's answer stands; everything else is asked of the daemon. Yes and no are as
 * likely, so they are not told apart by a branch. */
static inline bool answered(int rc)
{
    const uint64_t answers =
        ANSWER(0) | ANSWER(E_DENIED) | ANSWER(E_STEPUP) | ANSWER(E_NOPERM) | ANSWER(E_NOTFOUND);

    return rc > -64 && rc <= 0 && (answers >> -rc & 1) != 0;
}

static inline int question_fill(const char *organization, const char *user, struct slice query,
                                struct question *ret)
{
    struct question question = {slice_of(organization), slice_of(user), query};

    if (question.organization.len == 0 || question.user.len == 0 || question.query.len == 0)
        return E_SYNTAX;
    if (question.organization.len > NAME_TEXT_MAX || question.user.len > NAME_TEXT_MAX ||
        question.query.len > GRANT_MAX)
        return E_LIMIT;
    *ret = question;
    return 0;
}

static inline int question_put(struct usher *usher, struct question *question,
                               const struct query *parsed, _Atomic uint64_t *place)
{
    int rc;

    if (usher->cache != NULL) {
        rc = cache_check(usher->cache, question->organization, question->user, parsed, place);
        if (answered(rc))
            return rc;
    }
    return usher_ask(usher, ask_check, question);
}

/* Text without scope and option is a permission or nothing: found in the table, it needs no
 * parsing. E_UNAVAIL: that is to be seen. */
static int question_plain(const struct usher *usher, const struct question *question)
{
    struct query query = {.permission = question->query};
    int rc = E_UNAVAIL;

    if (usher->cache != NULL && memchr(query.permission.data, '@', query.permission.len) == NULL &&
        memchr(query.permission.data, ';', query.permission.len) == NULL)
        rc = cache_check(usher->cache, question->organization, question->user, &query, NULL);
    return rc == 0 || rc == E_DENIED || rc == E_STEPUP ? rc : E_UNAVAIL;
}

int usher_check(struct usher *usher, const char *organization, const char *user, const char *query)
{
    struct question question;
    struct query parsed;
    int rc = question_fill(organization, user, slice_of(query), &question);

    if (rc < 0)
        return rc;
    rc = question_plain(usher, &question);
    if (rc != E_UNAVAIL)
        return rc;
    rc = query_parse(question.query, &parsed);
    return rc < 0 ? rc : question_put(usher, &question, &parsed, NULL);
}

int usher_permission_resolve(const char *query, struct usher_permission **ret_permission)
{
    struct slice text = slice_of(query);
    struct usher_permission *permission;
    int rc;

    if (text.len == 0)
        return E_SYNTAX;
    if (text.len > GRANT_MAX)
        return E_LIMIT;
    permission = calloc(1, sizeof(*permission) + text.len + 1);
    if (permission == NULL)
        return E_NOMEM;
    memcpy(permission->text, text.data, text.len);
    permission->len = text.len;
    rc = query_parse((struct slice){permission->text, text.len}, &permission->query);
    if (rc < 0) {
        free(permission);
        return rc;
    }
    *ret_permission = permission;
    return 0;
}

int usher_permission_check(struct usher *usher, const char *organization, const char *user,
                           struct usher_permission *permission)
{
    struct question question;
    struct slice query = {0};
    int rc;

    if (permission != NULL)
        query = (struct slice){permission->text, permission->len};
    rc = question_fill(organization, user, query, &question);
    return rc < 0 ? rc : question_put(usher, &question, &permission->query, &permission->place);
}

void usher_permission_free(struct usher_permission *permission)
{
    free(permission);
}

static int ask_freshness(struct usher *usher, struct client *client, void *context)
{
    struct usher_freshness *ret = context;
    struct freshness freshness;
    int rc = client_freshness(client, &freshness);

    (void)usher;
    if (rc < 0)
        return rc;
    if (freshness.csn.len >= sizeof(ret->csn))
        return E_PROTO;
    *ret = (struct usher_freshness){.age_ms = freshness.age_ms};
    if (freshness.csn.len > 0)
        memcpy(ret->csn, freshness.csn.data, freshness.csn.len);
    return 0;
}

_Static_assert(sizeof(((struct usher_freshness *)0)->csn) == RIGHTS_CSN_MAX, "usher.h: rights.h");

int usher_freshness(struct usher *usher, struct usher_freshness *ret)
{
    struct rights_status status;

    if (usher->cache != NULL && cache_status(usher->cache, &status) == 0 && status.filled &&
        status.age_ms >= 0 && status.age_ms <= status.max_age_ms) {
        *ret = (struct usher_freshness){.age_ms = status.age_ms, .in_process = 1};
        memcpy(ret->csn, status.csn, sizeof(ret->csn));
        return 0;
    }
    return usher_ask(usher, ask_freshness, ret);
}

const char *usher_strerror(int error)
{
    if (error == 0)
        return "yes";
    if (error == USHER_UNAVAIL)
        return "usherd does not answer, or cannot tell";
    if (error == USHER_NOTFOUND)
        return "no such organization or event";
    return err_text(error);
}

/* A copy of text, or of other when text is NULL; NULL stays NULL. */
static int keep(const char *text, const char *other, char **ret)
{
    const char *from = text != NULL ? text : other;
    char *copy = from != NULL ? strdup(from) : NULL;

    if (from != NULL && copy == NULL)
        return E_NOMEM;
    *ret = copy;
    return 0;
}

static int usher_keep(struct usher *usher, const struct usher_options *options)
{
    char *base = NULL;
    int rc = keep(options->uri, USHER_RUNDIR "/ldapi", &usher->uri);

    if (rc == 0)
        rc = keep(options->rights, USHER_CACHEDIR "/rights", &usher->rights_path);
    if (rc == 0)
        rc = keep(options->bind_dn, NULL, &usher->bind_dn);
    if (rc == 0)
        rc = keep(options->bind_password, NULL, &usher->bind_password);
    if (rc == 0)
        rc = keep(options->base, NULL, &base);
    atomic_store(&usher->base, base);
    usher->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    return rc;
}

static int options_check(const struct usher_options *options)
{
    char normalized[DN_MAX];
    struct address address;
    struct slice dn;
    int rc = options->timeout_ms < 0 ? E_SYNTAX : 0;

    if (rc == 0 && options->uri != NULL)
        rc = address_parse(options->uri, &address);
    if (rc == 0 && options->base != NULL)
        rc = dn_normalize(slice_of(options->base), normalized, &dn);
    if (rc == 0 && (options->bind_dn == NULL) != (options->bind_password == NULL))
        rc = E_SYNTAX;
    return rc;
}

int usher_open(const struct usher_options *options, struct usher **ret_usher)
{
    static const struct usher_options defaults;
    struct usher *usher;
    int rc;

    if (options == NULL)
        options = &defaults;
    rc = options_check(options);
    if (rc < 0)
        return rc;
    usher = calloc(1, sizeof(*usher));
    if (usher == NULL)
        return E_NOMEM;
    rc = usher_keep(usher, options);
    if (rc == 0 && usher->rights_path[0] != '\0')
        rc = cache_open(usher->rights_path, &usher->cache);
    if (rc < 0) {
        usher_close(usher);
        return rc;
    }
    *ret_usher = usher;
    return 0;
}

void usher_close(struct usher *usher)
{
    if (usher == NULL)
        return;
    for (size_t i = 0; i < IDLE_MAX; i++)
        link_free(atomic_load(&usher->idle[i]));
    cache_close(usher->cache);
    if (usher->bind_password != NULL)
        mem_wipe(usher->bind_password, strlen(usher->bind_password));
    free(atomic_load(&usher->base));
    free(usher->bind_password);
    free(usher->bind_dn);
    free(usher->rights_path);
    free(usher->uri);
    free(usher);
}
