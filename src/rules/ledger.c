/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/ledger.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "rules/person.h"
#include "store/entry.h"
#include "store/swap.h"

#include <string.h>
#include <xxhash.h>

#define LEDGER_TRIES   64 /* swaps lost to others before we say busy */
#define DAY_MS         86400000
#define LEDGER_UNKNOWN 4096 /* entries that unknown names share */

struct slice ledger_owner(struct arena *arena, const struct person *person, const char *user)
{
    char folded[LOGIN_NAME_MAX];
    size_t len = 0;

    if (person != NULL)
        return person->usher_id;
    for (; len < sizeof(folded) && user[len] != '\0'; len++)
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
        rc = store_read(context->store, arena, buffer_slice(&dn), attributes,
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

int ledger_put(const struct login_context *context, struct arena *arena, struct slice owner,
               const char *attribute, struct slice prefix, struct slice old_value,
               struct slice new_value)
{
    struct slice *values;
    size_t count;
    int rc = ledger_swap(context, arena, owner, attribute, prefix, old_value, new_value);

    if (rc != E_UNAVAIL || new_value.data == NULL ||
        ledger_values(context, arena, owner, attribute, &values, &count) < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (slice_equal(values[i], new_value))
            rc = 0;
    return rc;
}

/* Swaps one failure record for another; either may be NULL, and so may also. */
static int ledger_record(const struct login_context *context, struct arena *arena,
                         struct slice owner, const char *key, const struct lockout *old,
                         const struct lockout *new, const struct attribute *also)
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
    return swap_value_also(context->store, arena, context->base, owner, "usherFailure",
                           slice_of(arena_printf(arena, "%s ", key)), old_value, new_value, also,
                           login_deadline(context));
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

/* One try on what is there now (none: NULL). E_CONFLICT: something else is. A locked record is
 * swapped for itself: a lock costs the store what an attempt costs, and changes nothing. */
static int ledger_reserve_on(const struct login_context *context, struct arena *arena,
                             struct slice owner, const char *key, const struct lockout *present,
                             struct lockout *ret)
{
    struct lockout next;
    int64_t until_ms;
    int rc = lockout_reserve(present, key, &context->lockout, clock_now_ms(), &next, &until_ms);

    if (rc == E_DENIED)
        (void)ledger_record(context, arena, owner, key, present, present, NULL);
    if (rc == 0)
        rc = ledger_record(context, arena, owner, key, present, &next, NULL);
    if (rc == 0)
        *ret = next;
    return rc;
}

/* Whoever has not failed has no record, so the first try reads nothing: that there is none is
 * asserted in the write itself. */
int ledger_reserve(const struct login_context *context, struct arena *arena, struct slice owner,
                   const char *key, struct lockout *ret)
{
    struct lockout present;
    int rc = ledger_reserve_on(context, arena, owner, key, NULL, ret);

    for (int i = 0; rc == E_CONFLICT && i < LEDGER_TRIES; i++) {
        rc = ledger_present(context, arena, owner, key, &present);
        if (rc == 0 || rc == E_NOTFOUND)
            rc = ledger_reserve_on(context, arena, owner, key, rc == 0 ? &present : NULL, ret);
    }
    return rc == E_CONFLICT ? E_BUSY : rc;
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
        rc =
            ledger_record(context, arena, owner, mine->key, &present, rc == 0 ? &next : NULL, NULL);
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

int ledger_forget(const struct login_context *context, struct arena *arena, struct slice owner,
                  const char *key)
{
    int rc = ledger_drop(context, arena, owner, key);

    if (rc != E_BUSY)
        return rc;
    log_warning("the failed attempts of %.*s stay counted: %s", SLICE_ARG(owner), err_text(rc));
    return 0;
}

/* The day as usherLastLogin has it. */
static struct slice ledger_today(struct arena *arena)
{
    char text[CLOCK_TEXT_MAX];
    int64_t now_ms = clock_now_ms();

    return arena_copy(arena, slice_of(clock_format(now_ms - now_ms % DAY_MS, text)));
}

int ledger_success(const struct login_context *context, struct arena *arena, struct slice owner,
                   const struct lockout *mine, bool complete)
{
    struct slice day = ledger_today(arena), text = {0};
    struct attribute last = {slice_of("usherLastLogin"), &day, 1};
    struct modification change = {.kind = 2, .attribute = last};
    struct buffer dn;
    int rc = ledger_record(context, arena, owner, mine->key, mine, NULL, complete ? &last : NULL);

    if (rc != E_CONFLICT)
        return rc;
    rc = ledger_forget(context, arena, owner, mine->key);
    if (rc < 0 || !complete)
        return rc;
    buffer_init(&dn);
    rc = tree_ledger_dn(context->base, owner, &dn);
    if (rc == 0)
        rc = store_modify(context->store, arena, buffer_slice(&dn), &change, 1, NULL,
                          login_deadline(context), &text);
    buffer_clear(&dn);
    return rc == E_NOTFOUND ? 0 : rc; /* somebody has removed the ledger entry just now */
}

struct slice ledger_slot_word(struct slice value, struct slice *ret)
{
    const char *space = value.len > 0 ? memchr(value.data, ' ', value.len) : NULL;
    struct slice word = {0};

    *ret = (struct slice){0};
    if (space == NULL)
        return word;
    word = (struct slice){value.data, (size_t)(space - value.data)};
    *ret = (struct slice){space + 1, value.len - word.len - 1};
    return word;
}

int ledger_slot(const struct login_context *context, struct arena *arena, struct slice owner,
                const char *word, struct slice *ret)
{
    struct slice *values, record;
    size_t count;
    int rc = ledger_values(context, arena, owner, "ushertoken", &values, &count);

    if (rc < 0)
        return rc;
    *ret = (struct slice){0};
    for (size_t i = 0; i < count; i++)
        if (slice_is(ledger_slot_word(values[i], &record), word))
            *ret = record;
    return 0;
}

static struct slice slot_value(struct arena *arena, const char *word, struct slice record)
{
    if (record.data == NULL)
        return record;
    return slice_of(arena_printf(arena, "%s %.*s", word, SLICE_ARG(record)));
}

int ledger_slot_swap(const struct login_context *context, struct arena *arena, struct slice owner,
                     const char *word, struct slice old_record, struct slice new_record)
{
    return ledger_put(context, arena, owner, "ushertoken",
                      slice_of(arena_printf(arena, "%s ", word)),
                      slot_value(arena, word, old_record), slot_value(arena, word, new_record));
}
