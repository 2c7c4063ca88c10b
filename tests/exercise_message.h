/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Throws bytes at every decoder of src/ldap and checks what must hold of any bytes whatever: the
 * outputs on errors, and that what decodes and can be encoded comes back the same. Shared by the
 * corpus test and the fuzzer; aborts on a violation, so that both notice.
 */
#ifndef USHER_TESTS_EXERCISE_MESSAGE_H
#define USHER_TESTS_EXERCISE_MESSAGE_H

#include "base/err.h"
#include "holds.h"
#include "ldap/dn.h"
#include "ldap/exop.h"
#include "ldap/message.h"

#include <stdarg.h>

static inline void dump_text(struct buffer *out, const char *format, ...)
{
    char text[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    HOLDS(buffer_append(out, text, (size_t)len) == 0);
}

static inline void dump_slice(struct buffer *out, struct slice slice)
{
    dump_text(out, " %zu:", slice.len);
    HOLDS(buffer_append(out, slice.data, slice.len) == 0);
}

static inline void dump_controls(struct buffer *out, const struct control *controls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dump_text(out, "\ncontrol %d %d", controls[i].critical, controls[i].has_value);
        dump_slice(out, controls[i].oid);
        dump_slice(out, controls[i].value);
    }
}

static inline void dump_attribute(struct buffer *out, const struct attribute *attribute)
{
    dump_text(out, "\n");
    dump_slice(out, attribute->name);
    for (size_t i = 0; i < attribute->value_count; i++)
        dump_slice(out, attribute->values[i]);
}

static inline void dump_search(struct buffer *out, const struct search_request *search)
{
    dump_slice(out, search->base);
    dump_text(out, " %d %d %d %d %d\n", search->scope, search->deref, search->size_limit,
              search->time_limit, search->types_only);
    if (search->filter->kind == FILTER_PRESENT) /* re-encoded in our spelling */
        dump_text(out, "present");
    else
        HOLDS(filter_format(search->filter, out) == 0);
    for (size_t i = 0; i < search->attribute_count; i++)
        dump_slice(out, search->attributes[i]);
}

static inline void dump_bind(struct buffer *out, const struct bind_request *bind)
{
    dump_text(out, " %d %d %d", bind->version, bind->sasl, bind->has_credentials);
    dump_slice(out, bind->dn);
    dump_slice(out, bind->password);
    dump_slice(out, bind->mechanism);
    dump_slice(out, bind->credentials);
}

/* Every field of a decoded request as text: reads all the memory that it points to. */
static inline void dump_message(struct buffer *out, const struct message *message)
{
    dump_text(out, "id %d op %02x", message->id, message->op);
    switch (message->op) {
    case OP_BIND:
        dump_bind(out, &message->bind);
        break;
    case OP_SEARCH:
        dump_search(out, &message->search);
        break;
    case OP_MODIFY:
        dump_slice(out, message->modify.dn);
        for (size_t i = 0; i < message->modify.change_count; i++) {
            dump_text(out, "\n%d", message->modify.changes[i].kind);
            dump_attribute(out, &message->modify.changes[i].attribute);
        }
        break;
    case OP_ADD:
        dump_slice(out, message->add.dn);
        for (size_t i = 0; i < message->add.attribute_count; i++)
            dump_attribute(out, &message->add.attributes[i]);
        break;
    case OP_DELETE:
        dump_slice(out, message->delete.dn);
        break;
    case OP_MODIFY_DN:
        dump_text(out, " %d %d", message->modify_dn.delete_old,
                  message->modify_dn.has_new_superior);
        dump_slice(out, message->modify_dn.dn);
        dump_slice(out, message->modify_dn.new_rdn);
        dump_slice(out, message->modify_dn.new_superior);
        break;
    case OP_COMPARE:
        dump_slice(out, message->compare.dn);
        dump_slice(out, message->compare.attribute);
        dump_slice(out, message->compare.value);
        break;
    case OP_ABANDON:
        dump_text(out, " %d", message->abandon.id);
        break;
    case OP_EXTENDED:
        dump_text(out, " %d", message->extended.has_value);
        dump_slice(out, message->extended.oid);
        dump_slice(out, message->extended.value);
        break;
    case OP_UNBIND:
        break;
    default:
        HOLDS(!"a request");
    }
    dump_controls(out, message->controls, message->control_count);
}

static inline void dump_response(struct buffer *out, const struct response *response)
{
    dump_text(out, "id %d op %02x code %d %d %d", response->id, response->op, response->result.code,
              response->result.has_oid, response->result.has_value);
    dump_slice(out, response->result.matched);
    dump_slice(out, response->result.text);
    dump_slice(out, response->result.oid);
    dump_slice(out, response->result.value);
    dump_slice(out, response->dn);
    for (size_t i = 0; i < response->attribute_count; i++)
        dump_attribute(out, &response->attributes[i]);
    dump_controls(out, response->controls, response->control_count);
}

static inline void exercise_dn(struct slice text)
{
    char first[DN_MAX], second[DN_MAX];
    struct slice once = {0}, twice = {0};

    if (dn_normalize(text, first, &once) < 0)
        return;
    HOLDS(once.len <= DN_MAX);
    HOLDS(dn_normalize(once, second, &twice) == 0);
    HOLDS(slice_equal(once, twice));
    HOLDS(dn_within(once, dn_parent(once)));
}

/* message_decode's result; what was encoded again, if anything, is appended to encoded. */
static inline int exercise_request(const void *data, size_t len, struct buffer *encoded)
{
    struct arena *arena = arena_new();
    struct buffer before = {0}, after = {0};
    struct message message;
    char *bytes = exact_copy(data, len), *again = NULL;
    int rc = message_decode(bytes, len, arena, &message);

    HOLDS(message.id >= 0 && (rc < 0 || (message.id > 0 && message.op != 0)));
    HOLDS(rc == 0 || rc == E_PROTO || rc == E_LIMIT || rc == E_SYNTAX);
    if (rc < 0)
        goto out;
    dump_message(&before, &message);
    if (message.op == OP_BIND)
        exercise_dn(message.bind.dn);
    if (message_encode_request(encoded, &message) < 0)
        goto out;
    again = exact_copy(encoded->data, encoded->len);
    HOLDS(message_decode(again, encoded->len, arena, &message) == 0);
    dump_message(&after, &message);
    HOLDS(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
out:
    buffer_clear(&before);
    buffer_clear(&after);
    arena_free(arena);
    free(bytes);
    free(again);
    return rc;
}

static inline void encode_response(const struct response *response, struct buffer *encoded)
{
    struct result result = response->result;

    result.controls = response->controls;
    result.control_count = response->control_count;
    if (response->op == OP_SEARCH_ENTRY && response->control_count == 0)
        HOLDS(message_encode_entry(encoded, response->id, response->dn, response->attributes,
                                   response->attribute_count, false) == 0);
    else if (response->op != OP_SEARCH_ENTRY && response->op != OP_SEARCH_REFERENCE &&
             response->op != OP_INTERMEDIATE)
        HOLDS(message_encode_result(encoded, response->id, response->op, &result) == 0);
}

static inline int exercise_response(const void *data, size_t len)
{
    struct arena *arena = arena_new();
    struct buffer before = {0}, after = {0}, encoded = {0};
    struct response response;
    char *bytes = exact_copy(data, len), *again = NULL;
    int rc = response_decode(bytes, len, arena, &response);

    HOLDS(rc == 0 || rc == E_PROTO || rc == E_LIMIT);
    if (rc < 0)
        goto out;
    dump_response(&before, &response);
    encode_response(&response, &encoded);
    if (encoded.len == 0)
        goto out;
    again = exact_copy(encoded.data, encoded.len);
    HOLDS(response_decode(again, encoded.len, arena, &response) == 0);
    dump_response(&after, &response);
    HOLDS(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
out:
    buffer_clear(&before);
    buffer_clear(&after);
    buffer_clear(&encoded);
    arena_free(arena);
    free(bytes);
    free(again);
    return rc;
}

/* The decoder's result; on success what was decoded, encoded again. */
#define EXERCISE_EXOP(type)                                                                        \
    static inline int exercise_##type(struct slice value, struct buffer *encoded)                  \
    {                                                                                              \
        struct type decoded;                                                                       \
        int rc = type##_decode(value, &decoded);                                                   \
                                                                                                   \
        if (rc == 0)                                                                               \
            HOLDS(type##_encode(&decoded, encoded) == 0);                                          \
        return rc;                                                                                 \
    }

EXERCISE_EXOP(verify_request)
EXERCISE_EXOP(verify_response)
EXERCISE_EXOP(challenge_request)
EXERCISE_EXOP(challenge_response)
EXERCISE_EXOP(set_pin_request)
EXERCISE_EXOP(enroll_request)
EXERCISE_EXOP(enroll_response)
EXERCISE_EXOP(unlock_request)
EXERCISE_EXOP(password_modify_request)
EXERCISE_EXOP(freshness)
EXERCISE_EXOP(page)
EXERCISE_EXOP(explain_request)
EXERCISE_EXOP(recovery_request)
EXERCISE_EXOP(reseal_request)
EXERCISE_EXOP(reseal_response)
EXERCISE_EXOP(app_password_request)
EXERCISE_EXOP(logout_request)
EXERCISE_EXOP(redeem_request)
EXERCISE_EXOP(redeem_response)
EXERCISE_EXOP(invite_request)

/* The lists: what was decoded is gathered, and encoded again. */
struct exercised_lines {
    struct explain_line lines[EXPLAIN_LINES_MAX];
    size_t count;
};

static inline int exercise_on_line(void *context, const struct explain_line *line)
{
    struct exercised_lines *lines = context;

    HOLDS(lines->count < EXPLAIN_LINES_MAX);
    lines->lines[lines->count++] = *line;
    return 0;
}

static inline int exercise_explain_response(struct slice value, struct buffer *encoded)
{
    static struct exercised_lines lines;
    struct explain_response decoded;
    int rc;

    lines.count = 0;
    rc = explain_response_decode(value, exercise_on_line, &lines, &decoded);
    if (rc == 0) {
        HOLDS(decoded.count == lines.count);
        decoded.lines = lines.lines;
        HOLDS(explain_response_encode(&decoded, encoded) == 0);
    }
    return rc == E_LIMIT ? E_PROTO : rc;
}

struct exercised_defects {
    struct doctor_defect defects[4096];
    size_t count;
};

static inline int exercise_on_defect(void *context, const struct doctor_defect *defect)
{
    struct exercised_defects *defects = context;

    if (defects->count == 4096)
        return E_PROTO;
    defects->defects[defects->count++] = *defect;
    return 0;
}

static inline int exercise_doctor_response(struct slice value, struct buffer *encoded)
{
    static struct exercised_defects defects;
    struct doctor_response decoded;
    int rc;

    defects.count = 0;
    rc = doctor_response_decode(value, exercise_on_defect, &defects, &decoded);
    if (rc == 0) {
        HOLDS(decoded.count == defects.count);
        decoded.defects = defects.defects;
        HOLDS(doctor_response_encode(&decoded, encoded) == 0);
    }
    return rc == E_LIMIT ? E_PROTO : rc;
}

struct exercised_codes {
    struct slice codes[RECOVERY_RESPONSE_MAX];
    size_t count;
};

static inline int exercise_on_code(void *context, struct slice code)
{
    struct exercised_codes *codes = context;

    HOLDS(codes->count < RECOVERY_RESPONSE_MAX);
    codes->codes[codes->count++] = code;
    return 0;
}

static inline int exercise_recovery_response(struct slice value, struct buffer *encoded)
{
    static struct exercised_codes codes;
    struct recovery_response decoded;
    int rc;

    codes.count = 0;
    rc = recovery_response_decode(value, exercise_on_code, &codes, &decoded);
    if (rc == 0) {
        HOLDS(decoded.count == codes.count);
        decoded.codes = codes.codes;
        HOLDS(recovery_response_encode(&decoded, encoded) == 0);
    }
    return rc == E_LIMIT ? E_PROTO : rc;
}

struct exercised_apps {
    struct app_password_line lines[APP_PASSWORD_LINES_MAX];
    size_t count;
};

static inline int exercise_on_app(void *context, const struct app_password_line *line)
{
    struct exercised_apps *apps = context;

    HOLDS(apps->count < APP_PASSWORD_LINES_MAX);
    apps->lines[apps->count++] = *line;
    return 0;
}

static inline int exercise_app_password_response(struct slice value, struct buffer *encoded)
{
    static struct exercised_apps apps;
    struct app_password_response decoded;
    int rc;

    apps.count = 0;
    rc = app_password_response_decode(value, exercise_on_app, &apps, &decoded);
    if (rc == 0) {
        HOLDS(decoded.count == apps.count);
        decoded.lines = apps.lines;
        HOLDS(app_password_response_encode(&decoded, encoded) == 0);
    }
    return rc == E_LIMIT ? E_PROTO : rc;
}

struct exop_codec {
    const char *name;
    int (*exercise)(struct slice value, struct buffer *encoded);
};

#define EXOP_CODEC(type)                                                                           \
    {                                                                                              \
#type, exercise_##type                                                                     \
    }

static const struct exop_codec exop_codecs[] = {
    EXOP_CODEC(verify_request),
    EXOP_CODEC(verify_response),
    EXOP_CODEC(challenge_request),
    EXOP_CODEC(challenge_response),
    EXOP_CODEC(set_pin_request),
    EXOP_CODEC(enroll_request),
    EXOP_CODEC(enroll_response),
    EXOP_CODEC(unlock_request),
    EXOP_CODEC(freshness),
    EXOP_CODEC(password_modify_request),
    EXOP_CODEC(page),
    EXOP_CODEC(explain_request),
    EXOP_CODEC(explain_response),
    EXOP_CODEC(doctor_response),
    EXOP_CODEC(recovery_request),
    EXOP_CODEC(recovery_response),
    EXOP_CODEC(reseal_request),
    EXOP_CODEC(reseal_response),
    EXOP_CODEC(app_password_request),
    EXOP_CODEC(app_password_response),
    EXOP_CODEC(logout_request),
    EXOP_CODEC(redeem_request),
    EXOP_CODEC(redeem_response),
    EXOP_CODEC(invite_request),
};

#define EXOP_CODEC_COUNT (sizeof(exop_codecs) / sizeof(exop_codecs[0]))

static inline int exercise_exop(const struct exop_codec *codec, const void *data, size_t len)
{
    struct buffer first = {0}, second = {0};
    char *bytes = exact_copy(data, len), *again = NULL;
    int rc = codec->exercise((struct slice){bytes, len}, &first);

    HOLDS(rc == 0 || rc == E_PROTO);
    if (rc == 0) {
        again = exact_copy(first.data, first.len);
        HOLDS(codec->exercise((struct slice){again, first.len}, &second) == 0);
        HOLDS(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        HOLDS(first.len <= len); /* ours is the shortest form */
    }
    buffer_clear(&first);
    buffer_clear(&second);
    free(bytes);
    free(again);
    return rc;
}

static inline void exercise_filter(const void *data, size_t len)
{
    struct arena *arena = arena_new();
    struct buffer text = {0};
    struct filter *filter;
    char *bytes = exact_copy(data, len);

    if (filter_decode((struct slice){bytes, len}, arena, &filter) == 0) {
        HOLDS(filter_format(filter, &text) == 0);
        for (size_t i = 0; i < text.len; i++)
            HOLDS(text.data[i] >= 0x20 && text.data[i] < 0x7f);
    }
    buffer_clear(&text);
    arena_free(arena);
    free(bytes);
}

/* As bytes from the wire: where a message ends, and both kinds. How many decoders took it. */
static inline size_t exercise_wire(const void *data, size_t len)
{
    struct buffer encoded = {0};
    size_t needed = 0, taken = 0;
    char *bytes = exact_copy(data, len);
    int rc = message_length(bytes, len, 1 << 24, &needed);

    HOLDS(rc == 0 || rc == E_AGAIN || rc == E_PROTO || rc == E_LIMIT);
    HOLDS(rc < 0 ? needed == 0 : needed >= 2 && needed <= 1 << 24);
    taken += exercise_request(data, len, &encoded) == 0;
    taken += exercise_response(data, len) == 0;
    HOLDS(taken == 0 || (rc == 0 && needed == len));
    buffer_clear(&encoded);
    free(bytes);
    return taken;
}

/* Everything at once. How many decoders took it. */
static inline size_t exercise_all(const void *data, size_t len)
{
    size_t taken = exercise_wire(data, len);
    char *bytes = exact_copy(data, len);

    for (size_t i = 0; i < EXOP_CODEC_COUNT; i++)
        taken += exercise_exop(&exop_codecs[i], data, len) == 0;
    exercise_filter(data, len);
    exercise_dn((struct slice){bytes, len});
    free(bytes);
    return taken;
}

#endif
