/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the state makes of batches and refreshes: nothing before it is filled, deletions by what was
 * not told, entries that take each other's DNs, and all of it thrown away.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "state_fixture.h"

#include <stdio.h>

static void test_unfilled(void **state)
{
    struct fixture *fixture = *state;

    assert_false(state_filled(fixture->state));
    begin(fixture);
    put(fixture, 0, "organization acme");
    commit(fixture);
    assert_false(state_filled(fixture->state));
    expect(fixture, "acme", "alice", "ticket:read", E_NOTFOUND); /* no table at all */
    fill(fixture, START);
    assert_true(state_filled(fixture->state));
    expect_tree(fixture, START);
    reopen(fixture);
    assert_true(state_filled(fixture->state));
    expect_tree(fixture, START);
}

static void test_cookie_and_abort(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = arena_new();
    struct slice cookie;

    fill(fixture, START);
    assert_int_equal(state_cookie(fixture->state, arena, &cookie), 0);
    assert_int_equal(cookie.len, 0);
    begin(fixture);
    assert_int_equal(state_set_cookie(fixture->state, slice_of("one")), 0);
    put(fixture, 0, "membership acme/alice");
    state_abort(fixture->state);
    assert_int_equal(state_cookie(fixture->state, arena, &cookie), 0);
    assert_int_equal(cookie.len, 0);
    expect_tree(fixture, START);
    begin(fixture);
    assert_int_equal(state_set_cookie(fixture->state, slice_of("two")), 0);
    commit(fixture);
    reopen(fixture);
    assert_int_equal(state_cookie(fixture->state, arena, &cookie), 0);
    assert_true(slice_is(cookie, "two"));
    arena_free(arena);
}

static void test_refresh_deletes(void **state)
{
    struct fixture *fixture = *state;
    struct naive *tree = tree_of(START);
    uint8_t uuid[STATE_UUID];

    fill(fixture, START);
    begin(fixture);
    assert_int_equal(state_refresh_begin(fixture->state), 0);
    for (size_t i = 0; i + 2 < naive_count(tree); i++) {
        state_tree_uuid(naive_at(tree, i), uuid);
        assert_int_equal(state_present(fixture->state, uuid), 0);
    }
    commit(fixture); /* in two batches */
    expect_tree(fixture, START);
    begin(fixture);
    put(fixture, 0, "membership beta/bob grant=+ticket:read");
    assert_int_equal(state_refresh_end(fixture->state), 0);
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", E_DENIED);
    expect(fixture, "beta", "bob", "ticket:read", 0);
    assert_int_equal(counts_of(fixture).memberships, 1);
    naive_free(tree);
}

/* A refresh that never ended deletes nothing, also not at the end of the next. */
static void test_refresh_broken_off(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture, START);
    begin(fixture);
    assert_int_equal(state_refresh_begin(fixture->state), 0);
    put(fixture, 0, "membership beta/bob grant=+ticket:read");
    commit(fixture);
    reopen(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    begin(fixture);
    assert_int_equal(state_refresh_end(fixture->state), 0);
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
}

/* Two organizations take each other's names while nobody looks. */
static void test_swapped(void **state)
{
    static const char *const orders[2][2] = {{"organization beta", "organization acme"},
                                             {"organization acme", "organization beta"}};
    struct fixture *fixture = *state;

    begin(fixture);
    put(fixture, 1, "organization acme");
    put(fixture, 2, "organization beta");
    put(fixture, 0, "person alice");
    put(fixture, 0, "permission ticket:read");
    put(fixture, 0, "membership acme/alice grant=+ticket:read");
    put(fixture, 3, "membership beta/alice");
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    for (size_t i = 0; i < 2; i++) {
        begin(fixture);
        put(fixture, 1, orders[i][0]);
        put(fixture, 2, orders[i][1]);
        commit(fixture);
        expect(fixture, "acme", "alice", "ticket:read", i == 0 ? E_DENIED : 0);
        expect(fixture, "beta", "alice", "ticket:read", i == 0 ? 0 : E_DENIED);
    }
    assert_int_equal(counts_of(fixture).memberships, 2);
}

/* In a refresh, what was told to stand below the new organization stays when it comes itself. */
static void test_replaced_in_refresh(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    put(fixture, 1, "organization acme");
    put(fixture, 0, "person alice");
    put(fixture, 0, "person bob");
    put(fixture, 0, "permission ticket:read");
    put(fixture, 4, "membership acme/alice grant=+ticket:read");
    put(fixture, 5, "membership acme/bob grant=+ticket:read");
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    begin(fixture);
    assert_int_equal(state_refresh_begin(fixture->state), 0);
    put(fixture, 4, "membership acme/alice grant=+ticket:*");
    put(fixture, 2, "organization acme");
    put(fixture, 1, "organization beta");
    put(fixture, 0, "person alice");
    put(fixture, 0, "person bob");
    put(fixture, 0, "permission ticket:read");
    assert_int_equal(state_present(fixture->state, (const uint8_t[STATE_UUID]){9, 5}), 0);
    assert_int_equal(state_refresh_end(fixture->state), 0);
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    expect(fixture, "acme", "bob", "ticket:read", E_DENIED);
    expect(fixture, "beta", "bob", "ticket:read", 0);
    expect(fixture, "beta", "alice", "ticket:read", E_DENIED);
}

/* An entry deleted and made again under another UUID, the deletion told last. */
static void test_made_again(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    put(fixture, 0, "organization acme");
    put(fixture, 0, "person alice");
    put(fixture, 0, "permission ticket:read");
    put(fixture, 1, "membership acme/alice");
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    begin(fixture);
    put(fixture, 2, "membership acme/alice grant=+ticket:read");
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    begin(fixture);
    assert_int_equal(state_delete(fixture->state, (const uint8_t[STATE_UUID]){9, 1}), 0);
    assert_int_equal(state_delete(fixture->state, (const uint8_t[STATE_UUID]){9, 99}), 0);
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    assert_int_equal(counts_of(fixture).entries, 4);
}

static void test_reset(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = arena_new();
    struct slice cookie;

    fill(fixture, START);
    begin(fixture);
    assert_int_equal(state_set_cookie(fixture->state, slice_of("one")), 0);
    commit(fixture);
    expect_tree(fixture, START);
    assert_int_equal(state_reset(fixture->state), 0);
    assert_false(state_filled(fixture->state));
    assert_int_equal(state_cookie(fixture->state, arena, &cookie), 0);
    assert_int_equal(cookie.len, 0);
    expect(fixture, "acme", "alice", "ticket:read", 0); /* from the old table */
    reopen(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    begin(fixture);
    put(fixture, 0, "organization acme");
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:read", 0);
    fill(fixture, "organization acme\nperson alice\npermission ticket:read\n");
    expect(fixture, "acme", "alice", "ticket:read", E_DENIED);
    expect(fixture, "beta", "bob", "ticket:read", E_NOTFOUND);
    arena_free(arena);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, state_setup, state_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_unfilled),        CASE(test_cookie_and_abort),
        CASE(test_refresh_deletes), CASE(test_refresh_broken_off),
        CASE(test_swapped),         CASE(test_replaced_in_refresh),
        CASE(test_made_again),      CASE(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
