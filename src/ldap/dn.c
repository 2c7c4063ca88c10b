/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One pass over the text: a table gives each byte's part in a value, and the value is written
 * normalized as it is read. Only multi-valued RDNs and values in BER (#hex) take a second look.
 */
#include "ldap/dn.h"
#include "base/err.h"
#include "ldap/tlv.h"

#include <stdlib.h>
#include <string.h>

#define RDN_PARTS_MAX 16

static const char hex_digits[] = "0123456789abcdef";

/* A byte's part in the text of a value. */
enum part {
    PART_ESCAPE = 0, /* stands for itself, is written escaped */
    PART_PLAIN,
    PART_UPPER,
    PART_SPACE,
    PART_BACKSLASH,
    PART_END,     /* of the value: "," or "+" */
    PART_REFUSED, /* must be escaped by its writer, RFC 4514 3 */
};

static const unsigned char parts[256] = {
    [0] = PART_REFUSED,         ['"'] = PART_REFUSED,         [';'] = PART_REFUSED,
    ['<'] = PART_REFUSED,       ['>'] = PART_REFUSED,         [','] = PART_END,
    ['+'] = PART_END,           [' '] = PART_SPACE,           ['\\'] = PART_BACKSLASH,
    ['A' ... 'Z'] = PART_UPPER, ['.'] = PART_PLAIN,           ['_'] = PART_PLAIN,
    ['-'] = PART_PLAIN,         [':'] = PART_PLAIN,           ['@'] = PART_PLAIN,
    ['/'] = PART_PLAIN,         [0x80 ... 0xff] = PART_PLAIN, ['0' ... '9'] = PART_PLAIN,
    ['a' ... 'z'] = PART_PLAIN,
};

/* Other names of the types that RFC 4514 3 and RFC 4519 know, lower case. */
static const struct alias {
    const char *other;
    const char *name;
} aliases[] = {
    {"2.5.4.3", "cn"},
    {"2.5.4.10", "o"},
    {"2.5.4.11", "ou"},
    {"0.9.2342.19200300.100.1.25", "dc"},
    {"0.9.2342.19200300.100.1.1", "uid"},
    {"2.5.4.6", "c"},
    {"2.5.4.7", "l"},
    {"2.5.4.8", "st"},
    {"2.5.4.9", "street"},
    {"0.9.2342.19200300.100.1.3", "mail"},
    {"commonname", "cn"},
    {"organizationname", "o"},
    {"organizationalunitname", "ou"},
    {"domaincomponent", "dc"},
    {"userid", "uid"},
    {"countryname", "c"},
    {"localityname", "l"},
    {"stateorprovincename", "st"},
    {"streetaddress", "street"},
    {"rfc822mailbox", "mail"},
};

#define ALIAS_MIN 6 /* no shorter other name */

struct scan {
    const char *in;
    const char *in_end;
    char *out;
    char *out_end;
    char *value;  /* where the value at hand begins in out */
    bool pending; /* a space was read, and is written if something follows */
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex_pair(const char *text)
{
    int high = hex_value(text[0]), low = hex_value(text[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static void skip_spaces(struct scan *scan)
{
    while (scan->in < scan->in_end && *scan->in == ' ')
        scan->in++;
}

/* One byte of a value, as it is after unescaping. */
static int put_byte(struct scan *scan, unsigned char c)
{
    int size = parts[c] == PART_PLAIN || parts[c] == PART_UPPER ? 1 : 3;

    if (c == ' ') {
        scan->pending = scan->out > scan->value;
        return 0;
    }
    if (scan->out_end - scan->out < scan->pending + size)
        return E_LIMIT;
    if (scan->pending)
        *scan->out++ = ' ';
    scan->pending = false;
    if (parts[c] == PART_PLAIN) {
        *scan->out++ = (char)c;
    } else if (parts[c] == PART_UPPER) {
        *scan->out++ = (char)(c | 0x20);
    } else {
        *scan->out++ = '\\';
        *scan->out++ = hex_digits[c >> 4];
        *scan->out++ = hex_digits[c & 15];
    }
    return 0;
}

/* After a backslash: two hex digits, or a character that stands for itself (RFC 4514 3). */
static int take_escape(struct scan *scan)
{
    int byte = -1;

    if (scan->in_end - scan->in >= 2)
        byte = hex_pair(scan->in);
    if (byte >= 0) {
        scan->in += 2;
    } else {
        if (scan->in == scan->in_end || *scan->in == '\0' ||
            strchr(" \"#+,;<=>\\", *scan->in) == NULL)
            return E_SYNTAX;
        byte = (unsigned char)*scan->in++;
    }
    return put_byte(scan, (unsigned char)byte);
}

/* Bytes that are written as they are: most of every DN. On copies of the pointers, since the
 * compiler must take each byte stored for a change of *scan. */
static void take_plain(struct scan *scan)
{
    size_t left = (size_t)(scan->in_end - scan->in), room = (size_t)(scan->out_end - scan->out);
    size_t most = left < room ? left : room, len = 0;
    const char *in = scan->in;
    char *out = scan->out;

    for (; len < most && parts[(unsigned char)in[len]] == PART_PLAIN; len++)
        out[len] = in[len];
    scan->in += len;
    scan->out += len;
}

static int take_string(struct scan *scan)
{
    int rc = 0;

    while (rc == 0 && scan->in < scan->in_end) {
        unsigned char c = (unsigned char)*scan->in;

        switch (parts[c]) {
        case PART_PLAIN:
            if (!scan->pending && scan->out < scan->out_end) {
                take_plain(scan);
                break;
            }
            /* fall through */
        case PART_UPPER:
        case PART_SPACE:
        case PART_ESCAPE:
            scan->in++;
            rc = put_byte(scan, c);
            break;
        case PART_BACKSLASH:
            scan->in++;
            rc = take_escape(scan);
            break;
        case PART_END:
            return 0;
        default:
            return E_SYNTAX;
        }
    }
    return rc;
}

/* The value in BER. Strings alone have a text that can be compared; anything else is refused rather
 * than taken for a different DN than the store takes it for. */
static int take_hex(struct scan *scan)
{
    static const ber_tag_t strings[] = {LBER_OCTETSTRING, 0x0c, 0x13,
                                        0x16}; /* UTF8, Printable, IA5 */
    char bytes[DN_MAX + 8];
    struct tlv_reader reader;
    struct slice value;
    size_t len = 0;
    int rc = E_SYNTAX;

    scan->in++;
    while (scan->in_end - scan->in >= 2 && hex_value(*scan->in) >= 0) {
        int byte = hex_pair(scan->in);

        if (byte < 0)
            return E_SYNTAX;
        if (len == sizeof(bytes) - 1)
            return E_LIMIT;
        bytes[len++] = (char)byte;
        scan->in += 2;
    }
    bytes[len] = '\0';
    skip_spaces(scan);
    tlv_open(&reader, (struct slice){.data = bytes, .len = len});
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (tlv_peek(&reader) == (int)strings[i])
            rc =
                tlv_take(&reader, strings[i], &value) < 0 || tlv_finish(&reader) < 0 ? E_SYNTAX : 0;
    for (size_t i = 0; rc == 0 && i < value.len; i++)
        rc = put_byte(scan, (unsigned char)value.data[i]);
    return rc;
}

/* A descriptor (letter, then letters, digits, hyphens) or a dotted number. */
static bool type_valid(const char *type, size_t len)
{
    bool number = len > 0 && type[0] >= '0' && type[0] <= '9';

    if (len == 0 || type[0] == '-' || type[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = type[i];
        bool digit = c >= '0' && c <= '9';

        if (number ? !digit && !(c == '.' && type[i - 1] != '.') : c == '.')
            return false;
    }
    return !number || (memchr(type, '.', len) != NULL && type[len - 1] != '.');
}

static int take_type(struct scan *scan)
{
    char *type = scan->out;
    size_t len;

    skip_spaces(scan);
    while (scan->in < scan->in_end) {
        char c = *scan->in;

        if (parts[(unsigned char)c] == PART_UPPER)
            c |= 0x20;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            break;
        if (scan->out == scan->out_end)
            return E_LIMIT;
        *scan->out++ = c;
        scan->in++;
    }
    skip_spaces(scan);
    len = (size_t)(scan->out - type);
    if (!type_valid(type, len) || scan->in == scan->in_end || *scan->in != '=')
        return E_SYNTAX;
    for (size_t i = 0; len >= ALIAS_MIN && i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (slice_is((struct slice){type, len}, aliases[i].other)) {
            scan->out = stpcpy(type, aliases[i].name); /* never longer */
            break;
        }
    if (scan->out == scan->out_end)
        return E_LIMIT;
    *scan->out++ = '=';
    scan->in++;
    return 0;
}

static int take_part(struct scan *scan)
{
    int rc = take_type(scan);

    if (rc < 0)
        return rc;
    scan->value = scan->out;
    scan->pending = false;
    skip_spaces(scan);
    rc = scan->in < scan->in_end && *scan->in == '#' ? take_hex(scan) : take_string(scan);
    if (rc == 0 && scan->in < scan->in_end && *scan->in != ',' && *scan->in != '+')
        rc = E_SYNTAX;
    return rc;
}

static int part_compare(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* "type=", shared by two parts of one RDN, makes it none (X.501 9.3). */
static bool same_type(struct slice a, struct slice b)
{
    size_t len = (size_t)((const char *)memchr(a.data, '=', a.len) - a.data) + 1;

    return len <= b.len && memcmp(a.data, b.data, len) == 0;
}

/* Sorts the parts that lie joined from start to the end of out. */
static int sort_parts(struct scan *scan, char *start, struct slice *found, size_t count)
{
    char copy[DN_MAX];
    size_t len = (size_t)(scan->out - start);

    memcpy(copy, start, len);
    for (size_t i = 0; i < count; i++)
        found[i].data = copy + (found[i].data - start);
    qsort(found, count, sizeof(*found), part_compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && same_type(found[i - 1], found[i]))
            return E_SYNTAX;
        if (i > 0)
            *start++ = '+';
        memcpy(start, found[i].data, found[i].len);
        start += found[i].len;
    }
    return 0;
}

static int take_rdn(struct scan *scan)
{
    struct slice found[RDN_PARTS_MAX];
    char *start = scan->out;
    size_t count = 0;
    int rc;

    for (;;) {
        char *part = scan->out;

        if (count == RDN_PARTS_MAX)
            return E_LIMIT;
        rc = take_part(scan);
        if (rc < 0)
            return rc;
        found[count++] = (struct slice){.data = part, .len = (size_t)(scan->out - part)};
        if (scan->in == scan->in_end || *scan->in != '+')
            break;
        if (scan->out == scan->out_end)
            return E_LIMIT;
        scan->in++;
        *scan->out++ = '+';
    }
    return count > 1 ? sort_parts(scan, start, found, count) : 0;
}

/* Whether the text is normal as it stands, as most are: short types of small letters, values of
 * plain bytes. False says nothing. */
static bool is_normal(struct slice text)
{
    const char *at = text.data, *end = text.data + text.len, *start;

    for (;;) {
        for (start = at; at < end && *at >= 'a' && *at <= 'z';)
            at++;
        if (at == start || at - start >= ALIAS_MIN || at == end || *at != '=')
            return false;
        for (start = ++at; at < end && parts[(unsigned char)*at] == PART_PLAIN;)
            at++;
        if (at == start)
            return false;
        if (at == end)
            return true;
        if (*at++ != ',')
            return false;
    }
}

int dn_normalize(struct slice text, char *buf, struct slice *ret)
{
    struct scan scan = {
        .in = text.data, .in_end = text.data + text.len, .out = buf, .out_end = buf + DN_MAX};
    int rc;

    if (text.len <= DN_MAX && is_normal(text)) {
        memcpy(buf, text.data, text.len);
        *ret = (struct slice){.data = buf, .len = text.len};
        return 0;
    }
    skip_spaces(&scan);
    while (scan.in < scan.in_end || scan.out > buf) {
        rc = take_rdn(&scan);
        if (rc < 0)
            return rc;
        if (scan.in == scan.in_end)
            break;
        if (scan.out == scan.out_end)
            return E_LIMIT;
        scan.in++;
        *scan.out++ = ',';
    }
    *ret = (struct slice){.data = buf, .len = (size_t)(scan.out - buf)};
    return 0;
}

struct slice dn_parent(struct slice dn)
{
    const char *comma = dn.len > 0 ? memchr(dn.data, ',', dn.len) : NULL;
    const char *end = dn.data + dn.len;

    if (comma == NULL)
        return (struct slice){.data = end, .len = 0};
    return (struct slice){.data = comma + 1, .len = (size_t)(end - comma - 1)};
}

struct slice dn_rdn(struct slice dn)
{
    const char *comma = dn.len > 0 ? memchr(dn.data, ',', dn.len) : NULL;

    return (struct slice){.data = dn.data,
                          .len = comma != NULL ? (size_t)(comma - dn.data) : dn.len};
}

bool dn_within(struct slice dn, struct slice base)
{
    if (base.len == 0)
        return true;
    if (dn.len < base.len || memcmp(dn.data + dn.len - base.len, base.data, base.len) != 0)
        return false;
    return dn.len == base.len || dn.data[dn.len - base.len - 1] == ',';
}

int dn_rdn_split(struct slice rdn, struct slice *ret_type, struct slice *ret_value)
{
    const char *equals;
    size_t len;

    if (rdn.len == 0 || memchr(rdn.data, '+', rdn.len) != NULL ||
        memchr(rdn.data, ',', rdn.len) != NULL)
        return E_SYNTAX;
    equals = memchr(rdn.data, '=', rdn.len);
    if (equals == NULL || equals == rdn.data)
        return E_SYNTAX;
    len = (size_t)(equals - rdn.data);
    *ret_type = (struct slice){.data = rdn.data, .len = len};
    *ret_value = (struct slice){.data = equals + 1, .len = rdn.len - len - 1};
    return 0;
}

int dn_escape(struct slice value, struct buffer *out)
{
    int rc = buffer_reserve(out, value.len > SIZE_MAX / 4 ? SIZE_MAX : 3 * value.len);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool outer = i == 0 || i == value.len - 1;

        if (c < 0x20 || c == 0x7f) {
            out->data[out->len++] = '\\';
            out->data[out->len++] = hex_digits[c >> 4];
            out->data[out->len++] = hex_digits[c & 15];
            continue;
        }
        if (strchr("\"+,;<>\\", c) != NULL || (c == '#' && i == 0) || (c == ' ' && outer))
            out->data[out->len++] = '\\';
        out->data[out->len++] = (char)c;
    }
    return 0;
}
