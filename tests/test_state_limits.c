/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state at its limits: tables that grow, bits that run out, data that the cache cannot hold,
 * and defects told once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/entry.h"
#include "state_fixture.h"

#include <stdio.h>
#include <stdlib.h>

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

/* What restricts a permission is not lost for its length: nobody may then. */
static void test_restrictions_too_long(void **state)
{
    struct fixture *fixture = *state;
    char *text = mem_printf("%0*d", ENTRY_VALUE_MAX + 1, 0);

    fill(fixture, START);
    begin(fixture);
    put(fixture, 0, "person zoe");
    put(fixture, 0, "membership acme/zoe grant=+*");
    put_raw(fixture, 1, "cn=long:channel,ou=permissions," STATE_TREE_BASE, "usherPermission",
            "usherChannel", text);
    put_raw(fixture, 2, "cn=long:requires,ou=permissions," STATE_TREE_BASE, "usherPermission",
            "usherRequires", text);
    commit(fixture);
    expect(fixture, "acme", "zoe", "ticket:read", 0);
    expect(fixture, "acme", "zoe", "long:channel", E_NOPERM);
    expect(fixture, "acme", "zoe", "long:requires", E_DENIED);
    free(text);
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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, state_setup, state_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_growth),   CASE(test_bits_run_out), CASE(test_misfits),
        CASE(test_outgrown), CASE(test_told_once),    CASE(test_restrictions_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
