/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/lockout.h"

#include "base/err.h"
#include "secret/field.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MOST   1000
#define LOCK_MOST_MS INT64_C(2592000000)      /* 30 days */
#define TIME_MOST    INT64_C(999999999999999) /* ms; sums stay within what a field may hold */

static int valid_key(struct slice key)
{
    if (key.len == 0 || key.len > LOCKOUT_KEY_MAX)
        return E_SYNTAX;
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] <= ' ' || key.data[i] > '~')
            return E_SYNTAX;
    return 0;
}

static int valid_policy(const struct lockout_policy *policy)
{
    return policy->limit < 1 || policy->limit > LIMIT_MOST || policy->first_ms < 1 ||
                   policy->most_ms < policy->first_ms || policy->most_ms > LOCK_MOST_MS
               ? E_LIMIT
               : 0;
}

int lockout_parse(struct slice value, struct lockout *ret)
{
    struct lockout record = {0};
    struct slice key;
    int err;

    if ((err = field_next(&value, &key)) < 0 || (err = valid_key(key)) < 0 ||
        (err = field_next_number(&value, &record.count)) < 0 ||
        (err = field_next_number(&value, &record.last_ms)) < 0 ||
        (err = field_next_number(&value, &record.locked_ms)) < 0)
        return err;
    if (value.len != 0 || record.count < 1 || record.count > LOCKOUT_COUNT_MAX ||
        record.last_ms > TIME_MOST || record.locked_ms > TIME_MOST + LOCK_MOST_MS)
        return E_SYNTAX;
    memcpy(record.key, key.data, key.len);
    *ret = record;
    return 0;
}

_Static_assert(LOCKOUT_RECORD_MAX >= LOCKOUT_KEY_MAX + 3 * (1 + 18) + 1, "the longest record fits");

void lockout_format(const struct lockout *record, char *ret)
{
    int len = snprintf(ret, LOCKOUT_RECORD_MAX, "%s %" PRId64 " %" PRId64 " %" PRId64, record->key,
                       record->count, record->last_ms, record->locked_ms);

    assert(len < LOCKOUT_RECORD_MAX);
    (void)len;
}

int lockout_find(const struct slice *values, size_t count, const char *key, struct lockout *ret)
{
    size_t len = strlen(key);
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        struct slice value = values[i];
        if (value.len < len || memcmp(value.data, key, len) != 0 ||
            (value.len > len && value.data[len] != ' '))
            continue;
        if (found || lockout_parse(value, ret) < 0)
            return E_SYNTAX;
        found = true;
    }
    return found ? 0 : E_NOTFOUND;
}

/* The lock that goes with a count: 0 below the limit, then first, twice that, and so on. */
static int64_t lock_ms(const struct lockout_policy *policy, int64_t count)
{
    int64_t lock = policy->first_ms;

    if (count < policy->limit)
        return 0;
    for (int64_t step = policy->limit; step < count && lock < policy->most_ms; step++)
        lock *= 2;
    return lock < policy->most_ms ? lock : policy->most_ms;
}

int lockout_reserve(const struct lockout *record, const char *key,
                    const struct lockout_policy *policy, int64_t now_ms, struct lockout *ret,
                    int64_t *ret_until_ms)
{
    struct lockout next = {0};
    int64_t lock;
    int err = valid_key(slice_of(key));

    if (err == 0)
        err = now_ms < 0 || now_ms > TIME_MOST ? E_LIMIT : valid_policy(policy);
    if (err < 0)
        return err;
    assert(record == NULL || strcmp(record->key, key) == 0);
    if (record != NULL && now_ms < record->locked_ms) {
        *ret_until_ms = record->locked_ms;
        return E_DENIED;
    }
    strcpy(next.key, key);
    next.count = record != NULL ? record->count + 1 : 1;
    if (next.count > LOCKOUT_COUNT_MAX)
        next.count = LOCKOUT_COUNT_MAX;
    next.last_ms = now_ms;
    lock = lock_ms(policy, next.count);
    next.locked_ms = lock > 0 ? now_ms + lock : 0;
    *ret = next;
    return 0;
}

int lockout_uncount(const struct lockout *record, const struct lockout *mine,
                    const struct lockout_policy *policy, struct lockout *ret)
{
    struct lockout next;

    if (record == NULL || record->count <= 1)
        return E_NOTFOUND;
    next = *record;
    next.count--;
    if (next.count < policy->limit)
        next.locked_ms = 0;
    else if (record->count == mine->count && record->last_ms == mine->last_ms)
        next.locked_ms = record->last_ms;
    *ret = next;
    return 0;
}
