/* SPDX-License-Identifier: BSD-2-Clause
 *
 * base/buffer: bytes that grow and go, and nothing of what went in the memory behind them.
 */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *bytes;
    size_t dropped;
} drops[] = {
    {"first,secret", 6},
    {"first,secret", 12},
    {"a longer first,secret", 15},
    {"first,secret", 0},
    {"", 0},
};

static void test_drop(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        size_t len = strlen(drops[i].bytes), left = len - drops[i].dropped;
        struct buffer buffer;

        buffer_init(&buffer);
        assert_int_equal(buffer_append(&buffer, drops[i].bytes, len), 0);
        buffer_drop(&buffer, drops[i].dropped);
        assert_int_equal(buffer.len, left);
        if (left > 0)
            assert_memory_equal(buffer.data, drops[i].bytes + drops[i].dropped, left);
        for (size_t at = left; at < len; at++)
            assert_int_equal(buffer.data[at], 0);
        buffer_clear(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
