/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The rights table in a foreign process while it is replaced: opened when it comes, under running
 * threads, and across fork.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "client/cache.h"
#include "usher_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS      4
#define REPLACEMENTS 60
#define RACE_ROUNDS  2000

#define BASE "entry namingContexts=dc%3Dexample,dc%3Dorg\n"

/* A table that is not there yet, then is, then is replaced. */
static void test_reopen(void **state)
{
    struct rights_status status;
    struct table *first, *second;
    struct cache *cache;
    struct query query;
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    int64_t began, now;
    int rc;

    (void)state;
    fake_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/rights", folder);
    assert_int_equal(query_parse(slice_of("ticket:delete"), &query), 0);
    assert_int_equal(cache_open(path, &cache), 0);
    began = clock_monotonic_ms();
    assert_int_equal(cache_check(cache, slice_of("acme"), slice_of("alice"), &query, NULL),
                     E_UNAVAIL);
    first = usher_table(path, "csn1");
    do { /* a table that could not be opened is tried again after a second */
        rc = cache_check(cache, slice_of("acme"), slice_of("alice"), &query, NULL);
        now = clock_monotonic_ms();
        if (now < began + 1000)
            assert_int_equal(rc, E_UNAVAIL);
        usleep(10000);
    } while (rc == E_UNAVAIL && now < began + FAKE_PATIENCE_MS);
    assert_int_equal(rc, 0);
    usleep(20000);
    second = usher_table(path, "csn2");
    assert_int_equal(cache_check(cache, slice_of("acme"), slice_of("alice"), &query, NULL), 0);
    assert_int_equal(cache_status(cache, &status), 0);
    assert_string_equal(status.csn, "csn2");
    cache_close(cache);
    table_close(first);
    table_close(second);
    fake_remove(folder);
}

struct race {
    struct cache *cache;
    atomic_bool stop;
    atomic_uint yes, busy;
    atomic_int wrong; /* the last answer that was neither */
};

static void *race_run(void *context)
{
    struct race *race = context;
    struct query query;

    if (query_parse(slice_of("ticket:delete"), &query) != 0)
        return NULL;
    while (!atomic_load(&race->stop)) {
        int rc = cache_check(race->cache, slice_of("acme"), slice_of("alice"), &query, NULL);

        if (rc == 0 || rc == E_BUSY)
            atomic_fetch_add(rc == 0 ? &race->yes : &race->busy, 1);
        else
            atomic_store(&race->wrong, rc);
    }
    return NULL;
}

/* Threads ask while the table is replaced again and again: each answer is right or "ask the
 * daemon". */
static void test_race(void **state)
{
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    struct rights_status status;
    pthread_t threads[THREADS];
    struct race race = {0};
    struct table *table;
    int64_t until_ms;
    char csn[16];

    (void)state;
    fake_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/rights", folder);
    table = usher_table(path, "csn");
    assert_int_equal(cache_open(path, &race.cache), 0);
    assert_int_equal(cache_status(race.cache, &status), 0); /* open before they start */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_run, &race), 0);
    for (int i = 0; i < REPLACEMENTS; i++) {
        struct table *old = table;

        (void)snprintf(csn, sizeof(csn), "csn%d", i);
        table = usher_table(path, csn);
        table_close(old);
        usleep(12000);
    }
    until_ms = fake_deadline();
    while (atomic_load(&race.yes) <= RACE_ROUNDS && clock_monotonic_ms() < until_ms)
        usleep(1000);
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&race.wrong), 0);
    assert_true(atomic_load(&race.yes) > RACE_ROUNDS);
    assert_int_equal(cache_status(race.cache, &status), 0);
    assert_string_equal(status.csn, csn);
    cache_close(race.cache);
    table_close(table);
    fake_remove(folder);
}

/* A child made while other threads read goes on, also when the table is replaced afterwards, and
 * leaves the parent's connection alone. */
static void test_fork(void **state)
{
    struct rights_status rights;
    struct setting setting;
    struct race race = {0};
    pthread_t thread;
    struct fake fake;
    int status;

    (void)state;
    fake_start(&fake, "result 0\n" BASE "result 6\nresult 0\nresult 6\nresult 6");
    setting_start(&setting, fake.uri);
    assert_int_equal(usher_check(setting.usher, "acme", "carol", "ticket:read@payment/a"), 0);
    assert_int_equal(cache_open(setting.path, &race.cache), 0);
    assert_int_equal(cache_status(race.cache, &rights), 0);
    assert_int_equal(pthread_create(&thread, NULL, race_run, &race), 0);
    for (int i = 0; i < 20; i++) {
        struct table *old = setting.table;
        pid_t child;

        setting.table = usher_table(setting.path, "csn9");
        table_close(old);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct query query;
            int rc = query_parse(slice_of("ticket:delete"), &query);

            usleep(15000);
            for (int k = 0; (k < 100 && rc == 0) || (k < 100000 && rc == E_BUSY); k++, usleep(200))
                rc = cache_check(race.cache, slice_of("acme"), slice_of("alice"), &query, NULL);
            if (rc == 0 && i == 19)
                rc = usher_check(setting.usher, "acme", "carol", "ticket:read@payment/b");
            _exit(rc == 0 ? 0 : 1);
        }
        if (i % 2 == 0) {
            old = setting.table;
            usleep(2000);
            setting.table = usher_table(setting.path, "csn10");
            table_close(old);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(usher_check(setting.usher, "acme", "carol", "ticket:read@payment/c"), 0);
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&race.wrong), 0);
    cache_close(race.cache);
    setting_stop(&setting);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_race),
        cmocka_unit_test(test_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
