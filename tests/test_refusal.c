/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static void test_due(void **state)
{
    static const struct {
        int64_t arrived_ns, now_ns, after_ms, due_ns;
    } table[] = {
        {0, 0, 250, 250 * MS},
        {7, 7 + 45 * MS, 250, 7 + 250 * MS},
        {7, 7 + 250 * MS - 1, 250, 7 + 250 * MS},
        {7, 7 + 250 * MS, 250, 7 + 500 * MS}, /* too late for the first */
        {7, 7 + 999 * MS, 250, 7 + 1000 * MS},
        {7, 7 + 1001 * MS, 1, 7 + 1002 * MS},
        {500 * MS, 499 * MS, 250, 750 * MS}, /* no clock goes back, and still */
        {INT64_C(1) << 60, (INT64_C(1) << 60) + 1, 10000, (INT64_C(1) << 60) + 10000 * MS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (refusal_due_ns(table[i].arrived_ns, table[i].now_ns, table[i].after_ms) !=
            table[i].due_ns)
            fail_msg("%zu", i);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_due)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
