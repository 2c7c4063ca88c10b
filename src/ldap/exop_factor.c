/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values about factors that no table of fields describes: lists, and the policy of passwords.
 */
#include "base/err.h"
#include "ldap/exop.h"
#include "ldap/tlv.h"

int recovery_response_encode(const struct recovery_response *response, struct buffer *out)
{
    size_t bound = 2 * TLV_OVERHEAD;
    struct tlv_writer writer;
    int rc;

    if (response->count > RECOVERY_RESPONSE_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < response->count; i++)
        bound += TLV_OVERHEAD + response->codes[i].len;
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < response->count; i++)
        tlv_put(&writer, LBER_OCTETSTRING, response->codes[i]);
    tlv_end(&writer);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

#define LINE_FIELDS 5

/* The fields of a line in their order. */
static void line_fields(const struct app_password_line *line, struct slice ret[LINE_FIELDS])
{
    ret[0] = line->id;
    ret[1] = line->organization;
    ret[2] = line->service;
    ret[3] = line->label;
    ret[4] = line->created;
}

int app_password_response_encode(const struct app_password_response *response, struct buffer *out)
{
    size_t bound = 3 * TLV_OVERHEAD + response->password.len;
    struct slice fields[LINE_FIELDS];
    struct tlv_writer writer;
    int rc;

    if (response->count > APP_PASSWORD_LINES_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < response->count; i++) {
        line_fields(&response->lines[i], fields);
        bound += TLV_OVERHEAD;
        for (size_t j = 0; j < LINE_FIELDS; j++)
            bound += TLV_OVERHEAD + fields[j].len;
    }
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    if (response->password.data != NULL)
        tlv_put(&writer, TLV_CONTEXT(0), response->password);
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < response->count; i++) {
        line_fields(&response->lines[i], fields);
        tlv_start(&writer, LBER_SEQUENCE);
        for (size_t j = 0; j < LINE_FIELDS; j++)
            tlv_put(&writer, LBER_OCTETSTRING, fields[j]);
        tlv_end(&writer);
    }
    tlv_end(&writer);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

static int line_decode(struct tlv_reader *list, struct app_password_line *ret)
{
    struct slice *const fields[LINE_FIELDS] = {&ret->id, &ret->organization, &ret->service,
                                               &ret->label, &ret->created};
    struct tlv_reader reader;
    int rc = tlv_enter(list, LBER_SEQUENCE, &reader);

    for (size_t i = 0; rc == 0 && i < LINE_FIELDS; i++)
        rc = tlv_take(&reader, LBER_OCTETSTRING, fields[i]);
    return rc == 0 ? tlv_finish(&reader) : rc;
}

int app_password_response_decode(struct slice value,
                                 int (*on_line)(void *context,
                                                const struct app_password_line *line),
                                 void *context, struct app_password_response *ret)
{
    struct app_password_response response = {0};
    struct tlv_reader reader, list;
    int rc = tlv_open_sequence(value, &reader);

    if (rc == 0 && tlv_peek(&reader) == TLV_CONTEXT(0))
        rc = tlv_take(&reader, TLV_CONTEXT(0), &response.password);
    if (rc == 0)
        rc = tlv_enter_last(&reader, APP_PASSWORD_LINES_MAX, &list, &response.count);
    for (size_t i = 0; rc == 0 && i < response.count; i++) {
        struct app_password_line line;

        rc = line_decode(&list, &line);
        if (rc == 0)
            rc = on_line(context, &line);
    }
    if (rc == 0)
        *ret = response;
    return rc;
}

int recovery_response_decode(struct slice value, int (*on_code)(void *context, struct slice code),
                             void *context, struct recovery_response *ret)
{
    struct recovery_response response = {0};
    struct tlv_reader reader, list;
    int rc = tlv_open_sequence(value, &reader);

    if (rc == 0)
        rc = tlv_enter_last(&reader, RECOVERY_RESPONSE_MAX, &list, &response.count);
    for (size_t i = 0; rc == 0 && i < response.count; i++) {
        struct slice code;

        rc = tlv_take(&list, LBER_OCTETSTRING, &code);
        if (rc == 0)
            rc = on_code(context, code);
    }
    if (rc == 0)
        *ret = response;
    return rc;
}

/* Of the two warnings one may be given: the grace logins, when there are any to count. */
int policy_control_encode(const struct policy_control *policy, struct buffer *out)
{
    struct tlv_writer writer;
    int rc = tlv_begin(&writer, out, 5 * TLV_OVERHEAD);

    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    if (policy->grace >= 0 || policy->expires_s >= 0) {
        tlv_start(&writer, TLV_CONTEXT_C(0));
        if (policy->grace >= 0)
            tlv_put_int(&writer, TLV_CONTEXT(1), policy->grace);
        else
            tlv_put_int64(&writer, TLV_CONTEXT(0), policy->expires_s);
        tlv_end(&writer);
    }
    if (policy->error >= 0)
        tlv_put_int(&writer, TLV_CONTEXT(1), policy->error);
    tlv_end(&writer);
    return tlv_commit(&writer);
}
