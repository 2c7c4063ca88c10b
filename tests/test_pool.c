/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pool of connections, against a real slapd: used by many threads, and a store that is dead,
 * hung, restarted or gives us no identity.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/password.h"
#include "store_fixture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_MS 12000 /* to notice that a call has ended: a loaded machine stalls for seconds */

static void *reader(void *context)
{
    struct arena *own = arena_new();

    (void)context;
    for (int i = 0; i < 50; i++) {
        struct store_entry entry;

        if (store_read(store, own, slice_of(ALICE), NULL, patience(), &entry) != 0 ||
            !slice_is(store_value(&entry, "sn"), "Archer"))
            atomic_fetch_add(&failures, 1);
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    threads_run(THREADS, reader);
    assert_int_equal(atomic_load(&failures), 0);
}

/* A call that ends when it should: err, not later than within ms, and not before after ms. */
static void in_time(int err, int want, int64_t began, int64_t after, int64_t within)
{
    int64_t took = clock_monotonic_ms() - began;

    assert_int_equal(err, want);
    if (took < after || took > within)
        fail_msg("took %d ms", (int)took);
}

static void test_dead(void **state)
{
    struct store_entry entry;
    int64_t began;

    (void)state;
    slapd_kill(&slapd);
    for (int i = 0; i < 3; i++) {
        began = clock_monotonic_ms();
        in_time(store_read(store, arena, slice_of(ALICE), NULL, patience(), &entry), E_UNAVAIL,
                began, 0, SLACK_MS);
        began = clock_monotonic_ms();
        in_time(role_change(ALICE, 2, "sn", "Archer", NULL, NULL), E_UNAVAIL, began, 0, SLACK_MS);
        began = clock_monotonic_ms();
        in_time(store_bind_check(store, slice_of(ALICE), slice_of("x"), patience(), NULL),
                E_UNAVAIL, began, 0, SLACK_MS);
    }
    slapd_run(&slapd);
    assert_int_equal(store_read(store, arena, slice_of(ALICE), NULL, patience(), &entry), 0);
}

static void test_restart(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        threads_run(8, reader);
        assert_int_equal(atomic_load(&failures), 0);
        slapd_stop(&slapd);
        slapd_run(&slapd);
        assert_int_equal(role_change(ALICE, 2, "sn", "Archer", NULL, NULL), 0);
    }
}

static void *hung_reader(void *context)
{
    struct arena *own = arena_new();
    struct store_entry entry;
    int64_t began = clock_monotonic_ms(), took;
    int err = store_read(store, own, slice_of(ALICE), NULL, began + 500, &entry);

    (void)context;
    took = clock_monotonic_ms() - began;
    if (err != E_TIMEOUT || took < 490 || took > 500 + SLACK_MS)
        atomic_fetch_add(&failures, 1);
    arena_free(own);
    return NULL;
}

static void test_hung(void **state)
{
    struct store_entry entry;
    size_t size = 4 << 20;
    char *large = malloc(size + 1);
    int64_t began;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', size);
    large[size] = '\0';
    slapd_freeze(&slapd, true);
    threads_run(THREADS, hung_reader);
    assert_int_equal(atomic_load(&failures), 0);
    began = clock_monotonic_ms();
    in_time(store_bind_check(store, slice_of(ALICE), slice_of("x"), in_ms(300), NULL), E_TIMEOUT,
            began, 290, 300 + SLACK_MS);
    /* More than the socket takes: writing must not block either. */
    began = clock_monotonic_ms();
    in_time(role_change_until(ALICE, 2, "description", large, NULL, NULL, began + 2000), E_TIMEOUT,
            began, 1900, 2000 + SLACK_MS);
    began = clock_monotonic_ms();
    in_time(store_read(store, arena, slice_of(ALICE), NULL, began - 1, &entry), E_TIMEOUT, began, 0,
            SLACK_MS);
    slapd_freeze(&slapd, false);
    assert_int_equal(store_read(store, arena, slice_of(ALICE), NULL, patience(), &entry), 0);
    assert_int_equal(role_change(ALICE, 2, "description", large, NULL, NULL), 0);
    assert_int_equal(role_change(ALICE, 2, "description", NULL, NULL, NULL), 0);
    free(large);
}

/* An identity that the store does not give us is no wrong password. */
static void test_identity(void **state)
{
    struct store_options options = {
        .uri = slapd.uri, .authzid = "dn:not a dn", .connections = 1, .login_connections = 1};
    struct store_entry entry;
    struct store *other = NULL;

    (void)state;
    assert_int_equal(store_open(&options, &other), 0);
    assert_int_equal(store_read(other, arena, slice_of(ALICE), NULL, patience(), &entry),
                     E_UNAVAIL);
    assert_int_equal(store_read(other, arena, slice_of(ALICE), NULL, patience(), &entry),
                     E_UNAVAIL);
    store_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_dead),
        cmocka_unit_test(test_restart),  cmocka_unit_test(test_hung),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
