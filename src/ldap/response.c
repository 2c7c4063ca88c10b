/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Responses: structs to bytes for the server, bytes to structs for clients. What a bind and an
 * extended response add to an LDAPResult (RFC 4511 4.2.2, 4.12) stands in one table.
 */
#include "base/err.h"
#include "ldap/element.h"

/* The context tags of a response's own fields; 0: it has none. */
static const struct extras {
    enum op op;
    ber_tag_t oid;
    ber_tag_t value;
} extras[] = {
    {OP_BIND_RESPONSE, 0, TLV_CONTEXT(7)},
    {OP_EXTENDED_RESPONSE, TLV_CONTEXT(10), TLV_CONTEXT(11)},
    {OP_SEARCH_DONE, 0, 0},
    {OP_MODIFY_RESPONSE, 0, 0},
    {OP_ADD_RESPONSE, 0, 0},
    {OP_DELETE_RESPONSE, 0, 0},
    {OP_MODIFY_DN_RESPONSE, 0, 0},
    {OP_COMPARE_RESPONSE, 0, 0},
};

static const struct extras *extras_find(int op)
{
    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
        if ((int)extras[i].op == op)
            return &extras[i];
    return NULL;
}

int message_encode_result(struct buffer *out, int32_t id, enum op op, const struct result *result)
{
    const struct extras *extra = extras_find((int)op);
    struct tlv_writer writer;
    size_t bound = 8 * TLV_OVERHEAD + result->matched.len + result->text.len + result->oid.len +
                   result->value.len +
                   element_controls_bound(result->controls, result->control_count);
    int rc = tlv_begin(&writer, out, bound);

    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_int(&writer, LBER_INTEGER, id);
    tlv_start(&writer, op);
    tlv_put_int(&writer, LBER_ENUMERATED, result->code);
    tlv_put(&writer, LBER_OCTETSTRING, result->matched);
    tlv_put(&writer, LBER_OCTETSTRING, result->text);
    if (result->has_oid && extra != NULL && extra->oid != 0)
        tlv_put(&writer, extra->oid, result->oid);
    if (result->has_value && extra != NULL && extra->value != 0)
        tlv_put(&writer, extra->value, result->value);
    tlv_end(&writer);
    element_put_controls(&writer, result->controls, result->control_count);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

static size_t entry_bound(struct slice dn, const struct attribute *attributes, size_t count)
{
    size_t bound = 5 * TLV_OVERHEAD + dn.len;

    for (size_t i = 0; i < count; i++) {
        bound += 3 * TLV_OVERHEAD + attributes[i].name.len;
        for (size_t j = 0; j < attributes[i].value_count; j++)
            bound += TLV_OVERHEAD + attributes[i].values[j].len;
    }
    return bound;
}

int message_encode_entry(struct buffer *out, int32_t id, struct slice dn,
                         const struct attribute *attributes, size_t attribute_count,
                         bool types_only)
{
    struct tlv_writer writer;
    int rc = tlv_begin(&writer, out, entry_bound(dn, attributes, attribute_count));

    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_int(&writer, LBER_INTEGER, id);
    tlv_start(&writer, OP_SEARCH_ENTRY);
    tlv_put(&writer, LBER_OCTETSTRING, dn);
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < attribute_count; i++) {
        tlv_start(&writer, LBER_SEQUENCE);
        tlv_put(&writer, LBER_OCTETSTRING, attributes[i].name);
        tlv_start(&writer, LBER_SET);
        for (size_t j = 0; !types_only && j < attributes[i].value_count; j++)
            tlv_put(&writer, LBER_OCTETSTRING, attributes[i].values[j]);
        tlv_end(&writer);
        tlv_end(&writer);
    }
    tlv_end(&writer);
    tlv_end(&writer);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

/* Referrals are read past: our clients follow none. */
static int skip_uris(struct tlv_reader *reader, ber_tag_t tag)
{
    struct tlv_reader list;
    struct slice uri;
    int rc = tlv_enter(reader, tag, &list);

    if (rc == 0 && tlv_peek(&list) < 0)
        return E_PROTO;
    while (rc == 0 && tlv_peek(&list) >= 0)
        rc = tlv_take(&list, LBER_OCTETSTRING, &uri);
    return rc;
}

static int take_result(struct tlv_reader *reader, const struct extras *extra, struct result *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, extra->op, &body);

    if (rc == 0)
        rc = tlv_take_int(&body, LBER_ENUMERATED, 0, INT32_MAX, &ret->code);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->matched);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->text);
    if (rc == 0 && tlv_peek(&body) == TLV_CONTEXT_C(3))
        rc = skip_uris(&body, TLV_CONTEXT_C(3));
    if (rc == 0 && extra->oid != 0 && tlv_peek(&body) == (int)extra->oid) {
        rc = element_take_oid(&body, extra->oid, &ret->oid);
        ret->has_oid = true;
    }
    if (rc == 0 && extra->value != 0 && tlv_peek(&body) == (int)extra->value) {
        rc = tlv_take(&body, extra->value, &ret->value);
        ret->has_value = true;
    }
    return rc < 0 ? rc : tlv_finish(&body);
}

static int take_entry(struct tlv_reader *reader, struct arena *arena, struct response *ret)
{
    struct tlv_reader body, list;
    size_t budget = MESSAGE_VALUES_MAX, count = 0;
    int rc = arena != NULL ? tlv_enter(reader, OP_SEARCH_ENTRY, &body) : E_PROTO;

    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->dn);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &list);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = tlv_count(&list, MESSAGE_ATTRIBUTES_MAX, &count);
    if (count > 0)
        ret->attributes = arena_alloc(arena, count * sizeof(*ret->attributes));
    ret->attribute_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = element_take_attribute(&list, arena, &budget, &ret->attributes[i]);
    return rc;
}

static int take_intermediate(struct tlv_reader *reader, struct result *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, OP_INTERMEDIATE, &body);

    if (rc == 0 && tlv_peek(&body) == TLV_CONTEXT(0)) {
        rc = element_take_oid(&body, TLV_CONTEXT(0), &ret->oid);
        ret->has_oid = true;
    }
    if (rc == 0 && tlv_peek(&body) == TLV_CONTEXT(1)) {
        rc = tlv_take(&body, TLV_CONTEXT(1), &ret->value);
        ret->has_value = true;
    }
    return rc < 0 ? rc : tlv_finish(&body);
}

static int take_body(struct tlv_reader *reader, struct arena *arena, struct response *ret)
{
    const struct extras *extra = extras_find(tlv_peek(reader));

    if (extra != NULL) {
        ret->op = extra->op;
        return take_result(reader, extra, &ret->result);
    }
    switch (tlv_peek(reader)) {
    case OP_SEARCH_ENTRY:
        ret->op = OP_SEARCH_ENTRY;
        return take_entry(reader, arena, ret);
    case OP_SEARCH_REFERENCE:
        ret->op = OP_SEARCH_REFERENCE;
        return skip_uris(reader, OP_SEARCH_REFERENCE);
    case OP_INTERMEDIATE:
        ret->op = OP_INTERMEDIATE;
        return take_intermediate(reader, &ret->result);
    default:
        return E_PROTO;
    }
}

int response_decode(char *bytes, size_t len, struct arena *arena, struct response *ret)
{
    struct tlv_reader outer, reader;
    int rc;

    ret->id = 0;
    ret->op = 0;
    ret->result = (struct result){0};
    ret->dn = (struct slice){0};
    ret->attributes = NULL;
    ret->attribute_count = 0;
    ret->control_count = 0;
    tlv_open(&outer, (struct slice){.data = bytes, .len = len});
    rc = tlv_enter(&outer, LBER_SEQUENCE, &reader);
    if (rc == 0)
        rc = tlv_take_int(&reader, LBER_INTEGER, 0, INT32_MAX, &ret->id);
    if (rc == 0)
        rc = take_body(&reader, arena, ret);
    if (rc == 0)
        rc = tlv_finish(&outer);
    if (rc == 0 && ret->id == 0 && ret->op != OP_EXTENDED_RESPONSE)
        rc = E_PROTO; /* only an unsolicited notice has no request, RFC 4511 4.4 */
    return rc < 0 ? rc : element_take_controls(&reader, ret->controls, &ret->control_count);
}
