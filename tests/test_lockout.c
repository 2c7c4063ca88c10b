/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lockout: records, the policy as a story of attempts, and thirty-one attempts at once in every
 * kind of order against a ledger that swaps.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "secret/lockout.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NOW       INT64_C(1790000000000)
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static const struct lockout_policy preset = LOCKOUT_PRESET;

static void records(void **state)
{
    static const struct {
        const char *value;
        int err;
    } cases[] = {
        {"password@local 1 1790000000000 0", 0},
        {"pin/acme 5 1790000000000 1790000060000", 0},
        {"c 1000000 0 0", 0},
        {"", E_SYNTAX},
        {"code", E_SYNTAX},
        {"code 1", E_SYNTAX},
        {"code 1 2", E_SYNTAX},
        {"code 1 2 3 4", E_SYNTAX},
        {"code 1 2 3 ", E_SYNTAX},
        {" code 1 2 3", E_SYNTAX},
        {"code  1 2 3", E_SYNTAX},
        {"code 0 2 3", E_SYNTAX},
        {"code -1 2 3", E_SYNTAX},
        {"code 01 2 3", E_SYNTAX},
        {"code 1000001 2 3", E_SYNTAX},
        {"code 1 9999999999999999 3", E_SYNTAX},
        {"code 1 2 9999999999999999999999", E_SYNTAX},
        {"c\xc3\xb8"
         "de 1 2 3",
         E_SYNTAX},
        {"c\tde 1 2 3", E_SYNTAX},
    };
    char text[LOCKOUT_RECORD_MAX], large[LOCKOUT_KEY_MAX + 8];
    struct lockout record;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(lockout_parse(slice_of(cases[i].value), &record), cases[i].err);
        if (cases[i].err < 0)
            continue;
        lockout_format(&record, text);
        assert_string_equal(text, cases[i].value);
    }
    memset(large, 'k', LOCKOUT_KEY_MAX);
    strcpy(large + LOCKOUT_KEY_MAX, " 1 2 3");
    assert_int_equal(lockout_parse(slice_of(large), &record), 0);
    memset(large, 'k', LOCKOUT_KEY_MAX + 1);
    strcpy(large + LOCKOUT_KEY_MAX + 1, " 1 2 3");
    assert_int_equal(lockout_parse(slice_of(large), &record), E_SYNTAX);
}

static void finding(void **state)
{
    const struct slice good[] = {slice_of("password@local 1 2 3"), slice_of("code 4 5 0"),
                                 slice_of("pin/acme 7 8 9"), slice_of("pin/acme2 6 6 6")};
    const struct slice bad[] = {slice_of("code x"), slice_of("pin/a"), slice_of("twice 1 1 1"),
                                slice_of("twice 2 2 2")};
    struct lockout record;

    (void)state;
    assert_int_equal(lockout_find(good, COUNT(good), "code", &record), 0);
    assert_int_equal(record.count, 4);
    assert_int_equal(lockout_find(good, COUNT(good), "pin/acme", &record), 0);
    assert_int_equal(record.count, 7);
    assert_int_equal(lockout_find(good, COUNT(good), "password@net", &record), E_NOTFOUND);
    assert_int_equal(lockout_find(good, COUNT(good), "pin", &record), E_NOTFOUND);
    assert_int_equal(lockout_find(NULL, 0, "pin", &record), E_NOTFOUND);
    assert_int_equal(lockout_find(bad, COUNT(bad), "code", &record), E_SYNTAX);
    assert_int_equal(lockout_find(bad, COUNT(bad), "pin/a", &record), E_SYNTAX);
    assert_int_equal(lockout_find(bad, COUNT(bad), "twice", &record), E_SYNTAX);
}

/* Each step is an attempt at a time; after it the ledger shows count and lock. */
static void story(void **state)
{
    static const struct {
        int64_t at_s;
        int err;
        int64_t count, until_s;
    } steps[] = {
        {0, 0, 1, -1},
        {0, 0, 2, -1},
        {1, 0, 3, -1},
        {2, 0, 4, -1},
        {10, 0, 5, 70},
        {10, E_DENIED, 5, 70},
        {69, E_DENIED, 5, 70},
        {70, 0, 6, 190},
        {70, E_DENIED, 6, 190},
        {190, 0, 7, 430},
        {430, 0, 8, 910},
        {910, 0, 9, 1870},
        {1870, 0, 10, 3790},
        {3790, 0, 11, 7390},
        {7389, E_DENIED, 11, 7390},
        {7390, 0, 12, 10990},
        {0, E_DENIED, 12, 10990}, /* the clock was set back */
        {900000, 0, 13, 903600},
    };
    struct lockout record, next;
    bool there = false;

    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        int64_t until_ms = -1;
        int err = lockout_reserve(there ? &record : NULL, "code", &preset,
                                  NOW + steps[i].at_s * 1000, &next, &until_ms);
        int64_t locked = steps[i].until_s < 0 ? 0 : NOW + steps[i].until_s * 1000;
        if (err == 0) {
            record = next;
            there = true;
        }
        if (err != steps[i].err || record.count != steps[i].count || record.locked_ms != locked ||
            until_ms != (err == E_DENIED ? locked : -1))
            fail_msg("step %zu: %s, count %lld", i, err_name(err), (long long)record.count);
    }
}

static void given_back(void **state)
{
    static const struct {
        struct lockout record, mine;
        int err;
        int64_t count, locked_ms;
    } cases[] = {
        {{"k", 1, 9, 0}, {"k", 1, 9, 0}, E_NOTFOUND, 0, 0},
        {{"k", 4, 9, 0}, {"k", 4, 9, 0}, 0, 3, 0},
        {{"k", 4, 9, 0}, {"k", 2, 5, 0}, 0, 3, 0},
        {{"k", 5, 9, 60009}, {"k", 5, 9, 60009}, 0, 4, 0}, /* below the limit: no lock */
        {{"k", 5, 9, 60009}, {"k", 4, 8, 0}, 0, 4, 0},
        {{"k", 6, 9, 120009}, {"k", 6, 9, 120009}, 0, 5, 9},       /* the next may try at once */
        {{"k", 7, 99, 240099}, {"k", 6, 9, 120009}, 0, 6, 240099}, /* the later lock stands */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lockout next = {.count = 0};
        assert_int_equal(lockout_uncount(&cases[i].record, &cases[i].mine, &preset, &next),
                         cases[i].err);
        assert_int_equal(next.count, cases[i].count);
        assert_int_equal(next.locked_ms, cases[i].locked_ms);
    }
    assert_int_equal(lockout_uncount(NULL, &cases[0].mine, &preset, &(struct lockout){0}),
                     E_NOTFOUND);
}

static void bounds(void **state)
{
    static const struct {
        const char *key;
        struct lockout_policy policy;
        int64_t now_ms;
        int err;
    } cases[] = {
        {"k", {1, 1, 1}, NOW, 0},
        {"k", {1000, 1000, 2592000000}, NOW, 0},
        {"", LOCKOUT_PRESET, NOW, E_SYNTAX},
        {"a b", LOCKOUT_PRESET, NOW, E_SYNTAX},
        {"k", {0, 1, 1}, NOW, E_LIMIT},
        {"k", {1001, 1, 1}, NOW, E_LIMIT},
        {"k", {5, 0, 1}, NOW, E_LIMIT},
        {"k", {5, 2, 1}, NOW, E_LIMIT},
        {"k", {5, 1, 2592000001}, NOW, E_LIMIT},
        {"k", LOCKOUT_PRESET, -1, E_LIMIT},
        {"k", LOCKOUT_PRESET, INT64_MAX, E_LIMIT},
    };
    struct lockout many = {"k", LOCKOUT_COUNT_MAX, 0, 0}, next;
    int64_t until_ms;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(lockout_reserve(NULL, cases[i].key, &cases[i].policy, cases[i].now_ms,
                                         &next, &until_ms),
                         cases[i].err);
    assert_int_equal(lockout_reserve(&many, "k", &preset, NOW, &next, &until_ms), 0);
    assert_int_equal(next.count, LOCKOUT_COUNT_MAX);
    assert_int_equal(next.locked_ms, NOW + 3600000);
}

/* A ledger of one value that swaps as the directory does, and what was tried against it. */
static struct ledger {
    pthread_mutex_t lock;
    char value[LOCKOUT_RECORD_MAX]; /* empty: none */
    int tried, refused, right;
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int ledger_swap(const char *old, const char *new)
{
    int err = E_CONFLICT;

    pthread_mutex_lock(&ledger.lock);
    if (strcmp(ledger.value, old) == 0) {
        strcpy(ledger.value, new);
        err = 0;
    }
    pthread_mutex_unlock(&ledger.lock);
    return err;
}

static void ledger_read(char *ret)
{
    pthread_mutex_lock(&ledger.lock);
    strcpy(ret, ledger.value);
    pthread_mutex_unlock(&ledger.lock);
}

enum kind { WRONG, RIGHT, USED };

/* Swaps until the policy's answer is in the ledger. */
static int reserve(struct lockout *ret)
{
    char old[LOCKOUT_RECORD_MAX], new[LOCKOUT_RECORD_MAX];
    int64_t until_ms;
    int err;

    do {
        struct lockout record;
        ledger_read(old);
        bool there = lockout_parse(slice_of(old), &record) == 0;
        err = lockout_reserve(there ? &record : NULL, "code", &preset, NOW, ret, &until_ms);
        if (err < 0)
            return err;
        lockout_format(ret, new);
        sched_yield();
    } while (ledger_swap(old, new) < 0);
    return 0;
}

static void give_back(const struct lockout *mine)
{
    char old[LOCKOUT_RECORD_MAX], new[LOCKOUT_RECORD_MAX] = "";

    do {
        struct lockout record, next;
        ledger_read(old);
        bool there = lockout_parse(slice_of(old), &record) == 0;
        new[0] = '\0';
        if (lockout_uncount(there ? &record : NULL, mine, &preset, &next) == 0)
            lockout_format(&next, new);
    } while (ledger_swap(old, new) < 0);
}

static void *attempt(void *argument)
{
    enum kind kind = *(enum kind *)argument;
    struct lockout mine;
    char old[LOCKOUT_RECORD_MAX];
    int err = reserve(&mine);

    pthread_mutex_lock(&ledger.lock);
    ledger.refused += err < 0;
    ledger.tried += err == 0;
    ledger.right += err == 0 && kind == RIGHT;
    pthread_mutex_unlock(&ledger.lock);
    if (err == 0 && kind == USED)
        give_back(&mine);
    if (err == 0 && kind == RIGHT)
        do
            ledger_read(old);
        while (ledger_swap(old, "") < 0);
    return NULL;
}

static void at_once(const enum kind *kinds, size_t count)
{
    pthread_t threads[32];

    ledger.value[0] = '\0';
    ledger.tried = ledger.refused = ledger.right = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, attempt, (void *)&kinds[i]), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* Thirty wrong and one right: if the right one was refused, the ledger shows the limit and just the
 * limit was tried; if it got in, it cleared the count once. */
static void thirty_at_once(void **state)
{
    enum kind kinds[31] = {0};

    (void)state;
    for (int round = 0; round < 31; round++) {
        struct lockout record;
        memset(kinds, 0, sizeof(kinds));
        at_once(kinds, 30);
        assert_int_equal(ledger.tried, 5);
        assert_int_equal(ledger.refused, 25);
        assert_int_equal(lockout_parse(slice_of(ledger.value), &record), 0);
        assert_int_equal(record.count, 5);
        assert_int_equal(record.locked_ms, NOW + 60000);
        kinds[round] = RIGHT;
        at_once(kinds, 31);
        assert_in_range(ledger.tried, 5, ledger.right != 0 ? 10 : 5);
        assert_int_equal(lockout_parse(slice_of(ledger.value), &record), 0);
        assert_int_equal(record.count, 5);
    }
}

/* A code replayed eight times at once: none is counted in the end. */
static void used_are_not_counted(void **state)
{
    static const enum kind kinds[8] = {USED, USED, USED, USED, USED, USED, USED, USED};

    (void)state;
    for (int round = 0; round < 50; round++) {
        at_once(kinds, 8);
        assert_string_equal(ledger.value, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(finding),
        cmocka_unit_test(story),
        cmocka_unit_test(given_back),
        cmocka_unit_test(bounds),
        cmocka_unit_test(thirty_at_once),
        cmocka_unit_test(used_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
