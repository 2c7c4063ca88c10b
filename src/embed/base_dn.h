/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The DN under which a store keeps everything: "dc=example,dc=org", "o=Venue Group". It ends up
 * inside a configuration file, LDAP URLs and patterns, so only names that mean the same in all of
 * them are taken: RDNs of one value, without escapes and quotes.
 */
#ifndef USHER_EMBED_BASE_DN_H
#define USHER_EMBED_BASE_DN_H

#include <stddef.h>

#define BASE_DN_MAX 240

struct base_dn {
    char text[BASE_DN_MAX];    /* canonical: "dc=example,dc=org" */
    char url[3 * BASE_DN_MAX]; /* the same for an LDAP URL (RFC 4516): "o=Venue%20Group" */
    char value[BASE_DN_MAX];   /* of the first RDN: "example" */
    const char *attribute;     /* of the first RDN: "dc" */
    const char *object_class;  /* of its entry: "domain" */
};

/* Reads a base. The first RDN is dc, o, ou, c, l or st. E_SYNTAX, after a line on standard error
 * that names the value and what was expected. */
int base_dn_parse(const char *text, struct base_dn *ret);

#endif
