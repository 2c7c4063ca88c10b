/* SPDX-License-Identifier: BSD-2-Clause
 *
 * generalizedTime (RFC 4517 3.3.13): what is read, what is refused, and the way back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"

#define NEW_YEAR_2017 INT64_C(1483228800000)

static void read_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: E_SYNTAX */
    } cases[] = {
        {"19700101000000Z", 0},
        {"20161231235959Z", NEW_YEAR_2017 - 1000},
        {"20170101000000Z", NEW_YEAR_2017},
        {"2017010100Z", NEW_YEAR_2017},
        {"201701010000Z", NEW_YEAR_2017},
        {"2017010100.25Z", NEW_YEAR_2017 + 900000},
        {"20170101000000.5Z", NEW_YEAR_2017 + 500},
        {"20170101000000,25Z", NEW_YEAR_2017 + 250},
        {"20170101010000+0100", NEW_YEAR_2017},
        {"20161231190000-05", NEW_YEAR_2017},
        {"20160229000000Z", INT64_C(1456704000000)},
        {"20161231235960Z", NEW_YEAR_2017}, /* a leap second */
        {"20161231235960.5Z", NEW_YEAR_2017 + 500},
        {"20170101005960+0100", NEW_YEAR_2017},
        {"20150229000000Z", -1},
        {"20170431000000Z", -1},
        {"20170101000061Z", -1},
        {"20170101240000Z", -1},
        {"20171301000000Z", -1},
        {"20170100000000Z", -1},
        {"20170101000000", -1},
        {"20170101000000z", -1},
        {"20170101000000.Z", -1},
        {"20170101000000Z ", -1},
        {"20170101000000+", -1},
        {"20170101000000+2400", -1},
        {"2017010100000Z", -1},
        {"-0170101000000Z", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        int rc = clock_parse(slice_of(cases[i].text), &ms);

        if (rc != (cases[i].ms < 0 ? E_SYNTAX : 0) || ms != cases[i].ms)
            fail_msg("%s: %s, %lld", cases[i].text, err_name(rc), (long long)ms);
    }
}

static void written_again(void **state)
{
    static const int64_t cases[] = {0, NEW_YEAR_2017, NEW_YEAR_2017 - 1000,
                                    INT64_C(253402300799000)};
    char text[CLOCK_TEXT_MAX];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(clock_parse(slice_of(clock_format(cases[i], text)), &ms), 0);
        assert_int_equal(ms, cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_times),
        cmocka_unit_test(written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
