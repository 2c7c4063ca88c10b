/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap/filter.h"
#include "base/err.h"
#include "ldap/tlv.h"

struct decoding {
    struct arena *arena;
    size_t nodes; /* still allowed; a substring's middle part counts as one */
};

static int node_decode(struct tlv_reader *reader, struct decoding *decoding, int depth,
                       struct filter **ret);

/* What may stand in an attribute description or a matching rule (RFC 4512 2.5), so that a formatted
 * filter holds what was decoded and no more. */
static bool description_valid(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == ';' || c == '_'))
            return false;
    }
    return true;
}

static int take_description(struct tlv_reader *reader, ber_tag_t tag, struct slice *ret)
{
    int rc = tlv_take(reader, tag, ret);

    if (rc == 0 && (ret->len == 0 || !description_valid(*ret)))
        rc = E_SYNTAX;
    return rc;
}

static int decode_set(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                      int depth, struct filter *ret)
{
    struct filter **tail = &ret->children;
    struct tlv_reader body;
    int rc = tlv_enter(reader, tag, &body);

    while (rc == 0 && tlv_peek(&body) >= 0) {
        rc = node_decode(&body, decoding, depth + 1, tail);
        if (rc == 0)
            tail = &(*tail)->next;
    }
    return rc;
}

static int decode_not(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                      int depth, struct filter *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, tag, &body);

    if (rc == 0)
        rc = node_decode(&body, decoding, depth + 1, &ret->children);
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_assertion(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                            int depth, struct filter *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, tag, &body);

    (void)decoding;
    (void)depth;
    if (rc == 0)
        rc = take_description(&body, LBER_OCTETSTRING, &ret->attribute);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &ret->value);
    return rc < 0 ? rc : tlv_finish(&body);
}

static int decode_present(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                          int depth, struct filter *ret)
{
    (void)decoding;
    (void)depth;
    return take_description(reader, tag, &ret->attribute);
}

/* Initial first, final last, none of them empty (RFC 4515 3): "a**b" could not be written back. */
static int take_part(struct tlv_reader *list, struct filter *ret)
{
    struct slice part;
    int tag = tlv_peek(list);
    bool first = ret->initial.data == NULL && ret->any_count == 0;
    int rc = tlv_take(list, (ber_tag_t)tag, &part);

    if (rc < 0)
        return rc;
    if (part.len == 0 || ret->final.data != NULL)
        return E_PROTO;
    if (tag == (int)TLV_CONTEXT(0) && first)
        ret->initial = part;
    else if (tag == (int)TLV_CONTEXT(1))
        ret->any[ret->any_count++] = part;
    else if (tag == (int)TLV_CONTEXT(2))
        ret->final = part;
    else
        return E_PROTO;
    return 0;
}

static int decode_substrings(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                             int depth, struct filter *ret)
{
    struct tlv_reader body, list;
    size_t count = 0;
    int rc = tlv_enter(reader, tag, &body);

    (void)depth;
    if (rc == 0)
        rc = take_description(&body, LBER_OCTETSTRING, &ret->attribute);
    if (rc == 0)
        rc = tlv_enter(&body, LBER_SEQUENCE, &list);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        rc = tlv_count(&list, decoding->nodes, &count);
    if (rc < 0)
        return rc;
    if (count == 0)
        return E_PROTO;
    decoding->nodes -= count;
    ret->any = arena_alloc(decoding->arena, count * sizeof(*ret->any));
    while (rc == 0 && tlv_peek(&list) >= 0)
        rc = take_part(&list, ret);
    return rc;
}

static int decode_extensible(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding,
                             int depth, struct filter *ret)
{
    struct tlv_reader body;
    int rc = tlv_enter(reader, tag, &body);

    (void)decoding;
    (void)depth;
    if (rc == 0 && tlv_peek(&body) == TLV_CONTEXT(1))
        rc = take_description(&body, TLV_CONTEXT(1), &ret->rule);
    if (rc == 0 && tlv_peek(&body) == TLV_CONTEXT(2))
        rc = take_description(&body, TLV_CONTEXT(2), &ret->attribute);
    if (rc == 0)
        rc = tlv_take(&body, TLV_CONTEXT(3), &ret->value);
    if (rc == 0 && tlv_peek(&body) >= 0)
        rc = tlv_take_bool(&body, TLV_CONTEXT(4), &ret->dn_attributes);
    if (rc == 0 && ret->rule.len == 0 && ret->attribute.len == 0)
        rc = E_PROTO;
    return rc < 0 ? rc : tlv_finish(&body);
}

/* By the number of the context tag. */
static const struct kind {
    enum filter_kind kind;
    ber_tag_t tag;
    int (*decode)(struct tlv_reader *reader, ber_tag_t tag, struct decoding *decoding, int depth,
                  struct filter *ret);
    const char *sign; /* between attribute and value, or before the children */
} kinds[] = {
    {FILTER_AND, TLV_CONTEXT_C(0), decode_set, "&"},
    {FILTER_OR, TLV_CONTEXT_C(1), decode_set, "|"},
    {FILTER_NOT, TLV_CONTEXT_C(2), decode_not, "!"},
    {FILTER_EQUAL, TLV_CONTEXT_C(3), decode_assertion, "="},
    {FILTER_SUBSTRINGS, TLV_CONTEXT_C(4), decode_substrings, "="},
    {FILTER_GREATER_OR_EQUAL, TLV_CONTEXT_C(5), decode_assertion, ">="},
    {FILTER_LESS_OR_EQUAL, TLV_CONTEXT_C(6), decode_assertion, "<="},
    {FILTER_PRESENT, TLV_CONTEXT(7), decode_present, "=*"},
    {FILTER_APPROX, TLV_CONTEXT_C(8), decode_assertion, "~="},
    {FILTER_EXTENSIBLE, TLV_CONTEXT_C(9), decode_extensible, ":="},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

_Static_assert(KIND_COUNT == FILTER_EXTENSIBLE + 1, "kinds[] stands in the order of filter_kind");

static int node_decode(struct tlv_reader *reader, struct decoding *decoding, int depth,
                       struct filter **ret)
{
    int tag = tlv_peek(reader);
    size_t number = (size_t)(tag & 0x1f);
    struct filter *node;
    int rc;

    if (tag < 0 || (tag & 0xc0) != 0x80)
        return E_PROTO;
    if (number >= KIND_COUNT)
        return E_SYNTAX;
    if (kinds[number].tag != (ber_tag_t)tag)
        return E_PROTO;
    if (depth > FILTER_DEPTH_MAX || decoding->nodes == 0)
        return E_LIMIT;
    decoding->nodes--;
    node = arena_alloc(decoding->arena, sizeof(*node));
    node->kind = kinds[number].kind;
    rc = kinds[number].decode(reader, (ber_tag_t)tag, decoding, depth, node);
    if (rc == 0)
        *ret = node;
    return rc;
}

int filter_decode(struct slice bytes, struct arena *arena, struct filter **ret)
{
    struct decoding decoding = {.arena = arena, .nodes = FILTER_NODES_MAX};
    struct tlv_reader reader;
    struct filter *filter;
    int rc;

    tlv_open(&reader, bytes);
    rc = node_decode(&reader, &decoding, 1, &filter);
    if (rc == 0)
        rc = tlv_finish(&reader);
    if (rc == 0)
        *ret = filter;
    return rc;
}

int filter_escape(struct slice value, struct buffer *out)
{
    static const char hex[] = "0123456789abcdef";
    int rc = buffer_reserve(out, value.len > SIZE_MAX / 4 ? SIZE_MAX : 3 * value.len);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c < 0x20 || c >= 0x7f || c == '*' || c == '(' || c == ')' || c == '\\') {
            out->data[out->len++] = '\\';
            out->data[out->len++] = hex[c >> 4];
            out->data[out->len++] = hex[c & 15];
        } else {
            out->data[out->len++] = (char)c;
        }
    }
    return 0;
}

static int put(struct buffer *out, const char *text)
{
    struct slice slice = slice_of(text);

    return buffer_append(out, slice.data, slice.len);
}

static int format_children(const struct filter *filter, struct buffer *out)
{
    int rc = put(out, kinds[filter->kind].sign);

    for (const struct filter *child = filter->children; rc == 0 && child != NULL;
         child = child->next)
        rc = filter_format(child, out);
    return rc;
}

static int format_substrings(const struct filter *filter, struct buffer *out)
{
    int rc = filter_escape(filter->initial, out);

    for (size_t i = 0; rc == 0 && i < filter->any_count; i++) {
        rc = put(out, "*");
        if (rc == 0)
            rc = filter_escape(filter->any[i], out);
    }
    if (rc == 0)
        rc = put(out, "*");
    return rc < 0 ? rc : filter_escape(filter->final, out);
}

static int format_leaf(const struct filter *filter, struct buffer *out)
{
    int rc = buffer_append(out, filter->attribute.data, filter->attribute.len);

    if (rc == 0 && filter->dn_attributes)
        rc = put(out, ":dn");
    if (rc == 0 && filter->rule.len > 0)
        rc = put(out, ":");
    if (rc == 0)
        rc = buffer_append(out, filter->rule.data, filter->rule.len);
    if (rc == 0)
        rc = put(out, kinds[filter->kind].sign);
    if (rc < 0)
        return rc;
    return filter->kind == FILTER_SUBSTRINGS ? format_substrings(filter, out)
                                             : filter_escape(filter->value, out);
}

int filter_format(const struct filter *filter, struct buffer *out)
{
    int rc = put(out, "(");

    if (rc == 0)
        rc = filter->kind <= FILTER_NOT ? format_children(filter, out) : format_leaf(filter, out);
    return rc < 0 ? rc : put(out, ")");
}
