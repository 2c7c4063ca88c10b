/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries read from attributes, and their serialized form, whole, cut and spoilt.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/entry.h"

#include <stdlib.h>
#include <string.h>

#define BASE "dc=example,dc=org"
#define ROWS 8

struct row {
    const char *name;
    const char *values[6];
};

static uint8_t secret[ID_SECRET];

static int read_rows(const char *dn, const struct row rows[ROWS], struct arena *arena,
                     struct entry *ret)
{
    const struct entry_reader reader = {.base = slice_of(BASE), .secret = secret};
    struct attribute attributes[ROWS];
    struct slice values[ROWS][6];
    size_t count = 0;

    for (size_t i = 0; i < ROWS && rows[i].name != NULL; i++) {
        size_t n = 0;

        for (; n < 6 && rows[i].values[n] != NULL; n++)
            values[i][n] = arena_copy(arena, slice_of(rows[i].values[n]));
        attributes[count++] = (struct attribute){slice_of(rows[i].name), values[i], n};
    }
    return entry_read(&reader, slice_of(dn), attributes, count, arena, ret);
}

#define MEMBERSHIP "cn=alice,ou=members,o=acme," BASE

static const struct row full[ROWS] = {
    {"OBJECTCLASS", {"top", "USHERMembership"}},
    {"usherMember", {"UID=Alice, ou=people," BASE}},
    {"usherRole", {"cn=b,ou=roles," BASE, "cn=a,ou=roles," BASE, "CN=B,ou=roles," BASE, "junk"}},
    {"usherGrant", {"+b:c", "+a:b", "+b:c"}},
    {"usherSetting", {"x=1"}},
    {"usherNotAfter", {"20240101000000Z"}},
    {"description", {"anything"}},
};

static void test_read(void **state)
{
    struct arena *arena = arena_new();
    struct entry entry;

    (void)state;
    assert_int_equal(read_rows(MEMBERSHIP, full, arena, &entry), 0);
    assert_int_equal(entry.kind, TREE_MEMBERSHIP);
    assert_true(entry.active);
    assert_true(slice_is(entry.place.organization, "acme"));
    assert_true(slice_is(entry_value(&entry, ENTRY_PERSON), "uid=alice,ou=people," BASE));
    assert_int_equal(entry.lists[ENTRY_ROLES].count, 2);
    assert_true(slice_is(entry.lists[ENTRY_ROLES].values[0], "cn=a,ou=roles," BASE));
    assert_int_equal(entry.lists[ENTRY_FAULTS].count, 1);
    assert_true(slice_is(entry.lists[ENTRY_FAULTS].values[0], "djunk"));
    assert_int_equal(entry.lists[ENTRY_GRANTS].count, 2);
    assert_true(slice_is(entry.lists[ENTRY_GRANTS].values[0], "+a:b"));
    assert_true(entry.not_before == INT64_MIN);
    assert_true(entry.not_after == INT64_C(1704067200000));
    assert_int_equal(entry_value(&entry, ENTRY_PRIMARY).len, 0);
    arena_free(arena);
}

static void test_flags(void **state)
{
    static const struct {
        struct row rows[ROWS];
        bool active, factor;
        enum tree_kind kind;
    } cases[] = {
        {{{"objectClass", {"usherMembership"}}}, true, false, TREE_MEMBERSHIP},
        {{{"objectClass", {"usherRole"}}}, true, false, TREE_OTHER},
        {{{"cn", {"alice"}}}, true, false, TREE_OTHER},
        {{{"usherActive", {"FALSE"}}}, false, false, TREE_OTHER},
        {{{"usherActive", {"true"}}, {"usherFactor", {"TRUE"}}}, true, true, TREE_OTHER},
        {{{"usherActive", {"perhaps"}}}, false, false, TREE_OTHER},
        {{{"usherFactor", {"perhaps"}}}, true, true, TREE_OTHER},
        {{{"usherNotBefore", {"tomorrow"}}, {"usherActive", {"TRUE"}}}, false, false, TREE_OTHER},
        {{{"usherActive", {NULL}}}, true, false, TREE_OTHER},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct entry entry;

        assert_int_equal(read_rows(MEMBERSHIP, cases[i].rows, arena, &entry), 0);
        assert_int_equal(entry.active, cases[i].active);
        assert_int_equal(entry.factor, cases[i].factor);
        assert_int_equal(entry.kind, cases[i].kind);
    }
    arena_free(arena);
}

static void test_members(void **state)
{
    static const struct row rows[ROWS] = {
        {"objectClass", {"usherGroup"}},
        {"member",
         {"uid=b,ou=people," BASE, "uid=a,ou=people," BASE, "UID=B,ou=people," BASE, "x"}},
    };
    struct arena *arena = arena_new();
    struct id want = id_of_dn(slice_of("uid=a,ou=people," BASE), secret);
    const struct id *members;
    struct entry entry;
    size_t count;

    (void)state;
    assert_int_equal(read_rows("cn=g,ou=groups,o=acme," BASE, rows, arena, &entry), 0);
    members = entry_members(&entry, &count);
    assert_int_equal(count, 2);
    assert_true(id_compare(&members[0], &members[1]) < 0);
    assert_true(id_compare(&members[0], &want) == 0 || id_compare(&members[1], &want) == 0);
    arena_free(arena);
}

static void encode(const struct entry *entry, struct buffer *out)
{
    buffer_init(out);
    assert_int_equal(entry_encode(entry, out), 0);
}

static void test_same_bytes(void **state)
{
    static const struct row other[ROWS] = {
        {"usherSetting", {"x=1"}},
        {"objectClass", {"ushermembership", "extensibleObject"}},
        {"usherGrant", {"+a:b", "+b:c"}},
        {"usherRole", {"junk", "cn=A, ou=roles," BASE, "cn=b,ou=roles," BASE}},
        {"usherNotAfter", {"20240101010000+0100"}},
        {"usherMember", {"uid=alice,ou=people," BASE}},
        {"usherActive", {"TRUE"}},
    };
    struct arena *arena = arena_new();
    struct entry a, b, back;
    struct buffer left, right;

    (void)state;
    assert_int_equal(read_rows(MEMBERSHIP, full, arena, &a), 0);
    assert_int_equal(read_rows(MEMBERSHIP, other, arena, &b), 0);
    encode(&a, &left);
    encode(&b, &right);
    assert_int_equal(left.len, right.len);
    assert_memory_equal(left.data, right.data, left.len);
    assert_int_equal(
        entry_decode((struct slice){left.data, left.len}, slice_of(BASE), arena, &back), 0);
    assert_int_equal(back.kind, TREE_MEMBERSHIP);
    assert_true(back.active);
    assert_true(back.not_after == a.not_after);
    for (unsigned list = 0; list < ENTRY_LISTS; list++)
        assert_true(entry_same_list(&a, &back, list));
    buffer_clear(&right);
    b.lists[ENTRY_GRANTS].count = 1;
    assert_false(entry_same_list(&a, &b, ENTRY_GRANTS));
    encode(&b, &right);
    assert_true(left.len != right.len);
    buffer_clear(&left);
    buffer_clear(&right);
    arena_free(arena);
}

/* Cut anywhere it is refused or shorter by whole lists; spoilt anywhere it does no harm. */
static void test_spoilt(void **state)
{
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct entry entry, back;
    struct buffer bytes;
    unsigned refused = 0;

    (void)state;
    assert_int_equal(read_rows(MEMBERSHIP, full, arena, &entry), 0);
    encode(&entry, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        char *copy = slice_dup((struct slice){bytes.data, len});
        int err = entry_decode((struct slice){copy, len}, slice_of(BASE), scratch, &back);

        assert_true(err == 0 || err == E_PROTO);
        refused += err != 0;
        free(copy);
        arena_reset(scratch);
    }
    assert_true(refused > bytes.len / 2);
    for (size_t i = 0; i < bytes.len; i++) {
        char *copy = slice_dup((struct slice){bytes.data, bytes.len});

        copy[i] = (char)(copy[i] ^ 0xff);
        (void)entry_decode((struct slice){copy, bytes.len}, slice_of(BASE), scratch, &back);
        free(copy);
        arena_reset(scratch);
    }
    buffer_clear(&bytes);
    arena_free(arena);
    arena_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_flags),
        cmocka_unit_test(test_members), cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_spoilt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
