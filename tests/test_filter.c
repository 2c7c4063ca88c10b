/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Search filters: decoding and the string form, with RFC 4515's examples, and the bounds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/filter.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    struct slice ber;
    const char *text;
} good[] = {
    /* RFC 4515 4 */
    {BYTES("\243\021\004\002cn\004\013Babs Jensen"), "(cn=Babs Jensen)"},
    {BYTES("\242\021\243\017\004\002cn\004\011Tim Howes"), "(!(cn=Tim Howes))"},
    {BYTES("\2407\243\025\004\013objectClass\004\006Person\241\036\243\014\004\002sn\004\006Jensen"
           "\244\016\004\002cn0\010\200\006Babs J"),
     "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))"},
    {BYTES("\244\025\004\001o0\020\200\004univ\201\002of\201\004mich"), "(o=univ*of*mich*)"},
    {BYTES("\243\013\004\007seeAlso\004\000"), "(seeAlso=)"},
    {BYTES("\251%\201\016caseExactMatch\202\002cn\203\017Fred Flintstone"),
     "(cn:caseExactMatch:=Fred Flintstone)"},
    {BYTES("\251\022\202\002cn\203\014Betty Rubble"), "(cn:=Betty Rubble)"},
    {BYTES("\251\042\201\0122.4.6.8.10\202\002sn\203\015Barney Rubble\204\001\377"),
     "(sn:dn:2.4.6.8.10:=Barney Rubble)"},
    {BYTES("\251\024\202\001o\203\014Ace Industry\204\001\377"), "(o:dn:=Ace Industry)"},
    {BYTES("\251\031\201\0051.2.3\203\020Wilma Flintstone"), "(:1.2.3:=Wilma Flintstone)"},
    {BYTES("\251\025\201\0122.4.6.8.10\203\004Dino\204\001\377"), "(:dn:2.4.6.8.10:=Dino)"},
    {BYTES("\2433\004\001o\004.Parens R Us (for all your parenthetical needs)"),
     "(o=Parens R Us \\28for all your parenthetical needs\\29)"},
    {BYTES("\244\011\004\002cn0\003\201\001*"), "(cn=*\\2a*)"},
    {BYTES("\243\025\004\010filename\004\011C:\\MyFile"), "(filename=C:\\5cMyFile)"},
    {BYTES("\243\013\004\003bin\004\004\000\000\000\004"), "(bin=\\00\\00\\00\\04)"},
    {BYTES("\243\015\004\002sn\004\007Lu\304\215i\304\207"), "(sn=Lu\\c4\\8di\\c4\\87)"},
    {BYTES("\243\032\004\0221.3.6.1.4.1.1466.0\004\004\004\002Hi"),
     "(1.3.6.1.4.1.1466.0=\\04\\02Hi)"},
    /* our own */
    {BYTES("\240\000"), "(&)"},
    {BYTES("\241\000"), "(|)"},
    {BYTES("\207\013objectClass"), "(objectClass=*)"},
    {BYTES("\245\006\004\001n\004\0011"), "(n>=1)"},
    {BYTES("\246\006\004\001n\004\0011"), "(n<=1)"},
    {BYTES("\250\006\004\001n\004\0011"), "(n~=1)"},
    {BYTES("\244\021\004\001o0\014\200\001u\201\001v\201\001w\202\001m"), "(o=u*v*w*m)"},
    {BYTES("\244\013\004\001o0\006\200\001u\202\001m"), "(o=u*m)"},
    {BYTES("\244\010\004\001o0\003\202\001u"), "(o=*u)"},
    {BYTES("\244\010\004\001o0\003\201\001u"), "(o=*u*)"},
    {BYTES("\244\011\004\001o0\004\200\002*("), "(o=\\2a\\28*)"},
    {BYTES("\240\020\207\001a\241\006\207\001b\207\001c\242\003\207\001z"),
     "(&(a=*)(|(b=*)(c=*))(!(z=*)))"},
    {BYTES("\243\022\004\014cn;lang-fr_x\004\002\177\012"), "(cn;lang-fr_x=\\7f\\0a)"},
};

static const struct {
    struct slice ber;
    const char *what;
} bad[] = {
    {BYTES("\244\013\004\001o0\006\202\001a\200\001b"), "substrings out of order"},
    {BYTES("\244\013\004\001o0\006\200\001a\200\001b"), "two initial"},
    {BYTES("\244\013\004\001o0\006\201\001a\200\001b"), "initial behind any"},
    {BYTES("\244\013\004\001o0\006\202\001a\202\001b"), "two final"},
    {BYTES("\244\007\004\001o0\002\200\000"), "empty initial"},
    {BYTES("\244\012\004\001o0\005\200\001a\201\000"), "empty any"},
    {BYTES("\244\007\004\001o0\002\202\000"), "empty final"},
    {BYTES("\244\005\004\001o0\000"), "no part"},
    {BYTES("\244\010\004\001o0\003\203\001a"), "unknown part"},
    {BYTES("\242\000"), "negation of nothing"},
    {BYTES("\242\006\207\001a\207\001b"), "negation of two"},
    {BYTES("\243\004\004\002cn"), "no value"},
    {BYTES("\243\012\004\002cn\004\001a\004\001b"), "a third string"},
    {BYTES("\251\003\203\001x"), "rule and attribute missing"},
    {BYTES("\251\004\202\002cn"), "no match value"},
    {BYTES("\251\014\202\002cn\201\0031.2\203\001x"), "rule behind attribute"},
    {BYTES("\251\013\202\002cn\203\001x\204\002\000\001"), "wide boolean"},
    {BYTES("\207\001a\207\001b"), "two filters"},
    {BYTES("\240\002\207\005abcde"), "child leaves its parent"},
    {BYTES("\240\200\207\001a\000\000"), "indefinite"},
};

/* A copy that has its byte behind, and no more. */
static char *copied(struct slice bytes)
{
    char *copy = malloc(bytes.len + 1);

    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = 'Z';
    return copy;
}

static void decodes_and_formats(void **state)
{
    struct arena *arena = arena_new();
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char *copy = copied(good[i].ber);
        struct filter *filter = NULL;

        out.len = 0;
        assert_int_equal(filter_decode((struct slice){copy, good[i].ber.len}, arena, &filter), 0);
        assert_int_equal(filter_format(filter, &out), 0);
        if (!slice_is((struct slice){out.data, out.len}, good[i].text))
            fail_msg("%s: %.*s", good[i].text, (int)out.len, out.data);
        free(copy);
    }
    buffer_clear(&out);
    arena_free(arena);
}

static void refuses(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *copy = copied(bad[i].ber);
        struct filter *filter = NULL;

        if (filter_decode((struct slice){copy, bad[i].ber.len}, arena, &filter) != E_PROTO)
            fail_msg("%s", bad[i].what);
        assert_null(filter);
        free(copy);
    }
    arena_free(arena);
}

static void names_are_checked(void **state)
{
    static const struct slice wrong[] = {
        BYTES(""),         BYTES("a b"), BYTES("a=b"),  BYTES("a)(b"), BYTES("a\0"),
        BYTES("\xc3\xab"), BYTES("a*"),  BYTES("a:dn"), BYTES("a\\"),
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char ber[64] = {(char)0x87, (char)wrong[i].len};
        struct filter *filter;

        memcpy(ber + 2, wrong[i].data, wrong[i].len);
        assert_int_equal(filter_decode((struct slice){ber, 2 + wrong[i].len}, arena, &filter),
                         E_SYNTAX);
    }
    arena_free(arena);
}

static void unknown_kinds(void **state)
{
    static const struct {
        struct slice ber;
        int rc;
    } kinds[] = {
        {BYTES("\xaa\x00"), E_SYNTAX},
        {BYTES("\x8a\x00"), E_SYNTAX},
        {BYTES("\x9f\x20\x00"), E_SYNTAX},
        {BYTES("\x30\x00"), E_PROTO},
        {BYTES("\x60\x00"), E_PROTO},
        {BYTES("\xc7\x00"), E_PROTO},
        {BYTES("\xa7\x00"), E_PROTO},
        {BYTES("\x80\x00"), E_PROTO},
        {BYTES(""), E_PROTO},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct filter *filter;

        assert_int_equal(filter_decode(kinds[i].ber, arena, &filter), kinds[i].rc);
    }
    arena_free(arena);
}

/* The header of a constructed element around len bytes that end at end; returns its start. */
static char *wrap(char *end, size_t len, int tag)
{
    char *start = end - len - 4;

    start[0] = (char)tag;
    start[1] = (char)0x82;
    start[2] = (char)(len >> 8);
    start[3] = (char)len;
    return start;
}

static int decode_nested(int depth, int tag)
{
    static char room[65536];
    struct arena *arena = arena_new();
    char *end = room + sizeof(room) - 1, *start = end - 3;
    struct filter *filter;
    int rc;

    memcpy(start, "\x87\x01z", 3);
    for (int i = 1; i < depth; i++)
        start = wrap(end, (size_t)(end - start), tag);
    rc = filter_decode((struct slice){start, (size_t)(end - start)}, arena, &filter);
    arena_free(arena);
    return rc;
}

static int decode_wide(size_t children)
{
    static char room[65536];
    struct arena *arena = arena_new();
    char *end = room + sizeof(room) - 1, *start = end;
    struct filter *filter;
    int rc;

    for (size_t i = 0; i < children; i++) {
        start -= 3;
        memcpy(start, "\x87\x01z", 3);
    }
    start = wrap(end, (size_t)(end - start), 0xa1);
    rc = filter_decode((struct slice){start, (size_t)(end - start)}, arena, &filter);
    arena_free(arena);
    return rc;
}

static void bounds_hold(void **state)
{
    (void)state;
    for (int tag = 0xa0; tag <= 0xa2; tag++) {
        assert_int_equal(decode_nested(FILTER_DEPTH_MAX, tag), 0);
        assert_int_equal(decode_nested(FILTER_DEPTH_MAX + 1, tag), E_LIMIT);
        assert_int_equal(decode_nested(10000, tag), E_LIMIT);
    }
    assert_int_equal(decode_wide(FILTER_NODES_MAX - 1), 0);
    assert_int_equal(decode_wide(FILTER_NODES_MAX), E_LIMIT);
}

static void fields_are_kept(void **state)
{
    static const char parts[] = "\xa4\x11\x04\x01o\x30\x0c\x80\x01u\x81\x01v\x81\x01w\x82\x01m";
    static const char list[] = "\xa0\x06\x87\x01"
                               "a\x87\x01"
                               "b";
    struct arena *arena = arena_new();
    struct filter *filter = NULL;

    (void)state;
    assert_int_equal(filter_decode((struct slice)BYTES(parts), arena, &filter), 0);
    assert_int_equal(filter->kind, FILTER_SUBSTRINGS);
    assert_true(slice_is(filter->attribute, "o"));
    assert_true(slice_is(filter->initial, "u"));
    assert_int_equal(filter->any_count, 2);
    assert_true(slice_is(filter->any[0], "v"));
    assert_true(slice_is(filter->any[1], "w"));
    assert_true(slice_is(filter->final, "m"));
    assert_int_equal(filter_decode((struct slice)BYTES(list), arena, &filter), 0);
    assert_int_equal(filter->kind, FILTER_AND);
    assert_true(slice_is(filter->children->attribute, "a"));
    assert_true(slice_is(filter->children->next->attribute, "b"));
    assert_null(filter->children->next->next);
    arena_free(arena);
}

static void escapes(void **state)
{
    static const struct {
        struct slice in;
        const char *out;
    } values[] = {
        {BYTES(""), ""},
        {BYTES("plain text ~ : = / @"), "plain text ~ : = / @"},
        {BYTES("*()\\\0"), "\\2a\\28\\29\\5c\\00"},
        {BYTES("\n\x1f\x7f\x80\xff"), "\\0a\\1f\\7f\\80\\ff"},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        out.len = 0;
        assert_int_equal(filter_escape(values[i].in, &out), 0);
        assert_true(slice_is((struct slice){out.data, out.len}, values[i].out));
    }
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_and_formats),
        cmocka_unit_test(refuses),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(unknown_kinds),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(fields_are_kept),
        cmocka_unit_test(escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
