/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap/element.h"
#include "base/err.h"

/* number 1*(DOT number), no number with a leading zero. */
static bool oid_valid(struct slice oid)
{
    size_t digits = 0, dots = 0;
    bool zero = false; /* the number at hand begins with 0 */

    for (size_t i = 0; i < oid.len; i++) {
        char c = oid.data[i];

        if (c == '.' && digits > 0) {
            dots++;
            digits = 0;
        } else if (c >= '0' && c <= '9' && !(digits > 0 && zero)) {
            zero = digits == 0 ? c == '0' : zero;
            digits++;
        } else {
            return false;
        }
    }
    return digits > 0 && dots > 0;
}

int element_take_oid(struct tlv_reader *reader, ber_tag_t tag, struct slice *ret)
{
    struct slice oid;
    int rc = tlv_take(reader, tag, &oid);

    if (rc < 0)
        return rc;
    if (!oid_valid(oid))
        return E_PROTO;
    *ret = oid;
    return 0;
}

static int control_decode(struct tlv_reader *list, struct control *ret)
{
    struct tlv_reader reader;
    int rc;

    *ret = (struct control){0};
    rc = tlv_enter(list, LBER_SEQUENCE, &reader);
    if (rc == 0)
        rc = element_take_oid(&reader, LBER_OCTETSTRING, &ret->oid);
    if (rc == 0 && tlv_peek(&reader) == LBER_BOOLEAN)
        rc = tlv_take_bool(&reader, LBER_BOOLEAN, &ret->critical);
    if (rc == 0 && tlv_peek(&reader) == LBER_OCTETSTRING) {
        rc = tlv_take(&reader, LBER_OCTETSTRING, &ret->value);
        ret->has_value = true;
    }
    return rc < 0 ? rc : tlv_finish(&reader);
}

int element_take_controls(struct tlv_reader *reader, struct control *controls, size_t *ret_count)
{
    struct tlv_reader list;
    size_t count = 0;
    int rc;

    if (tlv_peek(reader) < 0) {
        *ret_count = 0;
        return 0;
    }
    rc = tlv_enter(reader, TLV_CONTEXT_C(0), &list);
    while (rc == 0 && tlv_peek(&list) >= 0) {
        if (count == MESSAGE_CONTROLS_MAX)
            return E_LIMIT;
        rc = control_decode(&list, &controls[count]);
        for (size_t i = 0; rc == 0 && i < count; i++)
            if (slice_equal(controls[i].oid, controls[count].oid))
                rc = E_PROTO;
        count++;
    }
    if (rc == 0)
        rc = tlv_finish(reader);
    if (rc == 0)
        *ret_count = count;
    return rc;
}

int element_take_strings(struct tlv_reader *reader, size_t max, struct arena *arena,
                         struct slice **ret, size_t *ret_count)
{
    struct slice *strings = NULL;
    size_t count;
    int rc = tlv_count(reader, max, &count);

    if (rc < 0)
        return rc;
    if (count > 0)
        strings = arena_alloc(arena, count * sizeof(*strings));
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = tlv_take(reader, LBER_OCTETSTRING, &strings[i]);
    if (rc < 0)
        return rc;
    *ret = strings;
    *ret_count = count;
    return 0;
}

int element_take_attribute(struct tlv_reader *reader, struct arena *arena, size_t *budget,
                           struct attribute *ret)
{
    struct tlv_reader body, values;
    int rc = tlv_enter(reader, LBER_SEQUENCE, &body);

    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->name);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SET, &values);
    if (rc == 0)
        rc = element_take_strings(&values, *budget, arena, &ret->values, &ret->value_count);
    if (rc < 0)
        return rc;
    *budget -= ret->value_count;
    return tlv_finish(&body);
}

size_t element_controls_bound(const struct control *controls, size_t count)
{
    size_t bound = TLV_OVERHEAD;

    for (size_t i = 0; i < count; i++)
        bound += 4 * TLV_OVERHEAD + controls[i].oid.len + controls[i].value.len;
    return bound;
}

void element_put_controls(struct tlv_writer *writer, const struct control *controls, size_t count)
{
    if (count == 0)
        return;
    tlv_start(writer, TLV_CONTEXT_C(0));
    for (size_t i = 0; i < count; i++) {
        tlv_start(writer, LBER_SEQUENCE);
        tlv_put(writer, LBER_OCTETSTRING, controls[i].oid);
        if (controls[i].critical)
            tlv_put_bool(writer, LBER_BOOLEAN, true);
        if (controls[i].has_value)
            tlv_put(writer, LBER_OCTETSTRING, controls[i].value);
        tlv_end(writer);
    }
    tlv_end(writer);
}
