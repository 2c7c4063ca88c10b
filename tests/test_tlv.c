/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A value that is one SEQUENCE, and the list at the end of another: whole, empty, cut off, followed
 * by something, too long, of another tag. What is refused leaves the outputs alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ldap/tlv.h"

#include <string.h>

#define ITEMS_MAX 2

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name, *bytes;
    size_t len;
    int open_rc, last_rc; /* the second is asked where the first is 0 */
    size_t count;
} cases[] = {
    {"a list of two", BYTES("\x30\x08\x30\x06\x04\x01x\x04\x01y"), 0, 0, 2},
    {"a list of one", BYTES("\x30\x05\x30\x03\x02\x01\x07"), 0, 0, 1},
    {"a list of nothing", BYTES("\x30\x02\x30\x00"), 0, 0, 0},
    {"a long length", BYTES("\x30\x84\x00\x00\x00\x07\x30\x82\x00\x03\x02\x01\x07"), 0, 0, 1},
    {"a list of three", BYTES("\x30\x08\x30\x06\x04\x00\x04\x00\x04\x00"), 0, E_LIMIT, 0},
    {"no list", BYTES("\x30\x00"), 0, E_PROTO, 0},
    {"a string for a list", BYTES("\x30\x03\x04\x01x"), 0, E_PROTO, 0},
    {"something behind the list", BYTES("\x30\x04\x30\x00\x04\x00"), 0, E_PROTO, 0},
    {"half an element behind it", BYTES("\x30\x03\x30\x00\x04"), 0, E_PROTO, 0},
    {"a list beyond the value", BYTES("\x30\x02\x30\x03"), 0, E_PROTO, 0},
    {"an item beyond the list", BYTES("\x30\x05\x30\x03\x04\x02x"), 0, E_PROTO, 0},
    {"an indefinite list", BYTES("\x30\x06\x30\x80\x04\x00\x00\x00"), 0, E_PROTO, 0},
    {"nothing", BYTES(""), E_PROTO, 0, 0},
    {"a tag alone", BYTES("\x30"), E_PROTO, 0, 0},
    {"cut off", BYTES("\x30\x03\x30\x00"), E_PROTO, 0, 0},
    {"a length that is cut off", BYTES("\x30\x82\x00"), E_PROTO, 0, 0},
    {"a length of five octets", BYTES("\x30\x85\x00\x00\x00\x00\x00"), E_PROTO, 0, 0},
    {"a length of everything", BYTES("\x30\x84\xff\xff\xff\xff"), E_PROTO, 0, 0},
    {"indefinite", BYTES("\x30\x80\x30\x00\x00\x00"), E_PROTO, 0, 0},
    {"a SET", BYTES("\x31\x02\x30\x00"), E_PROTO, 0, 0},
    {"an element behind it", BYTES("\x30\x02\x30\x00\x04\x00"), E_PROTO, 0, 0},
    {"a byte behind it", BYTES("\x30\x02\x30\x00x"), E_PROTO, 0, 0},
};

static void test_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlv_reader reader, list;
        struct slice item;
        size_t count = 77;

        reader.next = list.next = cases[i].name;
        print_message("%s\n", cases[i].name);
        assert_int_equal(tlv_open_sequence((struct slice){cases[i].bytes, cases[i].len}, &reader),
                         cases[i].open_rc);
        if (cases[i].open_rc != 0) {
            assert_ptr_equal(reader.next, cases[i].name);
            continue;
        }
        assert_int_equal(tlv_enter_last(&reader, ITEMS_MAX, &list, &count), cases[i].last_rc);
        if (cases[i].last_rc != 0) {
            assert_ptr_equal(list.next, cases[i].name);
            assert_int_equal(count, 77);
            continue;
        }
        assert_int_equal(count, cases[i].count);
        while (count-- > 0)
            assert_int_equal(tlv_take_raw(&list, &item), 0);
        assert_int_equal(tlv_finish(&list), 0);
        assert_int_equal(tlv_finish(&reader), 0);
    }
}

/* What stands before the list is read first. */
static void test_before(void **state)
{
    static const char bytes[] = "\x30\x08\x02\x01\x07\x30\x03\x04\x01x";
    struct tlv_reader reader, list;
    struct slice item;
    int32_t number;
    size_t count;

    (void)state;
    assert_int_equal(tlv_open_sequence((struct slice){BYTES(bytes)}, &reader), 0);
    assert_int_equal(tlv_take_int(&reader, LBER_INTEGER, 0, 7, &number), 0);
    assert_int_equal(tlv_enter_last(&reader, 1, &list, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(tlv_take(&list, LBER_OCTETSTRING, &item), 0);
    assert_true(slice_is(item, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
