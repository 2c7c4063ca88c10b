/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests as a client sends them: structs to bytes, for the few operations that our own clients
 * need. Anything else goes through a real LDAP library.
 */
#include "base/err.h"
#include "ldap/element.h"

static size_t bound_bind(const struct message *message)
{
    const struct bind_request *bind = &message->bind;

    return 6 * TLV_OVERHEAD + bind->dn.len + bind->password.len + bind->mechanism.len +
           bind->credentials.len;
}

static void put_bind(struct tlv_writer *writer, const struct message *message)
{
    const struct bind_request *bind = &message->bind;

    tlv_start(writer, OP_BIND);
    tlv_put_int(writer, LBER_INTEGER, bind->version);
    tlv_put(writer, LBER_OCTETSTRING, bind->dn);
    if (bind->sasl) {
        tlv_start(writer, TLV_CONTEXT_C(3));
        tlv_put(writer, LBER_OCTETSTRING, bind->mechanism);
        if (bind->has_credentials)
            tlv_put(writer, LBER_OCTETSTRING, bind->credentials);
        tlv_end(writer);
    } else {
        tlv_put(writer, TLV_CONTEXT(0), bind->password);
    }
    tlv_end(writer);
}

static size_t bound_unbind(const struct message *message)
{
    (void)message;
    return TLV_OVERHEAD;
}

static void put_unbind(struct tlv_writer *writer, const struct message *message)
{
    (void)message;
    tlv_put(writer, OP_UNBIND, (struct slice){0});
}

static bool search_encodable(const struct message *message)
{
    const struct filter *filter = message->search.filter;

    return filter == NULL || filter->kind == FILTER_PRESENT || filter->kind == FILTER_EQUAL;
}

static size_t bound_search(const struct message *message)
{
    const struct search_request *search = &message->search;
    size_t bound = 12 * TLV_OVERHEAD + search->base.len;

    if (search->filter != NULL)
        bound += search->filter->attribute.len + search->filter->value.len;
    for (size_t i = 0; i < search->attribute_count; i++)
        bound += TLV_OVERHEAD + search->attributes[i].len;
    return bound;
}

static void put_filter(struct tlv_writer *writer, const struct filter *filter)
{
    if (filter == NULL) {
        tlv_put(writer, TLV_CONTEXT(7), slice_of("objectClass"));
    } else if (filter->kind == FILTER_PRESENT) {
        tlv_put(writer, TLV_CONTEXT(7), filter->attribute);
    } else {
        tlv_start(writer, TLV_CONTEXT_C(3));
        tlv_put(writer, LBER_OCTETSTRING, filter->attribute);
        tlv_put(writer, LBER_OCTETSTRING, filter->value);
        tlv_end(writer);
    }
}

static void put_search(struct tlv_writer *writer, const struct message *message)
{
    const struct search_request *search = &message->search;

    tlv_start(writer, OP_SEARCH);
    tlv_put(writer, LBER_OCTETSTRING, search->base);
    tlv_put_int(writer, LBER_ENUMERATED, search->scope);
    tlv_put_int(writer, LBER_ENUMERATED, search->deref);
    tlv_put_int(writer, LBER_INTEGER, search->size_limit);
    tlv_put_int(writer, LBER_INTEGER, search->time_limit);
    tlv_put_bool(writer, LBER_BOOLEAN, search->types_only);
    put_filter(writer, search->filter);
    tlv_start(writer, LBER_SEQUENCE);
    for (size_t i = 0; i < search->attribute_count; i++)
        tlv_put(writer, LBER_OCTETSTRING, search->attributes[i]);
    tlv_end(writer);
    tlv_end(writer);
}

static size_t bound_compare(const struct message *message)
{
    const struct compare_request *compare = &message->compare;

    return 5 * TLV_OVERHEAD + compare->dn.len + compare->attribute.len + compare->value.len;
}

static void put_compare(struct tlv_writer *writer, const struct message *message)
{
    const struct compare_request *compare = &message->compare;

    tlv_start(writer, OP_COMPARE);
    tlv_put(writer, LBER_OCTETSTRING, compare->dn);
    tlv_start(writer, LBER_SEQUENCE);
    tlv_put(writer, LBER_OCTETSTRING, compare->attribute);
    tlv_put(writer, LBER_OCTETSTRING, compare->value);
    tlv_end(writer);
    tlv_end(writer);
}

static size_t bound_abandon(const struct message *message)
{
    (void)message;
    return TLV_OVERHEAD + sizeof(int32_t);
}

static void put_abandon(struct tlv_writer *writer, const struct message *message)
{
    tlv_put_int(writer, OP_ABANDON, message->abandon.id);
}

static size_t bound_extended(const struct message *message)
{
    return 3 * TLV_OVERHEAD + message->extended.oid.len + message->extended.value.len;
}

static void put_extended(struct tlv_writer *writer, const struct message *message)
{
    tlv_start(writer, OP_EXTENDED);
    tlv_put(writer, TLV_CONTEXT(0), message->extended.oid);
    if (message->extended.has_value)
        tlv_put(writer, TLV_CONTEXT(1), message->extended.value);
    tlv_end(writer);
}

static const struct encoding {
    enum op op;
    bool (*encodable)(const struct message *message); /* NULL: always */
    size_t (*bound)(const struct message *message);
    void (*put)(struct tlv_writer *writer, const struct message *message);
} encodings[] = {
    {OP_BIND, NULL, bound_bind, put_bind},
    {OP_UNBIND, NULL, bound_unbind, put_unbind},
    {OP_SEARCH, search_encodable, bound_search, put_search},
    {OP_COMPARE, NULL, bound_compare, put_compare},
    {OP_ABANDON, NULL, bound_abandon, put_abandon},
    {OP_EXTENDED, NULL, bound_extended, put_extended},
};

int message_encode_request(struct buffer *out, const struct message *message)
{
    const struct encoding *encoding = NULL;
    struct tlv_writer writer;
    size_t bound;
    int rc;

    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
        if (encodings[i].op == message->op)
            encoding = &encodings[i];
    if (encoding == NULL || (encoding->encodable != NULL && !encoding->encodable(message)))
        return E_UNWILLING;
    bound = 2 * TLV_OVERHEAD + encoding->bound(message) +
            element_controls_bound(message->controls, message->control_count);
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_int(&writer, LBER_INTEGER, message->id);
    encoding->put(&writer, message);
    element_put_controls(&writer, message->controls, message->control_count);
    tlv_end(&writer);
    return tlv_commit(&writer);
}
