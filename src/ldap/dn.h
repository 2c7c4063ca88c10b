/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Distinguished names (RFC 4514). Inside usher a DN has one form, the normalized one: attribute
 * types lower case, values ASCII case folded, leading, trailing and repeated spaces removed, RDNs
 * joined by
 * "," and the parts of a multi-valued RDN sorted and joined by "+", and each byte of a value that
 * is none of a-z 0-9 . _ - : @ space / or above 0x7f written as a backslash and two hex digits. So
 * two equal DNs are the same bytes, and every plain comma separates RDNs. Types written as OIDs or
 * by their long names (commonName) are turned into cn, o, ou, dc, uid, c, l, st, street, mail where
 * they are these. A value in BER (#0c02...) is taken as its text where it is a string; other BER is
 * refused.
 */
#ifndef USHER_LDAP_DN_H
#define USHER_LDAP_DN_H

#include "base/buffer.h"
#include "base/mem.h"

#define DN_MAX 1024 /* bytes of a normalized DN */

/* The normalized form of text into buf (at least DN_MAX bytes, apart from text; no allocation).
 * Spaces around , + and = are passed over; "; quotes <>" unescaped are not RFC 4514 and no DN to
 * us. E_SYNTAX for what is no DN, E_LIMIT when it does not fit (or an RDN has over 16 parts). The
 * empty DN is valid. */
int dn_normalize(struct slice text, char *buf, struct slice *ret);

/* Of normalized DNs: the parent (empty for one RDN or none), the first RDN. */
struct slice dn_parent(struct slice dn);
struct slice dn_rdn(struct slice dn);

/* Whether dn is base or lies under it; both normalized. An empty base holds everything. */
bool dn_within(struct slice dn, struct slice base);

/* Splits a normalized single-valued RDN: type and value, the value still escaped. E_SYNTAX when it
 * is multi-valued or empty. */
int dn_rdn_split(struct slice rdn, struct slice *ret_type, struct slice *ret_value);

/* Appends value escaped for a DN (RFC 4514 2.4). E_NOMEM. */
int dn_escape(struct slice value, struct buffer *out);

#endif
