/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The numbers of profiles: shared by the same sources, counted, and not given to others before the
 * records that named them have been published anew.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache/profiles.h"
#include "state_tree.h"

#include <stdlib.h>

#define ROLE "cn=r,ou=roles," STATE_TREE_BASE

static const uint8_t secret[ID_SECRET];

struct fixture {
    char *directory, *path;
    struct db *db;
    struct batch batch;
    struct pool *pool;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));
    struct db_options options = {
        .map_size = 1 << 22, .tables = batch_tables, .table_count = BATCH_TABLES};

    fixture->directory = state_tree_directory();
    fixture->path = mem_printf("%s/state", fixture->directory);
    options.directory = fixture->path;
    fixture->batch = (struct batch){.base = slice_of(STATE_TREE_BASE),
                                    .secret = secret,
                                    .problems = problems_new(NULL, NULL),
                                    .arena = arena_new()};
    *state = fixture;
    if (db_open(&options, &fixture->db) != 0)
        return -1;
    fixture->pool = pool_new(&fixture->batch);
    return batch_begin(&fixture->batch, fixture->db, true);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    pool_free(fixture->pool);
    batch_abort(&fixture->batch);
    db_close(fixture->db);
    problems_free(fixture->batch.problems);
    arena_free(fixture->batch.arena);
    free(fixture->path);
    state_tree_remove(fixture->directory);
    free(fixture);
    return 0;
}

static uint32_t take(struct fixture *fixture, const char *organization, const char *grant)
{
    struct slice role = slice_of(ROLE), value = slice_of(grant);
    const struct sources sources = {
        .organization = slice_of(organization), .roles = {&role, 1}, .grants = {&value, 1}};
    uint32_t number = profile_take(&fixture->batch, fixture->pool, &sources);

    assert_int_equal(fixture->batch.txn.err, 0);
    return number;
}

static uint64_t profiles(struct fixture *fixture)
{
    return db_count(&fixture->batch.txn, BATCH_PROFILE);
}

static void test_shared(void **state)
{
    struct fixture *fixture = *state;
    uint32_t number = take(fixture, "acme", "+a:b"), other;

    assert_int_equal(take(fixture, "acme", "+a:b"), number);
    other = take(fixture, "acme", "+a:c");
    assert_int_not_equal(other, number);
    assert_int_not_equal(take(fixture, "beta", "+a:b"), number);
    assert_int_equal(profiles(fixture), 3);
    profile_drop(&fixture->batch, number);
    assert_int_equal(profiles(fixture), 3);
    profile_drop(&fixture->batch, number);
    assert_int_equal(profiles(fixture), 2);
    assert_int_equal(db_count(&fixture->batch.txn, BATCH_SOURCE), 2);
    assert_int_equal(db_count(&fixture->batch.txn, BATCH_DEPENDENCY), 2);
    profile_drop(&fixture->batch, number); /* unknown */
    assert_int_equal(profiles(fixture), 2);
}

static void test_freed_later(void **state)
{
    struct fixture *fixture = *state;
    uint32_t number = take(fixture, "acme", "+a:b");

    profile_drop(&fixture->batch, number);
    assert_int_not_equal(take(fixture, "acme", "+a:c"), number);
    assert_int_not_equal(take(fixture, "acme", "+a:b"), number);
    todo_strike(&fixture->batch);
    assert_int_equal(take(fixture, "acme", "+a:d"), number);
    assert_int_not_equal(take(fixture, "acme", "+a:e"), number);
}

static void test_marked(void **state)
{
    struct fixture *fixture = *state;
    struct id role = id_of_dn(slice_of(ROLE), secret), unknown = {{1}};
    uint32_t number = take(fixture, "acme", "+a:b");
    struct sources sources;

    assert_true(todo_has(&fixture->batch, TODO_PROFILE));
    todo_strike(&fixture->batch);
    profiles_mark(&fixture->batch, &unknown);
    assert_false(todo_has(&fixture->batch, TODO_PROFILE));
    profiles_mark(&fixture->batch, &role);
    assert_true(todo_has(&fixture->batch, TODO_PROFILE));
    todo_strike(&fixture->batch);
    profiles_mark_all(&fixture->batch);
    assert_true(todo_has(&fixture->batch, TODO_PROFILE));
    assert_true(profile_sources(&fixture->batch, number, &sources));
    assert_true(slice_is(sources.organization, "acme"));
    assert_true(slice_is(sources.roles.values[0], ROLE));
    assert_false(profile_sources(&fixture->batch, number + 1, &sources));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(test_shared), CASE(test_freed_later),
                                       CASE(test_marked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
