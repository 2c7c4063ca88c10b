/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The common elements of RFC 4511 section 4.1 that requests and responses share: object
 * identifiers, controls, attributes, lists of strings. Internal to src/ldap.
 */
#ifndef USHER_LDAP_ELEMENT_H
#define USHER_LDAP_ELEMENT_H

#include "ldap/message.h"
#include "ldap/tlv.h"

/* The next element as an LDAPOID: a dotted number (RFC 4512 1.4). E_PROTO for anything else. */
int element_take_oid(struct tlv_reader *reader, ber_tag_t tag, struct slice *ret);

/* The optional controls and the end of a message. E_LIMIT beyond MESSAGE_CONTROLS_MAX, E_PROTO also
 * for the same OID twice. controls has MESSAGE_CONTROLS_MAX places. */
int element_take_controls(struct tlv_reader *reader, struct control *controls, size_t *ret_count);

/* The rest of the reader as OCTET STRINGs, at most max (E_LIMIT), into the arena. */
int element_take_strings(struct tlv_reader *reader, size_t max, struct arena *arena,
                         struct slice **ret, size_t *ret_count);

/* A PartialAttribute. *budget is the number of values that the message may still hold. */
int element_take_attribute(struct tlv_reader *reader, struct arena *arena, size_t *budget,
                           struct attribute *ret);

/* Controls for a writer, and the bound that they need. Nothing is written for none. */
size_t element_controls_bound(const struct control *controls, size_t count);
void element_put_controls(struct tlv_writer *writer, const struct control *controls, size_t count);

#endif
