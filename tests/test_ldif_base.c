/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Moving LDIF from the sample base: what is moved, what stays, and that rows keep their numbers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "embed/ldif_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *moved(const char *text, size_t len, const char *base, int *ret)
{
    FILE *in = fmemopen((void *)text, len, "r");
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);

    assert_non_null(in);
    assert_non_null(out);
    *ret = ldif_base_move(in, "test.ldif", base, out);
    fclose(in);
    fclose(out);
    return result;
}

static void test_moves(void **state)
{
    static const struct {
        const char *in;
        const char *base;
        const char *out;
    } cases[] = {
        {"dn: dc=example,dc=org\n", "o=a", "dn: o=a\n"},
        {"dn: cn=x,DC=Example,dc=ORG\n", "o=a", "dn: cn=x,o=a\n"},
        {"member: uid=b,ou=people,dc=example,dc=org\n", "o=Venue Group",
         "member: uid=b,ou=people,o=Venue Group\n"},
        /* what only looks like it */
        {"dn: cn=x,dc=example,dc=org,o=y\n", "o=a", "dn: cn=x,dc=example,dc=org,o=y\n"},
        {"mail: a@xdc=example,dc=org\n", "o=a", "mail: a@xdc=example,dc=org\n"},
        {"# dn: dc=example,dc=org\n", "o=a", "# dn: dc=example,dc=org\n"},
        {"jpegPhoto:< file:///none/dc=example,dc=org\n", "o=a",
         "jpegPhoto:< file:///none/dc=example,dc=org\n"},
        /* written for the base of the store already */
        {"dn: cn=x,dc=sub,dc=example,dc=org\n", "dc=sub,dc=example,dc=org",
         "dn: cn=x,dc=sub,dc=example,dc=org\n"},
        {"dn: cn=x,o=a\n", "o=a", "dn: cn=x,o=a\n"},
        /* continued lines: the rows behind keep their numbers */
        {"dn: cn=x,dc=exa\n mple,dc=o\n rg\ncn: x\n", "o=a", "dn: cn=x,o=a\n#\n#\ncn: x\n"},
        {"a: b\n c\n\n d\n", "o=a", "a: bc\n#\n\n d\n"},
        {"a: b\r\n c\r\n", "o=a", "a: bc\n#\n"},
        /* base64 both ways: cn=Zoë,dc=example,dc=org, and a plain one */
        {"dn:: Y249Wm/DqyxkYz1leGFtcGxlLGRjPW9yZw==\n", "o=a", "dn:: Y249Wm/DqyxvPWE=\n"},
        {"dn:: Y249eCxkYz1leGFtcGxlLGRjPW9yZw==\n", "o=a", "dn: cn=x,o=a\n"},
        {"x:: !!!!\n", "o=a", "x:: !!!!\n"},
        {"", "o=a", ""},
        {"no end: x,dc=example,dc=org", "o=a", "no end: x,o=a\n"},
        {":\n", "o=a", ":\n"},
        {"nonsense\n", "o=a", "nonsense\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int err = 1;
        char *out = moved(cases[i].in, strlen(cases[i].in), cases[i].base, &err);

        assert_int_equal(err, 0);
        assert_string_equal(out, cases[i].out);
        free(out);
    }
}

static void test_bytes_are_kept(void **state)
{
    static const char in[] = "a: b\0dc=example,dc=org\nb: \x01\xff\n";
    int err = 1;
    char *out = moved(in, sizeof(in) - 1, "o=a", &err);

    (void)state;
    assert_int_equal(err, 0);
    assert_memory_equal(out, in, sizeof(in) - 1);
    free(out);
}

static void test_a_line_too_long(void **state)
{
    size_t len = (size_t)LDIF_BASE_LINE_MAX + 2;
    char *in = malloc(len);
    int err = 0;
    char *out;

    (void)state;
    assert_non_null(in);
    memset(in, 'a', len);
    out = moved(in, len, "o=a", &err);
    assert_int_equal(err, E_LIMIT);
    free(out);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_bytes_are_kept),
        cmocka_unit_test(test_a_line_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
