/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages as they are written: results of known bytes, entries of every size of length there
 * and back, and the requests that we make ourselves. How they are read stands in test_message.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/message.h"
#include "message_bytes.h"

#include <string.h>

static void results_have_known_bytes(void **state)
{
    static const struct control freshness = {
        .oid = BYTES("1.2.3"), .value = BYTES("x"), .has_value = true};
    static const struct {
        int32_t id;
        enum op op;
        struct result result;
        struct slice bytes;
    } rows[] = {
        {5,
         OP_COMPARE_RESPONSE,
         {.code = RESULT_COMPARE_TRUE},
         BYTES("\x30\x0c\x02\x01\x05\x6f\x07\x0a\x01\x06\x04\x00\x04\x00")},
        {INT32_MAX,
         OP_BIND_RESPONSE,
         {.code = RESULT_INVALID_CREDENTIALS, .text = BYTES("no")},
         BYTES("\x30\x11\x02\x04\x7f\xff\xff\xff\x61\x09\x0a\x01\x31\x04\x00\x04\x02no")},
        {1,
         OP_BIND_RESPONSE,
         {.value = BYTES("c"), .has_value = true, .has_oid = true},
         BYTES("\x30\x0f\x02\x01\x01\x61\x0a\x0a\x01\x00\x04\x00\x04\x00\x87\x01"
               "c")},
        {1,
         OP_SEARCH_DONE,
         {.code = RESULT_NO_SUCH_OBJECT, .matched = BYTES("o=a")},
         BYTES("\x30\x0f\x02\x01\x01\x65\x0a\x0a\x01\x20\x04\x03o=a\x04\x00")},
        {0,
         OP_EXTENDED_RESPONSE,
         {.code = RESULT_UNAVAILABLE, .oid = BYTES("1.3"), .has_oid = true},
         BYTES("\x30\x11\x02\x01\x00\x78\x0c\x0a\x01\x34\x04\x00\x04\x00\x8a\x03"
               "1.3")},
        {1,
         OP_EXTENDED_RESPONSE,
         {.value = BYTES(""), .has_value = true},
         BYTES("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x00\x04\x00\x04\x00\x8b\x00")},
        {1,
         OP_COMPARE_RESPONSE,
         {.code = RESULT_CANNOT_CANCEL, .controls = &freshness, .control_count = 1},
         BYTES("\x30\x1a\x02\x01\x01\x6f\x07\x0a\x01\x79\x04\x00\x04\x00\xa0\x0c\x30\x0a\x04\x05"
               "1.2.3\x04\x01x")},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out.len = 0;
        assert_int_equal(buffer_append(&out, "before", 6), 0);
        assert_int_equal(message_encode_result(&out, rows[i].id, rows[i].op, &rows[i].result), 0);
        if (out.len != 6 + rows[i].bytes.len)
            fail_msg("row %zu: %zu bytes", i, out.len - 6);
        assert_memory_equal(out.data, "before", 6);
        assert_memory_equal(out.data + 6, rows[i].bytes.data, rows[i].bytes.len);
    }
    buffer_clear(&out);
}

/* Entries of many sizes, so that each form of a length occurs: there and back. */
static void entries_come_back(void **state)
{
    static char text[70000];
    static const size_t sizes[] = {0, 1, 100, 118, 127, 128, 250, 256, 65535, 65536, 69999};
    struct buffer out = {0};

    (void)state;
    memset(text, 'v', sizeof(text));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct slice values[] = {{text, sizes[i]}, {"", 0}, {"\0", 1}};
        struct attribute attributes[] = {{BYTES("cn"), values, 3}, {BYTES("mail"), NULL, 0}};
        struct arena *arena = arena_new();
        struct response back;

        buffer_clear(&out); /* the room is taken anew, no larger than asked for */
        assert_int_equal(message_encode_entry(&out, 9, slice_of("cn=a"), attributes, 2, false), 0);
        assert_true(out.len < out.size);
        assert_int_equal(response_decode(out.data, out.len, arena, &back), 0);
        assert_int_equal(back.id, 9);
        assert_int_equal(back.op, OP_SEARCH_ENTRY);
        assert_true(slice_is(back.dn, "cn=a"));
        assert_int_equal(back.attribute_count, 2);
        assert_int_equal(back.attributes[0].value_count, 3);
        for (size_t j = 0; j < 3; j++)
            assert_true(slice_equal(back.attributes[0].values[j], values[j]));
        assert_int_equal(response_decode(out.data, out.len, NULL, &back), E_PROTO);
        out.len = 0;
        assert_int_equal(message_encode_entry(&out, 9, slice_of("cn=a"), attributes, 2, true), 0);
        assert_int_equal(response_decode(out.data, out.len, arena, &back), 0);
        assert_int_equal(back.attributes[0].value_count, 0);
        assert_true(slice_is(back.attributes[0].name, "cn"));
        arena_free(arena);
    }
    buffer_clear(&out);
}

static void responses_answer_requests(void **state)
{
    static const struct {
        int request;
        int response;
    } rows[] = {
        {OP_BIND, OP_BIND_RESPONSE},
        {OP_SEARCH, OP_SEARCH_DONE},
        {OP_MODIFY, OP_MODIFY_RESPONSE},
        {OP_ADD, OP_ADD_RESPONSE},
        {OP_DELETE, OP_DELETE_RESPONSE},
        {OP_MODIFY_DN, OP_MODIFY_DN_RESPONSE},
        {OP_COMPARE, OP_COMPARE_RESPONSE},
        {OP_EXTENDED, OP_EXTENDED_RESPONSE},
        {OP_UNBIND, 0},
        {OP_ABANDON, 0},
        {OP_COMPARE_RESPONSE, 0},
        {0, 0},
        {0xff, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(message_response_op((enum op)rows[i].request), rows[i].response);
}

static void searches_there_and_back(void **state)
{
    struct filter present = {.kind = FILTER_PRESENT, .attribute = BYTES("cn")};
    struct filter equal = {.kind = FILTER_EQUAL,
                           .attribute = BYTES("usherPermission"),
                           .value = BYTES("ticket:delete")};
    struct filter *const filters[] = {NULL, &present, &equal};
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        for (int scope = 0; scope <= 2; scope++) {
            struct message m = {
                .id = 7,
                .op = OP_SEARCH,
                .search = {.base = BYTES("o=acme"), .scope = scope, .filter = filters[i]}};
            struct buffer out = {0};
            struct message got;

            assert_int_equal(message_encode_request(&out, &m), 0);
            assert_int_equal(buffer_reserve(&out, 1), 0);
            assert_int_equal(message_decode(out.data, out.len, arena, &got), 0);
            assert_int_equal(got.search.scope, scope);
            assert_true(slice_is(got.search.base, "o=acme"));
            assert_int_equal(got.search.filter->kind, i == 2 ? FILTER_EQUAL : FILTER_PRESENT);
            if (filters[i] != NULL) {
                assert_true(slice_equal(got.search.filter->attribute, filters[i]->attribute));
                assert_true(slice_equal(got.search.filter->value, filters[i]->value));
            }
            buffer_clear(&out);
        }
    arena_free(arena);
}

static void only_our_requests_are_encoded(void **state)
{
    static const enum op others[] = {OP_MODIFY, OP_ADD, OP_DELETE, OP_MODIFY_DN, OP_BIND_RESPONSE};
    struct filter filter = {.kind = FILTER_AND};
    struct message m = {.id = 1};
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        m.op = others[i];
        assert_int_equal(message_encode_request(&out, &m), E_UNWILLING);
    }
    m.op = OP_SEARCH;
    m.search = (struct search_request){.filter = &filter};
    assert_int_equal(message_encode_request(&out, &m), E_UNWILLING);
    assert_int_equal(out.len, 0);
    m.search.filter = NULL;
    assert_int_equal(message_encode_request(&out, &m), 0);
    m = (struct message){
        .id = 5,
        .op = OP_COMPARE,
        .compare = {.dn = BYTES("cn=a"), .attribute = BYTES("p"), .value = BYTES("v")}};
    out.len = 0;
    assert_int_equal(message_encode_request(&out, &m), 0);
    assert_int_equal(out.len, sizeof(COMPARE) - 1);
    assert_memory_equal(out.data, COMPARE, out.len);
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_have_known_bytes),      cmocka_unit_test(entries_come_back),
        cmocka_unit_test(responses_answer_requests),     cmocka_unit_test(searches_there_and_back),
        cmocka_unit_test(only_our_requests_are_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
