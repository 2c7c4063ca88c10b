/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Masked destinations: what stays, and that nothing else does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "notify/mask.h"

#include <stdio.h>
#include <string.h>

static void mails(void **state)
{
    static const struct {
        const char *address, *masked;
    } cases[] = {
        {"alice@example.org", "a***@example.org"},
        {"a@example.org", "a***@example.org"},
        {"alice.b+c@mail.example.org", "a***@mail.example.org"},
        {"", "***"},
        {"alice", "***"},
        {"@example.org", "***"},
        {"alice@", "***"},
        {"a@b@example.org", "***"},
        {"\xc3\xb8se@example.org", "***"},
        {"alice@example.org\nx", "***"},
    };
    char masked[MASK_MAX], address[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(mask_mail(slice_of(cases[i].address), masked), cases[i].masked);
    snprintf(address, sizeof(address), "a@%0252d", 1);
    assert_int_equal(strlen(mask_mail(slice_of(address), masked)), 257);
    snprintf(address, sizeof(address), "a@%0253d", 1);
    assert_string_equal(mask_mail(slice_of(address), masked), "***");
}

static void mobiles(void **state)
{
    static const struct {
        const char *number, *masked;
    } cases[] = {
        {"+41 79 123 45 67", "***67"},
        {"123456", "***56"},
        {"1 2 3 4 5 6", "***56"},
        {"12345", "***"},
        {"", "***"},
        {"no number", "***"},
    };
    char masked[MASK_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(mask_mobile(slice_of(cases[i].number), masked), cases[i].masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails),
        cmocka_unit_test(mobiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
