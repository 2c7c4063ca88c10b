/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libusher as a program uses it: answers out of a table in this process, and out of a scripted
 * daemon where the table cannot. The table that is replaced meanwhile stands in
 * test_client_cache.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "usher_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Another table in which the same three stand elsewhere: alice holds ticket:read and ticket:delete.
 */
static const struct usher_listed moved[] = {
    {"ticket:read", false}, {"ticket:delete", false}, {"ticket:refund", true}};

static void test_in_process(void **state)
{
    static const struct {
        const char *organization, *user, *query;
        int rc;
    } cases[] = {
        {"acme", "alice", "ticket:delete", 0},
        {"ACME", "Alice", "ticket:delete", 0},
        {"acme", "alice", "ticket:refund", USHER_STEPUP},
        {"acme", "alice", "ticket:refund;factor=totp", 0},
        {"acme", "alice", "ticket:read", USHER_DENIED},
        {"acme", "bob", "ticket:delete", USHER_DENIED},
        {"acme", "nobody", "ticket:delete", USHER_DENIED},
        {"acme", "alice", "ticket:unknown", USHER_NOPERM},
        {"nowhere", "alice", "ticket:delete", USHER_NOTFOUND},
        {"acme", "alice", "ticket", USHER_SYNTAX},
        {"acme", "alice", "", USHER_SYNTAX},
        {"", "alice", "ticket:delete", USHER_SYNTAX},
        {"acme", "", "ticket:delete", USHER_SYNTAX},
        {NULL, "alice", "ticket:delete", USHER_SYNTAX},
        {"acme", NULL, "ticket:delete", USHER_SYNTAX},
        {"acme", "alice", NULL, USHER_SYNTAX},
        {"acme", "alice", "ticket:delete@payment/card", 0},
        {"acme", "alice", "ticket:delete@event/hamlet", USHER_NOTFOUND},
    };
    struct usher_freshness freshness;
    struct setting setting;
    char name[300];

    (void)state;
    setting_start(&setting, "/nowhere/ldapi");
    for (size_t i = 0; i < COUNT(cases); i++) {
        int rc = usher_check(setting.usher, cases[i].organization, cases[i].user, cases[i].query);

        if (rc != cases[i].rc)
            fail_msg("case %zu: %s", i, usher_strerror(rc));
    }
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(usher_check(setting.usher, name, "alice", "ticket:delete"), USHER_LIMIT);
    assert_int_equal(usher_check(setting.usher, "acme", name, "ticket:delete"), USHER_LIMIT);
    assert_int_equal(usher_freshness(setting.usher, &freshness), 0);
    assert_true(freshness.in_process == 1 && freshness.age_ms < MAX_AGE_MS);
    assert_string_equal(freshness.csn, "csn1");
    setting_stop(&setting);
}

/* A permission resolved once answers as its text does: in a table, in the next one, where it stands
 * at another bit, when it is removed and comes back at another bit, and with none. */
static void test_permission(void **state)
{
    static const char *const queries[] = {
        "ticket:delete", "ticket:refund",  "ticket:refund;factor=totp",
        "ticket:read",   "ticket:unknown", "ticket:delete@event/hamlet"};
    static const char *const users[] = {"alice", "bob", "nobody"};
    const struct permission back = {.bit = 7, .requires = REQUIRES_NOTHING};
    struct usher_permission *permissions[COUNT(queries)];
    struct setting setting;
    struct table *tables[4];

    (void)state;
    for (size_t i = 0; i < COUNT(queries); i++)
        assert_int_equal(usher_permission_resolve(queries[i], &permissions[i]), 0);
    setting_start(&setting, "/nowhere/ldapi");
    for (size_t step = 0; step < COUNT(tables); step++) {
        for (size_t i = 0; i < COUNT(queries); i++)
            for (size_t j = 0; j < 2 * COUNT(users); j++) {
                const char *user = users[j / 2];
                int rc = usher_check(setting.usher, "acme", user, queries[i]);

                if (usher_permission_check(setting.usher, "acme", user, permissions[i]) != rc)
                    fail_msg("table %zu: %s %s is not %s", step, user, queries[i],
                             usher_strerror(rc));
            }
        assert_int_equal(usher_permission_check(setting.usher, "acme", "alice", permissions[0]),
                         step == 2   ? USHER_NOPERM
                         : step == 3 ? USHER_DENIED
                                     : 0);
        usleep(20000); /* a table is not opened again sooner */
        tables[step] = setting.table;
        if (step == 0)
            setting.table = usher_table_of(setting.path, "csn2", moved, COUNT(moved));
        else if (step == 1)
            assert_int_equal(table_remove_permission(setting.table, 1), 0);
        else
            assert_int_equal(table_put_permission(setting.table, &back, slice_of("ticket:delete")),
                             0);
    }
    table_close(tables[0]);
    assert_int_equal(usher_permission_check(setting.usher, "", "alice", permissions[0]),
                     USHER_SYNTAX);
    assert_int_equal(usher_permission_check(setting.usher, "acme", "alice", NULL), USHER_SYNTAX);
    for (size_t i = 0; i < COUNT(queries); i++)
        usher_permission_free(permissions[i]);
    usher_permission_free(NULL);
    setting_stop(&setting);
}

static void test_permission_text(void **state)
{
    static const struct {
        const char *query;
        int rc;
    } cases[] = {{NULL, USHER_SYNTAX},
                 {"", USHER_SYNTAX},
                 {"ticket", USHER_SYNTAX},
                 {"ticket:*", USHER_SYNTAX},
                 {"ticket:read@event/", USHER_SYNTAX},
                 {"ticket:read;factor=totp;factor=none", USHER_SYNTAX},
                 {"ticket:read@payment/12;channel=app", 0}};
    char large[600];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct usher_permission *permission = NULL;

        assert_int_equal(usher_permission_resolve(cases[i].query, &permission), cases[i].rc);
        assert_int_equal(permission != NULL, cases[i].rc == 0);
        usher_permission_free(permission);
    }
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    assert_int_equal(usher_permission_resolve(large, &(struct usher_permission *){NULL}),
                     USHER_LIMIT);
}

static void test_options(void **state)
{
    static const struct {
        struct usher_options options;
        int rc;
    } cases[] = {
        {{.uri = "nonsense"}, USHER_SYNTAX},
        {{.uri = "ldap://example.org"}, USHER_SYNTAX},
        {{.timeout_ms = -1}, USHER_SYNTAX},
        {{.base = "no dn"}, USHER_SYNTAX},
        {{.bind_dn = "cn=x"}, USHER_SYNTAX},
        {{.bind_password = "x"}, USHER_SYNTAX},
        {{.base = "dc=example,dc=org", .rights = ""}, 0},
        {{.timeout_ms = 1}, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct usher *usher = NULL;

        assert_int_equal(usher_open(&cases[i].options, &usher), cases[i].rc);
        assert_int_equal(usher != NULL, cases[i].rc == 0);
        usher_close(usher);
    }
    usher_close(NULL);
    assert_string_equal(usher_strerror(0), "yes");
    assert_non_null(usher_strerror(12345));
    assert_non_null(usher_strerror(USHER_UNAVAIL));
}

#define BASE "entry namingContexts=dc%3Dexample,dc%3Dorg\n"

/* A daemon that says nothing costs the time given, and no more than it. On a machine that stalls
 * the time may be over before it is asked: then once more. */
static void daemon_hangs(void)
{
    struct usher_options options = {.rights = "", .base = "dc=x", .timeout_ms = 500};
    bool asked = false;

    for (int i = 0; i < 20 && !asked; i++) {
        struct usher *usher;
        struct fake fake;

        fake_start(&fake, "result 0\nhang\nagain");
        options.uri = fake.uri;
        assert_int_equal(usher_open(&options, &usher), 0);
        assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), USHER_TIMEOUT);
        asked = strcmp(fake_asked(&fake), "bind sasl name= secret=EXTERNAL\n"
                                          "compare dn=cn=alice,ou=members,o=acme,dc=x "
                                          "usherPermission=ticket:delete\n") == 0;
        usher_close(usher);
        fake_stop(&fake);
    }
    assert_true(asked);
}

static void test_daemon(void **state)
{
    struct usher_options options = {.rights = "", .timeout_ms = FAKE_PATIENCE_MS};
    struct usher_freshness freshness;
    struct usher *usher;
    struct fake fake;

    (void)state;
    fake_start(&fake, "result 0\n" BASE "result 6\nresult 5\nresult 8\nresult 16\nfresh 5 csn2\n"
                      "close\nresult 0\nresult 6\n");
    options.uri = fake.uri;
    assert_int_equal(usher_open(&options, &usher), 0);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), 0);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), USHER_DENIED);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), USHER_STEPUP);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), USHER_NOPERM);
    assert_int_equal(usher_freshness(usher, &freshness), 0);
    assert_true(freshness.age_ms == 5 && freshness.in_process == 0);
    assert_string_equal(freshness.csn, "csn2");
    /* the daemon has closed the idle connection: asked again over a new one */
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), 0);
    assert_string_equal(fake_asked(&fake),
                        "bind sasl name= secret=EXTERNAL\n"
                        "search base= scope=0 attributes=namingContexts\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n"
                        "search base= scope=0 attributes=1.1\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n"
                        "bind sasl name= secret=EXTERNAL\n"
                        "compare dn=cn=alice,ou=members,o=acme,dc=example,dc=org "
                        "usherPermission=ticket:delete\n");
    usher_close(usher);
    fake_stop(&fake);
    daemon_hangs();
}

static void test_bind(void **state)
{
    struct usher_options options = {.rights = "",
                                    .base = "dc=x",
                                    .bind_dn = "cn=till",
                                    .bind_password = "pw",
                                    .timeout_ms = FAKE_PATIENCE_MS};
    struct usher *usher;
    struct fake fake;

    (void)state;
    fake_start_tcp(&fake, "result 49\nresult 0\nresult 6");
    options.uri = fake.uri;
    assert_int_equal(usher_open(&options, &usher), 0);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), USHER_AUTH);
    assert_int_equal(usher_check(usher, "acme", "alice", "ticket:delete"), 0);
    assert_true(fake_was_asked(&fake, "bind simple name=cn=till secret=pw"));
    usher_close(usher);
    fake_stop(&fake);
}

/* What the table cannot tell goes to the daemon, the rest does not. */
static void test_fallback(void **state)
{
    struct usher_permission *permission;
    struct setting setting;
    struct fake fake;

    (void)state;
    fake_start(&fake, "result 0\n" BASE "result 6\nresult 5");
    setting_start(&setting, fake.uri);
    assert_int_equal(usher_check(setting.usher, "acme", "alice", "ticket:delete"), 0);
    assert_string_equal(fake_asked(&fake), "");
    assert_int_equal(usher_check(setting.usher, "acme", "carol", "ticket:read@payment/card"), 0);
    assert_true(fake_was_asked(&fake, "usherPermission=ticket:read@payment/card"));
    assert_int_equal(usher_permission_resolve("ticket:read@payment/cash", &permission), 0);
    assert_int_equal(usher_permission_check(setting.usher, "acme", "carol", permission),
                     USHER_DENIED);
    assert_true(fake_was_asked(&fake, "usherPermission=ticket:read@payment/cash"));
    usher_permission_free(permission);
    setting_stop(&setting);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_process),      cmocka_unit_test(test_permission),
        cmocka_unit_test(test_permission_text), cmocka_unit_test(test_options),
        cmocka_unit_test(test_daemon),          cmocka_unit_test(test_bind),
        cmocka_unit_test(test_fallback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
