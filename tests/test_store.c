/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the store is asked through its pool, against a real slapd: entries, searches, binds and
 * passwords, and each refusal as the right error.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "store/password.h"
#include "store_fixture.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>

static void test_open(void **state)
{
    static const struct {
        const char *uri;
        int connections;
        int err;
    } table[] = {
        {"ldapi://%2Ftmp%2Fx", 1, 0},
        {"ldap://127.0.0.1:3899", 256, 0},
        {"ldap://[::1]", 1, 0},
        {"ldapi://%2Ftmp%2Fx", 0, E_CONF},
        {"ldapi://%2Ftmp%2Fx", 257, E_CONF},
        {"ldapi://", 1, E_CONF},
        {"ldaps://127.0.0.1", 1, E_CONF},
        {"http://127.0.0.1", 1, E_CONF},
        {"", 1, E_CONF},
        {"ldapi://%2Ftmp%2F0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789",
         1, E_CONF},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct store_options options = {
            .uri = table[i].uri, .connections = table[i].connections, .login_connections = 1};
        struct store *other = NULL;

        if (store_open(&options, &other) != table[i].err)
            fail_msg("%s", table[i].uri);
        store_close(other);
    }
    store_close(NULL);
}

static void test_entries(void **state)
{
    static const char *const wanted[] = {"usherGrant", "CN", NULL};
    static const char dn[] = "cn=seller," SLAPD_BASE;
    struct store_entry entry;
    struct slice reason = {NULL, 0};

    (void)state;
    assert_int_equal(role_add(dn, "seller", &reason), 0);
    assert_int_equal(store_read(store, arena, slice_of(dn), NULL, patience(), &entry), 0);
    assert_true(slice_is(entry.dn, dn));
    assert_int_equal(entry.attribute_count, 3);
    assert_true(slice_is(store_value(&entry, "objectclass"), "usherRole"));
    assert_int_equal(store_attribute(&entry, "ushergrant")->value_count, 2);
    assert_null(store_attribute(&entry, "usherGrant"));
    assert_null(store_value(&entry, "description").data);

    assert_int_equal(store_read(store, arena, slice_of(dn), wanted, patience(), &entry), 0);
    assert_int_equal(entry.attribute_count, 2);

    assert_int_equal(role_change(dn, 1, "usherGrant", "+ticket:read", NULL, NULL), 0);
    assert_int_equal(role_change(dn, 0, "description;lang-fr", "vendeur", NULL, NULL), 0);
    assert_int_equal(store_read(store, arena, slice_of(dn), NULL, patience(), &entry), 0);
    assert_true(slice_is(store_value(&entry, "ushergrant"), "+ticket:update"));
    assert_true(slice_is(store_value(&entry, "description;lang-fr"), "vendeur"));
    assert_int_equal(role_change(dn, 1, "usherGrant", NULL, NULL, NULL), 0);
    assert_int_equal(store_delete(store, arena, slice_of(dn), "(usherGrant=*)", patience(), NULL),
                     E_CONFLICT);
    assert_int_equal(store_delete(store, arena, slice_of(dn), NULL, patience(), NULL), 0);
    assert_int_equal(store_read(store, arena, slice_of(dn), NULL, patience(), &entry), E_NOTFOUND);
}

static void test_refusals(void **state)
{
    static const char dn[] = "cn=refused," SLAPD_BASE;
    const struct {
        int kind;
        const char *name, *value, *assertion;
        int err;
    } table[] = {
        {0, "usherGrant", "+ticket:read", NULL, E_CONFLICT}, /* it has that one */
        {1, "usherGrant", "+ticket:none", NULL, E_CONFLICT}, /* it has not */
        {1, "description", NULL, NULL, E_CONFLICT},
        {0, "usherGrant", "+a:b", "(cn=other)", E_CONFLICT},
        {0, "usherGrant", "+a:b", "(cn=other", E_SYNTAX},
        {0, "usherRole", "no dn", NULL, E_SYNTAX},
        {0, "mail", "a@example.org", NULL, E_UNWILLING}, /* not in its class */
        {0, "noSuchType", "x", NULL, E_UNWILLING},
        {2, "cn", "another", NULL, E_UNWILLING}, /* its name */
        {4, "usherGrant", "+a:b", NULL, E_SYNTAX},
        {0, "usherGrant", "+a:b", "(cn=refused)", 0},
    };
    struct slice reason, nul = {"cn=a\0b", 6};
    struct store_entry entry, *entries;
    size_t count;

    (void)state;
    assert_int_equal(role_add(dn, "refused", NULL), 0);
    assert_int_equal(role_add(dn, "refused", NULL), E_EXISTS);
    assert_int_equal(role_add("cn=x,o=none," SLAPD_BASE, "x", NULL), E_NOTFOUND);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        reason = (struct slice){NULL, 0};
        if (role_change(dn, table[i].kind, table[i].name, table[i].value, table[i].assertion,
                        &reason) != table[i].err)
            fail_msg("change %zu", i);
        if (table[i].err == E_UNWILLING)
            assert_true(reason.len > 0);
        if (table[i].err == 0)
            assert_null(reason.data);
    }
    assert_int_equal(role_change("cn=none," SLAPD_BASE, 0, "cn", "x", NULL, NULL), E_NOTFOUND);
    assert_int_equal(store_delete(store, arena, slice_of(PEOPLE), NULL, patience(), &reason),
                     E_UNWILLING);
    assert_int_equal(store_delete(store, arena, nul, NULL, patience(), NULL), E_SYNTAX);
    assert_int_equal(store_read(store, arena, nul, NULL, patience(), &entry), E_SYNTAX);
    assert_int_equal(store_read(store, arena, slice_of("no dn"), NULL, patience(), &entry),
                     E_SYNTAX);
    assert_int_equal(store_find(store, arena, slice_of(SLAPD_BASE), 2, "(cn=", NULL, 1, patience(),
                                &entries, &count),
                     E_SYNTAX);
}

static void test_find(void **state)
{
    struct store_entry *entries = NULL;
    size_t count = 77;
    char dn[64], name[8];

    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        (void)snprintf(dn, sizeof(dn), "cn=%s," SLAPD_BASE, name);
        assert_int_equal(role_add(dn, name, NULL), 0);
    }
    assert_int_equal(store_find(store, arena, slice_of(SLAPD_BASE), 1, "(cn=f*)", NULL, 20,
                                patience(), &entries, &count),
                     0);
    assert_int_equal(count, 20);
    assert_int_equal(store_attribute(&entries[19], "ushergrant")->value_count, 2);
    count = 77;
    assert_int_equal(store_find(store, arena, slice_of(SLAPD_BASE), 1, "(cn=f*)", NULL, 19,
                                patience(), &entries, &count),
                     E_LIMIT);
    assert_int_equal(store_find(store, arena, slice_of("o=none," SLAPD_BASE), 2, "(cn=f*)", NULL, 9,
                                patience(), &entries, &count),
                     E_NOTFOUND);
    assert_int_equal(count, 77);
    assert_int_equal(store_find(store, arena, slice_of(SLAPD_BASE), 2, "(cn=g*)", NULL, 9,
                                patience(), &entries, &count),
                     0);
    assert_int_equal(count, 0);
}

/* Who a connection of the login pool is when the next user gets it. */
static void login_anonymous(void)
{
    struct upstream upstream;
    struct berval *identity = NULL;

    assert_int_equal(store_checkout(store, STORE_LOGIN, patience(), &upstream), 0);
    assert_int_equal(ldap_whoami_s(upstream.ld, &identity, NULL, NULL), LDAP_SUCCESS);
    assert_int_equal(identity == NULL ? 0 : identity->bv_len, 0);
    ber_bvfree(identity);
    store_checkin(store, STORE_LOGIN, &upstream, 0);
}

static void test_bind(void **state)
{
    const struct {
        struct slice dn, password;
        int err;
    } table[] = {
        {slice_of(ALICE), slice_of("first-secret"), 0},
        {slice_of(ALICE), slice_of("First-secret"), E_AUTH},
        {slice_of(ALICE), slice_of(""), E_UNWILLING},
        {slice_of(""), slice_of("first-secret"), E_UNWILLING},
        {slice_of(""), slice_of(""), E_UNWILLING},
        {{ALICE "\0,x", sizeof(ALICE) + 2}, slice_of("first-secret"), E_UNWILLING},
        {slice_of(ALICE), {"first-secret\0", 13}, E_AUTH},
        {slice_of("uid=nobody," PEOPLE), slice_of("first-secret"), E_AUTH},
        {slice_of(PEOPLE), slice_of("first-secret"), E_AUTH},
        {slice_of("uid=alice,o=elsewhere"), slice_of("first-secret"), E_AUTH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct password_policy policy;

        if (store_bind_check(store, table[i].dn, table[i].password, patience(), &policy) !=
            table[i].err)
            fail_msg("bind %zu", i);
        login_anonymous();
    }
    assert_int_not_equal(
        store_bind_check(store, slice_of("no dn"), slice_of("first-secret"), patience(), NULL), 0);
}

static void test_password(void **state)
{
    struct password_policy policy;
    struct slice reason = {NULL, 0};

    (void)state;
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("wrong-secret"),
                                           slice_of("second-secret"), patience(), &policy, &reason),
                     E_AUTH);
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("first-secret"),
                                           slice_of("short"), patience(), &policy, &reason),
                     E_UNWILLING);
    assert_int_equal(policy.error, PASSWORD_TOO_SHORT);
    assert_true(reason.len > 0);
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("first-secret"),
                                           slice_of(""), patience(), NULL, NULL),
                     E_UNWILLING);
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("first-secret"),
                                           slice_of("second-secret"), patience(), &policy, NULL),
                     0);
    login_anonymous();
    assert_int_equal(
        store_bind_check(store, slice_of(ALICE), slice_of("first-secret"), patience(), NULL),
        E_AUTH);
    assert_int_equal(
        store_bind_check(store, slice_of(ALICE), slice_of("second-secret"), patience(), &policy),
        0);
    assert_false(policy.must_change || policy.expired);
    assert_int_equal(policy.error, PASSWORD_ERROR_NONE);
    assert_int_equal(policy.grace, -1);
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("second-secret"),
                                           slice_of("second-secret"), patience(), &policy, NULL),
                     E_UNWILLING);
    assert_int_equal(policy.error, PASSWORD_IN_HISTORY);

    assert_int_equal(store_password_reset(store, arena, slice_of(ALICE), slice_of("short"),
                                          patience(), &policy, NULL),
                     E_UNWILLING);
    assert_int_equal(store_password_reset(store, arena, slice_of(ALICE), slice_of(""), patience(),
                                          &policy, NULL),
                     E_UNWILLING);
    assert_int_not_equal(store_password_reset(store, arena, slice_of("uid=nobody," PEOPLE),
                                              slice_of("third-secret"), patience(), &policy, NULL),
                         0);
    assert_int_equal(store_password_reset(store, arena, slice_of(ALICE), slice_of("third-secret"),
                                          patience(), &policy, NULL),
                     0);
    assert_int_equal(role_change(ALICE, 2, "pwdReset", "TRUE", NULL, NULL), 0);
    assert_int_equal(
        store_bind_check(store, slice_of(ALICE), slice_of("third-secret"), patience(), &policy), 0);
    assert_true(policy.must_change);
    assert_int_equal(policy.error, PASSWORD_CHANGE_AFTER_RESET);
    login_anonymous();
    assert_int_equal(store_password_change(store, arena, slice_of(ALICE), slice_of("third-secret"),
                                           slice_of("first-secret-again"), patience(), &policy,
                                           NULL),
                     0);
    assert_int_equal(store_bind_check(store, slice_of(ALICE), slice_of("first-secret-again"),
                                      patience(), &policy),
                     0);
    assert_false(policy.must_change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),     cmocka_unit_test(test_entries),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_find),
        cmocka_unit_test(test_bind),     cmocka_unit_test(test_password),
    };

    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
