/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One search entry (RFC 4511 4.5.2) as a client reads it, value by value, with no allocation of its
 * own: ldap/message.h gives entries out of an arena, which ends the process when memory does, and
 * that is not for a library inside a foreign program.
 */
#ifndef USHER_CLIENT_ENTRY_H
#define USHER_CLIENT_ENTRY_H

#include "base/mem.h"

#include <stdint.h>

/* Told of each value. Anything but 0 ends the walk and is returned. */
typedef int entry_on_value(void *context, struct slice name, struct slice value);

/* Whether these bytes are a message with a search entry (0), another operation (E_NOTFOUND), or
 * neither (E_PROTO). */
int entry_probe(char *bytes, size_t len);

/* Told of the DN, as the server writes it, before the values. */
typedef int entry_on_dn(void *context, struct slice dn);

/* Walks the entry. bytes[len] must exist; the bytes are changed. on_dn may be NULL. E_PROTO for
 * what is malformed or answers another request than id; E_NOMEM; or what on_dn or on_value
 * returned. */
int entry_walk(char *bytes, size_t len, int32_t id, entry_on_dn *on_dn, entry_on_value *on_value,
               void *context);

#endif
