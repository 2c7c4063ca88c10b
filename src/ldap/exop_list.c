/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The responses of usherExplain and usherDoctor: the values of ours with a list in them.
 */
#include "base/err.h"
#include "ldap/exop.h"
#include "ldap/tlv.h"

#define TAG_DN        TLV_CONTEXT(0)
#define TAG_DECIDING  TLV_CONTEXT(1)
#define STEP_MAX      9
#define LINE_ELEMENTS 5 /* the sequence and its parts */

int explain_response_encode(const struct explain_response *response, struct buffer *out)
{
    size_t bound = 4 * TLV_OVERHEAD;
    struct tlv_writer writer;
    int rc;

    if (response->count > EXPLAIN_LINES_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < response->count; i++)
        bound +=
            LINE_ELEMENTS * TLV_OVERHEAD + response->lines[i].text.len + response->lines[i].dn.len;
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_int(&writer, LBER_INTEGER, response->result);
    tlv_put_int(&writer, LBER_INTEGER, response->step);
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < response->count; i++) {
        const struct explain_line *line = &response->lines[i];

        tlv_start(&writer, LBER_SEQUENCE);
        tlv_put_int(&writer, LBER_INTEGER, line->step);
        tlv_put(&writer, LBER_OCTETSTRING, line->text);
        if (line->dn.len > 0)
            tlv_put(&writer, TAG_DN, line->dn);
        tlv_put_bool(&writer, TAG_DECIDING, line->deciding);
        tlv_end(&writer);
    }
    tlv_end(&writer);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

static int line_decode(struct tlv_reader *list, struct explain_line *ret)
{
    struct tlv_reader reader;
    int rc = tlv_enter(list, LBER_SEQUENCE, &reader);

    *ret = (struct explain_line){0};
    if (rc == 0)
        rc = tlv_take_int(&reader, LBER_INTEGER, 1, STEP_MAX, &ret->step);
    if (rc == 0)
        rc = tlv_take(&reader, LBER_OCTETSTRING, &ret->text);
    if (rc == 0 && tlv_peek(&reader) == TAG_DN)
        rc = tlv_take(&reader, TAG_DN, &ret->dn);
    if (rc == 0)
        rc = tlv_take_bool(&reader, TAG_DECIDING, &ret->deciding);
    return rc == 0 ? tlv_finish(&reader) : rc;
}

int explain_response_decode(struct slice value,
                            int (*on_line)(void *context, const struct explain_line *line),
                            void *context, struct explain_response *ret)
{
    struct explain_response response = {0};
    struct tlv_reader reader, list;
    int rc = tlv_open_sequence(value, &reader);

    if (rc == 0)
        rc = tlv_take_int(&reader, LBER_INTEGER, 0, INT32_MAX, &response.result);
    if (rc == 0)
        rc = tlv_take_int(&reader, LBER_INTEGER, 1, STEP_MAX, &response.step);
    if (rc == 0)
        rc = tlv_enter_last(&reader, EXPLAIN_LINES_MAX, &list, &response.count);
    for (size_t i = 0; rc == 0 && i < response.count; i++) {
        struct explain_line line;

        rc = line_decode(&list, &line);
        if (rc == 0)
            rc = on_line(context, &line);
    }
    if (rc == 0)
        *ret = response;
    return rc;
}

int doctor_response_encode(const struct doctor_response *response, struct buffer *out)
{
    size_t bound = 3 * TLV_OVERHEAD;
    struct tlv_writer writer;
    int rc;

    if (response->count > DOCTOR_DEFECTS_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < response->count; i++)
        bound += 3 * TLV_OVERHEAD + response->defects[i].dn.len + response->defects[i].text.len;
    rc = tlv_begin(&writer, out, bound);
    if (rc < 0)
        return rc;
    tlv_start(&writer, LBER_SEQUENCE);
    tlv_put_bool(&writer, LBER_BOOLEAN, response->complete);
    tlv_start(&writer, LBER_SEQUENCE);
    for (size_t i = 0; i < response->count; i++) {
        tlv_start(&writer, LBER_SEQUENCE);
        tlv_put(&writer, LBER_OCTETSTRING, response->defects[i].dn);
        tlv_put(&writer, LBER_OCTETSTRING, response->defects[i].text);
        tlv_end(&writer);
    }
    tlv_end(&writer);
    tlv_end(&writer);
    return tlv_commit(&writer);
}

static int defect_decode(struct tlv_reader *list, struct doctor_defect *ret)
{
    struct tlv_reader reader;
    int rc = tlv_enter(list, LBER_SEQUENCE, &reader);

    if (rc == 0)
        rc = tlv_take(&reader, LBER_OCTETSTRING, &ret->dn);
    if (rc == 0)
        rc = tlv_take(&reader, LBER_OCTETSTRING, &ret->text);
    return rc == 0 ? tlv_finish(&reader) : rc;
}

int doctor_response_decode(struct slice value,
                           int (*on_defect)(void *context, const struct doctor_defect *defect),
                           void *context, struct doctor_response *ret)
{
    struct doctor_response response = {0};
    struct tlv_reader reader, list;
    int rc = tlv_open_sequence(value, &reader);

    if (rc == 0)
        rc = tlv_take_bool(&reader, LBER_BOOLEAN, &response.complete);
    if (rc == 0)
        rc = tlv_enter_last(&reader, DOCTOR_DEFECTS_MAX, &list, &response.count);
    for (size_t i = 0; rc == 0 && i < response.count; i++) {
        struct doctor_defect defect;

        rc = defect_decode(&list, &defect);
        if (rc == 0)
            rc = on_defect(context, &defect);
    }
    if (rc == 0)
        *ret = response;
    return rc;
}
