/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: how much of the store one batch takes, and how many references of groups
 * are sorted at a time. What is more comes with the next, and nothing of it is lost.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "letters.h"
#include "state_fixture.h"
#include "store/apply.h"

#include <stdio.h>

#define MEMBERS 300000 /* more than the 262144 references that are sorted at a time */

/* A role whose grant is a text of this size. */
static int apply_role(struct apply *apply, unsigned number, const char *text)
{
    struct slice class = slice_of("usherRole"), grant = slice_of(text);
    struct attribute attributes[] = {
        {.name = slice_of("objectclass"), .values = &class, .value_count = 1},
        {.name = slice_of("ushergrant"), .values = &grant, .value_count = 1}};
    struct syncmsg_state message = {
        .kind = SYNCMSG_ADD,
        .uuid = {9, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
    char dn[96];
    struct store_entry entry = {.attributes = attributes, .attribute_count = 2};

    (void)snprintf(dn, sizeof(dn), "cn=r%u,ou=roles," STATE_TREE_BASE, number);
    entry.dn = slice_of(dn);
    return apply_entry(apply, &message, &entry);
}

/* Entries until the batch is full. */
static unsigned apply_until_full(struct apply *apply, unsigned first, const char *text)
{
    unsigned count = 0;

    assert_false(apply_full(apply));
    while (!apply_full(apply) && count <= APPLY_FILL_MAX)
        assert_int_equal(apply_role(apply, first + count++, text), 0);
    assert_int_equal(apply_commit(apply), 0);
    assert_false(apply_full(apply));
    return count;
}

static void batches(void **state)
{
    struct fixture *fixture = *state;
    char *large = letters(1 << 20);
    struct apply apply = {0};

    assert_int_equal(apply_init(&apply, fixture->state), 0);
    assert_int_equal(apply_refresh(&apply), 0);
    assert_int_equal(apply_until_full(&apply, 0, "+a:b"), APPLY_FILL_MAX);
    apply_abort(&apply);
    fill(fixture, START); /* from now on somebody waits */
    assert_int_equal(apply_init(&apply, fixture->state), 0);
    assert_int_equal(apply_refresh(&apply), 0);
    assert_int_equal(apply_until_full(&apply, 0, "+a:b"), APPLY_ENTRIES_MAX);
    assert_int_equal(apply_until_full(&apply, APPLY_FILL_MAX, large), APPLY_BYTES_MAX >> 20);
    expect(fixture, "acme", "alice", "ticket:delete", 0);
    free(large);
}

/* A group of very many, of whom the last is known as well as the first. */
static void references(void **state)
{
    struct fixture *fixture = *state;
    struct slice *members = malloc(MEMBERS * sizeof(*members));
    struct slice class = slice_of("usherGroup"), grant = slice_of("+ticket:delete");
    char *names = malloc((size_t)MEMBERS * 64);
    struct attribute attributes[] = {
        {.name = slice_of("objectclass"), .values = &class, .value_count = 1},
        {.name = slice_of("ushergrant"), .values = &grant, .value_count = 1},
        {.name = slice_of("member"), .values = members, .value_count = MEMBERS}};
    static const char *const lines[] = {"permission ticket:delete",
                                        "organization acme",
                                        "person carol",
                                        "person dave",
                                        "person erin",
                                        "membership acme/carol",
                                        "membership acme/dave",
                                        "membership acme/erin"};
    const uint8_t uuid[STATE_UUID] = {8};

    assert_true(members != NULL && names != NULL);
    for (size_t i = 0; i < MEMBERS; i++) {
        char *name = names + i * 64;

        (void)snprintf(name, 64, "uid=%s%zu,ou=people," STATE_TREE_BASE,
                       i == 0             ? "alice"
                       : i == MEMBERS - 1 ? "bob"
                                          : "p",
                       i);
        members[i] = slice_of(name);
    }
    members[0] = slice_of("uid=carol,ou=people," STATE_TREE_BASE);
    members[MEMBERS - 1] = slice_of("uid=dave,ou=people," STATE_TREE_BASE);
    begin(fixture);
    assert_int_equal(state_refresh_begin(fixture->state), 0);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        put(fixture, 0, lines[i]);
    assert_int_equal(state_put(fixture->state, uuid,
                               slice_of("cn=g,ou=groups,o=acme," STATE_TREE_BASE), attributes, 3),
                     0);
    assert_int_equal(state_refresh_done(fixture->state), 0);
    commit(fixture);
    expect(fixture, "acme", "carol", "ticket:delete", 0);
    expect(fixture, "acme", "dave", "ticket:delete", 0);
    expect(fixture, "acme", "erin", "ticket:delete", E_DENIED);
    /* Now the references are asked, which the fill had no need of. */
    begin(fixture);
    put(fixture, 0, "membership acme/carol grant=+ticket:read");
    put(fixture, 0, "membership acme/dave grant=+ticket:read");
    commit(fixture);
    expect(fixture, "acme", "carol", "ticket:delete", 0);
    expect(fixture, "acme", "dave", "ticket:delete", 0);
    free(names);
    free(members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches, state_setup, state_teardown),
        cmocka_unit_test_setup_teardown(references, state_setup, state_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
