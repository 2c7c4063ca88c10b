/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store through its pool, against a real slapd: operations and their errors, passwords, swaps;
 * a store that is dead, hung, restarted or overrun.
 */
#include "base/clock.h"
#include "base/err.h"
#include "slapd_fixture.h"
#include "store/entry.h"
#include "store/password.h"
#include "store/swap.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ldap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */
#define SLACK_MS    12000 /* to notice that a call has ended */

#define PEOPLE "ou=people," SLAPD_BASE
#define ALICE  "uid=alice," PEOPLE

static struct slapd_fixture slapd;
static struct store *store;
static struct arena *arena;

static const char people[] = "dn: " ALICE "\n"
                             "objectClass: inetOrgPerson\n"
                             "objectClass: usherPerson\n"
                             "uid: alice\n"
                             "cn: Alice\n"
                             "sn: Archer\n"
                             "usherId: 5b0e3f0e-0000-4000-8000-000000000001\n"
                             "userPassword: first-secret\n";

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms() + ms;
}

static struct slice text(const char *bytes)
{
    return slice_of(bytes);
}

static int group_setup(void **state)
{
    struct store_options options = {
        .uri = slapd.uri, .authzid = SLAPD_AUTHZID, .connections = 4, .login_connections = 2};

    (void)state;
    slapd_setup(&slapd, true, people);
    arena = arena_new();
    return store_open(&options, &store);
}

static int group_teardown(void **state)
{
    (void)state;
    store_close(store);
    arena_free(arena);
    slapd_teardown(&slapd);
    return 0;
}

static int role_add(const char *dn, const char *name, struct slice *reason)
{
    struct slice class = text("usherRole"), cn = text(name);
    struct slice grants[] = {text("+ticket:read"), text("+ticket:update")};
    struct attribute attributes[] = {
        {text("objectClass"), &class, 1}, {text("cn"), &cn, 1}, {text("usherGrant"), grants, 2}};

    return store_add(store, arena, text(dn), attributes, 3, in_ms(PATIENCE_MS), reason);
}

static int role_change_until(const char *dn, int kind, const char *name, const char *value,
                             const char *assertion, struct slice *reason, int64_t deadline_ms)
{
    struct slice bytes = value != NULL ? text(value) : (struct slice){NULL, 0};
    struct modification change = {.kind = kind,
                                  .attribute = {text(name), &bytes, value != NULL ? 1 : 0}};

    return store_modify(store, arena, text(dn), &change, 1, assertion, deadline_ms, reason);
}

static int role_change(const char *dn, int kind, const char *name, const char *value,
                       const char *assertion, struct slice *reason)
{
    return role_change_until(dn, kind, name, value, assertion, reason, in_ms(PATIENCE_MS));
}

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
    assert_int_equal(store_read(store, arena, text(dn), NULL, in_ms(PATIENCE_MS), &entry), 0);
    assert_true(slice_is(entry.dn, dn));
    assert_int_equal(entry.attribute_count, 3);
    assert_true(slice_is(store_value(&entry, "objectclass"), "usherRole"));
    assert_int_equal(store_attribute(&entry, "ushergrant")->value_count, 2);
    assert_null(store_attribute(&entry, "usherGrant"));
    assert_null(store_value(&entry, "description").data);

    assert_int_equal(store_read(store, arena, text(dn), wanted, in_ms(PATIENCE_MS), &entry), 0);
    assert_int_equal(entry.attribute_count, 2);

    assert_int_equal(role_change(dn, 1, "usherGrant", "+ticket:read", NULL, NULL), 0);
    assert_int_equal(role_change(dn, 0, "description;lang-fr", "vendeur", NULL, NULL), 0);
    assert_int_equal(store_read(store, arena, text(dn), NULL, in_ms(PATIENCE_MS), &entry), 0);
    assert_true(slice_is(store_value(&entry, "ushergrant"), "+ticket:update"));
    assert_true(slice_is(store_value(&entry, "description;lang-fr"), "vendeur"));
    assert_int_equal(role_change(dn, 1, "usherGrant", NULL, NULL, NULL), 0);
    assert_int_equal(
        store_delete(store, arena, text(dn), "(usherGrant=*)", in_ms(PATIENCE_MS), NULL),
        E_CONFLICT);
    assert_int_equal(store_delete(store, arena, text(dn), NULL, in_ms(PATIENCE_MS), NULL), 0);
    assert_int_equal(store_read(store, arena, text(dn), NULL, in_ms(PATIENCE_MS), &entry),
                     E_NOTFOUND);
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
    assert_int_equal(store_delete(store, arena, text(PEOPLE), NULL, in_ms(PATIENCE_MS), &reason),
                     E_UNWILLING);
    assert_int_equal(store_delete(store, arena, nul, NULL, in_ms(PATIENCE_MS), NULL), E_SYNTAX);
    assert_int_equal(store_read(store, arena, nul, NULL, in_ms(PATIENCE_MS), &entry), E_SYNTAX);
    assert_int_equal(store_read(store, arena, text("no dn"), NULL, in_ms(PATIENCE_MS), &entry),
                     E_SYNTAX);
    assert_int_equal(store_find(store, arena, text(SLAPD_BASE), 2, "(cn=", NULL, 1,
                                in_ms(PATIENCE_MS), &entries, &count),
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
    assert_int_equal(store_find(store, arena, text(SLAPD_BASE), 1, "(cn=f*)", NULL, 20,
                                in_ms(PATIENCE_MS), &entries, &count),
                     0);
    assert_int_equal(count, 20);
    assert_int_equal(store_attribute(&entries[19], "ushergrant")->value_count, 2);
    count = 77;
    assert_int_equal(store_find(store, arena, text(SLAPD_BASE), 1, "(cn=f*)", NULL, 19,
                                in_ms(PATIENCE_MS), &entries, &count),
                     E_LIMIT);
    assert_int_equal(store_find(store, arena, text("o=none," SLAPD_BASE), 2, "(cn=f*)", NULL, 9,
                                in_ms(PATIENCE_MS), &entries, &count),
                     E_NOTFOUND);
    assert_int_equal(count, 77);
    assert_int_equal(store_find(store, arena, text(SLAPD_BASE), 2, "(cn=g*)", NULL, 9,
                                in_ms(PATIENCE_MS), &entries, &count),
                     0);
    assert_int_equal(count, 0);
}

/* Who a connection of the login pool is when the next user gets it. */
static void login_anonymous(void)
{
    struct upstream upstream;
    struct berval *identity = NULL;

    assert_int_equal(store_checkout(store, STORE_LOGIN, in_ms(PATIENCE_MS), &upstream), 0);
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
        {text(ALICE), text("first-secret"), 0},
        {text(ALICE), text("First-secret"), E_AUTH},
        {text(ALICE), text(""), E_UNWILLING},
        {text(""), text("first-secret"), E_UNWILLING},
        {text(""), text(""), E_UNWILLING},
        {{ALICE "\0,x", sizeof(ALICE) + 2}, text("first-secret"), E_UNWILLING},
        {text(ALICE), {"first-secret\0", 13}, E_AUTH},
        {text("uid=nobody," PEOPLE), text("first-secret"), E_AUTH},
        {text(PEOPLE), text("first-secret"), E_AUTH},
        {text("uid=alice,o=elsewhere"), text("first-secret"), E_AUTH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct password_policy policy;

        if (store_bind_check(store, table[i].dn, table[i].password, in_ms(PATIENCE_MS), &policy) !=
            table[i].err)
            fail_msg("bind %zu", i);
        login_anonymous();
    }
    assert_int_not_equal(
        store_bind_check(store, text("no dn"), text("first-secret"), in_ms(PATIENCE_MS), NULL), 0);
}

static void test_password(void **state)
{
    struct password_policy policy;
    struct slice reason = {NULL, 0};

    (void)state;
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("wrong-secret"),
                                           text("second-secret"), in_ms(PATIENCE_MS), &policy,
                                           &reason),
                     E_AUTH);
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("first-secret"),
                                           text("short"), in_ms(PATIENCE_MS), &policy, &reason),
                     E_UNWILLING);
    assert_int_equal(policy.error, PASSWORD_TOO_SHORT);
    assert_true(reason.len > 0);
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("first-secret"),
                                           text(""), in_ms(PATIENCE_MS), NULL, NULL),
                     E_UNWILLING);
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("first-secret"),
                                           text("second-secret"), in_ms(PATIENCE_MS), &policy,
                                           NULL),
                     0);
    login_anonymous();
    assert_int_equal(
        store_bind_check(store, text(ALICE), text("first-secret"), in_ms(PATIENCE_MS), NULL),
        E_AUTH);
    assert_int_equal(
        store_bind_check(store, text(ALICE), text("second-secret"), in_ms(PATIENCE_MS), &policy),
        0);
    assert_false(policy.must_change || policy.expired);
    assert_int_equal(policy.error, PASSWORD_ERROR_NONE);
    assert_int_equal(policy.grace, -1);
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("second-secret"),
                                           text("second-secret"), in_ms(PATIENCE_MS), &policy,
                                           NULL),
                     E_UNWILLING);
    assert_int_equal(policy.error, PASSWORD_IN_HISTORY);

    assert_int_equal(store_password_reset(store, arena, text(ALICE), text("short"),
                                          in_ms(PATIENCE_MS), &policy, NULL),
                     E_UNWILLING);
    assert_int_equal(store_password_reset(store, arena, text(ALICE), text(""), in_ms(PATIENCE_MS),
                                          &policy, NULL),
                     E_UNWILLING);
    assert_int_not_equal(store_password_reset(store, arena, text("uid=nobody," PEOPLE),
                                              text("third-secret"), in_ms(PATIENCE_MS), &policy,
                                              NULL),
                         0);
    assert_int_equal(store_password_reset(store, arena, text(ALICE), text("third-secret"),
                                          in_ms(PATIENCE_MS), &policy, NULL),
                     0);
    assert_int_equal(role_change(ALICE, 2, "pwdReset", "TRUE", NULL, NULL), 0);
    assert_int_equal(
        store_bind_check(store, text(ALICE), text("third-secret"), in_ms(PATIENCE_MS), &policy), 0);
    assert_true(policy.must_change);
    assert_int_equal(policy.error, PASSWORD_CHANGE_AFTER_RESET);
    login_anonymous();
    assert_int_equal(store_password_change(store, arena, text(ALICE), text("third-secret"),
                                           text("first-secret-again"), in_ms(PATIENCE_MS), &policy,
                                           NULL),
                     0);
    assert_int_equal(store_bind_check(store, text(ALICE), text("first-secret-again"),
                                      in_ms(PATIENCE_MS), &policy),
                     0);
    assert_false(policy.must_change);
}

#define THREADS 32
#define SWAPS   100

static _Atomic int failures;

static void *reader(void *context)
{
    struct arena *own = arena_new();

    (void)context;
    for (int i = 0; i < 50; i++) {
        struct store_entry entry;

        if (store_read(store, own, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry) != 0 ||
            !slice_is(store_value(&entry, "sn"), "Archer"))
            atomic_fetch_add(&failures, 1);
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

static void threads_run(int count, void *(*run)(void *))
{
    pthread_t threads[SWAPS];

    atomic_store(&failures, 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i), 0);
    for (int i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

static void test_threads(void **state)
{
    (void)state;
    threads_run(THREADS, reader);
    assert_int_equal(atomic_load(&failures), 0);
}

#define ID     "5b0e3f0e-0000-4000-8000-000000000001"
#define LEDGER "cn=" ID ",ou=ledger," SLAPD_BASE

static int swap(struct arena *own, const char *prefix, struct slice old_value,
                struct slice new_value)
{
    return swap_value(store, own, text(SLAPD_BASE), text(ID), "usherFailure", text(prefix),
                      old_value, new_value, in_ms(PATIENCE_MS));
}

/* The value of a slot, or SWAP_NONE. */
static struct slice slot_read(struct arena *own, const char *prefix)
{
    const struct attribute *values;
    struct store_entry entry;

    if (store_read(store, own, text(LEDGER), NULL, in_ms(PATIENCE_MS), &entry) != 0)
        return SWAP_NONE;
    values = store_attribute(&entry, "usherfailure");
    for (size_t i = 0; values != NULL && i < values->value_count; i++)
        if (strncmp(values->values[i].data, prefix, strlen(prefix)) == 0)
            return values->values[i];
    return SWAP_NONE;
}

static void test_swap(void **state)
{
    (void)state;
    assert_int_equal(swap(arena, "pin:acme ", text("pin:acme 1"), SWAP_NONE), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, text("pin:acme 1")), 0);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, text("pin:acme 2")), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:zeta ", SWAP_NONE, text("pin:zeta 1")), 0);
    assert_int_equal(swap(arena, "pin:acme ", text("pin:acme 2"), text("pin:acme 3")), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", text("pin:acme 1"), text("pin:acme 2")), 0);
    assert_true(slice_is(slot_read(arena, "pin:acme "), "pin:acme 2"));
    assert_int_equal(swap(arena, "a*)(b ", SWAP_NONE, text("a*)(b 1")), 0);
    assert_int_equal(swap(arena, "a*)(b ", SWAP_NONE, text("a*)(b 2")), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", text("pin:acme 2"), SWAP_NONE), 0);
    assert_int_equal(swap(arena, "pin:acme ", text("pin:acme 2"), SWAP_NONE), E_CONFLICT);
    assert_true(slice_is(slot_read(arena, "pin:zeta "), "pin:zeta 1"));
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, text("pin:zeta 9")), E_INTERNAL);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, SWAP_NONE), E_INTERNAL);
    assert_int_equal(swap_value(store, arena, text(SLAPD_BASE), text(ID), "usherTotpStep", text(""),
                                SWAP_NONE, text("100"), in_ms(PATIENCE_MS)),
                     0);
    assert_int_equal(swap_value(store, arena, text(SLAPD_BASE), text(ID), "usherTotpStep", text(""),
                                SWAP_NONE, text("101"), in_ms(PATIENCE_MS)),
                     E_CONFLICT);
    assert_int_equal(swap_value(store, arena, text(SLAPD_BASE), text(ID), "usherTotpStep", text(""),
                                text("100"), text("101"), in_ms(PATIENCE_MS)),
                     0);
}

/* A second attribute goes with the swap: with both or with neither. */
static void test_swap_also(void **state)
{
    static const struct {
        const char *old_value, *new_value, *day;
        int err;
        const char *left;
    } table[] = {
        {NULL, "day 1", "20260101000000Z", 0, "20260101000000Z"}, /* makes the entry */
        {NULL, "day 2", "20260102000000Z", E_CONFLICT, "20260101000000Z"},
        {"day 1", "day 2", "20260103000000Z", 0, "20260103000000Z"},
        {"day 1", NULL, "20260104000000Z", E_CONFLICT, "20260103000000Z"},
        {"day 2", NULL, "20260103000000Z", 0, "20260103000000Z"}, /* the same day again */
        {NULL, "day 3", "no time", E_SYNTAX, "20260103000000Z"},
    };

    (void)state;
    (void)store_delete(store, arena, text(LEDGER), NULL, in_ms(PATIENCE_MS), NULL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct slice day = text(table[i].day);
        struct attribute last = {text("usherLastLogin"), &day, 1};
        struct store_entry entry;
        int err = swap_value_also(
            store, arena, text(SLAPD_BASE), text(ID), "usherFailure", text("day "),
            table[i].old_value ? text(table[i].old_value) : SWAP_NONE,
            table[i].new_value ? text(table[i].new_value) : SWAP_NONE, &last, in_ms(PATIENCE_MS));

        if (err != table[i].err)
            fail_msg("%zu: %d", i, err);
        assert_int_equal(store_read(store, arena, text(LEDGER), NULL, in_ms(PATIENCE_MS), &entry),
                         0);
        if (!slice_is(store_value(&entry, "usherlastlogin"), table[i].left))
            fail_msg("%zu: the other attribute", i);
    }
}

/* Raises a counter by one, however often others are first. */
static void *counter(void *context)
{
    struct arena *own = arena_new();
    char next[32];
    int err;

    (void)context;
    do {
        struct slice old_value = slot_read(own, "count ");

        (void)snprintf(next, sizeof(next), "count %d",
                       old_value.data == NULL ? 1 : atoi(old_value.data + 6) + 1);
        err = swap(own, "count ", old_value, text(next));
        arena_reset(own);
    } while (err == E_CONFLICT);
    if (err != 0)
        atomic_fetch_add(&failures, 1);
    arena_free(own);
    return NULL;
}

static void test_contended(void **state)
{
    (void)state;
    (void)store_delete(store, arena, text(LEDGER), NULL, in_ms(PATIENCE_MS), NULL);
    threads_run(SWAPS, counter);
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(slice_is(slot_read(arena, "count "), "count 100"));
}

/* Everybody claims one slot of an entry that does not exist yet; failures counts the winners. */
static void *claimer(void *context)
{
    struct arena *own = arena_new();
    char value[32];
    int err;

    (void)snprintf(value, sizeof(value), "claim %d", (int)(intptr_t)context);
    err = swap(own, "claim ", SWAP_NONE, text(value));
    if (err != E_CONFLICT)
        atomic_fetch_add(&failures, err == 0 ? 1 : 1000);
    arena_free(own);
    return NULL;
}

static void test_claim(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        (void)store_delete(store, arena, text(LEDGER), NULL, in_ms(PATIENCE_MS), NULL);
        threads_run(THREADS, claimer);
        assert_int_equal(atomic_load(&failures), 1);
    }
}

/* A call that ends when it should: err, not later than within ms, and not before after ms. */
static void in_time(int err, int want, int64_t began, int64_t after, int64_t within)
{
    int64_t took = clock_monotonic_ms() - began;

    assert_int_equal(err, want);
    if (took < after || took > within)
        fail_msg("took %d ms", (int)took);
}

static void test_dead(void **state)
{
    struct store_entry entry;
    int64_t began;

    (void)state;
    slapd_kill(&slapd);
    for (int i = 0; i < 3; i++) {
        began = clock_monotonic_ms();
        in_time(store_read(store, arena, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry), E_UNAVAIL,
                began, 0, SLACK_MS);
        began = clock_monotonic_ms();
        in_time(role_change(ALICE, 2, "sn", "Archer", NULL, NULL), E_UNAVAIL, began, 0, SLACK_MS);
        began = clock_monotonic_ms();
        in_time(store_bind_check(store, text(ALICE), text("x"), in_ms(PATIENCE_MS), NULL),
                E_UNAVAIL, began, 0, SLACK_MS);
    }
    slapd_run(&slapd);
    assert_int_equal(store_read(store, arena, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry), 0);
}

static void test_restart(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        threads_run(8, reader);
        assert_int_equal(atomic_load(&failures), 0);
        slapd_stop(&slapd);
        slapd_run(&slapd);
        assert_int_equal(role_change(ALICE, 2, "sn", "Archer", NULL, NULL), 0);
    }
}

static void *hung_reader(void *context)
{
    struct arena *own = arena_new();
    struct store_entry entry;
    int64_t began = clock_monotonic_ms(), took;
    int err = store_read(store, own, text(ALICE), NULL, began + 500, &entry);

    (void)context;
    took = clock_monotonic_ms() - began;
    if (err != E_TIMEOUT || took < 490 || took > 500 + SLACK_MS)
        atomic_fetch_add(&failures, 1);
    arena_free(own);
    return NULL;
}

static void test_hung(void **state)
{
    struct store_entry entry;
    size_t size = 4 << 20;
    char *large = malloc(size + 1);
    int64_t began;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', size);
    large[size] = '\0';
    slapd_freeze(&slapd, true);
    threads_run(THREADS, hung_reader);
    assert_int_equal(atomic_load(&failures), 0);
    began = clock_monotonic_ms();
    in_time(store_bind_check(store, text(ALICE), text("x"), in_ms(300), NULL), E_TIMEOUT, began,
            290, 300 + SLACK_MS);
    /* More than the socket takes: writing must not block either. */
    began = clock_monotonic_ms();
    in_time(role_change_until(ALICE, 2, "description", large, NULL, NULL, began + 2000), E_TIMEOUT,
            began, 1900, 2000 + SLACK_MS);
    began = clock_monotonic_ms();
    in_time(store_read(store, arena, text(ALICE), NULL, began - 1, &entry), E_TIMEOUT, began, 0,
            SLACK_MS);
    slapd_freeze(&slapd, false);
    assert_int_equal(store_read(store, arena, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry), 0);
    assert_int_equal(role_change(ALICE, 2, "description", large, NULL, NULL), 0);
    assert_int_equal(role_change(ALICE, 2, "description", NULL, NULL, NULL), 0);
    free(large);
}

/* An identity that the store does not give us is no wrong password. */
static void test_identity(void **state)
{
    struct store_options options = {
        .uri = slapd.uri, .authzid = "dn:not a dn", .connections = 1, .login_connections = 1};
    struct store_entry entry;
    struct store *other = NULL;

    (void)state;
    assert_int_equal(store_open(&options, &other), 0);
    assert_int_equal(store_read(other, arena, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry),
                     E_UNAVAIL);
    assert_int_equal(store_read(other, arena, text(ALICE), NULL, in_ms(PATIENCE_MS), &entry),
                     E_UNAVAIL);
    store_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),      cmocka_unit_test(test_entries),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_find),
        cmocka_unit_test(test_bind),      cmocka_unit_test(test_password),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_swap),
        cmocka_unit_test(test_swap_also), cmocka_unit_test(test_contended),
        cmocka_unit_test(test_claim),     cmocka_unit_test(test_dead),
        cmocka_unit_test(test_restart),   cmocka_unit_test(test_hung),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
