/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The one place that touches liblber's BerElement. A reader walks the definite-length elements
 * inside a range of bytes, in place, and refuses what leaves the range; a writer appends DER to a
 * buffer whose room is reserved beforehand, so that liblber never allocates. Knows tags, no LDAP.
 * Internal to src/ldap.
 */
#ifndef USHER_LDAP_TLV_H
#define USHER_LDAP_TLV_H

#include "base/buffer.h"
#include "base/mem.h"

#include <lber.h>
#include <stdint.h>

/* Tags used beside the universal ones of <lber.h>: context-specific, primitive or constructed. */
#define TLV_CONTEXT(number)   ((ber_tag_t)(0x80u | (number)))
#define TLV_CONTEXT_C(number) ((ber_tag_t)(0xa0u | (number)))

/* The storage of a BerElement: the size that OpenLDAP's own lber_pvt.h (not installed) gives it. */
struct tlv_storage {
    _Alignas(16) char bytes[256];
};

struct tlv_reader {
    struct tlv_storage storage;
    const char *next;
    const char *end;
};

/* Reads the elements in bytes. bytes.data[bytes.len] must exist (liblber looks at it). */
void tlv_open(struct tlv_reader *reader, struct slice bytes);

/* The tag of the next element, or -1 at the end. All tags we know have one byte. */
int tlv_peek(const struct tlv_reader *reader);

/* The contents of the next element, which must have this tag. E_PROTO for another tag, the end, a
 * length that is indefinite, of more than four octets, or beyond the range. */
int tlv_take(struct tlv_reader *reader, ber_tag_t tag, struct slice *ret);

/* The next element whole, header included, whatever its tag. E_PROTO. */
int tlv_take_raw(struct tlv_reader *reader, struct slice *ret);

/* Opens ret on the contents of the next element. E_PROTO as tlv_take. */
int tlv_enter(struct tlv_reader *reader, ber_tag_t tag, struct tlv_reader *ret);

/* Opens ret on the contents of bytes, which are one SEQUENCE with nothing behind it; what tlv_open
 * asks of bytes holds. E_PROTO. */
int tlv_open_sequence(struct slice bytes, struct tlv_reader *ret);

/* An INTEGER or ENUMERATED from min to max. E_PROTO for anything else. */
int tlv_take_int(struct tlv_reader *reader, ber_tag_t tag, int32_t min, int32_t max, int32_t *ret);
int tlv_take_int64(struct tlv_reader *reader, ber_tag_t tag, int64_t min, int64_t max,
                   int64_t *ret);

/* A BOOLEAN of exactly one byte. E_PROTO. */
int tlv_take_bool(struct tlv_reader *reader, ber_tag_t tag, bool *ret);

/* 0 when everything was read, else E_PROTO. */
int tlv_finish(const struct tlv_reader *reader);

/* How many elements are left to read, without reading them. E_LIMIT beyond max, E_PROTO. */
int tlv_count(const struct tlv_reader *reader, size_t max, size_t *ret);

/* Opens ret on the contents of the next element, a SEQUENCE with nothing behind it, and says how
 * many elements it holds. E_LIMIT beyond max, E_PROTO. */
int tlv_enter_last(struct tlv_reader *reader, size_t max, struct tlv_reader *ret,
                   size_t *ret_count);

/* What one element may cost beside its contents; the bound given to tlv_begin is the sum over all
 * elements (constructed ones too) of TLV_OVERHEAD and the primitive ones' contents. */
#define TLV_OVERHEAD 16

struct tlv_writer {
    struct tlv_storage storage;
    struct buffer *out;
    bool failed;
};

/* Begins appending to out, which is unchanged until tlv_commit. E_NOMEM. */
int tlv_begin(struct tlv_writer *writer, struct buffer *out, size_t bound);

void tlv_start(struct tlv_writer *writer, ber_tag_t tag);
void tlv_end(struct tlv_writer *writer);
void tlv_put(struct tlv_writer *writer, ber_tag_t tag, struct slice contents);
void tlv_put_int(struct tlv_writer *writer, ber_tag_t tag, int32_t number);
void tlv_put_int64(struct tlv_writer *writer, ber_tag_t tag, int64_t number);
void tlv_put_bool(struct tlv_writer *writer, ber_tag_t tag, bool value);

/* Makes what was written part of out. E_NOMEM when some step failed; out is then as it was. */
int tlv_commit(struct tlv_writer *writer);

#endif
