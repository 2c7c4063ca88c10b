/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap/paged.h"
#include "base/err.h"
#include "ldap/tlv.h"

int paged_decode(struct slice value, struct paged *ret)
{
    struct tlv_reader reader, body;
    struct paged paged = {0};
    int rc;

    tlv_open(&reader, value);
    rc = tlv_enter(&reader, LBER_SEQUENCE, &body);
    if (rc == 0)
        rc = tlv_finish(&reader);
    if (rc == 0)
        rc = tlv_take_int(&body, LBER_INTEGER, 0, INT32_MAX, &paged.size);
    if (rc == 0)
        rc = tlv_take(&body, LBER_OCTETSTRING, &paged.cookie);
    if (rc == 0)
        rc = tlv_finish(&body);
    if (rc == 0)
        *ret = paged;
    return rc;
}

int paged_encode(const struct paged *paged, struct buffer *out)
{
    struct tlv_writer writer;
    int rc = tlv_begin(&writer, out, 4 * TLV_OVERHEAD + paged->cookie.len);

    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_int(&writer, LBER_INTEGER, paged->size);
    tlv_put(&writer, LBER_OCTETSTRING, paged->cookie);
    tlv_end(&writer);
    return tlv_commit(&writer);
}
