/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One value of an entry swapped for another, against a real slapd: only from what it was, also when
 * a hundred want it at once, and a second attribute with it or not at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "store/swap.h"
#include "store_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWAPS THREADS_MAX

#define ID     "5b0e3f0e-0000-4000-8000-000000000001"
#define LEDGER "cn=" ID ",ou=ledger," SLAPD_BASE

static int swap(struct arena *own, const char *prefix, struct slice old_value,
                struct slice new_value)
{
    return swap_value(store, own, slice_of(SLAPD_BASE), slice_of(ID), "usherFailure",
                      slice_of(prefix), old_value, new_value, patience());
}

/* The value of a slot, or SWAP_NONE. */
static struct slice slot_read(struct arena *own, const char *prefix)
{
    const struct attribute *values;
    struct store_entry entry;

    if (store_read(store, own, slice_of(LEDGER), NULL, patience(), &entry) != 0)
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
    assert_int_equal(swap(arena, "pin:acme ", slice_of("pin:acme 1"), SWAP_NONE), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, slice_of("pin:acme 1")), 0);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, slice_of("pin:acme 2")), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:zeta ", SWAP_NONE, slice_of("pin:zeta 1")), 0);
    assert_int_equal(swap(arena, "pin:acme ", slice_of("pin:acme 2"), slice_of("pin:acme 3")),
                     E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", slice_of("pin:acme 1"), slice_of("pin:acme 2")), 0);
    assert_true(slice_is(slot_read(arena, "pin:acme "), "pin:acme 2"));
    assert_int_equal(swap(arena, "a*)(b ", SWAP_NONE, slice_of("a*)(b 1")), 0);
    assert_int_equal(swap(arena, "a*)(b ", SWAP_NONE, slice_of("a*)(b 2")), E_CONFLICT);
    assert_int_equal(swap(arena, "pin:acme ", slice_of("pin:acme 2"), SWAP_NONE), 0);
    assert_int_equal(swap(arena, "pin:acme ", slice_of("pin:acme 2"), SWAP_NONE), E_CONFLICT);
    assert_true(slice_is(slot_read(arena, "pin:zeta "), "pin:zeta 1"));
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, slice_of("pin:zeta 9")), E_INTERNAL);
    assert_int_equal(swap(arena, "pin:acme ", SWAP_NONE, SWAP_NONE), E_INTERNAL);
    assert_int_equal(swap_value(store, arena, slice_of(SLAPD_BASE), slice_of(ID), "usherTotpStep",
                                slice_of(""), SWAP_NONE, slice_of("100"), patience()),
                     0);
    assert_int_equal(swap_value(store, arena, slice_of(SLAPD_BASE), slice_of(ID), "usherTotpStep",
                                slice_of(""), SWAP_NONE, slice_of("101"), patience()),
                     E_CONFLICT);
    assert_int_equal(swap_value(store, arena, slice_of(SLAPD_BASE), slice_of(ID), "usherTotpStep",
                                slice_of(""), slice_of("100"), slice_of("101"), patience()),
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
    (void)store_delete(store, arena, slice_of(LEDGER), NULL, patience(), NULL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct slice day = slice_of(table[i].day);
        struct attribute last = {slice_of("usherLastLogin"), &day, 1};
        struct store_entry entry;
        int err = swap_value_also(
            store, arena, slice_of(SLAPD_BASE), slice_of(ID), "usherFailure", slice_of("day "),
            table[i].old_value ? slice_of(table[i].old_value) : SWAP_NONE,
            table[i].new_value ? slice_of(table[i].new_value) : SWAP_NONE, &last, patience());

        if (err != table[i].err)
            fail_msg("%zu: %d", i, err);
        assert_int_equal(store_read(store, arena, slice_of(LEDGER), NULL, patience(), &entry), 0);
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
        err = swap(own, "count ", old_value, slice_of(next));
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
    (void)store_delete(store, arena, slice_of(LEDGER), NULL, patience(), NULL);
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
    err = swap(own, "claim ", SWAP_NONE, slice_of(value));
    if (err != E_CONFLICT)
        atomic_fetch_add(&failures, err == 0 ? 1 : 1000);
    arena_free(own);
    return NULL;
}

static void test_claim(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        (void)store_delete(store, arena, slice_of(LEDGER), NULL, patience(), NULL);
        threads_run(THREADS, claimer);
        assert_int_equal(atomic_load(&failures), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap),
        cmocka_unit_test(test_swap_also),
        cmocka_unit_test(test_contended),
        cmocka_unit_test(test_claim),
    };

    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
