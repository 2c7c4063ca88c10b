/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Folding against Kleene's tables: filters over four leaves, two settled and two kept, in all
 * combinations of truths; and what the builders make.
 */
#include "base/err.h"
#include "ldap/exop.h"
#include "ldap/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES 4

struct truths {
    enum truth of[LEAVES]; /* of the leaves a, b, c, d */
    unsigned settled;      /* a bit for each that the fold knows of */
};

static size_t leaf_index(const struct filter *leaf)
{
    return (size_t)(leaf->attribute.data[0] - 'a');
}

/* RFC 4511 4.5.1.7, by the tables. */
static enum truth naive(const struct filter *filter, const struct truths *truths)
{
    bool and = filter->kind == FILTER_AND;
    bool undefined = false;

    if (filter->kind == FILTER_NOT) {
        enum truth one = naive(filter->children, truths);

        return one == TRUTH_UNDEFINED ? one : one == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
    }
    if (filter->kind > FILTER_OR)
        return truths->of[leaf_index(filter)];
    for (const struct filter *child = filter->children; child != NULL; child = child->next) {
        enum truth one = naive(child, truths);

        if (one == (and? TRUTH_FALSE : TRUTH_TRUE))
            return one;
        undefined = undefined || one == TRUTH_UNDEFINED;
    }
    return undefined ? TRUTH_UNDEFINED : and? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth on_leaf(void *context, const struct filter *leaf)
{
    const struct truths *truths = context;
    size_t index = leaf_index(leaf);

    return truths->settled >> index & 1 ? truths->of[index] : TRUTH_UNKNOWN;
}

static bool holds_constant(const struct filter *filter)
{
    if (filter_always(filter) || filter_never(filter))
        return true;
    for (const struct filter *child = filter->children; child != NULL; child = child->next)
        if (holds_constant(child))
            return true;
    return false;
}

static bool holds_settled(const struct filter *filter, unsigned settled)
{
    if (filter->kind > FILTER_NOT)
        return settled >> leaf_index(filter) & 1;
    for (const struct filter *child = filter->children; child != NULL; child = child->next)
        if (holds_settled(child, settled))
            return true;
    return false;
}

static struct filter *grow(struct arena *arena, unsigned *seed, int depth)
{
    static const char *const names[LEAVES] = {"a", "b", "c", "d"};
    unsigned choice = (unsigned)rand_r(seed) % (depth > 0 ? 5 : 2);
    unsigned parts = (unsigned)rand_r(seed) % 4;
    struct filter *filter;

    if (choice < 2)
        return filter_equal(arena, names[rand_r(seed) % LEAVES], slice_of("x"));
    filter = filter_any(arena);
    filter->kind = choice == 2 ? FILTER_AND : choice == 3 ? FILTER_OR : FILTER_NOT;
    if (filter->kind == FILTER_NOT)
        parts = 1;
    for (unsigned i = 0; i < parts; i++)
        filter_add(arena, filter, grow(arena, seed, depth - 1));
    return filter;
}

/* Whatever the kept leaves are, the folded filter is TRUE where the whole one is. */
static void check(const struct filter *filter, struct arena *arena, struct truths truths)
{
    struct filter *folded = filter_fold(filter, arena, on_leaf, &truths);

    assert_false(holds_settled(folded, truths.settled));
    if (!filter_always(folded) && !filter_never(folded))
        assert_false(holds_constant(folded));
    assert_int_equal(naive(filter, &truths) == TRUTH_TRUE, naive(folded, &truths) == TRUTH_TRUE);
}

static void test_every_truth(void **state)
{
    unsigned seed = 20261121;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct arena *arena = arena_new();
        const struct filter *filter = grow(arena, &seed, 4);

        for (unsigned number = 0; number < 81; number++)
            for (unsigned settled = 0; settled < 16; settled += 5)
                check(filter, arena,
                      (struct truths){{number % 3, number / 3 % 3, number / 9 % 3, number / 27},
                                      settled});
        arena_free(arena);
    }
}

static enum truth keep(void *context, const struct filter *leaf)
{
    (void)context, (void)leaf;
    return TRUTH_UNKNOWN;
}

/* A copy does not lean on the bytes it was made of. */
static void test_copy(void **state)
{
    static const char *const texts[] = {
        "\xa4\x16\x04\x02"
        "cn\x30\x10\x80\x01"
        "a\x81\x02"
        "b*\x81\x01"
        "c\x82\x04"
        "d(\xc3\xa6",
        "\xa9\x0e\x81\x02"
        "r1\x82\x02"
        "cn\x83\x01"
        "v\x84\x01\xff",
        "\x87\x02"
        "cn",
    };
    static const char *const forms[] = {"(cn=a*b\\2a*c*d\\28\\c3\\a6)", "(cn:dn:r1:=v)", "(cn=*)"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct arena *arena = arena_new();
        char bytes[64] = {0};
        struct filter *filter, *copy;
        size_t len = strlen(texts[i]);

        memcpy(bytes, texts[i], len);
        assert_int_equal(filter_decode((struct slice){bytes, len}, arena, &filter), 0);
        copy = filter_fold(filter, arena, keep, NULL);
        memset(bytes, 'z', sizeof(bytes));
        assert_string_equal(filter_text(copy, arena), forms[i]);
        arena_free(arena);
    }
}

static void test_builders(void **state)
{
    struct arena *arena = arena_new();
    struct filter *one = filter_equal(arena, "a", slice_of("1"));
    struct filter *other = filter_equal(arena, "b", slice_of("(2"));
    struct filter *any = filter_any(arena);

    (void)state;
    assert_true(filter_never(any));
    assert_ptr_equal(filter_both(arena, NULL, one), one);
    assert_ptr_equal(filter_both(arena, one, NULL), one);
    filter_add(arena, any, filter_both(arena, one, other));
    filter_add(arena, any, one);
    assert_string_equal(filter_text(any, arena), "(|(&(a=1)(b=\\282))(a=1))");
    assert_string_equal(filter_text(filter_any(arena), arena), "(|)");
    arena_free(arena);
}

static void test_paged(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int rc, size;
        const char *cookie;
    } cases[] = {
        {"\x30\x05\x02\x01\x0a\x04\x00", 7, 0, 10, ""},
        {"\x30\x07\x02\x01\x00\x04\x02xy", 9, 0, 0, "xy"},
        {"\x30\x08\x02\x04\x7f\xff\xff\xff\x04\x00", 10, 0, INT32_MAX, ""},
        {"", 0, E_PROTO, 0, ""},
        {"\x30\x03\x02\x01\x0a", 5, E_PROTO, 0, ""},                 /* no cookie */
        {"\x30\x05\x02\x01\xff\x04\x00", 7, E_PROTO, 0, ""},         /* negative */
        {"\x30\x05\x02\x01\x0a\x04\x00x", 8, E_PROTO, 0, ""},        /* something behind it */
        {"\x30\x05\x02\x01\x0a\x04\x09", 7, E_PROTO, 0, ""},         /* a cookie beyond the end */
        {"\x30\x07\x02\x01\x0a\x04\x00\x04\x00", 9, E_PROTO, 0, ""}, /* a third part */
        {"\x30\x80\x02\x01\x0a\x04\x00\x00\x00", 9, E_PROTO, 0, ""}, /* indefinite */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page page = {.size = -7};
        struct buffer out;
        char bytes[32];

        memcpy(bytes, cases[i].bytes, cases[i].len + 1);
        assert_int_equal(page_decode((struct slice){bytes, cases[i].len}, &page), cases[i].rc);
        if (cases[i].rc != 0) {
            assert_int_equal(page.size, -7);
            continue;
        }
        assert_int_equal(page.size, cases[i].size);
        assert_true(slice_is(page.cookie, cases[i].cookie));
        buffer_init(&out);
        assert_int_equal(page_encode(&page, &out), 0);
        assert_int_equal(out.len, cases[i].len);
        assert_memory_equal(out.data, cases[i].bytes, out.len);
        buffer_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truth),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_builders),
        cmocka_unit_test(test_paged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
