/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The sync against a real slapd, with a state that only remembers: that every change arrives, also
 * under load and behind a filter, and that freshness is proven when it may be and only then. Prints
 * how long a change takes. What happens while we do not follow stands in test_sync_lost.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "sync_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void test_changes(void **context)
{
    struct world world;
    struct store_entry entry;
    size_t before;

    (void)context;
    world_init(&world, true);
    role_add(&world, "first");
    follow(&world);
    UNTIL(status(&world).filled && role_is(&world, "first", "+a:b"));
    assert_int_equal(fake_state_size(world.state), 1); /* containers are none of ours */
    caught_up(&world);
    assert_int_equal(status(&world).full, 1);

    role_add(&world, "second");
    UNTIL(role_is(&world, "second", "+a:b"));
    role_set(&world, "second", "-a:b");
    UNTIL(role_is(&world, "second", "-a:b"));
    entry_delete(&world, role_dn(&world, "first"));
    UNTIL(role_is(&world, "first", NULL));
    /* What is in no class of ours any more is gone. */
    before = fake_state_size(world.state);
    {
        struct slice values[] = {slice_of("device"), slice_of("usherService")};
        struct attribute attributes[] = {{slice_of("objectClass"), values, 2},
                                         {slice_of("cn"), &(struct slice){"till", 4}, 1}};
        struct modification change = {.kind = 1,
                                      .attribute = {slice_of("objectClass"), &values[1], 1}};

        assert_int_equal(store_add(world.store, world.arena, slice_of(role_dn(&world, "till")),
                                   attributes, 2, patience(), NULL),
                         0);
        UNTIL(fake_state_size(world.state) == before + 1);
        assert_int_equal(store_modify(world.store, world.arena, slice_of(role_dn(&world, "till")),
                                      &change, 1, NULL, patience(), NULL),
                         0);
        UNTIL(fake_state_size(world.state) == before);
    }
    caught_up(&world);
    assert_int_equal(connects_unasked(&world), 1);
    assert_int_equal(
        store_read(world.store, world.arena, slice_of(SLAPD_BASE), NULL, patience(), &entry), 0);
    world_clear(&world);
}

/* The parent's new name is all that is told. */
static void test_rename(void **context)
{
    struct world world;
    struct slice classes[] = {slice_of("organization"), slice_of("usherOrganization")};
    struct attribute attributes[] = {{slice_of("objectClass"), classes, 2},
                                     {slice_of("o"), &(struct slice){"acme", 4}, 1}};
    struct upstream upstream;
    struct fake_counts before;
    char buf[256];

    (void)context;
    world_init(&world, true);
    assert_int_equal(store_add(world.store, world.arena, slice_of("o=acme," SLAPD_BASE), attributes,
                               2, patience(), NULL),
                     0);
    container_add(&world, "ou=roles,o=acme," SLAPD_BASE, "roles");
    follow(&world);
    UNTIL(status(&world).filled);
    caught_up(&world);
    before = fake_state_counts(world.state);
    assert_int_equal(store_checkout(world.store, STORE_WORK, patience(), &upstream), 0);
    assert_int_equal(
        ldap_rename_s(upstream.ld, "o=acme," SLAPD_BASE, "o=zeta", NULL, 1, NULL, NULL),
        LDAP_SUCCESS);
    store_checkin(world.store, STORE_WORK, &upstream, 0);
    UNTIL(fake_state_value(world.state, "o=zeta," SLAPD_BASE, "ou", buf) != NULL);
    assert_null(fake_state_value(world.state, "o=acme," SLAPD_BASE, "ou", buf));
    caught_up(&world);
    assert_int_equal(fake_state_counts(world.state).puts, before.puts + 1);
    world_clear(&world);
}

/* The administrator makes and deletes an entry where we may not look. */
static void behind_our_back(struct world *world)
{
    struct store_options options = {
        .uri = world->slapd.uri, .connections = 1, .login_connections = 1};
    struct store *ours = world->store;

    assert_int_equal(store_open(&options, &world->store), 0);
    container_add(world, "ou=x,ou=hidden," SLAPD_BASE, "x");
    entry_delete(world, "ou=x,ou=hidden," SLAPD_BASE);
    store_close(world->store);
    world->store = ours;
}

/* Changes that we may not see, or that the filter hides, raise contextCSN all the same. */
static void hidden(const char *filter)
{
    struct world world;
    uint64_t lags, seen;
    int rounds = 0;

    world_init(&world, true);
    world.filter = filter;
    role_add(&world, "r");
    container_add(&world, "ou=other," SLAPD_BASE, "other");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    caught_up(&world);
    do { /* a stalled machine may look as if we lagged: not every time */
        lags = status(&world).lags;
        container_add(&world, "ou=second," SLAPD_BASE, "second");
        caught_up(&world);
        entry_delete(&world, "ou=second," SLAPD_BASE);
        caught_up(&world);
    } while (filter == NULL && status(&world).lags != lags && rounds++ < 20);
    entry_delete(&world, "ou=other," SLAPD_BASE);
    caught_up(&world);
    if (filter == NULL)
        assert_true(rounds < 20);
    seen = status(&world).lags;
    behind_our_back(&world);
    caught_up(&world);
    print_message("filter %s: %d searches begun anew\n", filter != NULL ? filter : "(none)",
                  (int)status(&world).lags);
    assert_true(status(&world).lags >= (filter == NULL ? seen + 1 : 3));
    assert_int_equal(status(&world).full, 1);
    world_clear(&world);
}

static void test_hidden(void **context)
{
    (void)context;
    hidden(NULL);
    hidden("(objectClass=usherRole)");
}

/* The state cannot commit: nothing is claimed, and it comes again when it can. */
static void test_failing_state(void **context)
{
    struct world world;
    int64_t began, fresh;

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    caught_up(&world);
    fake_state_fail(world.state, E_IO);
    began = clock_monotonic_ms();
    role_set(&world, "r", "+c:d");
    UNTIL(status(&world).error[0] != '\0');
    fresh = status(&world).fresh_ms;
    pause_ms(1400);
    assert_true(status(&world).fresh_ms == fresh);
    assert_true(role_is(&world, "r", "+a:b"));
    /* more and more slowly, in the end once a second */
    assert_true((int64_t)status(&world).connects < 20 + (clock_monotonic_ms() - began) / 1000);
    fake_state_fail(world.state, 0);
    UNTIL(role_is(&world, "r", "+c:d"));
    caught_up(&world);
    assert_int_equal(status(&world).full, 1);
    world_clear(&world);
}

#define LOAD_THREADS 4
#define LOAD_CHANGES 250

static struct world *load_world;
static _Atomic int load_next;

static void *load_run(void *context)
{
    struct arena *arena = arena_new();
    int failed = 0;

    (void)context;
    for (int i = 0; i < LOAD_CHANGES; i++) {
        char dn[80], grant[32];
        struct slice value;
        struct modification change;
        int number = atomic_fetch_add(&load_next, 1);

        (void)snprintf(dn, sizeof(dn), "cn=r%d," SLAPD_BASE, number % 50);
        (void)snprintf(grant, sizeof(grant), "+change:n%d", number);
        value = slice_of(grant);
        change = (struct modification){.kind = 2, .attribute = {slice_of("usherGrant"), &value, 1}};
        if (store_modify(load_world->store, arena, slice_of(dn), &change, 1, NULL, patience(),
                         NULL) != 0)
            failed++;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)(intptr_t)failed;
}

/* What the state holds in the end is what the store holds. */
static void test_load(void **context)
{
    static const char *const wanted[] = {"usherGrant", NULL};
    pthread_t threads[LOAD_THREADS];
    struct world world;
    uint64_t puts, before, lags;
    int64_t began;

    (void)context;
    world_init(&world, true);
    for (int i = 0; i < 50; i++)
        role_add(&world, arena_printf(world.arena, "r%d", i));
    follow(&world);
    UNTIL(role_is(&world, "r49", "+a:b"));
    caught_up(&world);
    before = fake_state_counts(world.state).puts;
    lags = status(&world).lags;
    load_world = &world;
    began = clock_monotonic_ms();
    for (int i = 0; i < LOAD_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_run, NULL), 0);
    for (int i = 0; i < LOAD_THREADS; i++) {
        void *failed;

        (void)pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    caught_up(&world);
    print_message("%d changes in %d ms, %d batches\n", LOAD_THREADS * LOAD_CHANGES,
                  (int)(clock_monotonic_ms() - began), (int)status(&world).batches);
    puts = fake_state_counts(world.state).puts - before;
    if (status(&world).lags == lags)
        assert_int_equal(puts, LOAD_THREADS * LOAD_CHANGES);
    else /* of changes before a search begun anew only the last is told */
        assert_in_range(puts, 50, LOAD_THREADS * LOAD_CHANGES);
    for (int i = 0; i < 50; i++) {
        const char *name = arena_printf(world.arena, "r%d", i);
        struct store_entry entry;

        assert_int_equal(store_read(world.store, world.arena, slice_of(role_dn(&world, name)),
                                    wanted, patience(), &entry),
                         0);
        assert_true(role_is(&world, name, store_value(&entry, "ushergrant").data));
    }
    assert_int_equal(connects_unasked(&world), 1);
    world_clear(&world);
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int microseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec % 1000 * 1000000 + now.tv_nsec / 1000);
}

/* From sending the change to the store until it is committed here. */
static void test_latency(void **context)
{
    struct world world;
    int took[200];
    const int count = (int)(sizeof(took) / sizeof(took[0]));

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    for (int i = 0; i < count; i++) {
        const char *grant = arena_printf(world.arena, "+n:n%d", i);
        int began;

        began = microseconds();
        role_set(&world, "r", grant);
        while (!role_is(&world, "r", grant))
            assert_true(microseconds() - began < PATIENCE_MS * 1000);
        took[i] = microseconds() - began;
    }
    qsort(took, (size_t)count, sizeof(took[0]), compare_numbers);
    print_message("sent to committed: median %d us, 99 of 100 within %d us\n", took[count / 2],
                  took[count * 99 / 100]);
    world_clear(&world);
}

static void test_wait(void **context)
{
    struct world world;
    int64_t began;

    (void)context;
    world_init(&world, true);
    follow(&world);
    caught_up(&world);
    assert_int_equal(sync_wait(world.sync, slice_of("no csn"), in_ms(100)), E_SYNTAX);
    assert_int_equal(sync_wait(world.sync, slice_of(""), in_ms(100)), E_SYNTAX);
    began = clock_monotonic_ms();
    assert_int_equal(
        sync_wait(world.sync, slice_of("29991231235959.000000Z#000000#000#000000"), in_ms(100)),
        E_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - began, 99, 100 + 15000);
    for (int i = 0; i < 50; i++) {
        const char *name = arena_printf(world.arena, "w%d", i);

        role_add(&world, name);
        assert_int_equal(sync_wait(world.sync, context_csn(&world), patience()), 0);
        assert_true(role_is(&world, name, "+a:b"));
    }
    world_clear(&world);
}

static void test_start(void **context)
{
    struct state *state = fake_state_new();
    struct sync_options options = {.uri = "ldaps://127.0.0.1", .base = SLAPD_BASE};
    struct sync *sync = NULL;
    struct sync_status now;

    (void)context;
    assert_int_equal(sync_start(&options, state, &sync), E_CONF);
    options.uri = "ldapi://%2Ftmp%2Fusher-nobody-listens";
    assert_int_equal(sync_start(&options, state, &sync), 0);
    UNTIL((sync_status(sync, &now), now.error[0] != '\0'));
    assert_false(now.connected);
    assert_int_equal(now.fresh_ms, 0);
    sync_stop(sync);
    sync_stop(NULL);
    assert_false(state_filled(state));
    fake_state_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),         cmocka_unit_test(test_changes),
        cmocka_unit_test(test_rename),        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_failing_state), cmocka_unit_test(test_load),
        cmocka_unit_test(test_latency),       cmocka_unit_test(test_wait),
    };

    log_open("test_sync", LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
