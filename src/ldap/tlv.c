/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap/tlv.h"
#include "base/err.h"

/* One tag byte, one length byte, four octets of length: what every known implementation sends. */
#define HEADER_MAX 6

static BerElement *element(struct tlv_storage *storage)
{
    return (BerElement *)(void *)storage->bytes;
}

void tlv_open(struct tlv_reader *reader, struct slice bytes)
{
    struct berval value = {.bv_len = bytes.len, .bv_val = (char *)bytes.data};

    ber_init2(element(&reader->storage), &value, 0);
    reader->next = bytes.data;
    reader->end = bytes.len > 0 ? bytes.data + bytes.len : bytes.data;
}

int tlv_peek(const struct tlv_reader *reader)
{
    return reader->next < reader->end ? (unsigned char)*reader->next : -1;
}

static int take_any(struct tlv_reader *reader, struct slice *ret)
{
    struct berval value;

    if (reader->next >= reader->end)
        return E_PROTO;
    if (ber_skip_element(element(&reader->storage), &value) == LBER_ERROR)
        return E_PROTO;
    if (value.bv_val - reader->next > HEADER_MAX)
        return E_PROTO;
    reader->next = value.bv_val + value.bv_len;
    *ret = (struct slice){.data = value.bv_val, .len = value.bv_len};
    return 0;
}

int tlv_take(struct tlv_reader *reader, ber_tag_t tag, struct slice *ret)
{
    if (tlv_peek(reader) != (int)tag)
        return E_PROTO;
    return take_any(reader, ret);
}

int tlv_take_raw(struct tlv_reader *reader, struct slice *ret)
{
    const char *start = reader->next;
    struct slice contents;
    int rc = take_any(reader, &contents);

    if (rc == 0)
        *ret = (struct slice){.data = start, .len = (size_t)(reader->next - start)};
    return rc;
}

int tlv_enter(struct tlv_reader *reader, ber_tag_t tag, struct tlv_reader *ret)
{
    struct slice contents;
    int rc = tlv_take(reader, tag, &contents);

    if (rc == 0)
        tlv_open(ret, contents);
    return rc;
}

int tlv_open_sequence(struct slice bytes, struct tlv_reader *ret)
{
    struct tlv_reader outer;
    struct slice contents;
    int rc;

    tlv_open(&outer, bytes);
    rc = tlv_take(&outer, LBER_SEQUENCE, &contents);
    if (rc == 0)
        rc = tlv_finish(&outer);
    if (rc == 0)
        tlv_open(ret, contents);
    return rc;
}

int tlv_take_int64(struct tlv_reader *reader, ber_tag_t tag, int64_t min, int64_t max, int64_t *ret)
{
    struct slice contents;
    uint64_t number;
    int rc = tlv_take(reader, tag, &contents);

    if (rc < 0)
        return rc;
    if (contents.len < 1 || contents.len > sizeof(number))
        return E_PROTO;
    number = (contents.data[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < contents.len; i++)
        number = number << 8 | (unsigned char)contents.data[i];
    if ((int64_t)number < min || (int64_t)number > max)
        return E_PROTO;
    *ret = (int64_t)number;
    return 0;
}

int tlv_take_int(struct tlv_reader *reader, ber_tag_t tag, int32_t min, int32_t max, int32_t *ret)
{
    struct slice contents;
    struct berval value;
    ber_int_t number;
    int rc = tlv_take(reader, tag, &contents);

    if (rc < 0)
        return rc;
    value = (struct berval){.bv_len = contents.len, .bv_val = (char *)contents.data};
    if (contents.len < 1 || ber_decode_int(&value, &number) < 0)
        return E_PROTO;
    if (number < min || number > max)
        return E_PROTO;
    *ret = number;
    return 0;
}

int tlv_take_bool(struct tlv_reader *reader, ber_tag_t tag, bool *ret)
{
    struct slice contents;
    int rc = tlv_take(reader, tag, &contents);

    if (rc < 0)
        return rc;
    if (contents.len != 1)
        return E_PROTO;
    *ret = contents.data[0] != 0;
    return 0;
}

int tlv_finish(const struct tlv_reader *reader)
{
    return reader->next == reader->end ? 0 : E_PROTO;
}

int tlv_count(const struct tlv_reader *reader, size_t max, size_t *ret)
{
    struct tlv_reader walk;
    struct slice contents;
    size_t count = 0;
    int rc = 0;

    tlv_open(&walk, (struct slice){reader->next, (size_t)(reader->end - reader->next)});
    while (rc == 0 && tlv_peek(&walk) >= 0) {
        if (count++ == max)
            return E_LIMIT;
        rc = take_any(&walk, &contents);
    }
    if (rc == 0)
        *ret = count;
    return rc;
}

int tlv_enter_last(struct tlv_reader *reader, size_t max, struct tlv_reader *ret, size_t *ret_count)
{
    struct tlv_reader list;
    struct slice contents;
    int rc = tlv_take(reader, LBER_SEQUENCE, &contents);

    if (rc == 0)
        rc = tlv_finish(reader);
    if (rc < 0)
        return rc;
    tlv_open(&list, contents);
    rc = tlv_count(&list, max, ret_count);
    if (rc == 0)
        tlv_open(ret, contents);
    return rc;
}

int tlv_begin(struct tlv_writer *writer, struct buffer *out, size_t bound)
{
    struct berval room;
    int rc =
        buffer_reserve(out, bound + 1); /* ber_flatten2 puts a terminator behind the last byte */

    if (rc < 0)
        return rc;
    room = (struct berval){.bv_len = out->size - out->len, .bv_val = out->data + out->len};
    ber_init2(element(&writer->storage), &room, LBER_USE_DER);
    writer->out = out;
    writer->failed = false;
    return 0;
}

void tlv_start(struct tlv_writer *writer, ber_tag_t tag)
{
    writer->failed |= ber_start_seq(element(&writer->storage), tag) < 0;
}

void tlv_end(struct tlv_writer *writer)
{
    writer->failed |= ber_put_seq(element(&writer->storage)) < 0;
}

void tlv_put(struct tlv_writer *writer, ber_tag_t tag, struct slice contents)
{
    const char *data = contents.data != NULL ? contents.data : ""; /* liblber asserts */

    writer->failed |= ber_put_ostring(element(&writer->storage), data, contents.len, tag) < 0;
}

void tlv_put_int(struct tlv_writer *writer, ber_tag_t tag, int32_t number)
{
    writer->failed |= ber_put_int(element(&writer->storage), number, tag) < 0;
}

void tlv_put_int64(struct tlv_writer *writer, ber_tag_t tag, int64_t number)
{
    unsigned char bytes[sizeof(number)];
    size_t first = 0;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * (sizeof(bytes) - 1 - i)));
    while (first < sizeof(bytes) - 1 && ((bytes[first] == 0x00 && bytes[first + 1] < 0x80) ||
                                         (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
        first++;
    tlv_put(writer, tag, (struct slice){(const char *)bytes + first, sizeof(bytes) - first});
}

void tlv_put_bool(struct tlv_writer *writer, ber_tag_t tag, bool value)
{
    writer->failed |= ber_put_boolean(element(&writer->storage), value, tag) < 0;
}

int tlv_commit(struct tlv_writer *writer)
{
    struct berval written;

    if (writer->failed || ber_flatten2(element(&writer->storage), &written, 0) < 0)
        return E_NOMEM;
    writer->out->len += written.bv_len;
    return 0;
}
