/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state at its edges: refreshes, entries that take each other's DNs, files that are missing,
 * damaged or of another boot, tables that grow, and data that the cache cannot hold.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "state_tree.h"
#include "tree_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1700000000000)

struct fixture {
    char *directory;
    struct state *state;
    unsigned problems;
};

static int setup(void **ret)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));

    fixture->directory = state_tree_directory();
    *ret = fixture;
    return state_tree_open(fixture->directory, &fixture->problems, &fixture->state);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    state_close(fixture->state);
    state_tree_remove(fixture->directory);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    state_close(fixture->state);
    fixture->state = NULL;
    assert_int_equal(state_tree_open(fixture->directory, &fixture->problems, &fixture->state), 0);
}

static struct naive *tree_of(const char *text)
{
    struct naive *tree = naive_new();

    tree_read(tree, text);
    return tree;
}

static void fill(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_tree_fill(fixture->state, tree), 0);
    naive_free(tree);
}

static void put(struct fixture *fixture, uint8_t number, const char *line)
{
    const uint8_t uuid[STATE_UUID] = {9, number};
    struct naive *tree = tree_of(line);

    assert_int_equal(state_tree_put(fixture->state, number > 0 ? uuid : NULL, naive_at(tree, 0)),
                     0);
    naive_free(tree);
}

static void put_raw(struct fixture *fixture, uint8_t number, const char *dn, const char *class,
                    const char *name, const char *value)
{
    const uint8_t uuid[STATE_UUID] = {8, number};
    struct slice values[2] = {slice_of(class), slice_of(value)};
    const struct attribute attributes[2] = {
        {.name = slice_of("objectClass"), .values = &values[0], .value_count = 1},
        {.name = slice_of(name), .values = &values[1], .value_count = 1},
    };

    assert_int_equal(state_put(fixture->state, uuid, slice_of(dn), attributes, 2), 0);
}

static void begin(struct fixture *fixture)
{
    assert_int_equal(state_begin(fixture->state), 0);
}

static void commit(struct fixture *fixture)
{
    assert_int_equal(state_commit(fixture->state), 0);
}

static void expect(struct fixture *fixture, const char *organization, const char *uid,
                   const char *query, int answer)
{
    int got = state_tree_check(fixture->state, fixture->directory, organization, uid, query, NOW);

    if (got != answer)
        fprintf(stderr, "%s in %s: %s: %s, not %s\n", uid, organization, query, err_name(got),
                err_name(answer));
    assert_int_equal(got, answer);
}

static void expect_tree(struct fixture *fixture, const char *text)
{
    struct naive *tree = tree_of(text);

    assert_int_equal(state_tree_differences(fixture->state, fixture->directory, tree, NOW), 0);
    naive_free(tree);
}

static struct state_counts counts_of(struct fixture *fixture)
{
    struct state_counts counts;

    assert_int_equal(state_count(fixture->state, &counts), 0);
    return counts;
}

static char *file_in(const struct fixture *fixture, const char *name)
{
    return mem_printf("%s/%s", fixture->directory, name);
}

static void overwrite(const struct fixture *fixture, const char *name, const char *text, size_t len)
{
    char *path = file_in(fixture, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, len, 0), (ssize_t)len);
    close(fd);
    free(path);
}

#define START                                                                                      \
    "permission ticket:read\npermission ticket:delete\nperson alice\nperson bob\n"                 \
    "organization acme\norganization beta\nrole acme/r grant=+ticket:delete\n"                     \
    "membership acme/alice grant=+ticket:read role=acme/r\nmembership beta/bob grant=+ticket:*\n"

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

static void test_second_process(void **state)
{
    struct fixture *fixture = *state;
    struct state *other = NULL;

    assert_int_equal(state_tree_open(fixture->directory, NULL, &other), E_BUSY);
    assert_null(other);
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

    fill(fixture, START);
    state_close(fixture->state);
    fixture->state = NULL;
    assert_int_equal(state_open(&options, &fixture->state), 0);
    assert_false(state_filled(fixture->state));
    assert_int_equal(counts_of(fixture).entries, 0);
}

/* Far more of everything than the first table had room for. */
static void test_growth(void **state)
{
    struct fixture *fixture = *state;
    char line[128];

    fill(fixture, START);
    for (unsigned round = 0; round < 3; round++) {
        begin(fixture);
        for (unsigned i = round * 1000; i < (round + 1) * 1000; i++) {
            (void)snprintf(line, sizeof(line), "person p%u", i);
            put(fixture, 0, line);
            (void)snprintf(line, sizeof(line), "membership acme/p%u grant=+late%u:read", i,
                           i % 700);
            put(fixture, 0, line);
        }
        commit(fixture);
    }
    for (unsigned i = 0; i < 700; i++) {
        if (i % 100 == 0)
            begin(fixture);
        (void)snprintf(line, sizeof(line), "permission late%u:read", i);
        put(fixture, 0, line);
        if (i % 100 == 99)
            commit(fixture);
    }
    assert_int_equal(counts_of(fixture).profiles, 702);
    expect(fixture, "acme", "alice", "ticket:delete", 0);
    expect(fixture, "acme", "p2999", "late199:read", 0);
    expect(fixture, "acme", "p2999", "late198:read", E_DENIED);
    expect(fixture, "acme", "p699", "late699:read", 0);
    expect(fixture, "acme", "p1399", "late699:read", 0);
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

/* Bits are not used again within a file; when they run out they are numbered anew. */
static void test_bits_run_out(void **state)
{
    struct fixture *fixture = *state;
    char line[64];

    fill(fixture, START);
    begin(fixture);
    put(fixture, 0, "membership acme/alice grant=+*");
    commit(fixture);
    for (unsigned round = 0; round < 14; round++) {
        begin(fixture);
        for (unsigned i = 0; i < 700; i++) {
            /* The same entries under a new name each round. */
            const uint8_t uuid[STATE_UUID] = {7, (uint8_t)(i >> 8), (uint8_t)i};
            struct naive *tree;

            (void)snprintf(line, sizeof(line), "permission r%u-%u:read", round, i);
            tree = tree_of(line);
            assert_int_equal(state_tree_put(fixture->state, uuid, naive_at(tree, 0)), 0);
            naive_free(tree);
        }
        commit(fixture);
        (void)snprintf(line, sizeof(line), "r%u-699:read", round);
        expect(fixture, "acme", "alice", line, 0);
    }
    expect(fixture, "acme", "alice", "r12-699:read", E_NOPERM);
    expect(fixture, "acme", "alice", "ticket:delete", 0);
    assert_int_equal(counts_of(fixture).permissions, 702);
}

/* What does not fit is left out and told of; the rest goes on. */
static void test_misfits(void **state)
{
    struct fixture *fixture = *state;
    char *long_dn = mem_printf("cn=%0500d,ou=members,o=acme," STATE_TREE_BASE, 0);
    static const struct {
        const char *dn, *class, *name, *value;
    } misfits[] = {
        {"no dn at all", "usherRole", "cn", "x"},
        {"cn=carol,ou=members,o=acme," STATE_TREE_BASE, "usherMembership", "usherMember",
         "uid=alice,ou=people," STATE_TREE_BASE},
        {"cn=bob,ou=members,o=acme," STATE_TREE_BASE, "usherMembership", "usherMember",
         "uid=bob,ou=elsewhere," STATE_TREE_BASE},
        {"cn=dave,ou=members,o=acme," STATE_TREE_BASE, "usherMembership", "usherMember", "junk"},
        {"cn=erin,ou=members,o=acme," STATE_TREE_BASE, "usherMembership", "cn", "erin"},
        {"cn=x y,ou=members,o=acme," STATE_TREE_BASE, "usherMembership", "cn", "x y"},
        {"cn=alice,ou=members,o=acme,dc=elsewhere", "usherMembership", "usherMember",
         "uid=alice,ou=people," STATE_TREE_BASE},
        {"cn=bad,ou=permissions," STATE_TREE_BASE, "usherPermission", "cn", "bad"},
        {"cn=p,ou=roles,o=acme," STATE_TREE_BASE, "usherRole", "usherGrant", "grant?"},
        {"cn=q,ou=roles,o=acme," STATE_TREE_BASE, "usherRole", "usherInclude",
         "cn=r,ou=roles,o=beta," STATE_TREE_BASE},
        {"o=gamma," STATE_TREE_BASE, "usherOrganization", "usherActive", "maybe"},
    };

    fill(fixture, START);
    for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
        unsigned before = fixture->problems;

        begin(fixture);
        put_raw(fixture, (uint8_t)(i + 1), misfits[i].dn, misfits[i].class, misfits[i].name,
                misfits[i].value);
        commit(fixture);
        if (fixture->problems == before)
            fprintf(stderr, "nothing said of %s\n", misfits[i].dn);
        assert_true(fixture->problems > before);
        expect(fixture, "acme", "alice", "ticket:delete", 0);
        expect(fixture, "acme", "bob", "ticket:read", E_DENIED);
    }
    expect(fixture, "gamma", "alice", "ticket:read", E_NOTFOUND);
    begin(fixture);
    put_raw(fixture, 100, long_dn, "usherMembership", "cn", "x");
    commit(fixture);
    expect(fixture, "acme", "alice", "ticket:delete", 0);
    free(long_dn);
}

/* A membership that becomes too long is not kept as it was. */
static void test_outgrown(void **state)
{
    struct fixture *fixture = *state;
    char *long_dn = mem_printf("cn=%0500d,ou=members,o=acme," STATE_TREE_BASE, 0);

    fill(fixture, START);
    begin(fixture);
    put_raw(fixture, 1, "cn=bob,ou=members,o=acme," STATE_TREE_BASE, "usherMembership",
            "usherMember", "uid=bob,ou=people," STATE_TREE_BASE);
    commit(fixture);
    assert_int_equal(counts_of(fixture).memberships, 3);
    begin(fixture);
    put_raw(fixture, 1, long_dn, "usherMembership", "cn", "x");
    commit(fixture);
    assert_int_equal(counts_of(fixture).memberships, 2);
    free(long_dn);
}

/* Defects are told once in a batch, however many hold what is broken. */
static void test_told_once(void **state)
{
    struct fixture *fixture = *state;
    char line[64];

    begin(fixture);
    put(fixture, 0, "role /r role=/r");
    put(fixture, 0, "organization acme");
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(line, sizeof(line), "person p%u", i);
        put(fixture, 0, line);
        (void)snprintf(line, sizeof(line), "membership acme/p%u role=/r grant=+a%u:b", i, i);
        put(fixture, 0, line);
    }
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    assert_int_equal(counts_of(fixture).profiles, 50);
    assert_int_equal(fixture->problems, 1);
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
#define EDGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EDGE(test_unfilled),
        EDGE(test_cookie_and_abort),
        EDGE(test_second_process),
        EDGE(test_refresh_deletes),
        EDGE(test_refresh_broken_off),
        EDGE(test_swapped),
        EDGE(test_replaced_in_refresh),
        EDGE(test_made_again),
        EDGE(test_reset),
        EDGE(test_rights_lost),
        EDGE(test_state_lost),
        EDGE(test_unsynced_kept),
        EDGE(test_other_base),
        EDGE(test_growth),
        EDGE(test_publishing_fails),
        EDGE(test_bits_run_out),
        EDGE(test_misfits),
        EDGE(test_outgrown),
        EDGE(test_told_once),
        EDGE(test_unknown_attribute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
