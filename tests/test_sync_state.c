/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the store to the answer: a real slapd, the sync, the real state of the cache and the table
 * that it publishes. A change at the store changes what a reader is told; what is committed
 * survives the daemon; the table knows that it is fresh. Prints how long a change takes.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/rights.h"
#include "model/grant.h"
#include "slapd_fixture.h"
#include "store/entry.h"
#include "store/sync.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */

#define ALICE "uid=alice,ou=people," SLAPD_BASE
#define ROLE  "cn=clerk,ou=roles," SLAPD_BASE

static const char tree[] = "dn: ou=permissions," SLAPD_BASE "\n"
                           "objectClass: organizationalUnit\n"
                           "ou: permissions\n\n"
                           "dn: cn=ticket:read,ou=permissions," SLAPD_BASE "\n"
                           "objectClass: usherPermission\n"
                           "cn: ticket:read\n\n"
                           "dn: ou=roles," SLAPD_BASE "\n"
                           "objectClass: organizationalUnit\n"
                           "ou: roles\n\n"
                           "dn: " ROLE "\n"
                           "objectClass: usherRole\n"
                           "cn: clerk\n"
                           "usherGrant: +ticket:read\n\n"
                           "dn: " ALICE "\n"
                           "objectClass: inetOrgPerson\n"
                           "objectClass: usherPerson\n"
                           "uid: alice\ncn: Alice\nsn: Archer\n"
                           "usherId: 5b0e3f0e-0000-4000-8000-000000000001\n\n"
                           "dn: o=acme," SLAPD_BASE "\n"
                           "objectClass: organization\n"
                           "objectClass: usherOrganization\n"
                           "o: acme\n\n"
                           "dn: ou=members,o=acme," SLAPD_BASE "\n"
                           "objectClass: organizationalUnit\n"
                           "ou: members\n\n"
                           "dn: cn=alice,ou=members,o=acme," SLAPD_BASE "\n"
                           "objectClass: usherMembership\n"
                           "cn: alice\n"
                           "usherMember: " ALICE "\n"
                           "usherRole: " ROLE "\n";

struct world {
    struct slapd_fixture slapd;
    struct store *store;
    struct state *state;
    struct sync *sync;
    struct rights *rights;
    struct arena *arena;
    char cache[80];
};

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

static void follow(struct world *world)
{
    struct state_options cache = {.directory = world->cache,
                                  .base = slice_of(SLAPD_BASE),
                                  .max_age_ms = 86400000,
                                  .gid = (gid_t)-1,
                                  .map_size = 64 << 20};
    struct sync_options options = {
        .uri = world->slapd.uri, .authzid = SLAPD_AUTHZID, .base = SLAPD_BASE};

    assert_int_equal(state_open(&cache, &world->state), 0);
    assert_int_equal(sync_start(&options, world->state, &world->sync), 0);
}

static void unfollow(struct world *world)
{
    sync_stop(world->sync);
    state_close(world->state);
}

/* The present answer of the table. */
static int ask(struct world *world)
{
    char path[96];
    struct decision decision;
    struct query query;

    (void)snprintf(path, sizeof(path), "%s/rights", world->cache);
    if (world->rights != NULL && rights_replaced(world->rights)) {
        rights_close(world->rights);
        world->rights = NULL;
    }
    if (world->rights == NULL && rights_open(path, &world->rights) != 0)
        return E_STALE;
    assert_int_equal(query_parse(slice_of("ticket:read"), &query), 0);
    return rights_check(world->rights, slice_of("acme"), slice_of("alice"), &query, clock_now_ms(),
                        &decision);
}

static int microseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec % 1000 * 1000000 + now.tv_nsec / 1000);
}

/* Polls until the answer is this one. */
static void until(struct world *world, int answer)
{
    const struct timespec pause = {.tv_nsec = 50000};
    int64_t deadline_ms = in_ms(PATIENCE_MS);

    while (ask(world) != answer) {
        if (clock_monotonic_ms() > deadline_ms)
            fail_msg("%s instead of %s", err_name(ask(world)), err_name(answer));
        (void)nanosleep(&pause, NULL);
    }
}

static void grant(struct world *world, const char *value)
{
    struct slice bytes = slice_of(value);
    struct modification change = {.kind = 2, .attribute = {slice_of("usherGrant"), &bytes, 1}};

    assert_int_equal(store_modify(world->store, world->arena, slice_of(ROLE), &change, 1, NULL,
                                  in_ms(PATIENCE_MS), NULL),
                     0);
}

/* Gives an entry another RDN. */
static void name(struct world *world, const char *dn, const char *rdn)
{
    struct upstream upstream;

    assert_int_equal(store_checkout(world->store, STORE_WORK, in_ms(PATIENCE_MS), &upstream), 0);
    assert_int_equal(ldap_rename_s(upstream.ld, dn, rdn, NULL, 1, NULL, NULL), LDAP_SUCCESS);
    store_checkin(world->store, STORE_WORK, &upstream, 0);
}

/* The table comes to say that it is fresh, and that its writer lives. */
static void fresh(struct world *world)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    int64_t deadline_ms = in_ms(PATIENCE_MS);
    struct rights_status status;

    do {
        assert_true(clock_monotonic_ms() < deadline_ms);
        (void)nanosleep(&pause, NULL);
        assert_int_not_equal(ask(world), E_STALE);
        rights_status(world->rights, &status);
    } while (!status.filled || status.age_ms < 0 || status.age_ms > 200 ||
             status.heartbeat_ms >= 1000);
    assert_true(strlen(status.csn) == CSN_LEN);
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void latency(struct world *world)
{
    int took[100];
    const int count = (int)(sizeof(took) / sizeof(took[0]));

    for (int i = 0; i < count; i++) {
        int began = microseconds();

        grant(world, i % 2 == 0 ? "-ticket:read" : "+ticket:read");
        until(world, i % 2 == 0 ? E_DENIED : 0);
        took[i] = microseconds() - began;
    }
    qsort(took, (size_t)count, sizeof(took[0]), compare_numbers);
    print_message("sent to answered: median %d us, 99 of 100 within %d us\n", took[count / 2],
                  took[count * 99 / 100]);
}

static void world_setup(struct world *world)
{
    struct store_options options = {
        .authzid = SLAPD_AUTHZID, .connections = 2, .login_connections = 1};

    *world = (struct world){.arena = arena_new()};
    slapd_setup(&world->slapd, true, tree);
    (void)snprintf(world->cache, sizeof(world->cache), "%s/cache", world->slapd.directory);
    options.uri = world->slapd.uri;
    assert_int_equal(store_open(&options, &world->store), 0);
    follow(world);
    until(world, 0);
}

static void world_teardown(struct world *world)
{
    unfollow(world);
    rights_close(world->rights);
    store_close(world->store);
    arena_free(world->arena);
    slapd_teardown(&world->slapd);
}

static void test_answers(void **context)
{
    struct world world;

    (void)context;
    world_setup(&world);
    fresh(&world);
    latency(&world);
    unfollow(&world);

    /* A change while nobody follows, and no second full refresh. */
    grant(&world, "-ticket:read");
    assert_int_equal(ask(&world), 0);
    follow(&world);
    until(&world, E_DENIED);
    fresh(&world);
    {
        struct sync_status status;

        sync_status(world.sync, &status);
        assert_int_equal(status.full, 0);
        assert_true(status.entries <= 1);
    }

    /* Answers go on without a store, and are right again after it. */
    slapd_kill(&world.slapd);
    assert_int_equal(ask(&world), E_DENIED);
    slapd_run(&world.slapd);
    grant(&world, "+ticket:read");
    until(&world, 0);
    assert_int_equal(store_delete(world.store, world.arena,
                                  slice_of("cn=alice,ou=members,o=acme," SLAPD_BASE), NULL,
                                  in_ms(PATIENCE_MS), NULL),
                     0);
    until(&world, E_DENIED);

    world_teardown(&world);
}

/* A unit that gets another name announces itself alone; what is below it goes along and comes back,
 * also while nobody follows. */
static void test_units(void **context)
{
    static const struct {
        const char *dn, *rdn, *new_dn, *new_rdn;
        int answer;
    } units[] = {
        {"ou=members,o=acme," SLAPD_BASE, "ou=members", "ou=former,o=acme," SLAPD_BASE, "ou=former",
         E_DENIED},
        {"ou=roles," SLAPD_BASE, "ou=roles", "ou=former," SLAPD_BASE, "ou=former", E_DENIED},
        {"ou=permissions," SLAPD_BASE, "ou=permissions", "ou=former," SLAPD_BASE, "ou=former",
         E_NOPERM},
    };
    struct world world;

    (void)context;
    world_setup(&world);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        name(&world, units[i].dn, units[i].new_rdn);
        until(&world, units[i].answer);
        unfollow(&world);
        name(&world, units[i].new_dn, units[i].rdn);
        follow(&world);
        until(&world, 0);
    }
    world_teardown(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
