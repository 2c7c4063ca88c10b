/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DNs: the normalized form with RFC 4514's examples, its helpers, and what is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/dn.h"

#include <stdio.h>
#include <string.h>

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    struct slice in;
    struct slice out;
} valid[] = {
    {BYTES(""), BYTES("")},
    {BYTES("   "), BYTES("")},
    {BYTES("dc=example"), BYTES("dc=example")},
    {BYTES("CN=Alice,OU=Members,O=Acme,DC=Example,DC=Org"),
     BYTES("cn=alice,ou=members,o=acme,dc=example,dc=org")},
    {BYTES("  cn = Alice  ,  ou =  Members "), BYTES("cn=alice,ou=members")},
    {BYTES("cn=Night   Shift"), BYTES("cn=night shift")},
    {BYTES("cn=\\ Night\\20\\20Shift\\ "), BYTES("cn=night shift")},
    {BYTES("cn=\\ "), BYTES("cn=")},
    {BYTES("cn="), BYTES("cn=")},
    {BYTES("cn=,o=a"), BYTES("cn=,o=a")},
    {BYTES("cn=\\41\\5a"), BYTES("cn=az")},
    {BYTES("cn=ticket:delete"), BYTES("cn=ticket:delete")},
    {BYTES("uid=a.b_c-d@e/f"), BYTES("uid=a.b_c-d@e/f")},
    {BYTES("cn=a=b"), BYTES("cn=a\\3db")},
    {BYTES("cn=a\\=b"), BYTES("cn=a\\3db")},
    {BYTES("cn=a#b"), BYTES("cn=a\\23b")},
    {BYTES("cn=\\#ab"), BYTES("cn=\\23ab")},
    {BYTES("cn=a(b)*&!"), BYTES("cn=a\\28b\\29\\2a\\26\\21")},
    {BYTES("cn=a\tb\x7f"), BYTES("cn=a\\09b\\7f")},
    {BYTES("cn=a\\00b"), BYTES("cn=a\\00b")},
    {BYTES("cn=Zo\xc3\xab"), BYTES("cn=zo\xc3\xab")},
    {BYTES("cn=zo\\C3\\aB"), BYTES("cn=zo\xc3\xab")},
    /* multi-valued, sorted */
    {BYTES("ou=Sales+cn=J.  Smith,dc=a"), BYTES("cn=j. smith+ou=sales,dc=a")},
    {BYTES("c=1 + b=2 + a=3"), BYTES("a=3+b=2+c=1")},
    {BYTES("cn=a\\+b"), BYTES("cn=a\\2bb")},
    /* other names of types */
    {BYTES("2.5.4.3=a,2.5.4.10=b,2.5.4.11=c,0.9.2342.19200300.100.1.25=d"),
     BYTES("cn=a,o=b,ou=c,dc=d")},
    {BYTES("0.9.2342.19200300.100.1.1=a,2.5.4.6=b,2.5.4.7=c,2.5.4.8=d,2.5.4.9=e,"
           "0.9.2342.19200300.100.1.3=f"),
     BYTES("uid=a,c=b,l=c,st=d,street=e,mail=f")},
    {BYTES("commonName=a,organizationalUnitName=b,userid=c,domainComponent=d"),
     BYTES("cn=a,ou=b,uid=c,dc=d")},
    {BYTES("1.2.3.4=a"), BYTES("1.2.3.4=a")},
    /* RFC 4514 4 */
    {BYTES("UID=jsmith,DC=example,DC=net"), BYTES("uid=jsmith,dc=example,dc=net")},
    {BYTES("OU=Sales+CN=J.  Smith,DC=example,DC=net"),
     BYTES("cn=j. smith+ou=sales,dc=example,dc=net")},
    {BYTES("CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net"),
     BYTES("cn=james \\22jim\\22 smith\\2c iii,dc=example,dc=net")},
    {BYTES("CN=Before\\0dAfter,DC=example,DC=net"), BYTES("cn=before\\0dafter,dc=example,dc=net")},
    {BYTES("1.3.6.1.4.1.1466.0=#04024869"), BYTES("1.3.6.1.4.1.1466.0=hi")},
    {BYTES("CN=Lu\\C4\\8Di\\C4\\87"), BYTES("cn=lu\xc4\x8di\xc4\x87")},
    {BYTES("cn=#0C0548656C6C6F ,o=x"), BYTES("cn=hello,o=x")},
    {BYTES("ou=#13066c6564676572"), BYTES("ou=ledger")},
};

static void normalizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        char buf[DN_MAX], again[DN_MAX];
        struct slice out = {0}, twice = {0};

        assert_int_equal(dn_normalize(valid[i].in, buf, &out), 0);
        if (!slice_equal(out, valid[i].out))
            fail_msg("%.*s: %.*s", SLICE_ARG(valid[i].in), SLICE_ARG(out));
        assert_int_equal(dn_normalize(out, again, &twice), 0);
        assert_true(slice_equal(out, twice));
    }
}

static const struct slice invalid[] = {
    BYTES("alice"),
    BYTES("=a"),
    BYTES("cn=a,"),
    BYTES(",cn=a"),
    BYTES("cn=a,,o=b"),
    BYTES("cn=a+"),
    BYTES("cn=a+,o=b"),
    BYTES("+cn=a"),
    BYTES("cn"),
    BYTES("cn,o=a"),
    BYTES("c n=a"),
    BYTES("cn\0=a"),
    BYTES("1a=b"),
    BYTES("1=b"),
    BYTES("1..2=b"),
    BYTES("1.2.=b"),
    BYTES(".1.2=b"),
    BYTES("a.b=c"),
    BYTES("-a=b"),
    BYTES("cn;lang-en=a"),
    BYTES("cn_x=a"),
    BYTES("cn=\"a\""),
    BYTES("cn=a;o=b"),
    BYTES("cn=a<b"),
    BYTES("cn=a>b"),
    BYTES("cn=a\0b"),
    BYTES("cn=a\\"),
    BYTES("cn=a\\x"),
    BYTES("cn=a\\4"),
    BYTES("cn=a\\4g"),
    BYTES("cn=a\\\0"),
    BYTES("cn=a+cn=a"),
    BYTES("cn=a+o=x+CN=b"),
    BYTES("cn=a+2.5.4.3=b"),
    BYTES("cn=#"),
    BYTES("cn=#0"),
    BYTES("cn=#04"),
    BYTES("cn=#0402486"),
    BYTES("cn=#040248"),
    BYTES("cn=#0402486900"),
    BYTES("cn=#040248zz"),
    BYTES("cn=#3003040141"),
    BYTES("cn=#020101"),
    BYTES("cn=#04024869x"),
    BYTES("cn=#04804869"),
    BYTES("\xc3\xab=a"),
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        char buf[DN_MAX];
        struct slice out = BYTES("untouched");

        if (dn_normalize(invalid[i], buf, &out) != E_SYNTAX)
            fail_msg("%.*s: accepted as %.*s", SLICE_ARG(invalid[i]), SLICE_ARG(out));
        assert_true(slice_is(out, "untouched"));
    }
}

/* A value of count times text behind "cn=", in a text longer than any DN. */
static int normalize_repeated(const char *text, size_t count, size_t *ret_len)
{
    char in[8 * DN_MAX] = "cn=";
    char *guarded = test_malloc(DN_MAX); /* cmocka notices a write behind it */
    size_t step = strlen(text);
    struct slice out = {0};
    int rc;

    for (size_t i = 0; i < count; i++)
        memcpy(in + 3 + i * step, text, step);
    rc = dn_normalize((struct slice){in, 3 + count * step}, guarded, &out);
    *ret_len = out.len;
    test_free(guarded);
    return rc;
}

static void bounds_hold(void **state)
{
    static const struct {
        const char *text;
        size_t fits; /* times */
        size_t len;
    } rows[] = {
        {"a", DN_MAX - 3, DN_MAX},
        {"A", DN_MAX - 3, DN_MAX},
        {"\\2c", (DN_MAX - 3) / 3, 3 + (DN_MAX - 3) / 3 * 3},
        {"\xff", DN_MAX - 3, DN_MAX},
        {"a ", (DN_MAX - 2) / 2, DN_MAX - 2 + 1},
        {"=", (DN_MAX - 3) / 3, 3 + (DN_MAX - 3) / 3 * 3},
    };
    char rdns[4 * DN_MAX];
    struct slice out;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(normalize_repeated(rows[i].text, rows[i].fits, &len), 0);
        assert_in_range(len, DN_MAX - 3, DN_MAX);
        assert_int_equal(normalize_repeated(rows[i].text, rows[i].fits + 2, &len), E_LIMIT);
    }
    for (size_t i = 0; i < sizeof(rdns) / 4; i++)
        memcpy(rdns + 4 * i, "a=b,", 4);
    assert_int_equal(dn_normalize((struct slice){rdns, DN_MAX - 1}, (char[DN_MAX]){0}, &out), 0);
    assert_int_equal(out.len, DN_MAX - 1);
    assert_int_equal(dn_normalize((struct slice){rdns, sizeof(rdns) - 1}, (char[DN_MAX]){0}, &out),
                     E_LIMIT);
    assert_int_equal(
        dn_normalize(slice_of("a=1+b=1+c=1+d=1+e=1+f=1+g=1+h=1+i=1+j=1+k=1+l=1+m=1+n=1+o=1+p=1"),
                     (char[DN_MAX]){0}, &out),
        0);
    assert_int_equal(dn_normalize(slice_of("a=1+b=1+c=1+d=1+e=1+f=1+g=1+h=1+i=1+j=1+k=1+l=1+m=1+n="
                                           "1+o=1+p=1+q=1"),
                                  (char[DN_MAX]){0}, &out),
                     E_LIMIT);
}

static void parents_and_rdns(void **state)
{
    static const struct {
        const char *dn, *rdn, *parent;
    } rows[] = {
        {"", "", ""},
        {"dc=org", "dc=org", ""},
        {"cn=a\\2cb,o=c", "cn=a\\2cb", "o=c"},
        {"cn=a,ou=b,o=c", "cn=a", "ou=b,o=c"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(slice_is(dn_rdn(slice_of(rows[i].dn)), rows[i].rdn));
        assert_true(slice_is(dn_parent(slice_of(rows[i].dn)), rows[i].parent));
    }
    assert_int_equal(dn_parent((struct slice){0}).len, 0);
}

static void within(void **state)
{
    static const struct {
        const char *dn, *base;
        bool yes;
    } rows[] = {
        {"cn=a,o=b", "", true},
        {"", "", true},
        {"cn=a,o=b", "cn=a,o=b", true},
        {"cn=a,o=b", "o=b", true},
        {"cn=a,foo=b", "o=b", false},
        {"o=b", "cn=a,o=b", false},
        {"cn=a,o=bb", "o=b", false},
        {"cn=a\\2co=b", "o=b", false},
        {"", "o=b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(dn_within(slice_of(rows[i].dn), slice_of(rows[i].base)), rows[i].yes);
}

static void splits_rdns(void **state)
{
    static const char *const wrong[] = {"", "cn=a+o=b", "cn=a,o=b", "cn", "=a"};
    struct slice type, value;

    (void)state;
    assert_int_equal(dn_rdn_split(slice_of("cn=a\\3db"), &type, &value), 0);
    assert_true(slice_is(type, "cn"));
    assert_true(slice_is(value, "a\\3db"));
    assert_int_equal(dn_rdn_split(slice_of("cn="), &type, &value), 0);
    assert_int_equal(value.len, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(dn_rdn_split(slice_of(wrong[i]), &type, &value), E_SYNTAX);
}

static void escapes(void **state)
{
    static const struct {
        struct slice in;
        const char *out;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("alice"), "alice"},
        {BYTES("James \"Jim\" Smith, III"), "James \\\"Jim\\\" Smith\\, III"},
        {BYTES("Before\rAfter"), "Before\\0dAfter"},
        {BYTES(" a "), "\\ a\\ "},
        {BYTES(" "), "\\ "},
        {BYTES("#a#"), "\\#a#"},
        {BYTES("a\0b"), "a\\00b"},
        {BYTES("a+b;<c>\\"), "a\\+b\\;\\<c\\>\\\\"},
        {BYTES("zo\xc3\xab"), "zo\xc3\xab"},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out.len = 0;
        assert_int_equal(dn_escape(rows[i].in, &out), 0);
        assert_true(slice_is((struct slice){out.data, out.len}, rows[i].out));
    }
    buffer_clear(&out);
}

/* Every byte, escaped by us, comes back as the normalized form of itself. */
static void every_byte_survives(void **state)
{
    struct buffer out = {0};

    (void)state;
    for (int c = 0; c < 256; c++) {
        char value[] = {'x', (char)c, 'y'}, buf[DN_MAX], pair[16];
        struct slice plain = {0}, hex = {0};

        out.len = 0;
        assert_int_equal(buffer_append(&out, "cn=", 3), 0);
        assert_int_equal(dn_escape((struct slice){value, 3}, &out), 0);
        assert_int_equal(dn_normalize((struct slice){out.data, out.len}, buf, &plain), 0);
        (void)snprintf(pair, sizeof(pair), "cn=x\\%02Xy", c);
        assert_int_equal(dn_normalize(slice_of(pair), (char[DN_MAX]){0}, &hex), 0);
        assert_true(slice_equal(plain, hex));
    }
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalizes),  cmocka_unit_test(refuses),
        cmocka_unit_test(bounds_hold), cmocka_unit_test(parents_and_rdns),
        cmocka_unit_test(within),      cmocka_unit_test(splits_rdns),
        cmocka_unit_test(escapes),     cmocka_unit_test(every_byte_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
