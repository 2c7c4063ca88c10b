/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The value of the paged results control (RFC 2696), in a request and in a response.
 */
#ifndef USHER_LDAP_PAGED_H
#define USHER_LDAP_PAGED_H

#include "base/buffer.h"

#include <stdint.h>

struct paged {
    int32_t size;        /* request: entries of a page; response: of the whole, 0: not known */
    struct slice cookie; /* empty: from the start, or: there is no more */
};

/* Decodes a value, pointing into it; value.data[value.len] must exist. E_PROTO. */
int paged_decode(struct slice value, struct paged *ret);

/* Appends a value. E_NOMEM. */
int paged_encode(const struct paged *paged, struct buffer *out);

#endif
