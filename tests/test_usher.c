/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libusher as a program uses it: answers out of a table in this process, out of a scripted daemon
 * where the table cannot, with the table replaced under running threads, and across fork.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "cache/table.h"
#include "client/cache.h"
#include "client/usher.h"
#include "fake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_AGE_MS   60000
#define PATIENCE_MS  30000 /* for what must happen: a loaded machine stalls for seconds */
#define THREADS      4
#define REPLACEMENTS 60
#define RACE_ROUNDS  2000

static struct slice text(const char *from)
{
    return slice_of(from);
}

struct listed {
    const char *id;
    bool factor;
};

/* acme's alice holds ticket:delete and, with a second factor, ticket:refund; bob holds nothing;
 * of carol the table cannot tell, for her profile was never written. */
static const struct listed listed[] = {
    {"ticket:delete", false}, {"ticket:refund", true}, {"ticket:read", false}};

/* Another table in which the same three stand elsewhere: alice holds ticket:read and ticket:delete.
 */
static const struct listed moved[] = {
    {"ticket:read", false}, {"ticket:delete", false}, {"ticket:refund", true}};

static struct table *table_of(const char *path, const char *csn, const struct listed *permissions,
                              size_t count)
{
    struct table_size size = {.records = 64, .profiles = 16, .bits = 64, .people = 16};
    const struct table_organization organization = {.active = true};
    const struct table_scopes no_scopes = {0};
    const struct slice no_event = {0};
    struct table_record record = {
        .person_active = true, .active = true, .not_before = INT64_MIN, .not_after = INT64_MAX};
    uint64_t granted = 3, denied = 0;
    struct profile profile = {.words = 1, .bits = {&granted, &denied}};
    struct table *table;

    assert_int_equal(table_create(path, size, (gid_t)-1, &table), 0);
    for (unsigned i = 0; i < count; i++) {
        struct permission permission = {
            .bit = i, .factor = permissions[i].factor, .requires = REQUIRES_NOTHING};

        assert_int_equal(table_put_permission(table, &permission, text(permissions[i].id)), 0);
    }
    assert_int_equal(table_put_organization(table, text("acme"), &organization), 0);
    assert_int_equal(table_put_profile(table, 0, &profile, &no_scopes), 0);
    assert_int_equal(table_put_record(table, text("acme"), no_event, text("alice"), &record), 0);
    record.profile = TABLE_NO_PROFILE;
    assert_int_equal(table_put_record(table, text("acme"), no_event, text("bob"), &record), 0);
    record.profile = size.profiles - 1;
    assert_int_equal(table_put_record(table, text("acme"), no_event, text("carol"), &record), 0);
    table_fresh(table, text(csn), MAX_AGE_MS);
    table_beat(table);
    assert_int_equal(table_publish(table), 0);
    return table;
}

static struct table *table_make(const char *path, const char *csn)
{
    return table_of(path, csn, listed, COUNT(listed));
}

struct setting {
    char folder[FAKE_PATH_MAX / 2];
    char path[FAKE_PATH_MAX];
    struct table *table;
    struct usher *usher;
};

static void setting_start(struct setting *setting, const char *uri)
{
    struct usher_options options = {.uri = uri, .rights = setting->path, .timeout_ms = PATIENCE_MS};

    fake_folder(setting->folder);
    (void)snprintf(setting->path, sizeof(setting->path), "%s/rights", setting->folder);
    setting->table = table_make(setting->path, "csn1");
    assert_int_equal(usher_open(&options, &setting->usher), 0);
}

static void setting_stop(struct setting *setting)
{
    usher_close(setting->usher);
    table_close(setting->table);
    fake_remove(setting->folder);
}

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
            setting.table = table_of(setting.path, "csn2", moved, COUNT(moved));
        else if (step == 1)
            assert_int_equal(table_remove_permission(setting.table, 1), 0);
        else
            assert_int_equal(table_put_permission(setting.table, &back, text("ticket:delete")), 0);
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
    struct usher_options options = {.rights = "", .timeout_ms = PATIENCE_MS};
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
                                    .timeout_ms = PATIENCE_MS};
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

/* A table that is not there yet, then is, then is replaced. */
static void test_reopen(void **state)
{
    struct rights_status status;
    struct table *first, *second;
    struct cache *cache;
    struct query query;
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    int64_t began, now;
    int rc;

    (void)state;
    fake_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/rights", folder);
    assert_int_equal(query_parse(text("ticket:delete"), &query), 0);
    assert_int_equal(cache_open(path, &cache), 0);
    began = clock_monotonic_ms();
    assert_int_equal(cache_check(cache, text("acme"), text("alice"), &query, NULL), E_UNAVAIL);
    first = table_make(path, "csn1");
    do { /* a table that could not be opened is tried again after a second */
        rc = cache_check(cache, text("acme"), text("alice"), &query, NULL);
        now = clock_monotonic_ms();
        if (now < began + 1000)
            assert_int_equal(rc, E_UNAVAIL);
        usleep(10000);
    } while (rc == E_UNAVAIL && now < began + PATIENCE_MS);
    assert_int_equal(rc, 0);
    usleep(20000);
    second = table_make(path, "csn2");
    assert_int_equal(cache_check(cache, text("acme"), text("alice"), &query, NULL), 0);
    assert_int_equal(cache_status(cache, &status), 0);
    assert_string_equal(status.csn, "csn2");
    cache_close(cache);
    table_close(first);
    table_close(second);
    fake_remove(folder);
}

struct race {
    struct cache *cache;
    atomic_bool stop;
    atomic_uint yes, busy;
    atomic_int wrong; /* the last answer that was neither */
};

static void *race_run(void *context)
{
    struct race *race = context;
    struct query query;

    if (query_parse(text("ticket:delete"), &query) != 0)
        return NULL;
    while (!atomic_load(&race->stop)) {
        int rc = cache_check(race->cache, text("acme"), text("alice"), &query, NULL);

        if (rc == 0 || rc == E_BUSY)
            atomic_fetch_add(rc == 0 ? &race->yes : &race->busy, 1);
        else
            atomic_store(&race->wrong, rc);
    }
    return NULL;
}

/* Threads ask while the table is replaced again and again: each answer is right or "ask the
 * daemon". */
static void test_race(void **state)
{
    char folder[FAKE_PATH_MAX / 2], path[FAKE_PATH_MAX];
    struct rights_status status;
    pthread_t threads[THREADS];
    struct race race = {0};
    struct table *table;
    int64_t until_ms;
    char csn[16];

    (void)state;
    fake_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/rights", folder);
    table = table_make(path, "csn");
    assert_int_equal(cache_open(path, &race.cache), 0);
    assert_int_equal(cache_status(race.cache, &status), 0); /* open before they start */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_run, &race), 0);
    for (int i = 0; i < REPLACEMENTS; i++) {
        struct table *old = table;

        (void)snprintf(csn, sizeof(csn), "csn%d", i);
        table = table_make(path, csn);
        table_close(old);
        usleep(12000);
    }
    until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (atomic_load(&race.yes) <= RACE_ROUNDS && clock_monotonic_ms() < until_ms)
        usleep(1000);
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&race.wrong), 0);
    assert_true(atomic_load(&race.yes) > RACE_ROUNDS);
    assert_int_equal(cache_status(race.cache, &status), 0);
    assert_string_equal(status.csn, csn);
    cache_close(race.cache);
    table_close(table);
    fake_remove(folder);
}

/* A child made while other threads read goes on, also when the table is replaced afterwards, and
 * leaves the parent's connection alone. */
static void test_fork(void **state)
{
    struct rights_status rights;
    struct setting setting;
    struct race race = {0};
    pthread_t thread;
    struct fake fake;
    int status;

    (void)state;
    fake_start(&fake, "result 0\n" BASE "result 6\nresult 0\nresult 6\nresult 6");
    setting_start(&setting, fake.uri);
    assert_int_equal(usher_check(setting.usher, "acme", "carol", "ticket:read@payment/a"), 0);
    assert_int_equal(cache_open(setting.path, &race.cache), 0);
    assert_int_equal(cache_status(race.cache, &rights), 0);
    assert_int_equal(pthread_create(&thread, NULL, race_run, &race), 0);
    for (int i = 0; i < 20; i++) {
        struct table *old = setting.table;
        pid_t child;

        setting.table = table_make(setting.path, "csn9");
        table_close(old);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct query query;
            int rc = query_parse(text("ticket:delete"), &query);

            usleep(15000);
            for (int k = 0; (k < 100 && rc == 0) || (k < 100000 && rc == E_BUSY); k++, usleep(200))
                rc = cache_check(race.cache, text("acme"), text("alice"), &query, NULL);
            if (rc == 0 && i == 19)
                rc = usher_check(setting.usher, "acme", "carol", "ticket:read@payment/b");
            _exit(rc == 0 ? 0 : 1);
        }
        if (i % 2 == 0) {
            old = setting.table;
            usleep(2000);
            setting.table = table_make(setting.path, "csn10");
            table_close(old);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(usher_check(setting.usher, "acme", "carol", "ticket:read@payment/c"), 0);
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&race.wrong), 0);
    cache_close(race.cache);
    setting_stop(&setting);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_process),
        cmocka_unit_test(test_permission),
        cmocka_unit_test(test_permission_text),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_daemon),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_race),
        cmocka_unit_test(test_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
