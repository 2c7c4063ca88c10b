/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/ledger.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "rules/person.h"
#include "store/entry.h"
#include "store/swap.h"

#include <string.h>
#include <xxhash.h>

#define LEDGER_TRIES   64   /* swaps lost to others before we say busy */
#define LEDGER_UNKNOWN 4096 /* entries that unknown names share */

struct slice ledger_owner(struct arena *arena, const struct person *person, const char *user)
{
    char folded[LOGIN_NAME_MAX];
    size_t len = 0;

    if (person != NULL)
        return person->usher_id;
    for (; user[len] != '\0' && len < sizeof(folded); len++)
        folded[len] = user[len] >= 'A' && user[len] <= 'Z' ? (char)(user[len] + 32) : user[len];
    return slice_of(
        arena_printf(arena, "unknown-%03x", (unsigned)(XXH3_64bits(folded, len) % LEDGER_UNKNOWN)));
}

int ledger_values(const struct login_context *context, struct arena *arena, struct slice owner,
                  const char *attribute, struct slice **ret, size_t *ret_count)
{
    const char *attributes[] = {attribute, NULL};
    const struct attribute *found;
    struct store_entry entry;
    struct buffer dn;
    int rc;

    buffer_init(&dn);
    rc = tree_ledger_dn(context->base, owner, &dn);
    if (rc == 0)
        rc = store_read(context->store, arena, (struct slice){dn.data, dn.len}, attributes,
                        login_deadline(context), &entry);
    buffer_clear(&dn);
    if (rc < 0 && rc != E_NOTFOUND)
        return rc;
    found = rc == 0 ? store_attribute(&entry, attribute) : NULL;
    *ret = found != NULL ? found->values : NULL;
    *ret_count = found != NULL ? found->value_count : 0;
    return 0;
}

int ledger_swap(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *attribute, struct slice prefix, struct slice old_value,
                struct slice new_value)
{
    return swap_value(context->store, arena, context->base, owner, attribute, prefix, old_value,
                      new_value, login_deadline(context));
}

/* Swaps one failure record for another; either may be NULL. */
static int ledger_record(const struct login_context *context, struct arena *arena,
                         struct slice owner, const char *key, const struct lockout *old,
                         const struct lockout *new)
{
    char old_text[LOCKOUT_RECORD_MAX], new_text[LOCKOUT_RECORD_MAX];
    struct slice old_value = {0}, new_value = {0};

    if (old != NULL) {
        lockout_format(old, old_text);
        old_value = slice_of(old_text);
    }
    if (new != NULL) {
        lockout_format(new, new_text);
        new_value = slice_of(new_text);
    }
    return ledger_swap(context, arena, owner, "usherFailure",
                       slice_of(arena_printf(arena, "%s ", key)), old_value, new_value);
}

/* The present record of a key: 0, E_NOTFOUND; E_DENIED for one that does not parse. */
static int ledger_present(const struct login_context *context, struct arena *arena,
                          struct slice owner, const char *key, struct lockout *ret)
{
    struct slice *values;
    size_t count;
    int rc = ledger_values(context, arena, owner, "usherfailure", &values, &count);

    if (rc == 0)
        rc = lockout_find(values, count, key, ret);
    return rc == E_SYNTAX ? E_DENIED : rc;
}

int ledger_reserve(const struct login_context *context, struct arena *arena, struct slice owner,
                   const char *key, struct lockout *ret)
{
    struct lockout present, next;
    int64_t until_ms;
    int rc;

    for (int i = 0; i < LEDGER_TRIES; i++) {
        bool none;

        rc = ledger_present(context, arena, owner, key, &present);
        if (rc < 0 && rc != E_NOTFOUND)
            return rc;
        none = rc == E_NOTFOUND;
        rc = lockout_reserve(none ? NULL : &present, key, &context->lockout, clock_now_ms(), &next,
                             &until_ms);
        if (rc == 0)
            rc = ledger_record(context, arena, owner, key, none ? NULL : &present, &next);
        if (rc == 0)
            *ret = next;
        if (rc != E_CONFLICT)
            return rc;
    }
    return E_BUSY;
}

int ledger_uncount(const struct login_context *context, struct arena *arena, struct slice owner,
                   const struct lockout *mine)
{
    struct lockout present, next;
    int rc;

    for (int i = 0; i < LEDGER_TRIES; i++) {
        rc = ledger_present(context, arena, owner, mine->key, &present);
        if (rc == E_NOTFOUND)
            return 0;
        if (rc < 0)
            return rc;
        rc = lockout_uncount(&present, mine, &context->lockout, &next);
        if (rc < 0 && rc != E_NOTFOUND)
            return rc;
        rc = ledger_record(context, arena, owner, mine->key, &present, rc == 0 ? &next : NULL);
        if (rc != E_CONFLICT)
            return rc;
    }
    return E_BUSY;
}

int ledger_drop(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *key)
{
    struct slice *values, prefix = slice_of(arena_printf(arena, "%s ", key));
    size_t count;
    int rc = 0;

    for (int i = 0; i < LEDGER_TRIES; i++) {
        rc = ledger_values(context, arena, owner, "usherfailure", &values, &count);
        for (size_t j = 0; rc == 0 && j < count; j++)
            if (values[j].len >= prefix.len && memcmp(values[j].data, prefix.data, prefix.len) == 0)
                rc = ledger_swap(context, arena, owner, "usherFailure", prefix, values[j],
                                 (struct slice){0});
        if (rc != E_CONFLICT)
            return rc;
    }
    return E_BUSY;
}

int ledger_success(const struct login_context *context, struct arena *arena, struct slice owner,
                   const struct lockout *mine)
{
    int rc = ledger_record(context, arena, owner, mine->key, mine, NULL);

    return rc == E_CONFLICT ? ledger_drop(context, arena, owner, mine->key) : rc;
}
