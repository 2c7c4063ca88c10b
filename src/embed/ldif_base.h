/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDIF (RFC 2849) written for the sample base, moved under the base of this store: every value, DNs
 * included, that ends in "dc=example,dc=org" ends in the store's base afterwards. Line numbers stay
 * the same, so that what slapadd says about the result fits the file. Values are not looked into
 * otherwise: whether they are right is for slapadd to say.
 */
#ifndef USHER_EMBED_LDIF_BASE_H
#define USHER_EMBED_LDIF_BASE_H

#include <stdio.h>

#define LDIF_BASE_SAMPLE   "dc=example,dc=org"
#define LDIF_BASE_LINE_MAX (8 * 1024 * 1024) /* bytes of one line, continued lines joined */

/* Copies in to out until the end of in. name is for messages. A value that ends in base already
 * stays. E_LIMIT (a line too long), E_IO, after a line on standard error. */
int ldif_base_move(FILE *in, const char *name, const char *base, FILE *out);

#endif
