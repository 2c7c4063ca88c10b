/* SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8: what is a character, what is plain text, and what is left of the rest in a copy and in a
 * line of the log. At every length of the buffer what is cut is whole characters, terminated, and
 * says that it was cut.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/utf8.h"

#include <string.h>

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static const struct {
    const char *bytes;
    size_t length, plain;
} characters[] = {
    {"a", 1, 1},
    {" ", 1, 1},
    {"~", 1, 1},
    {"\xc3\xb8x", 2, 2},        /* o with a stroke */
    {"\xc2\xa0", 2, 2},         /* the first that is no control */
    {"\xe2\x82\xac", 3, 3},     /* euro */
    {"\xf0\x9f\x8e\xab", 4, 4}, /* a ticket */
    {"\xf4\x8f\xbf\xbf", 4, 4}, /* the last of all */
    {"\x1b[2J", 1, 0},          /* escape */
    {"\n", 1, 0},
    {"\t", 1, 0},
    {"\x7f", 1, 0},
    {"\xc2\x80", 2, 0}, /* C1 controls, first and last, and CSI */
    {"\xc2\x9f", 2, 0},
    {"\xc2\x9b", 2, 0},
    {"\xc2\x85", 2, 0},     /* next line */
    {"\xe2\x80\xa8", 3, 0}, /* line and paragraph separator */
    {"\xe2\x80\xa9", 3, 0},
    {"\x9b", 0, 0}, /* CSI in Latin-1 */
    {"\xc2", 0, 0}, /* cut */
    {"\xc2x", 0, 0},
    {"\xe2\x80", 0, 0},
    {"\xf0\x9f\x8e", 0, 0},
    {"\xc0\x8a", 0, 0}, /* longer than needed */
    {"\xc1\xbf", 0, 0},
    {"\xe0\x9f\xbf", 0, 0},
    {"\xf0\x8f\xbf\xbf", 0, 0},
    {"\xed\xa0\x80", 0, 0},     /* surrogate */
    {"\xf4\x90\x80\x80", 0, 0}, /* beyond the last */
    {"\xf5\x80\x80\x80", 0, 0},
    {"\xff", 0, 0},
};

static void lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        struct slice bytes = slice_of(characters[i].bytes);

        if (utf8_len(bytes) != characters[i].length || utf8_plain(bytes) != characters[i].plain)
            fail_msg("case %zu: %zu, %zu", i, utf8_len(bytes), utf8_plain(bytes));
    }
    assert_int_equal(utf8_len(slice_of("")), 0);
    assert_int_equal(utf8_plain(slice_of("")), 0);
    assert_int_equal(utf8_len((struct slice){"", 1}), 1); /* a byte 0 */
    assert_int_equal(utf8_plain((struct slice){"", 1}), 0);
}

/* One, two, three and four bytes. */
#define MIXED "a\xc3\xb8\xe2\x82\xac\xf0\x9f\x94\x91"

static void assert_whole(const char *text)
{
    for (struct slice rest = slice_of(text); rest.len > 0;) {
        size_t len = utf8_len(rest);

        assert_true(len > 0);
        rest = (struct slice){rest.data + len, rest.len - len};
    }
}

static void cut_at_every_length(void **state)
{
    static const char text[] = MIXED MIXED MIXED;
    char buf[sizeof(text) + 1];

    (void)state;
    for (size_t size = 1; size <= sizeof(text); size++) {
        for (int copied = 0; copied < 2; copied++) {
            size_t len;

            memset(buf, 'Z', sizeof(buf));
            if (copied)
                utf8_copy(slice_of(text), buf, size);
            else
                utf8_format(buf, size, "%s", text);
            len = strlen(buf);
            assert_true(len < size);
            assert_true(buf[size] == 'Z');
            assert_whole(buf);
            if (size == sizeof(text)) {
                assert_string_equal(buf, text);
                continue;
            }
            if (size >= 8) {
                assert_string_equal(buf + len - 3, "...");
                len -= 3;
                assert_true(len + 3 + 4 >= size - 1); /* no more is cut than one character */
            }
            assert_memory_equal(buf, text, len);
        }
    }
}

static void from_elsewhere(void **state)
{
    static const struct {
        const char *text, *copy;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a\nb\x1b[2Jc\x7f", "a b [2Jc "},
        {"a\xc2\x9b"
         "b",
         "a b"}, /* CSI as a character of two bytes */
        {"\xff\xc3", "??"},
        {"a\xe2\x80\xa8", "a "},
        {"\xf0\x9f\x94", "???"},
        {"12345678901", "12345678901"},
        {"123456789012", "12345678..."},
        {"1234567890\xc3\xb8", "12345678..."},
    };
    char buf[12];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        utf8_copy(slice_of(cases[i].text), buf, sizeof(buf));
        assert_string_equal(buf, cases[i].copy);
    }
}

static void quotes(void **state)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "\"\""},
        {"J\xc3\xb8rgen", "\"J\xc3\xb8rgen\""},
        {"a\"b\\c", "\"a\\22b\\5cc\""},
        {"a\nb\x1b", "\"a\\0ab\\1b\""},
        {"a\xc2\x9b\x32J", "\"a\\c2\\9b2J\""},
        {"a\xe2\x80\xa8", "\"a\\e2\\80\\a8\""},
        {"a\x9b\xff", "\"a\\9b\\ff\""},
    };
    char quoted[LOG_QUOTE_MAX], text[1 + 2 * LOG_QUOTE_MAX + 1] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(log_quote(slice_of(cases[i].text), quoted), cases[i].quoted);
    for (size_t start = 0; start < 2; start++) { /* cut before, and in the middle of, a character */
        memset(text, 'x', start);
        for (size_t i = 0; i < LOG_QUOTE_MAX; i++)
            memcpy(text + start + 2 * i, "\xc3\xb8", 2);
        log_quote(slice_of(text), quoted);
        assert_string_equal(quoted + strlen(quoted) - 4, "...\"");
        for (struct slice rest = slice_of(quoted); rest.len > 0;) {
            size_t len = utf8_plain(rest);

            assert_true(len > 0);
            rest.data += len;
            rest.len -= len;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(cut_at_every_length),
        cmocka_unit_test(from_elsewhere),
        cmocka_unit_test(quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
