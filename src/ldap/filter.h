/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A search filter (RFC 4511 4.5.1.7) as a tree in an arena. Depth and size are bounded.
 */
#ifndef USHER_LDAP_FILTER_H
#define USHER_LDAP_FILTER_H

#include "base/buffer.h"
#include "base/mem.h"

#define FILTER_DEPTH_MAX 32
#define FILTER_NODES_MAX 1024

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_EQUAL,
    FILTER_SUBSTRINGS,
    FILTER_GREATER_OR_EQUAL,
    FILTER_LESS_OR_EQUAL,
    FILTER_PRESENT,
    FILTER_APPROX,
    FILTER_EXTENSIBLE,
};

struct filter {
    enum filter_kind kind;
    struct filter *next; /* sibling within AND, OR */
    struct filter
        *children; /* AND, OR, NOT; NULL for the empty AND (true) and OR (false), RFC 4526 */
    struct slice attribute; /* all leaves; may be empty in EXTENSIBLE */
    struct slice value;     /* EQUAL, >=, <=, APPROX, EXTENSIBLE */
    struct slice rule;      /* EXTENSIBLE: matching rule, may be empty */
    bool dn_attributes;     /* EXTENSIBLE */
    struct slice initial;   /* SUBSTRINGS; empty data pointer when absent */
    struct slice final;
    struct slice *any;
    size_t any_count;
};

/* Decodes bytes that are one BER Filter and nothing else (also the value of the assertion control,
 * RFC 4528). bytes.data[bytes.len] must exist. The tree lies in the arena and points into the
 * bytes. E_PROTO for malformed BER; E_LIMIT beyond a bound; E_SYNTAX for a filter of no known kind,
 * or whose attribute description or matching rule holds anything but letters, digits and - . ; _ */
int filter_decode(struct slice bytes, struct arena *arena, struct filter **ret);

/* Appends the filter's string form (RFC 4515), escaped: every byte of a value outside printable
 * ASCII too, so that the result is plain text. E_NOMEM. */
int filter_format(const struct filter *filter, struct buffer *out);

/* Appends a value escaped for a filter string (RFC 4515). E_NOMEM. */
int filter_escape(struct slice value, struct buffer *out);

#endif
