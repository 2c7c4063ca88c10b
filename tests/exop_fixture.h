/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values of extended operations and controls encoded, compared with bytes known beforehand, and
 * decoded again. Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_EXOP_FIXTURE_H
#define USHER_TESTS_EXOP_FIXTURE_H

#include "ldap/exop.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static inline void assert_bytes(const struct buffer *buffer, const char *bytes, size_t len)
{
    assert_int_equal(buffer->len, len);
    assert_memory_equal(buffer->data, bytes, len);
}

#define ASSERT_BYTES(buffer, text) assert_bytes(buffer, text, sizeof(text) - 1)

/* Encodes in, decodes that into out; the bytes stay in buffer (whose spare room holds the byte that
 * decoding may look at). */
#define THERE_AND_BACK(type, in, out, buffer)                                                      \
    do {                                                                                           \
        (buffer)->len = 0;                                                                         \
        assert_int_equal(type##_encode(in, buffer), 0);                                            \
        assert_int_equal(type##_decode((struct slice){(buffer)->data, (buffer)->len}, out), 0);    \
    } while (0)

static inline void assert_same(struct slice a, struct slice b)
{
    assert_true(slice_equal(a, b));
    assert_int_equal(a.data == NULL, b.data == NULL);
}

#endif
