/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages (RFC 4511): bytes to structs and back, over liblber. A decoded message points into
 * the bytes it was decoded from (which decoding may change in place) and into an arena; nothing is
 * to be freed by itself. Every list is bounded. Knows no sockets and no entries.
 */
#ifndef USHER_LDAP_MESSAGE_H
#define USHER_LDAP_MESSAGE_H

#include "base/buffer.h"
#include "base/mem.h"
#include "ldap/filter.h"

#include <stdint.h>

/* Bounds; a message beyond one is E_LIMIT. */
#define MESSAGE_CONTROLS_MAX   16
#define MESSAGE_ATTRIBUTES_MAX 4096   /* of an add or asked for; changes of a modify */
#define MESSAGE_VALUES_MAX     200000 /* values of one message together */

/* Operation tags (the protocolOp's BER tag). */
enum op {
    OP_BIND = 0x60,
    OP_BIND_RESPONSE = 0x61,
    OP_UNBIND = 0x42,
    OP_SEARCH = 0x63,
    OP_SEARCH_ENTRY = 0x64,
    OP_SEARCH_DONE = 0x65,
    OP_SEARCH_REFERENCE = 0x73,
    OP_MODIFY = 0x66,
    OP_MODIFY_RESPONSE = 0x67,
    OP_ADD = 0x68,
    OP_ADD_RESPONSE = 0x69,
    OP_DELETE = 0x4a,
    OP_DELETE_RESPONSE = 0x6b,
    OP_MODIFY_DN = 0x6c,
    OP_MODIFY_DN_RESPONSE = 0x6d,
    OP_COMPARE = 0x6e,
    OP_COMPARE_RESPONSE = 0x6f,
    OP_ABANDON = 0x50,
    OP_EXTENDED = 0x77,
    OP_EXTENDED_RESPONSE = 0x78,
    OP_INTERMEDIATE = 0x79,
};

/* Result codes (RFC 4511 4.1.9) that we send or look at. */
enum result_code {
    RESULT_SUCCESS = 0,
    RESULT_OPERATIONS_ERROR = 1,
    RESULT_PROTOCOL_ERROR = 2,
    RESULT_TIME_LIMIT_EXCEEDED = 3,
    RESULT_SIZE_LIMIT_EXCEEDED = 4,
    RESULT_COMPARE_FALSE = 5,
    RESULT_COMPARE_TRUE = 6,
    RESULT_AUTH_METHOD_NOT_SUPPORTED = 7,
    RESULT_STRONGER_AUTH_REQUIRED = 8,
    RESULT_ADMIN_LIMIT_EXCEEDED = 11,
    RESULT_UNAVAILABLE_CRITICAL_EXTENSION = 12,
    RESULT_CONFIDENTIALITY_REQUIRED = 13,
    RESULT_NO_SUCH_ATTRIBUTE = 16,
    RESULT_INVALID_ATTRIBUTE_SYNTAX = 21,
    RESULT_NO_SUCH_OBJECT = 32,
    RESULT_INVALID_DN_SYNTAX = 34,
    RESULT_INAPPROPRIATE_AUTHENTICATION = 48,
    RESULT_INVALID_CREDENTIALS = 49,
    RESULT_INSUFFICIENT_ACCESS = 50,
    RESULT_BUSY = 51,
    RESULT_UNAVAILABLE = 52,
    RESULT_UNWILLING_TO_PERFORM = 53,
    RESULT_OTHER = 80,
    RESULT_CANCELED = 118,
    RESULT_NO_SUCH_OPERATION = 119,
    RESULT_TOO_LATE = 120,
    RESULT_CANNOT_CANCEL = 121,
};

struct control {
    struct slice oid;
    struct slice value;
    bool critical;
    bool has_value;
};

struct attribute {
    struct slice name; /* description as sent, options included */
    struct slice *values;
    size_t value_count;
};

struct bind_request {
    int version;
    struct slice dn;
    bool sasl;              /* else simple */
    struct slice password;  /* simple */
    struct slice mechanism; /* sasl */
    struct slice credentials;
    bool has_credentials;
};

struct search_request {
    struct slice base;
    int scope; /* 0 base, 1 one level, 2 subtree, 3 children */
    int deref;
    int32_t size_limit; /* entries, 0: none */
    int32_t time_limit; /* seconds, 0: none */
    bool types_only;
    struct filter *filter;
    struct slice *attributes;
    size_t attribute_count;
};

struct modification {
    int kind; /* 0 add, 1 delete, 2 replace, 3 increment */
    struct attribute attribute;
};

struct modify_request {
    struct slice dn;
    struct modification *changes;
    size_t change_count;
};

struct add_request {
    struct slice dn;
    struct attribute *attributes;
    size_t attribute_count;
};

struct delete_request {
    struct slice dn;
};

struct modify_dn_request {
    struct slice dn;
    struct slice new_rdn;
    bool delete_old;
    struct slice new_superior;
    bool has_new_superior;
};

struct compare_request {
    struct slice dn;
    struct slice attribute;
    struct slice value;
};

struct abandon_request {
    int32_t id;
};

struct extended_request {
    struct slice oid;
    struct slice value;
    bool has_value;
};

struct message {
    int32_t id; /* 1..2^31-1 in a request; 0 only in an unsolicited notice */
    enum op op;
    union {
        struct bind_request bind;
        struct search_request search;
        struct modify_request modify;
        struct add_request add;
        struct delete_request delete;
        struct modify_dn_request modify_dn;
        struct compare_request compare;
        struct abandon_request abandon;
        struct extended_request extended;
    };
    struct control controls[MESSAGE_CONTROLS_MAX];
    size_t control_count;
};

/* An LDAPResult with what some responses add to it. */
struct result {
    int code;
    struct slice matched; /* DN */
    struct slice text;    /* diagnostic */
    struct slice oid;     /* extended response */
    struct slice value;   /* extended response; bind: server credentials */
    bool has_oid;
    bool has_value;
    const struct control *controls;
    size_t control_count;
};

/* A response as a client reads it. */
struct response {
    int32_t id;
    enum op op;
    struct result result;         /* for results; zero for entries */
    struct slice dn;              /* OP_SEARCH_ENTRY */
    struct attribute *attributes; /* OP_SEARCH_ENTRY */
    size_t attribute_count;
    struct control controls[MESSAGE_CONTROLS_MAX];
    size_t control_count;
};

/* How long the first message in these bytes is. 0 with *ret_len set when its header is complete
 * (the message may not be: compare *ret_len with len); E_AGAIN when more bytes are needed to tell;
 * E_PROTO when this is no LDAPMessage (first byte not 0x30, indefinite or over-long length);
 * E_LIMIT when it is longer than max. */
int message_length(const char *bytes, size_t len, size_t max, size_t *ret_len);

/* Decodes one whole request of len bytes. bytes[len] must exist and be writable (liblber may put a
 * terminator there); the bytes may be changed. Lists go to the arena (untouched by Bind, Compare,
 * Extended, Delete, Abandon, Unbind, so that those cost no allocation). E_PROTO for what is not a
 * well-formed request (trailing bytes included); E_LIMIT beyond a bound; E_SYNTAX for a filter that
 * is well-formed BER but of no known kind. On an error ret->id and ret->op are set when they could
 * be read, else 0, so that an answer can be sent. */
int message_decode(char *bytes, size_t len, struct arena *arena, struct message *ret);

/* The control of this OID, or NULL. */
const struct control *message_control(const struct message *message, const char *oid);

/* Appends one response. op is the response's tag: a bind, search-done, modify, add, delete,
 * modify-DN, compare or extended response. E_NOMEM. */
int message_encode_result(struct buffer *out, int32_t id, enum op op, const struct result *result);

/* Appends one search entry. types_only leaves out the values. E_NOMEM. */
int message_encode_entry(struct buffer *out, int32_t id, struct slice dn,
                         const struct attribute *attributes, size_t attribute_count,
                         bool types_only);

/* The response tag that answers a request's tag; 0 for those that get none. */
enum op message_response_op(enum op request);

/* Client side: appends one request (simple and SASL bind, unbind, compare, extended, abandon,
 * search with attribute list and a filter of one presence or equality, NULL for (objectClass=*));
 * E_UNWILLING for another op or filter. E_NOMEM. */
int message_encode_request(struct buffer *out, const struct message *message);

/* Client side: decodes one whole response of len bytes, as message_decode does. The arena is used
 * for entries only and may be NULL when no search was sent. */
int response_decode(char *bytes, size_t len, struct arena *arena, struct response *ret);

#endif
