/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Slices to libldap's structs and back. What is read is asked for again once when the connection
 * died; what is written never is, for it may have happened.
 */
#include "store/entry.h"
#include "base/clock.h"
#include "base/err.h"

#include <string.h>

/* Attributes of one entry that we take; more is no entry of ours. */
#define ENTRY_ATTRIBUTES_MAX 4096

const struct attribute *store_attribute(const struct store_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->attribute_count; i++)
        if (slice_is(entry->attributes[i].name, name))
            return &entry->attributes[i];
    return NULL;
}

struct slice store_value(const struct store_entry *entry, const char *name)
{
    const struct attribute *attribute = store_attribute(entry, name);

    return attribute != NULL && attribute->value_count > 0 ? attribute->values[0]
                                                           : (struct slice){NULL, 0};
}

/* A terminated copy; E_SYNTAX for text that holds a byte 0, which libldap would cut there. */
static int text_copy(struct arena *arena, struct slice text, const char **ret)
{
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        return E_SYNTAX;
    *ret = arena_copy(arena, text).data;
    return 0;
}

static struct slice name_copy(struct arena *arena, struct berval name)
{
    struct slice copy = arena_copy(arena, (struct slice){name.bv_val, name.bv_len});
    char *text = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.len && text[i] != ';'; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
    return copy;
}

static void attribute_copy(struct arena *arena, struct berval name, const struct berval *values,
                           struct attribute *ret)
{
    size_t count = 0;

    while (values != NULL && values[count].bv_val != NULL)
        count++;
    ret->name = name_copy(arena, name);
    ret->values = arena_alloc(arena, (count + 1) * sizeof(ret->values[0]));
    ret->value_count = count;
    for (size_t i = 0; i < count; i++)
        ret->values[i] = arena_copy(arena, (struct slice){values[i].bv_val, values[i].bv_len});
}

int store_decode(LDAP *ld, LDAPMessage *message, struct arena *arena, struct store_entry *ret)
{
    struct store_entry entry = {.attribute_count = 0};
    struct berval name, *values = NULL;
    BerElement *ber = NULL;
    size_t room = 0;
    int err = E_PROTO;

    if (ldap_get_dn_ber(ld, message, &ber, &name) != LDAP_SUCCESS)
        goto out;
    entry.dn = arena_copy(arena, (struct slice){name.bv_val, name.bv_len});
    for (;;) {
        values = NULL;
        if (ldap_get_attribute_ber(ld, message, ber, &name, &values) != LDAP_SUCCESS)
            goto out;
        if (name.bv_val == NULL)
            break;
        if (entry.attribute_count == ENTRY_ATTRIBUTES_MAX)
            goto out;
        if (entry.attribute_count == room) {
            struct attribute *old = entry.attributes;

            room = room == 0 ? 16 : room * 2;
            entry.attributes = arena_alloc(arena, room * sizeof(entry.attributes[0]));
            if (old != NULL)
                memcpy(entry.attributes, old, entry.attribute_count * sizeof(old[0]));
        }
        attribute_copy(arena, name, values, &entry.attributes[entry.attribute_count++]);
        ldap_memfree(values);
        values = NULL;
    }
    *ret = entry;
    err = 0;
out:
    ldap_memfree(values);
    ber_free(ber, 0);
    return err;
}

struct find {
    const char *base;
    int scope;
    const char *filter;
    char **attributes;
    size_t max;
    struct store_entry *entries;
    size_t count;
    size_t room;
};

static int find_take(struct find *find, LDAP *ld, LDAPMessage *message, struct arena *arena)
{
    if (find->count == find->max)
        return E_LIMIT;
    if (find->count == find->room) {
        struct store_entry *old = find->entries;

        find->room = find->room == 0 ? 8 : find->room * 2;
        find->entries = arena_alloc(arena, find->room * sizeof(find->entries[0]));
        if (old != NULL)
            memcpy(find->entries, old, find->count * sizeof(old[0]));
    }
    return store_decode(ld, message, arena, &find->entries[find->count++]);
}

/* Reads answers until the list is complete. A reference to another server leaves it incomplete. */
static int find_collect(struct find *find, struct upstream *upstream, int msgid,
                        struct arena *arena, int64_t deadline_ms)
{
    bool done = false;
    int err = 0;

    while (err == 0 && !done) {
        LDAPMessage *message = NULL;

        if ((err = upstream_wait(upstream, msgid, false, deadline_ms, &message)) != 0)
            break;
        switch (ldap_msgtype(message)) {
        case LDAP_RES_SEARCH_ENTRY:
            err = find_take(find, upstream->ld, message, arena);
            break;
        case LDAP_RES_SEARCH_RESULT:
            err = upstream_answer(upstream, message, NULL, NULL);
            done = true;
            break;
        default:
            err = E_PROTO;
            break;
        }
        ldap_msgfree(message);
    }
    if (err == E_LIMIT && !done)
        (void)ldap_abandon_ext(upstream->ld, msgid, NULL, NULL);
    return err;
}

static int find_once(struct store *store, struct find *find, struct arena *arena,
                     int64_t deadline_ms)
{
    struct upstream upstream;
    struct timeval limit;
    int64_t left = deadline_ms - clock_monotonic_ms();
    int sizelimit = find->max < INT32_MAX - 1 ? (int)find->max + 1 : LDAP_NO_LIMIT;
    int msgid = -1;
    int err = store_checkout(store, STORE_WORK, deadline_ms, &upstream);

    if (err != 0)
        return err;
    find->count = 0;
    limit = (struct timeval){.tv_sec = left > 0 ? left / 1000 + 1 : 1};
    err =
        upstream_error(ldap_search_ext(upstream.ld, find->base, find->scope, find->filter,
                                       find->attributes, 0, NULL, NULL, &limit, sizelimit, &msgid));
    if (err == 0)
        err = find_collect(find, &upstream, msgid, arena, deadline_ms);
    store_checkin(store, STORE_WORK, &upstream, err);
    return err;
}

int store_find(struct store *store, struct arena *arena, struct slice base, int scope,
               const char *filter, const char *const *attributes, size_t max, int64_t deadline_ms,
               struct store_entry **ret, size_t *ret_count)
{
    struct find find = {.scope = scope, .filter = filter, .max = max};
    int err = text_copy(arena, base, &find.base);

    if (err != 0)
        return err;
    find.attributes = (char **)(uintptr_t)attributes;
    err = find_once(store, &find, arena, deadline_ms);
    if (err == E_UNAVAIL) /* a connection may have died under us; asking twice does no harm */
        err = find_once(store, &find, arena, deadline_ms);
    if (err == 0) {
        *ret = find.entries;
        *ret_count = find.count;
    }
    return err;
}

int store_read(struct store *store, struct arena *arena, struct slice dn,
               const char *const *attributes, int64_t deadline_ms, struct store_entry *ret)
{
    struct store_entry *entries = NULL;
    size_t count = 0;
    int err = store_find(store, arena, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1,
                         deadline_ms, &entries, &count);

    if (err == 0 && count == 0)
        err = E_NOTFOUND; /* there, but hidden from us */
    if (err == 0)
        *ret = entries[0];
    return err;
}

static struct berval **values_make(struct arena *arena, const struct attribute *attribute)
{
    struct berval **list = arena_alloc(arena, (attribute->value_count + 1) * sizeof(list[0]));
    struct berval *values = arena_alloc(arena, (attribute->value_count + 1) * sizeof(values[0]));

    for (size_t i = 0; i < attribute->value_count; i++) {
        struct slice value = attribute->values[i];

        values[i] = (struct berval){value.len, value.len > 0 ? (char *)(uintptr_t)value.data : ""};
        list[i] = &values[i];
    }
    return list;
}

static const int mod_operations[] = {LDAP_MOD_ADD, LDAP_MOD_DELETE, LDAP_MOD_REPLACE,
                                     LDAP_MOD_INCREMENT};

static int mod_make(struct arena *arena, int kind, const struct attribute *attribute, LDAPMod *ret)
{
    const char *name;
    int err = text_copy(arena, attribute->name, &name);

    if (err != 0 || kind < 0 || kind > 3)
        return E_SYNTAX;
    ret->mod_op = mod_operations[kind] | LDAP_MOD_BVALUES;
    ret->mod_type = (char *)(uintptr_t)name;
    if (attribute->value_count > 0) /* none: delete or replace the whole attribute */
        ret->mod_bvalues = values_make(arena, attribute);
    return 0;
}

/* A change that has begun: makes the request on a connection. */
struct change {
    const char *dn;
    LDAPMod **mods;
    const char *assertion;
    int (*start)(struct change *change, LDAP *ld, LDAPControl **controls, int *ret_msgid);
};

static int add_start(struct change *change, LDAP *ld, LDAPControl **controls, int *ret_msgid)
{
    return ldap_add_ext(ld, change->dn, change->mods, controls, NULL, ret_msgid);
}

static int modify_start(struct change *change, LDAP *ld, LDAPControl **controls, int *ret_msgid)
{
    return ldap_modify_ext(ld, change->dn, change->mods, controls, NULL, ret_msgid);
}

static int delete_start(struct change *change, LDAP *ld, LDAPControl **controls, int *ret_msgid)
{
    return ldap_delete_ext(ld, change->dn, controls, NULL, ret_msgid);
}

static int change_run(struct store *store, struct arena *arena, struct change *change,
                      int64_t deadline_ms, struct slice *text)
{
    LDAPControl *controls[2] = {NULL, NULL};
    LDAPMessage *answer = NULL;
    struct upstream upstream;
    int msgid = -1;
    int err = store_checkout(store, STORE_WORK, deadline_ms, &upstream);

    if (err != 0)
        return err;
    if (change->assertion != NULL)
        err = upstream_error(ldap_create_assertion_control(
            upstream.ld, (char *)(uintptr_t)change->assertion, 1, &controls[0]));
    if (err == 0)
        err = upstream_error(change->start(change, upstream.ld, controls, &msgid));
    if (err == 0)
        err = upstream_wait(&upstream, msgid, true, deadline_ms, &answer);
    if (err == 0) {
        err = upstream_answer(&upstream, answer, arena, text);
        ldap_msgfree(answer);
    }
    ldap_control_free(controls[0]);
    store_checkin(store, STORE_WORK, &upstream, err);
    return err;
}

int store_add(struct store *store, struct arena *arena, struct slice dn,
              const struct attribute *attributes, size_t attribute_count, int64_t deadline_ms,
              struct slice *text)
{
    struct change change = {.start = add_start};
    LDAPMod *mods = arena_alloc(arena, (attribute_count + 1) * sizeof(mods[0]));
    int err = text_copy(arena, dn, &change.dn);

    change.mods = arena_alloc(arena, (attribute_count + 1) * sizeof(change.mods[0]));
    for (size_t i = 0; err == 0 && i < attribute_count; i++) {
        err = mod_make(arena, 0, &attributes[i], &mods[i]);
        change.mods[i] = &mods[i];
    }
    return err != 0 ? err : change_run(store, arena, &change, deadline_ms, text);
}

int store_modify(struct store *store, struct arena *arena, struct slice dn,
                 const struct modification *changes, size_t change_count, const char *assertion,
                 int64_t deadline_ms, struct slice *text)
{
    struct change change = {.start = modify_start, .assertion = assertion};
    LDAPMod *mods = arena_alloc(arena, (change_count + 1) * sizeof(mods[0]));
    int err = text_copy(arena, dn, &change.dn);

    change.mods = arena_alloc(arena, (change_count + 1) * sizeof(change.mods[0]));
    for (size_t i = 0; err == 0 && i < change_count; i++) {
        err = mod_make(arena, changes[i].kind, &changes[i].attribute, &mods[i]);
        change.mods[i] = &mods[i];
    }
    return err != 0 ? err : change_run(store, arena, &change, deadline_ms, text);
}

int store_delete(struct store *store, struct arena *arena, struct slice dn, const char *assertion,
                 int64_t deadline_ms, struct slice *text)
{
    struct change change = {.start = delete_start, .assertion = assertion};
    int err = text_copy(arena, dn, &change.dn);

    return err != 0 ? err : change_run(store, arena, &change, deadline_ms, text);
}
