/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct slapd_fixture slapd;
struct store *store;
struct arena *arena;

_Atomic int failures;

static const char people[] = "dn: " ALICE "\n"
                             "objectClass: inetOrgPerson\n"
                             "objectClass: usherPerson\n"
                             "uid: alice\n"
                             "cn: Alice\n"
                             "sn: Archer\n"
                             "usherId: 5b0e3f0e-0000-4000-8000-000000000001\n"
                             "userPassword: first-secret\n";

int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

int64_t patience(void)
{
    return in_ms(PATIENCE_MS);
}

int store_setup(void **state)
{
    struct store_options options = {
        .uri = slapd.uri, .authzid = SLAPD_AUTHZID, .connections = 4, .login_connections = 2};

    (void)state;
    slapd_setup(&slapd, true, people);
    arena = arena_new();
    return store_open(&options, &store);
}

int store_teardown(void **state)
{
    (void)state;
    store_close(store);
    arena_free(arena);
    slapd_teardown(&slapd);
    return 0;
}

int role_add(const char *dn, const char *name, struct slice *reason)
{
    struct slice class = slice_of("usherRole"), cn = slice_of(name);
    struct slice grants[] = {slice_of("+ticket:read"), slice_of("+ticket:update")};
    struct attribute attributes[] = {{slice_of("objectClass"), &class, 1},
                                     {slice_of("cn"), &cn, 1},
                                     {slice_of("usherGrant"), grants, 2}};

    return store_add(store, arena, slice_of(dn), attributes, 3, patience(), reason);
}

int role_change_until(const char *dn, int kind, const char *name, const char *value,
                      const char *assertion, struct slice *reason, int64_t deadline_ms)
{
    struct slice bytes = value != NULL ? slice_of(value) : (struct slice){NULL, 0};
    struct modification change = {.kind = kind,
                                  .attribute = {slice_of(name), &bytes, value != NULL ? 1 : 0}};

    return store_modify(store, arena, slice_of(dn), &change, 1, assertion, deadline_ms, reason);
}

int role_change(const char *dn, int kind, const char *name, const char *value,
                const char *assertion, struct slice *reason)
{
    return role_change_until(dn, kind, name, value, assertion, reason, patience());
}

void threads_run(int count, void *(*run)(void *))
{
    pthread_t threads[THREADS_MAX];

    atomic_store(&failures, 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i), 0);
    for (int i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}
