/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages as they are read: lengths, known bytes to fields, what errors leave behind, the
 * bounds, and that the frequent operations allocate nothing. How they are written stands in
 * test_message_encode.c, hostile messages in tests/corpus/message.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/message.h"
#include "message_bytes.h"

#include <stdlib.h>
#include <string.h>

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
        cmocka_unit_test(bounds_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
