/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/fresh.h"
#include "sync_world.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

int64_t patience(void)
{
    return in_ms(PATIENCE_MS);
}

void pause_ms(int ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&pause, NULL);
}

void follow(struct world *world)
{
    struct sync_options options = {.uri = world->slapd.uri,
                                   .authzid = SLAPD_AUTHZID,
                                   .base = SLAPD_BASE,
                                   .filter = world->filter,
                                   .interval_ms = 200};

    assert_int_equal(sync_start(&options, world->state, &world->sync), 0);
}

struct sync_status status(struct world *world)
{
    struct sync_status status;

    sync_status(world->sync, &status);
    return status;
}

void unfollow(struct world *world)
{
    int64_t began = clock_monotonic_ms();

    sync_stop(world->sync);
    world->sync = NULL;
    assert_true(clock_monotonic_ms() - began < FRESH_ANSWER_MS * 9 / 10);
}

uint64_t connects_unasked(struct world *world)
{
    struct sync_status now = status(world);

    return now.connects - now.lags;
}

void world_init(struct world *world, bool session_log)
{
    struct store_options options = {
        .uri = NULL, .authzid = SLAPD_AUTHZID, .connections = 4, .login_connections = 1};

    *world = (struct world){.arena = arena_new(), .state = fake_state_new()};
    slapd_setup(&world->slapd, session_log, NULL);
    options.uri = world->slapd.uri;
    assert_int_equal(store_open(&options, &world->store), 0);
}

void world_clear(struct world *world)
{
    sync_stop(world->sync);
    store_close(world->store);
    assert_int_equal(fake_state_counts(world->state).faults, 0);
    fake_state_free(world->state);
    arena_free(world->arena);
    slapd_teardown(&world->slapd);
}

const char *role_dn(struct world *world, const char *name)
{
    return arena_printf(world->arena, "cn=%s," SLAPD_BASE, name);
}

void role_add(struct world *world, const char *name)
{
    struct slice class = slice_of("usherRole"), cn = slice_of(name), grant = slice_of("+a:b");
    struct attribute attributes[] = {{slice_of("objectClass"), &class, 1},
                                     {slice_of("cn"), &cn, 1},
                                     {slice_of("usherGrant"), &grant, 1}};

    assert_int_equal(store_add(world->store, world->arena, slice_of(role_dn(world, name)),
                               attributes, 3, patience(), NULL),
                     0);
}

void container_add(struct world *world, const char *dn, const char *name)
{
    struct slice class = slice_of("organizationalUnit"), ou = slice_of(name);
    struct attribute attributes[] = {{slice_of("objectClass"), &class, 1},
                                     {slice_of("ou"), &ou, 1}};

    assert_int_equal(
        store_add(world->store, world->arena, slice_of(dn), attributes, 2, patience(), NULL), 0);
}

void role_set(struct world *world, const char *name, const char *grant)
{
    struct slice value = slice_of(grant);
    struct modification change = {.kind = 2, .attribute = {slice_of("usherGrant"), &value, 1}};

    assert_int_equal(store_modify(world->store, world->arena, slice_of(role_dn(world, name)),
                                  &change, 1, NULL, patience(), NULL),
                     0);
}

void entry_delete(struct world *world, const char *dn)
{
    assert_int_equal(store_delete(world->store, world->arena, slice_of(dn), NULL, patience(), NULL),
                     0);
}

bool role_is(struct world *world, const char *name, const char *grant)
{
    char buf[256];
    const char *value = fake_state_value(world->state, role_dn(world, name), "ushergrant", buf);

    return grant == NULL ? value == NULL : value != NULL && strcmp(value, grant) == 0;
}

struct slice context_csn(struct world *world)
{
    static const char *const wanted[] = {"contextCSN", NULL};
    struct store_entry entry;

    assert_int_equal(
        store_read(world->store, world->arena, slice_of(SLAPD_BASE), wanted, patience(), &entry),
        0);
    return store_value(&entry, "contextcsn");
}

void caught_up(struct world *world)
{
    int64_t began = clock_monotonic_ms();

    assert_int_equal(sync_wait(world->sync, context_csn(world), patience()), 0);
    UNTIL(status(world).fresh_ms >= began);
}
