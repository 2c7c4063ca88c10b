/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages: lengths, known bytes to fields and back, what errors leave behind, the bounds, and
 * that the frequent operations allocate nothing. Hostile messages stand in tests/corpus/message.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/message.h"
#include "ldap/oid.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A Compare of "cn=a", "p", "v" with id 5. */
#define COMPARE                                                                                    \
    "\x30\x13\x02\x01\x05\x6e\x0e\x04\x04"                                                         \
    "cn=a\x30\x06\x04\x01p\x04\x01v"

/* Decodes a copy of exactly the right size, so that a byte read too many is noticed, then one in
 * the arena, which the message points into. */
static int decode(struct slice bytes, struct arena *arena, struct message *ret)
{
    char *exact = malloc(bytes.len + 1);
    struct slice kept = arena_copy(arena, bytes);
    int rc;

    assert_non_null(exact);
    memcpy(exact, bytes.data, bytes.len);
    exact[bytes.len] = 'Z';
    rc = message_decode(exact, bytes.len, arena, ret);
    free(exact);
    assert_int_equal(message_decode((char *)kept.data, kept.len, arena, ret), rc);
    return rc;
}

static void lengths(void **state)
{
    static const struct {
        struct slice bytes;
        int rc;
        size_t len;
    } rows[] = {
        {BYTES(""), E_AGAIN, 0},
        {BYTES("\x30"), E_AGAIN, 0},
        {BYTES("\x31"), E_PROTO, 0},
        {BYTES("G"), E_PROTO, 0},
        {BYTES("\x30\x00"), 0, 2},
        {BYTES("\x30\x05"), 0, 7},
        {BYTES("\x30\x7f"), 0, 129},
        {BYTES("\x30\x80"), E_PROTO, 0},
        {BYTES("\x30\x81"), E_AGAIN, 0},
        {BYTES("\x30\x81\x80"), 0, 131},
        {BYTES("\x30\x81\x05"), 0, 8},
        {BYTES("\x30\x82\x01"), E_AGAIN, 0},
        {BYTES("\x30\x82\x01\x00"), 0, 260},
        {BYTES("\x30\x84\x00\x00\x00\x05"), 0, 11},
        {BYTES("\x30\x84\x00\x00\x00"), E_AGAIN, 0},
        {BYTES("\x30\x84\xff\xff\xff\xff"), E_LIMIT, 0},
        {BYTES("\x30\x83\x00\x03\xe3"), 0, 1000},
        {BYTES("\x30\x83\x00\x03\xe4"), E_LIMIT, 0},
        {BYTES("\x30\x85\x00\x00\x00\x00\x05"), E_PROTO, 0},
        {BYTES("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"), E_PROTO, 0},
        {BYTES("\x30\xff"), E_PROTO, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = 0;

        if (message_length(rows[i].bytes.data, rows[i].bytes.len, 1000, &len) != rows[i].rc)
            fail_msg("row %zu", i);
        assert_int_equal(len, rows[i].len);
    }
}

static void fields_of_requests(void **state)
{
    struct arena *arena = arena_new();
    struct message m;

    (void)state;
    assert_int_equal(decode((struct slice)BYTES(COMPARE), arena, &m), 0);
    assert_int_equal(m.id, 5);
    assert_int_equal(m.op, OP_COMPARE);
    assert_true(slice_is(m.compare.dn, "cn=a"));
    assert_true(slice_is(m.compare.attribute, "p"));
    assert_true(slice_is(m.compare.value, "v"));
    assert_int_equal(m.control_count, 0);

    assert_int_equal(decode((struct slice)BYTES("\x30\x0f\x02\x01\x01\x60\x0a\x02\x01\x03\x04\x01"
                                                "d\x80\x02p\x00"),
                            arena, &m),
                     0);
    assert_int_equal(m.bind.version, 3);
    assert_false(m.bind.sasl);
    assert_true(slice_is(m.bind.dn, "d"));
    assert_true(slice_equal(m.bind.password, (struct slice){"p\0", 2}));

    assert_int_equal(decode((struct slice)BYTES("\x30\x26\x02\x01\x01\x66\x21\x04\x01"
                                                "d\x30\x1c\x30\x0d\x0a\x01\x01\x30\x08\x04\x01"
                                                "a\x31\x03\x04\x01x\x30\x0b\x0a\x01\x02\x30\x06"
                                                "\x04\x02"
                                                "bb\x31\x00"),
                            arena, &m),
                     0);
    assert_true(slice_is(m.modify.dn, "d"));
    assert_int_equal(m.modify.change_count, 2);
    assert_int_equal(m.modify.changes[0].kind, 1);
    assert_true(slice_is(m.modify.changes[0].attribute.name, "a"));
    assert_int_equal(m.modify.changes[0].attribute.value_count, 1);
    assert_true(slice_is(m.modify.changes[0].attribute.values[0], "x"));
    assert_int_equal(m.modify.changes[1].kind, 2);
    assert_true(slice_is(m.modify.changes[1].attribute.name, "bb"));
    assert_int_equal(m.modify.changes[1].attribute.value_count, 0);

    assert_int_equal(decode((struct slice)BYTES("\x30\x15\x02\x01\x01\x68\x10\x04\x01"
                                                "d\x30\x0b\x30\x09\x04\x01"
                                                "a\x31\x04\x04\x02xy"),
                            arena, &m),
                     0);
    assert_int_equal(m.add.attribute_count, 1);
    assert_true(slice_is(m.add.attributes[0].name, "a"));
    assert_true(slice_is(m.add.attributes[0].values[0], "xy"));

    assert_int_equal(decode((struct slice)BYTES("\x30\x11\x02\x01\x01\x6c\x0c\x04\x01"
                                                "d\x04\x01n\x01\x01\x01\x80\x01s"),
                            arena, &m),
                     0);
    assert_true(slice_is(m.modify_dn.dn, "d"));
    assert_true(slice_is(m.modify_dn.new_rdn, "n"));
    assert_true(m.modify_dn.delete_old);
    assert_true(m.modify_dn.has_new_superior);
    assert_true(slice_is(m.modify_dn.new_superior, "s"));
    arena_free(arena);
}

static void fields_of_search(void **state)
{
    static const char search[] = "\x30\x28\x02\x01\x02\x63\x23\x04\x01"
                                 "b\x0a\x01\x02\x0a\x01\x03\x02\x02\x01\x00\x02\x01\x07\x01\x01\xff"
                                 "\x87\x02"
                                 "cn\x30\x0a\x04\x02"
                                 "ab\x04\x01*\x04\x01+";
    struct arena *arena = arena_new();
    struct message m;

    (void)state;
    assert_int_equal(decode((struct slice)BYTES(search), arena, &m), 0);
    assert_true(slice_is(m.search.base, "b"));
    assert_int_equal(m.search.scope, 2);
    assert_int_equal(m.search.deref, 3);
    assert_int_equal(m.search.size_limit, 256);
    assert_int_equal(m.search.time_limit, 7);
    assert_true(m.search.types_only);
    assert_int_equal(m.search.filter->kind, FILTER_PRESENT);
    assert_true(slice_is(m.search.filter->attribute, "cn"));
    assert_int_equal(m.search.attribute_count, 3);
    assert_true(slice_is(m.search.attributes[0], "ab"));
    assert_true(slice_is(m.search.attributes[2], "+"));
    arena_free(arena);
}

static void controls_are_found(void **state)
{
    static const char bytes[] = "\x30\x2f\x02\x01\x05\x6e\x0e\x04\x04"
                                "cn=a\x30\x06\x04\x01p\x04\x01v"
                                "\xa0\x1a\x30\x0a\x04\x05"
                                "1.2.3\x01\x01\xff"
                                "\x30\x0c\x04\x05"
                                "1.2.4\x01\x01\x00\x04\x00";
    struct arena *arena = arena_new();
    struct message m;
    const struct control *control;

    (void)state;
    assert_int_equal(decode((struct slice)BYTES(bytes), arena, &m), 0);
    assert_int_equal(m.control_count, 2);
    control = message_control(&m, "1.2.3");
    assert_non_null(control);
    assert_true(control->critical);
    assert_false(control->has_value);
    control = message_control(&m, "1.2.4");
    assert_non_null(control);
    assert_false(control->critical);
    assert_true(control->has_value);
    assert_int_equal(control->value.len, 0);
    assert_null(message_control(&m, "1.2.5"));
    arena_free(arena);
}

/* What can be answered: the id and the operation, as far as they were read. */
static void errors_say_whom_to_answer(void **state)
{
    static const struct {
        struct slice bytes;
        int32_t id;
        enum op op;
    } rows[] = {
        {BYTES(""), 0, 0},
        {BYTES("\x30\x03\x02\x01\x00"), 0, 0},
        {BYTES("\x30\x03\x02\x01\x07"), 7, 0},
        {BYTES("\x30\x05\x02\x01\x07\x7e\x00"), 7, 0},
        {BYTES("\x30\x05\x02\x01\x07\x61\x00"), 7, 0},
        {BYTES("\x30\x05\x02\x01\x07\x60\x00"), 7, OP_BIND},
        {BYTES(COMPARE "\0"), 5, OP_COMPARE},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message m = {.id = 99, .op = OP_UNBIND};

        assert_int_equal(decode(rows[i].bytes, arena, &m), E_PROTO);
        assert_int_equal(m.id, rows[i].id);
        assert_int_equal(m.op, rows[i].op);
        assert_int_equal(m.control_count, 0);
    }
    arena_free(arena);
}

/* No arena at all will do. */
static void frequent_requests_allocate_nothing(void **state)
{
    static const struct slice rows[] = {
        BYTES(COMPARE),
        BYTES("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
        BYTES("\x30\x0c\x02\x01\x01\x77\x07\x80\x05"
              "1.2.3"),
        BYTES("\x30\x05\x02\x01\x01\x42\x00"),
        BYTES("\x30\x06\x02\x01\x02\x50\x01\x01"),
        BYTES("\x30\x06\x02\x01\x02\x4a\x01"
              "d"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char bytes[64];
        struct message m;

        memcpy(bytes, rows[i].data, rows[i].len);
        assert_int_equal(message_decode(bytes, rows[i].len, NULL, &m), 0);
        assert_memory_equal(bytes, rows[i].data, rows[i].len);
    }
}

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

static char *put_header(char *at, int tag, size_t len)
{
    const char header[] = {(char)tag, (char)0x83, (char)(len >> 16), (char)(len >> 8), (char)len};

    memcpy(at, header, sizeof(header));
    return at + sizeof(header);
}

static char *put_bytes(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

/* Decodes a modify of so many changes with so many empty values each. */
static int decode_many(size_t changes, size_t values)
{
    size_t attribute_len = 3 + 5 + 2 * values;
    size_t change_len = 3 + 5 + attribute_len;
    size_t list_len = changes * (5 + change_len);
    char *bytes = malloc(list_len + 64), *end;
    struct arena *arena = arena_new();
    struct message m;
    int rc;

    assert_non_null(bytes);
    end = put_header(bytes, 0x30, 3 + 5 + 2 + 5 + list_len);
    end = put_bytes(end, "\x02\x01\x01", 3);
    end = put_header(end, 0x66, 2 + 5 + list_len);
    end = put_bytes(end, "\x04\x00", 2);
    end = put_header(end, 0x30, list_len);
    for (size_t i = 0; i < changes; i++) {
        end = put_header(end, 0x30, change_len);
        end = put_bytes(end, "\x0a\x01\x00", 3);
        end = put_header(end, 0x30, attribute_len);
        end = put_bytes(end, "\x04\x01x", 3);
        end = put_header(end, 0x31, 2 * values);
        for (size_t j = 0; j < values; j++)
            end = put_bytes(end, "\x04\x00", 2);
    }
    *end = 'Z';
    rc = message_decode(bytes, (size_t)(end - bytes), arena, &m);
    if (rc == 0)
        assert_int_equal(m.modify.changes[changes - 1].attribute.value_count, values);
    arena_free(arena);
    free(bytes);
    return rc;
}

static void bounds_hold(void **state)
{
    (void)state;
    assert_int_equal(decode_many(MESSAGE_ATTRIBUTES_MAX, 1), 0);
    assert_int_equal(decode_many(MESSAGE_ATTRIBUTES_MAX + 1, 1), E_LIMIT);
    assert_int_equal(decode_many(1, MESSAGE_VALUES_MAX), 0);
    assert_int_equal(decode_many(1, MESSAGE_VALUES_MAX + 1), E_LIMIT);
    assert_int_equal(decode_many(2, MESSAGE_VALUES_MAX / 2), 0);
    assert_int_equal(decode_many(2, MESSAGE_VALUES_MAX / 2 + 1), E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(fields_of_requests),
        cmocka_unit_test(fields_of_search),
        cmocka_unit_test(controls_are_found),
        cmocka_unit_test(errors_say_whom_to_answer),
        cmocka_unit_test(frequent_requests_allocate_nothing),
        cmocka_unit_test(results_have_known_bytes),
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(responses_answer_requests),
        cmocka_unit_test(only_our_requests_are_encoded),
        cmocka_unit_test(searches_there_and_back),
        cmocka_unit_test(bounds_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
