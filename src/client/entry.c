/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/entry.h"
#include "base/err.h"
#include "ldap/message.h"

#include <lber.h>

/* Opens the bytes and reads up to the operation. */
static int entry_open(char *bytes, size_t len, BerElement **ret, ber_int_t *ret_id,
                      ber_tag_t *ret_op)
{
    struct berval value = {.bv_len = len, .bv_val = bytes};
    BerElement *element = ber_alloc_t(0);
    ber_len_t op_len;
    ber_int_t id;

    if (element == NULL)
        return E_NOMEM;
    ber_init2(element, &value, 0);
    if (ber_scanf(element, "{i", &id) == LBER_ERROR) {
        ber_free(element, 0);
        return E_PROTO;
    }
    *ret_op = ber_peek_tag(element, &op_len);
    *ret_id = id;
    *ret = element;
    return 0;
}

int entry_probe(char *bytes, size_t len)
{
    BerElement *element;
    ber_tag_t op;
    ber_int_t id;
    int rc = entry_open(bytes, len, &element, &id, &op);

    if (rc < 0)
        return rc;
    ber_free(element, 0);
    return op == OP_SEARCH_ENTRY ? 0 : op == LBER_DEFAULT ? E_PROTO : E_NOTFOUND;
}

static int entry_values(BerElement *element, struct slice name, entry_on_value *on_value,
                        void *context)
{
    struct berval value;
    ber_len_t len;
    char *last;

    for (ber_tag_t tag = ber_first_element(element, &len, &last); tag != LBER_DEFAULT;
         tag = ber_next_element(element, &len, last)) {
        int rc;

        if (tag != LBER_OCTETSTRING || ber_scanf(element, "m", &value) == LBER_ERROR)
            return E_PROTO;
        rc = on_value(context, name, (struct slice){value.bv_val, value.bv_len});
        if (rc != 0)
            return rc;
    }
    return 0;
}

int entry_walk(char *bytes, size_t len, int32_t id, entry_on_dn *on_dn, entry_on_value *on_value,
               void *context)
{
    BerElement *element;
    struct berval name;
    ber_len_t part_len;
    ber_int_t got;
    ber_tag_t tag;
    char *last;
    int rc = entry_open(bytes, len, &element, &got, &tag);

    if (rc < 0)
        return rc;
    if (got != id || tag != OP_SEARCH_ENTRY || ber_scanf(element, "{m", &name) == LBER_ERROR)
        rc = E_PROTO;
    if (rc == 0 && on_dn != NULL)
        rc = on_dn(context, (struct slice){name.bv_val, name.bv_len});
    if (rc == 0 && ber_peek_tag(element, &part_len) != LBER_SEQUENCE)
        rc = E_PROTO;
    if (rc == 0)
        for (tag = ber_first_element(element, &part_len, &last); rc == 0 && tag != LBER_DEFAULT;
             tag = ber_next_element(element, &part_len, last)) {
            if (tag != LBER_SEQUENCE || ber_scanf(element, "{m", &name) == LBER_ERROR ||
                ber_peek_tag(element, &part_len) != LBER_SET)
                rc = E_PROTO;
            else
                rc = entry_values(element, (struct slice){name.bv_val, name.bv_len}, on_value,
                                  context);
        }
    ber_free(element, 0);
    return rc;
}
