/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where DNs stand in the tree, and the DNs that are made.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/tree.h"

#include <stdio.h>
#include <string.h>

#define BASE "dc=example,dc=org"
#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *dn;
    int err;
    enum tree_kind kind;
    const char *organization, *event, *name;
} places[] = {
    {"uid=alice,ou=people," BASE, 0, TREE_PERSON, "", "", "alice"},
    {"cn=ticket:delete,ou=permissions," BASE, 0, TREE_PERMISSION, "", "", "ticket:delete"},
    {"cn=tixngo.moderator,ou=roles," BASE, 0, TREE_ROLE, "", "", "tixngo.moderator"},
    {"cn=night-shift,ou=roles,o=acme," BASE, 0, TREE_ROLE, "acme", "", "night-shift"},
    {"cn=backoffice,ou=services," BASE, 0, TREE_SERVICE, "", "", "backoffice"},
    {"cn=till-3,ou=services,o=acme," BASE, 0, TREE_SERVICE, "acme", "", "till-3"},
    {"o=acme," BASE, 0, TREE_ORGANIZATION, "acme", "", "acme"},
    {"cn=alice,ou=members,o=acme," BASE, 0, TREE_MEMBERSHIP, "acme", "", "alice"},
    {"cn=box_office,ou=groups,o=acme," BASE, 0, TREE_GROUP, "acme", "", "box_office"},
    {"cn=hamlet,ou=events,o=acme," BASE, 0, TREE_EVENT, "acme", "hamlet", "hamlet"},
    {"cn=bob,ou=members,cn=hamlet,ou=events,o=acme," BASE, 0, TREE_EVENT_MEMBERSHIP, "acme",
     "hamlet", "bob"},
    {"uid=" LONG ",ou=people," BASE, 0, TREE_PERSON, "", "", LONG},
    {"uid=" LONG "x,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {BASE, 0, TREE_OTHER, "", "", ""},
    {"ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"ou=members,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"uid=,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=alice,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"uid=a\\20b,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"uid=a@b,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"uid=a:b,ou=people," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=a+uid=b,ou=members,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=alice,ou=members+l=x,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=alice,ou=memberships,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=alice,ou=members,o=a b," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=alice,ou=members,ou=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"cn=x,cn=alice,ou=members,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"a=1,b=2,cn=x,cn=alice,ou=members,o=acme," BASE, 0, TREE_OTHER, "", "", ""},
    {"uid=alice,ou=people,dc=example,dc=com", E_NOTFOUND, TREE_OTHER, "", "", ""},
    {"uid=alice,ou=people,xdc=example,dc=org", E_NOTFOUND, TREE_OTHER, "", "", ""},
    {"dc=org", E_NOTFOUND, TREE_OTHER, "", "", ""},
    {"", E_NOTFOUND, TREE_OTHER, "", "", ""},
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct tree_place place = {.kind = 99};
        int err = tree_place(slice_of(places[i].dn), slice_of(BASE), &place);

        if (err != places[i].err || (err == 0 && place.kind != places[i].kind))
            fprintf(stderr, "%s: kind %d\n", places[i].dn, (int)place.kind);
        assert_int_equal(err, places[i].err);
        if (err != 0) {
            assert_int_equal(place.kind, 99);
            continue;
        }
        assert_int_equal(place.kind, places[i].kind);
        assert_true(slice_is(place.organization, places[i].organization));
        assert_true(slice_is(place.event, places[i].event));
        assert_true(slice_is(place.name, places[i].name));
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool valid;
    } names[] = {
        {"a", true},  {"a.b_c-9", true}, {LONG, true},   {LONG "x", false},   {"", false},
        {"A", false}, {"a:b", false},    {"a b", false}, {"\xc3\xa9", false}, {"a/b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(tree_name_valid(slice_of(names[i].name)), names[i].valid);
    assert_false(tree_name_valid((struct slice){"a\0b", 3}));
}

static void expect_dn(struct buffer *dn, const char *text)
{
    assert_int_equal(dn->len, strlen(text));
    assert_memory_equal(dn->data, text, dn->len);
    dn->len = 0;
}

static void test_dns(void **state)
{
    struct slice base = slice_of(BASE), none = {0};
    struct buffer dn;

    (void)state;
    buffer_init(&dn);
    assert_int_equal(tree_membership_dn(base, slice_of("acme"), none, slice_of("alice"), &dn), 0);
    expect_dn(&dn, "cn=alice,ou=members,o=acme," BASE);
    assert_int_equal(
        tree_membership_dn(base, slice_of("acme"), slice_of("hamlet"), slice_of("bob"), &dn), 0);
    expect_dn(&dn, "cn=bob,ou=members,cn=hamlet,ou=events,o=acme," BASE);
    assert_int_equal(tree_person_dn(base, slice_of("alice"), &dn), 0);
    expect_dn(&dn, "uid=alice,ou=people," BASE);
    assert_int_equal(tree_organization_dn(base, slice_of("acme"), &dn), 0);
    expect_dn(&dn, "o=acme," BASE);
    assert_int_equal(tree_ledger_dn(base, slice_of("0b6f-1"), &dn), 0);
    expect_dn(&dn, "cn=0b6f-1,ou=ledger," BASE);
    assert_int_equal(tree_person_dn(none, slice_of("alice"), &dn), 0);
    expect_dn(&dn, "uid=alice,ou=people");
    assert_int_equal(tree_person_dn(base, slice_of("a,ou=x"), &dn), 0);
    assert_null(memmem(dn.data, dn.len, "a,ou=x", 6));
    buffer_clear(&dn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_dns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
