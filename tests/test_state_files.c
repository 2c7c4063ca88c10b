/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The files of a state: open in one process, missing, damaged or of another boot, written by a
 * change that matters and by no other, and a table that could not be published.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/rights.h"
#include "state_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_second_process(void **state)
{
    struct fixture *fixture = *state;
    struct state *other = NULL;

    assert_int_equal(state_tree_open(fixture->directory, NULL, &other), E_BUSY);
    assert_null(other);
}

static void test_rights_lost(void **state)
{
    struct fixture *fixture = *state;
    char *path = file_in(fixture, "rights");

    fill(fixture, START);
    state_close(fixture->state);
    fixture->state = NULL;
    assert_int_equal(unlink(path), 0);
    reopen(fixture);
    expect_tree(fixture, START);
    state_close(fixture->state);
    fixture->state = NULL;
    overwrite(fixture, "rights", "garbage of no use", 17);
    reopen(fixture);
    expect_tree(fixture, START);
    free(path);
}

/* A state that LMDB cannot read, and one that another boot left unsynced, start empty. */
static void test_state_lost(void **state)
{
    static const struct {
        const char *file;
        char fill;
        size_t len;
    } damages[] = {{"state/data.mdb", 'x', 8192}, {"state/unsynced", 'x', 40}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        char *junk = mem_alloc(damages[i].len);

        fill(fixture, START);
        expect_tree(fixture, START);
        state_close(fixture->state);
        fixture->state = NULL;
        memset(junk, damages[i].fill, damages[i].len);
        overwrite(fixture, damages[i].file, junk, damages[i].len);
        free(junk);
        reopen(fixture);
        assert_false(state_filled(fixture->state));
        assert_int_equal(counts_of(fixture).entries, 0);
        expect(fixture, "acme", "alice", "ticket:read", 0); /* the old table serves */
    }
}

/* Damage that shows only when the state is read, not when it is opened: the marks of the state are
 * gone, each copy of them. It starts empty as well. */
static void test_state_damaged(void **state)
{
    static const char zeros[4096];
    struct fixture *fixture = *state;
    char *path = file_in(fixture, "state/data.mdb"), page[sizeof(zeros)];
    int fd, count = 0;

    fill(fixture, START);
    state_close(fixture->state);
    fixture->state = NULL;
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 0; pread(fd, page, sizeof(page), at) == (ssize_t)sizeof(page);
         at += (off_t)sizeof(page))
        if (memmem(page, sizeof(page), "secret", 6) != NULL) {
            assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
            count++;
        }
    assert_true(count > 0);
    close(fd);
    reopen(fixture);
    assert_false(state_filled(fixture->state));
    assert_int_equal(counts_of(fixture).entries, 0);
    fill(fixture, START);
    expect_tree(fixture, START);
    free(path);
}

/* What a killed process left unsynced in this boot is kept; once there are answers it is synced. */
static void test_unsynced_kept(void **state)
{
    struct fixture *fixture = *state;
    char *path = file_in(fixture, "state/unsynced");

    begin(fixture);
    put(fixture, 0, "organization acme");
    commit(fixture);
    assert_int_equal(access(path, F_OK), 0);
    reopen(fixture);
    assert_int_equal(counts_of(fixture).entries, 1);
    fill(fixture, START);
    state_fresh(fixture->state, slice_of("csn"));
    assert_int_not_equal(access(path, F_OK), 0);
    expect_tree(fixture, START);
    free(path);
}

static void test_other_base(void **state)
{
    struct fixture *fixture = *state;
    struct state_options options = {
        .directory = fixture->directory, .base = slice_of("dc=other"), .gid = (gid_t)-1};
    char *path = file_in(fixture, "rights");
    struct rights *rights = NULL;

    fill(fixture, START);
    assert_int_equal(rights_open(path, &rights), 0);
    state_close(fixture->state);
    fixture->state = NULL;
    assert_int_equal(state_open(&options, &fixture->state), 0);
    assert_false(state_filled(fixture->state));
    assert_int_equal(counts_of(fixture).entries, 0);
    /* The old table is about other people. */
    assert_true(rights_replaced(rights));
    rights_close(rights);
    assert_int_equal(rights_open(path, &rights), E_NOTFOUND);
    free(path);
}

/* What could not be published is published with the next change, or the next proof of freshness. */
static void test_publishing_fails(void **state)
{
    struct fixture *fixture = *state;
    char *path = file_in(fixture, "rights.new"), line[96];

    fill(fixture, START);
    expect_tree(fixture, START);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(mkdir(path, 0700), 0); /* no room for a larger table */
        begin(fixture);
        for (unsigned i = 0; i < 3000; i++) {
            (void)snprintf(line, sizeof(line), "person p%u-%u", round, i);
            put(fixture, 0, line);
            (void)snprintf(line, sizeof(line), "membership acme/p%u-%u grant=+* grant=+a%u:b",
                           round, i, i);
            put(fixture, 0, line);
        }
        assert_int_not_equal(state_commit(fixture->state), 0);
        assert_true(counts_of(fixture).to_do > 0);
        assert_int_equal(rmdir(path), 0);
        if (round == 0) {
            begin(fixture);
            put(fixture, 0, "organization gamma"); /* for which there is room */
            commit(fixture);
            expect(fixture, "gamma", "bob", "ticket:read", E_DENIED);
        } else {
            state_fresh(fixture->state, slice_of("csn"));
        }
        for (unsigned i = 0; i < 3000; i += 100) {
            (void)snprintf(line, sizeof(line), "p%u-%u", round, i);
            expect(fixture, "acme", line, "ticket:read", 0);
        }
    }
    free(path);
}

static void remove_one(struct fixture *fixture, const char *line)
{
    struct naive *tree = tree_of(line);
    uint8_t uuid[STATE_UUID];

    state_tree_uuid(naive_at(tree, 0), uuid);
    assert_int_equal(state_delete(fixture->state, uuid), 0);
    naive_free(tree);
}

/* A permission that half a publication put into the table, and that is gone before the next one. */
static void test_publishing_stopped(void **state)
{
    struct fixture *fixture = *state;
    char *path = file_in(fixture, "rights.new"), line[32];

    fill(fixture, START);
    begin(fixture);
    put(fixture, 0, "role /other");
    commit(fixture);
    expect(fixture, "acme", "alice", "new:one", E_NOPERM);
    assert_int_equal(mkdir(path, 0700), 0);
    begin(fixture);
    put(fixture, 0, "permission new:one");
    for (unsigned i = 0; i < 3000; i++) { /* for whom there is no room */
        (void)snprintf(line, sizeof(line), "person p%u", i);
        put(fixture, 0, line);
    }
    assert_int_not_equal(state_commit(fixture->state), 0);
    expect(fixture, "acme", "alice", "new:one", E_DENIED);
    begin(fixture);
    remove_one(fixture, "permission new:one");
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(line, sizeof(line), "person p%u", i);
        remove_one(fixture, line);
    }
    commit(fixture);
    expect(fixture, "acme", "alice", "new:one", E_NOPERM);
    assert_int_equal(rmdir(path), 0);
    free(path);
}

/* The records of the table, sequence numbers included: what follows its header. */
static uint64_t table_hash(const struct fixture *fixture)
{
    char *path = file_in(fixture, "rights"), *bytes = mem_alloc(1 << 20);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int fd = open(path, O_RDONLY);
    ssize_t len = pread(fd, bytes, 1 << 20, 4096);

    assert_true(len > 4096);
    for (ssize_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    close(fd);
    free(bytes);
    free(path);
    return hash;
}

/* Changes of what the evaluator does not know write nothing. */
static void test_unknown_attribute(void **state)
{
    static const char dn[] = "cn=r,ou=roles,o=acme," STATE_TREE_BASE;
    struct fixture *fixture = *state;
    uint64_t before;

    fill(fixture, START);
    begin(fixture);
    put_raw(fixture, 1, dn, "usherRole", "description", "one");
    commit(fixture);
    before = table_hash(fixture);
    begin(fixture);
    put_raw(fixture, 1, "CN=R, OU=roles, O=ACME," STATE_TREE_BASE, "USHERROLE", "description",
            "two");
    commit(fixture);
    assert_true(table_hash(fixture) == before);
    begin(fixture);
    put_raw(fixture, 1, dn, "usherRole", "usherGrant", "+ticket:read");
    commit(fixture);
    assert_true(table_hash(fixture) != before);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, state_setup, state_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_second_process),     CASE(test_rights_lost),       CASE(test_state_lost),
        CASE(test_unsynced_kept),      CASE(test_other_base),        CASE(test_publishing_fails),
        CASE(test_publishing_stopped), CASE(test_unknown_attribute), CASE(test_state_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
