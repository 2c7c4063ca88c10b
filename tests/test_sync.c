/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The sync against a real slapd, with a state that only remembers: that every change arrives, in
 * the right order of calls, through restarts, lost history, older copies and hangs; and that
 * freshness is proven when it may be and only then. Prints how long a change takes.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fake_state.h"
#include "slapd_fixture.h"
#include "store/entry.h"
#include "store/fresh.h"
#include "store/sync.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */

/* One slapd, one state, one sync, made anew for each test. */
struct world {
    struct slapd_fixture slapd;
    struct store *store;
    struct state *state;
    struct sync *sync;
    struct arena *arena;
    const char *filter;
};

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

static void pause_ms(int ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&pause, NULL);
}

/* Polls until the condition holds; the test fails when it does not in time. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int64_t until_ = in_ms(PATIENCE_MS);                                                       \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > until_)                                                     \
                fail_msg("not so in time: %s", #condition);                                        \
            pause_ms(2);                                                                           \
        }                                                                                          \
    } while (0)

static void follow(struct world *world)
{
    struct sync_options options = {.uri = world->slapd.uri,
                                   .authzid = SLAPD_AUTHZID,
                                   .base = SLAPD_BASE,
                                   .filter = world->filter,
                                   .interval_ms = 200};

    assert_int_equal(sync_start(&options, world->state, &world->sync), 0);
}

static struct sync_status status(struct world *world)
{
    struct sync_status status;

    sync_status(world->sync, &status);
    return status;
}

/* Ends at once, and not when the store has not answered for so long that it is given up. */
static void unfollow(struct world *world)
{
    int64_t began = clock_monotonic_ms();

    sync_stop(world->sync);
    world->sync = NULL;
    assert_true(clock_monotonic_ms() - began < FRESH_ANSWER_MS * 9 / 10);
}

/* Connections made but for those of searches that we began anew ourselves, which a stall brings. */
static uint64_t connects_unasked(struct world *world)
{
    struct sync_status now = status(world);

    return now.connects - now.lags;
}

static void world_init(struct world *world, bool session_log)
{
    struct store_options options = {
        .uri = NULL, .authzid = SLAPD_AUTHZID, .connections = 4, .login_connections = 1};

    *world = (struct world){.arena = arena_new(), .state = fake_state_new()};
    slapd_setup(&world->slapd, session_log, NULL);
    options.uri = world->slapd.uri;
    assert_int_equal(store_open(&options, &world->store), 0);
}

static void world_clear(struct world *world)
{
    sync_stop(world->sync);
    store_close(world->store);
    assert_int_equal(fake_state_counts(world->state).faults, 0);
    fake_state_free(world->state);
    arena_free(world->arena);
    slapd_teardown(&world->slapd);
}

static const char *role_dn(struct world *world, const char *name)
{
    return arena_printf(world->arena, "cn=%s," SLAPD_BASE, name);
}

static void role_add(struct world *world, const char *name)
{
    struct slice class = slice_of("usherRole"), cn = slice_of(name), grant = slice_of("+a:b");
    struct attribute attributes[] = {{slice_of("objectClass"), &class, 1},
                                     {slice_of("cn"), &cn, 1},
                                     {slice_of("usherGrant"), &grant, 1}};

    assert_int_equal(store_add(world->store, world->arena, slice_of(role_dn(world, name)),
                               attributes, 3, in_ms(PATIENCE_MS), NULL),
                     0);
}

static void container_add(struct world *world, const char *dn, const char *name)
{
    struct slice class = slice_of("organizationalUnit"), ou = slice_of(name);
    struct attribute attributes[] = {{slice_of("objectClass"), &class, 1},
                                     {slice_of("ou"), &ou, 1}};

    assert_int_equal(store_add(world->store, world->arena, slice_of(dn), attributes, 2,
                               in_ms(PATIENCE_MS), NULL),
                     0);
}

static void role_set(struct world *world, const char *name, const char *grant)
{
    struct slice value = slice_of(grant);
    struct modification change = {.kind = 2, .attribute = {slice_of("usherGrant"), &value, 1}};

    assert_int_equal(store_modify(world->store, world->arena, slice_of(role_dn(world, name)),
                                  &change, 1, NULL, in_ms(PATIENCE_MS), NULL),
                     0);
}

static void entry_delete(struct world *world, const char *dn)
{
    assert_int_equal(
        store_delete(world->store, world->arena, slice_of(dn), NULL, in_ms(PATIENCE_MS), NULL), 0);
}

/* Whether the state holds the role with this grant; grant NULL: does not hold the role. */
static bool role_is(struct world *world, const char *name, const char *grant)
{
    char buf[256];
    const char *value = fake_state_value(world->state, role_dn(world, name), "ushergrant", buf);

    return grant == NULL ? value == NULL : value != NULL && strcmp(value, grant) == 0;
}

static struct slice context_csn(struct world *world)
{
    static const char *const wanted[] = {"contextCSN", NULL};
    struct store_entry entry;

    assert_int_equal(store_read(world->store, world->arena, slice_of(SLAPD_BASE), wanted,
                                in_ms(PATIENCE_MS), &entry),
                     0);
    return store_value(&entry, "contextcsn");
}

/* All that has been written is committed, and freshness is proven again after that. */
static void caught_up(struct world *world)
{
    int64_t began = clock_monotonic_ms();

    assert_int_equal(sync_wait(world->sync, context_csn(world), in_ms(PATIENCE_MS)), 0);
    UNTIL(status(world).fresh_ms >= began);
}

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
                                   attributes, 2, in_ms(PATIENCE_MS), NULL),
                         0);
        UNTIL(fake_state_size(world.state) == before + 1);
        assert_int_equal(store_modify(world.store, world.arena, slice_of(role_dn(&world, "till")),
                                      &change, 1, NULL, in_ms(PATIENCE_MS), NULL),
                         0);
        UNTIL(fake_state_size(world.state) == before);
    }
    caught_up(&world);
    assert_int_equal(connects_unasked(&world), 1);
    assert_int_equal(store_read(world.store, world.arena, slice_of(SLAPD_BASE), NULL,
                                in_ms(PATIENCE_MS), &entry),
                     0);
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
                               2, in_ms(PATIENCE_MS), NULL),
                     0);
    container_add(&world, "ou=roles,o=acme," SLAPD_BASE, "roles");
    follow(&world);
    UNTIL(status(&world).filled);
    caught_up(&world);
    before = fake_state_counts(world.state);
    assert_int_equal(store_checkout(world.store, STORE_WORK, in_ms(PATIENCE_MS), &upstream), 0);
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

/* Changes while we do not follow: they come by the session log, or all is read anew. */
static void missed(bool session_log, bool server_restarts)
{
    struct world world;
    struct sync_status now;

    world_init(&world, session_log);
    for (int i = 0; i < 20; i++)
        role_add(&world, arena_printf(world.arena, "r%d", i));
    follow(&world);
    UNTIL(role_is(&world, "r19", "+a:b"));
    caught_up(&world);
    unfollow(&world);
    role_set(&world, "r0", "+c:d");
    entry_delete(&world, role_dn(&world, "r1"));
    role_add(&world, "new");
    if (server_restarts) {
        slapd_stop(&world.slapd);
        slapd_run(&world.slapd);
    }
    follow(&world);
    UNTIL(role_is(&world, "r0", "+c:d") && role_is(&world, "r1", NULL) &&
          role_is(&world, "new", "+a:b"));
    caught_up(&world);
    assert_int_equal(fake_state_size(world.state), 20);
    now = status(&world);
    if (session_log)
        assert_int_equal(now.full, 0);
    else /* and another for each time that a stall made us begin anew */
        assert_in_range(now.full, 1, 1 + now.lags);
    if (session_log)
        assert_true(now.entries <= 3);
    world_clear(&world);
}

static void test_missed(void **context)
{
    (void)context;
    missed(true, false);
    missed(true, true);
    missed(false, false);
    missed(false, true);
}

/* The server dies under us, and is there again: nothing is lost, and the state beats meanwhile. */
static void test_restart(void **context)
{
    struct world world;
    uint64_t beats, full;
    int64_t fresh;

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    for (int round = 0; round < 4; round++) {
        const char *grant = arena_printf(world.arena, "+round:%d", round);
        bool killed = round % 2 == 0;

        caught_up(&world);
        full = status(&world).full;
        (killed ? slapd_kill : slapd_stop)(&world.slapd);
        UNTIL(!status(&world).connected);
        assert_true(status(&world).error[0] != '\0');
        fresh = status(&world).fresh_ms;
        beats = fake_state_counts(world.state).beats;
        pause_ms(1200);
        UNTIL(fake_state_counts(world.state).beats >= beats + 2);
        assert_true(status(&world).fresh_ms == fresh);
        slapd_run(&world.slapd);
        role_set(&world, "r", grant);
        UNTIL(role_is(&world, "r", grant));
        caught_up(&world);
        /* A killed slapd may know less than it said and refuse the cookie (53): then all anew. */
        assert_in_range(status(&world).full, full, full + (killed ? 1 : 0));
    }
    world_clear(&world);
}

/* A store that does not answer costs freshness, and nothing else. */
static void test_hung(void **context)
{
    struct world world;
    uint64_t beats;
    int64_t fresh;

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    caught_up(&world);
    slapd_freeze(&world.slapd, true);
    beats = fake_state_counts(world.state).beats;
    UNTIL(fake_state_counts(world.state).beats >= beats + 3); /* what it has said is read */
    fresh = status(&world).fresh_ms;
    pause_ms(1500);
    UNTIL(fake_state_counts(world.state).beats >= beats + 6);
    assert_true(status(&world).fresh_ms == fresh);
    unfollow(&world);
    follow(&world); /* on a server that does not answer the bind */
    pause_ms(300);
    unfollow(&world);
    follow(&world);
    slapd_freeze(&world.slapd, false);
    role_set(&world, "r", "+c:d");
    UNTIL(role_is(&world, "r", "+c:d"));
    caught_up(&world);
    world_clear(&world);
}

/* The store is put back to an older copy: what came after it is forgotten here too. */
static void test_restored(void **context)
{
    struct world world;

    (void)context;
    world_init(&world, true);
    role_add(&world, "kept");
    role_add(&world, "dropped");
    follow(&world);
    UNTIL(role_is(&world, "dropped", "+a:b"));
    slapd_stop(&world.slapd);
    slapd_save(&world.slapd);
    slapd_run(&world.slapd);
    role_set(&world, "kept", "+c:d");
    entry_delete(&world, role_dn(&world, "dropped"));
    role_add(&world, "lost");
    UNTIL(role_is(&world, "lost", "+a:b"));
    caught_up(&world);
    slapd_kill(&world.slapd);
    slapd_restore(&world.slapd);
    slapd_run(&world.slapd);
    UNTIL(role_is(&world, "kept", "+a:b") && role_is(&world, "dropped", "+a:b") &&
          role_is(&world, "lost", NULL));
    caught_up(&world);
    assert_int_equal(status(&world).full, 2);
    world_clear(&world);
}

/* The same, with a change before we come back, and no session log that could say what was lost. */
static void test_restored_changed(void **context)
{
    struct world world;

    (void)context;
    world_init(&world, false);
    role_add(&world, "kept");
    follow(&world);
    UNTIL(role_is(&world, "kept", "+a:b"));
    caught_up(&world);
    unfollow(&world);
    slapd_stop(&world.slapd);
    slapd_save(&world.slapd);
    slapd_run(&world.slapd);
    follow(&world);
    role_set(&world, "kept", "+c:d");
    UNTIL(role_is(&world, "kept", "+c:d"));
    caught_up(&world);
    unfollow(&world);
    slapd_kill(&world.slapd);
    slapd_restore(&world.slapd);
    slapd_run(&world.slapd);
    role_add(&world, "later");
    follow(&world);
    UNTIL(role_is(&world, "kept", "+a:b") && role_is(&world, "later", "+a:b"));
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
        if (store_modify(load_world->store, arena, slice_of(dn), &change, 1, NULL,
                         in_ms(PATIENCE_MS), NULL) != 0)
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
                                    wanted, in_ms(PATIENCE_MS), &entry),
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
        assert_int_equal(sync_wait(world.sync, context_csn(&world), in_ms(PATIENCE_MS)), 0);
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
        cmocka_unit_test(test_start),    cmocka_unit_test(test_changes),
        cmocka_unit_test(test_rename),   cmocka_unit_test(test_missed),
        cmocka_unit_test(test_restart),  cmocka_unit_test(test_hung),
        cmocka_unit_test(test_restored), cmocka_unit_test(test_restored_changed),
        cmocka_unit_test(test_hidden),   cmocka_unit_test(test_failing_state),
        cmocka_unit_test(test_load),     cmocka_unit_test(test_latency),
        cmocka_unit_test(test_wait),
    };

    log_open("test_sync", LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
