/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests: bytes to structs. One table names each operation, its answer and its decoder. Knows
 * nothing of encoding (request.c, response.c).
 */
#include "ldap/message.h"
#include "base/err.h"
#include "ldap/element.h"

#define LENGTH_OCTETS_MAX 4

int message_length(const char *bytes, size_t len, size_t max, size_t *ret_len)
{
    size_t octets, body = 0, total;

    if (len >= 1 && (unsigned char)bytes[0] != LBER_SEQUENCE)
        return E_PROTO;
    if (len < 2)
        return E_AGAIN;
    if (((unsigned char)bytes[1] & 0x80) == 0) {
        octets = 0;
        body = (unsigned char)bytes[1];
    } else {
        octets = (unsigned char)bytes[1] & 0x7f;
        if (octets < 1 || octets > LENGTH_OCTETS_MAX)
            return E_PROTO;
        if (len < 2 + octets)
            return E_AGAIN;
        for (size_t i = 0; i < octets; i++)
            body = body << 8 | (unsigned char)bytes[2 + i];
    }
    total = 2 + octets + body;
    if (total > max)
        return E_LIMIT;
    *ret_len = total;
    return 0;
}

static int decode_sasl(struct tlv_reader *reader, struct bind_request *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, TLV_CONTEXT_C(3), &body);

    ret->sasl = true;
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->mechanism);
    if (rc == 0 && tlv_peek(&body) >= 0) {
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->credentials);
        ret->has_credentials = true;
    }
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_bind(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct bind_request *bind = &ret->bind;
    struct tlv_reader body;
    int rc = tlv_enter(reader, OP_BIND, &body);

    (void)arena;
    *bind = (struct bind_request){0};
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_INTEGER, 1, 127, &bind->version);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &bind->dn);
    if (rc < 0)
        return rc;
    if (tlv_peek(&body) == TLV_CONTEXT_C(3))
        rc = decode_sasl(&body, bind);
    else
        rc = tlv_take(&body, TLV_CONTEXT(0), &bind->password);
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_unbind(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct slice contents;
    int rc = tlv_take(reader, OP_UNBIND, &contents);

    (void)arena;
    (void)ret;
    return rc == 0 && contents.len > 0 ? E_PROTO : rc;
}

static int decode_search(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct search_request *search = &ret->search;
    struct tlv_reader body, list;
    struct slice filter;
    int rc = tlv_enter(reader, OP_SEARCH, &body);

    *search = (struct search_request){0};
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &search->base);
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_ENUMERATED, 0, 3, &search->scope);
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_ENUMERATED, 0, 3, &search->deref);
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_INTEGER, 0, INT32_MAX, &search->size_limit);
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_INTEGER, 0, INT32_MAX, &search->time_limit);
    if (rc == 0)
        rc = tlv_take_bool(&body, LBER_BOOLEAN, &search->types_only);
    if (rc == 0)
        rc = tlv_take_raw(&body, &filter);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &list);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = element_take_strings(&list, MESSAGE_ATTRIBUTES_MAX, arena, &search->attributes,
                                  &search->attribute_count);
    return rc < 0 ? rc : filter_decode(filter, arena, &search->filter);
}

static int decode_change(struct tlv_reader *list, struct arena *arena, size_t *budget,
                         struct modification *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(list, LBER_SEQUENCE, &body);

    if (rc == 0)
        rc = tlv_take_int(&body, LBER_ENUMERATED, 0, 3, &ret->kind);
    if (rc == 0)
        rc = element_take_attribute(&body, arena, budget, &ret->attribute);
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_modify(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct modify_request *modify = &ret->modify;
    struct tlv_reader body, list;
    size_t budget = MESSAGE_VALUES_MAX, count = 0;
    int rc = tlv_enter(reader, OP_MODIFY, &body);

    *modify = (struct modify_request){0};
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &modify->dn);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &list);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = tlv_count(&list, MESSAGE_ATTRIBUTES_MAX, &count);
    if (count > 0)
        modify->changes = arena_alloc(arena, count * sizeof(*modify->changes));
    modify->change_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = decode_change(&list, arena, &budget, &modify->changes[i]);
    return rc;
}

static int decode_add(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct add_request *add = &ret->add;
    struct tlv_reader body, list;
    size_t budget = MESSAGE_VALUES_MAX, count = 0;
    int rc = tlv_enter(reader, OP_ADD, &body);

    *add = (struct add_request){0};
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &add->dn);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &list);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = tlv_count(&list, MESSAGE_ATTRIBUTES_MAX, &count);
    if (count > 0)
        add->attributes = arena_alloc(arena, count * sizeof(*add->attributes));
    add->attribute_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = element_take_attribute(&list, arena, &budget, &add->attributes[i]);
        if (rc == 0 && add->attributes[i].value_count == 0)
            rc = E_PROTO; /* an Attribute has at least one value, RFC 4511 4.1.7 */
    }
    return rc;
}

static int decode_delete(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    (void)arena;
    ret->delete = (struct delete_request){0};
    return tlv_take(reader, OP_DELETE, &ret->delete.dn);
}

static int decode_modify_dn(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct modify_dn_request *modify = &ret->modify_dn;
    struct tlv_reader body;
    int rc = tlv_enter(reader, OP_MODIFY_DN, &body);

    (void)arena;
    *modify = (struct modify_dn_request){0};
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &modify->dn);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &modify->new_rdn);
    if (rc == 0)
        rc = tlv_take_bool(&body, LBER_BOOLEAN, &modify->delete_old);
    if (rc == 0 && tlv_peek(&body) >= 0) {
        rc = tlv_take(&body, TLV_CONTEXT(0), &modify->new_superior);
        modify->has_new_superior = true;
    }
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_compare(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct compare_request *compare = &ret->compare;
    struct tlv_reader body, assertion;
    int rc = tlv_enter(reader, OP_COMPARE, &body);

    (void)arena;
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &compare->dn);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &assertion);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = tlv_take(&assertion, LBER_OCTETSTRING, &compare->attribute);
    if (rc == 0)
        rc = tlv_take(&assertion, LBER_OCTETSTRING, &compare->value);
    return rc < 0 ? rc : tlv_finish(&assertion);
}

static int decode_abandon(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    (void)arena;
    return tlv_take_int(reader, OP_ABANDON, 0, INT32_MAX, &ret->abandon.id);
}

static int decode_extended(struct tlv_reader *reader, struct arena *arena, struct message *ret)
{
    struct extended_request *extended = &ret->extended;
    struct tlv_reader body;
    int rc = tlv_enter(reader, OP_EXTENDED, &body);

    (void)arena;
    *extended = (struct extended_request){0};
    if (rc == 0)
        rc = element_take_oid(&body, TLV_CONTEXT(0), &extended->oid);
    if (rc == 0 && tlv_peek(&body) >= 0) {
        rc = tlv_take(&body, TLV_CONTEXT(1), &extended->value);
        extended->has_value = true;
    }
    return rc < 0 ? rc : tlv_finish(&body);
}

struct operation {
    enum op request;
    enum op response;
    int (*decode)(struct tlv_reader *reader, struct arena *arena, struct message *ret);
};

/* By the tag's number. */
static const struct operation operations[32] = {
    [OP_BIND & 31] = {OP_BIND, OP_BIND_RESPONSE, decode_bind},
    [OP_UNBIND & 31] = {OP_UNBIND, 0, decode_unbind},
    [OP_SEARCH & 31] = {OP_SEARCH, OP_SEARCH_DONE, decode_search},
    [OP_MODIFY & 31] = {OP_MODIFY, OP_MODIFY_RESPONSE, decode_modify},
    [OP_ADD & 31] = {OP_ADD, OP_ADD_RESPONSE, decode_add},
    [OP_DELETE & 31] = {OP_DELETE, OP_DELETE_RESPONSE, decode_delete},
    [OP_MODIFY_DN & 31] = {OP_MODIFY_DN, OP_MODIFY_DN_RESPONSE, decode_modify_dn},
    [OP_COMPARE & 31] = {OP_COMPARE, OP_COMPARE_RESPONSE, decode_compare},
    [OP_ABANDON & 31] = {OP_ABANDON, 0, decode_abandon},
    [OP_EXTENDED & 31] = {OP_EXTENDED, OP_EXTENDED_RESPONSE, decode_extended},
};

/* NULL for a tag that is no request's; a tag of 0 or -1 is none. */
static const struct operation *operation_find(int tag)
{
    const struct operation *operation = &operations[tag & 31];

    return operation->decode != NULL && (int)operation->request == tag ? operation : NULL;
}

int message_decode(char *bytes, size_t len, struct arena *arena, struct message *ret)
{
    const struct operation *operation;
    struct tlv_reader outer, reader;
    int rc;

    ret->id = 0;
    ret->op = 0;
    ret->control_count = 0;
    tlv_open(&outer, (struct slice){.data = bytes, .len = len});
    rc = tlv_enter(&outer, LBER_SEQUENCE, &reader);
    if (rc == 0)
        rc = tlv_take_int(&reader, LBER_INTEGER, 1, INT32_MAX, &ret->id);
    if (rc < 0)
        return rc;
    operation = operation_find(tlv_peek(&reader));
    if (operation == NULL)
        return E_PROTO;
    ret->op = operation->request;
    if (tlv_finish(&outer) < 0)
        return E_PROTO;
    rc = operation->decode(&reader, arena, ret);
    return rc < 0 ? rc : element_take_controls(&reader, ret->controls, &ret->control_count);
}

const struct control *message_control(const struct message *message, const char *oid)
{
    for (size_t i = 0; i < message->control_count; i++)
        if (slice_is(message->controls[i].oid, oid))
            return &message->controls[i];
    return NULL;
}

enum op message_response_op(enum op request)
{
    const struct operation *operation = operation_find((int)request);

    return operation != NULL ? operation->response : 0;
}
