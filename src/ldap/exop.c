/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One table per SEQUENCE says which fields it has and where they lie in the struct; one reader and
 * one writer serve all of them.
 */
#include "ldap/exop.h"
#include "base/err.h"
#include "ldap/tlv.h"

#include <stddef.h>
#include <string.h>

enum kind { KIND_STRING, KIND_INT32, KIND_INT64 };

struct field {
    unsigned char tag;
    enum kind kind; /* an enum is an INT32 with an upper bound */
    bool optional;  /* a string without data, or the number 0, is left out */
    size_t offset;
    int64_t max; /* numbers run from 0 to this */
};

struct sequence {
    const struct field *fields;
    size_t count;
    size_t size; /* of the struct */
};

/* Large enough for every struct described here. */
#define STRUCT_MAX 256

#define TAG(number) (0x80 | (number))

#define FIELD(type, number, kind, optional, member, max)                                           \
    {                                                                                              \
        TAG(number), kind, optional, offsetof(struct type, member), max                            \
    }
#define STRING(type, number, member)          FIELD(type, number, KIND_STRING, false, member, 0)
#define STRING_OPTIONAL(type, number, member) FIELD(type, number, KIND_STRING, true, member, 0)
#define NUMBER(type, number, member, max)     FIELD(type, number, KIND_INT32, false, member, max)
#define NUMBER_OPTIONAL(type, number, member, max)                                                 \
    FIELD(type, number, KIND_INT32, true, member, max)
#define NUMBER64(type, number, member) FIELD(type, number, KIND_INT64, false, member, INT64_MAX)

/* Names the fields' table of a struct, and both its functions. */
#define SEQUENCE(type)                                                                             \
    _Static_assert(sizeof(struct type) <= STRUCT_MAX, "raise STRUCT_MAX");                         \
    static const struct sequence type##_sequence = {                                               \
        type##_fields, sizeof(type##_fields) / sizeof(type##_fields[0]), sizeof(struct type)};     \
    int type##_encode(const struct type *value, struct buffer *out)                                \
    {                                                                                              \
        return sequence_encode(&type##_sequence, value, out);                                      \
    }                                                                                              \
    int type##_decode(struct slice value, struct type *ret)                                        \
    {                                                                                              \
        return sequence_decode(&type##_sequence, value, ret);                                      \
    }

_Static_assert(sizeof(enum means) == sizeof(int32_t), "an enum is read as an int32_t");

static bool field_absent(const struct field *field, const void *place)
{
    if (!field->optional)
        return false;
    return field->kind == KIND_STRING ? ((const struct slice *)place)->data == NULL
                                      : *(const int32_t *)place == 0;
}

static int field_decode(const struct field *field, struct tlv_reader *reader, void *place)
{
    switch (field->kind) {
    case KIND_STRING:
        return tlv_take(reader, field->tag, place);
    case KIND_INT32:
        return tlv_take_int(reader, field->tag, 0, (int32_t)field->max, place);
    case KIND_INT64:
        return tlv_take_int64(reader, field->tag, 0, field->max, place);
    }
    return E_INTERNAL;
}

static void field_encode(const struct field *field, struct tlv_writer *writer, const void *place)
{
    switch (field->kind) {
    case KIND_STRING:
        tlv_put(writer, field->tag, *(const struct slice *)place);
        break;
    case KIND_INT32:
        tlv_put_int(writer, field->tag, *(const int32_t *)place);
        break;
    case KIND_INT64:
        tlv_put_int64(writer, field->tag, *(const int64_t *)place);
        break;
    }
}

static int sequence_decode(const struct sequence *sequence, struct slice value, void *ret)
{
    _Alignas(16) char decoded[STRUCT_MAX] = {0};
    struct tlv_reader reader;
    int rc = tlv_open_sequence(value, &reader);

    for (size_t i = 0; rc == 0 && i < sequence->count; i++) {
        const struct field *field = &sequence->fields[i];

        if (!field->optional || tlv_peek(&reader) == field->tag)
            rc = field_decode(field, &reader, decoded + field->offset);
    }
    if (rc == 0)
        rc = tlv_finish(&reader);
    if (rc == 0)
        memcpy(ret, decoded, sequence->size);
    return rc;
}

static int sequence_encode(const struct sequence *sequence, const void *value, struct buffer *out)
{
    const char *base = value;
    size_t bound = TLV_OVERHEAD;
    struct tlv_writer writer;
    int rc;

    for (size_t i = 0; i < sequence->count; i++) {
        const struct field *field = &sequence->fields[i];

        bound += TLV_OVERHEAD;
        if (field->kind == KIND_STRING)
            bound += ((const struct slice *)(const void *)(base + field->offset))->len;
    }
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < sequence->count; i++) {
        const struct field *field = &sequence->fields[i];

        if (!field_absent(field, base + field->offset))
            field_encode(field, &writer, base + field->offset);
    }
    tlv_end(&writer);
    return tlv_commit(&writer);
}

static const struct field verify_request_fields[] = {
    STRING(verify_request, 0, user),
    STRING_OPTIONAL(verify_request, 1, organization),
    STRING_OPTIONAL(verify_request, 2, permission),
    NUMBER(verify_request, 3, factor, VERIFY_CODE),
    STRING_OPTIONAL(verify_request, 4, secret),
    STRING_OPTIONAL(verify_request, 5, ticket),
    STRING_OPTIONAL(verify_request, 6, service),
    STRING_OPTIONAL(verify_request, 7, tty),
    STRING_OPTIONAL(verify_request, 8, rhost),
    STRING_OPTIONAL(verify_request, 9, language),
};
SEQUENCE(verify_request)

static const struct field verify_response_fields[] = {
    NUMBER(verify_response, 0, state, VERIFY_STATE_REFUSED),
    STRING_OPTIONAL(verify_response, 1, ticket),
    STRING_OPTIONAL(verify_response, 2, text),
    STRING_OPTIONAL(verify_response, 3, user),
    NUMBER_OPTIONAL(verify_response, 4, means, MEANS_TOTP),
};
SEQUENCE(verify_response)

static const struct field challenge_request_fields[] = {
    STRING(challenge_request, 0, user),
    STRING_OPTIONAL(challenge_request, 1, organization),
    NUMBER(challenge_request, 2, means, MEANS_TOTP),
    STRING_OPTIONAL(challenge_request, 3, ticket),
    STRING_OPTIONAL(challenge_request, 4, language),
};
SEQUENCE(challenge_request)

static const struct field challenge_response_fields[] = {
    NUMBER(challenge_response, 0, means, MEANS_TOTP),
    STRING(challenge_response, 1, destination),
    NUMBER(challenge_response, 2, digits, INT32_MAX),
    NUMBER(challenge_response, 3, seconds, INT32_MAX),
};
SEQUENCE(challenge_response)

static const struct field set_pin_request_fields[] = {
    STRING(set_pin_request, 0, organization),
    STRING_OPTIONAL(set_pin_request, 1, user),
    STRING_OPTIONAL(set_pin_request, 2, new_pin),
    STRING_OPTIONAL(set_pin_request, 3, old_pin),
};
SEQUENCE(set_pin_request)

static const struct field enroll_request_fields[] = {
    STRING_OPTIONAL(enroll_request, 0, user),
    NUMBER(enroll_request, 1, step, ENROLL_MAIL),
    STRING_OPTIONAL(enroll_request, 2, code),
};
SEQUENCE(enroll_request)

static const struct field enroll_response_fields[] = {
    STRING_OPTIONAL(enroll_response, 0, uri),
};
SEQUENCE(enroll_response)

static const struct field unlock_request_fields[] = {
    STRING(unlock_request, 0, user),
    STRING_OPTIONAL(unlock_request, 1, organization),
};
SEQUENCE(unlock_request)

static const struct field recovery_request_fields[] = {
    STRING_OPTIONAL(recovery_request, 0, user),
};
SEQUENCE(recovery_request)

static const struct field reseal_request_fields[] = {
    NUMBER(reseal_request, 0, step, RESEAL_RUN),
    STRING_OPTIONAL(reseal_request, 1, key),
};
SEQUENCE(reseal_request)

static const struct field reseal_response_fields[] = {
    STRING(reseal_response, 0, key),       NUMBER64(reseal_response, 1, resealed),
    NUMBER64(reseal_response, 2, left),    NUMBER64(reseal_response, 3, dead),
    NUMBER64(reseal_response, 4, wait_ms),
};
SEQUENCE(reseal_response)

static const struct field app_password_request_fields[] = {
    STRING_OPTIONAL(app_password_request, 0, user),
    NUMBER(app_password_request, 1, action, APP_REVOKE),
    STRING_OPTIONAL(app_password_request, 2, organization),
    STRING_OPTIONAL(app_password_request, 3, service),
    STRING_OPTIONAL(app_password_request, 4, label),
    STRING_OPTIONAL(app_password_request, 5, id),
};
SEQUENCE(app_password_request)

static const struct field logout_request_fields[] = {
    STRING_OPTIONAL(logout_request, 0, user),
};
SEQUENCE(logout_request)

static const struct field redeem_request_fields[] = {
    STRING(redeem_request, 0, token),
    STRING(redeem_request, 1, new_password),
    STRING_OPTIONAL(redeem_request, 2, language),
};
SEQUENCE(redeem_request)

static const struct field redeem_response_fields[] = {
    STRING(redeem_response, 0, user),
};
SEQUENCE(redeem_response)

static const struct field invite_request_fields[] = {
    STRING(invite_request, 0, user),
    NUMBER(invite_request, 1, kind, INVITE_FORGOTTEN),
    STRING_OPTIONAL(invite_request, 2, organization),
    STRING_OPTIONAL(invite_request, 3, language),
};
SEQUENCE(invite_request)

static const struct field explain_request_fields[] = {
    STRING(explain_request, 0, organization),
    STRING(explain_request, 1, user),
    STRING(explain_request, 2, query),
};
SEQUENCE(explain_request)

static const struct field password_modify_request_fields[] = {
    STRING_OPTIONAL(password_modify_request, 0, user),
    STRING_OPTIONAL(password_modify_request, 1, old_password),
    STRING_OPTIONAL(password_modify_request, 2, new_password),
};
SEQUENCE(password_modify_request)

static const struct field page_fields[] = {
    {LBER_INTEGER, KIND_INT32, false, offsetof(struct page, size), INT32_MAX},
    {LBER_OCTETSTRING, KIND_STRING, false, offsetof(struct page, cookie), 0},
};
SEQUENCE(page)

static const struct field freshness_fields[] = {
    {LBER_INTEGER, KIND_INT64, false, offsetof(struct freshness, age_ms), INT64_MAX},
    {LBER_OCTETSTRING, KIND_STRING, false, offsetof(struct freshness, csn), 0},
};
SEQUENCE(freshness)
