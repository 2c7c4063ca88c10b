/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/find.h"
#include "base/clock.h"
#include "base/err.h"

#include <string.h>

#define ATTRIBUTES_MAX 4096
#define WAIT_MS        100 /* how often on_wait is called */

struct finding {
    const struct store_search *search;
    struct upstream upstream;
    struct arena *arena; /* of the entry in hand */
    int msgid;
    bool seen; /* on_entry was called: asking again would show entries twice */
};

static void take_values(struct arena *arena, struct berval name, const struct berval *values,
                        struct attribute *ret)
{
    size_t count = 0;

    while (values != NULL && values[count].bv_val != NULL)
        count++;
    ret->name = (struct slice){name.bv_val, name.bv_len};
    ret->values = arena_alloc(arena, (count + 1) * sizeof(ret->values[0]));
    ret->value_count = count;
    for (size_t i = 0; i < count; i++)
        ret->values[i] = (struct slice){values[i].bv_val, values[i].bv_len};
}

/* The bytes stay where libldap has them. */
static int take_attributes(struct finding *finding, LDAPMessage *message, BerElement *ber,
                           struct store_entry *entry)
{
    size_t room = 0;

    for (;;) {
        struct berval name, *values = NULL;

        if (ldap_get_attribute_ber(finding->upstream.ld, message, ber, &name, &values) !=
            LDAP_SUCCESS)
            return E_PROTO;
        if (name.bv_val == NULL)
            return 0;
        if (entry->attribute_count == room) {
            struct attribute *old = entry->attributes;

            room = room == 0 ? 32 : room * 2;
            entry->attributes = arena_alloc(finding->arena, room * sizeof(entry->attributes[0]));
            if (old != NULL)
                memcpy(entry->attributes, old, entry->attribute_count * sizeof(old[0]));
        }
        take_values(finding->arena, name, values, &entry->attributes[entry->attribute_count++]);
        ldap_memfree(values);
        if (entry->attribute_count > ATTRIBUTES_MAX)
            return E_PROTO;
    }
}

static int take_entry(struct finding *finding, LDAPMessage *message)
{
    struct store_entry entry = {.attribute_count = 0};
    BerElement *ber = NULL;
    struct berval dn;
    int err = E_PROTO;

    arena_reset(finding->arena);
    if (ldap_get_dn_ber(finding->upstream.ld, message, &ber, &dn) == LDAP_SUCCESS) {
        entry.dn = (struct slice){dn.bv_val, dn.bv_len};
        err = take_attributes(finding, message, ber, &entry);
    }
    if (err == 0) {
        finding->seen = true;
        err = finding->search->on_entry(finding->search->context, &entry);
    }
    ber_free(ber, 0);
    return err;
}

/* Waits for the next message. */
static int next_message(struct finding *finding, LDAPMessage **ret)
{
    const struct store_search *search = finding->search;
    int64_t now_ms = clock_monotonic_ms(), silent_ms = now_ms + search->silence_ms;
    int err = 0;

    while (err == 0) {
        int64_t until_ms = now_ms + WAIT_MS;

        if (now_ms >= search->deadline_ms)
            return E_AGAIN;
        if (now_ms >= silent_ms)
            return E_TIMEOUT;
        if (until_ms > search->deadline_ms)
            until_ms = search->deadline_ms;
        err = upstream_wait(&finding->upstream, finding->msgid, false, until_ms, ret);
        if (err != E_TIMEOUT)
            return err;
        err = search->on_wait != NULL ? search->on_wait(search->context) : 0;
        now_ms = clock_monotonic_ms();
    }
    return err;
}

static int take_all(struct finding *finding)
{
    bool done = false;
    int err = 0;

    while (err == 0 && !done) {
        LDAPMessage *message = NULL;

        err = next_message(finding, &message);
        if (err != 0)
            break;
        switch (ldap_msgtype(message)) {
        case LDAP_RES_SEARCH_ENTRY:
            err = take_entry(finding, message);
            break;
        case LDAP_RES_SEARCH_RESULT:
            done = true;
            err = upstream_answer(&finding->upstream, message, NULL, NULL);
            break;
        default:
            err = E_IO; /* a reference to another server */
            break;
        }
        ldap_msgfree(message);
    }
    if (!done && !upstream_broken(err))
        (void)ldap_abandon_ext(finding->upstream.ld, finding->msgid, NULL, NULL);
    return err;
}

static int find_once(struct store *store, struct finding *finding)
{
    const struct store_search *search = finding->search;
    int64_t patience_ms = clock_monotonic_ms() + search->silence_ms;
    int never = LDAP_DEREF_NEVER;
    int err = store_checkout(store, STORE_WORK, patience_ms, &finding->upstream);

    if (err != 0)
        return err;
    (void)ldap_set_option(finding->upstream.ld, LDAP_OPT_DEREF, &never);
    err = upstream_error(ldap_search_ext(finding->upstream.ld, search->base, search->scope,
                                         search->filter, (char **)(uintptr_t)search->attributes, 0,
                                         NULL, NULL, NULL, LDAP_NO_LIMIT, &finding->msgid));
    if (err == 0)
        err = take_all(finding);
    store_checkin(store, STORE_WORK, &finding->upstream, err);
    return err;
}

int store_each(struct store *store, const struct store_search *search)
{
    struct finding finding = {.search = search, .arena = arena_new(), .msgid = -1};
    int err = find_once(store, &finding);

    if (err == E_UNAVAIL && !finding.seen) /* a connection may have died under us */
        err = find_once(store, &finding);
    arena_free(finding.arena);
    return err;
}
