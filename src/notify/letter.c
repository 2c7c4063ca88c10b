/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/letter.h"

#include "base/err.h"
#include "notify/header.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES   76 /* of an encoded line (RFC 2045 6.7, 6.8) */
#define BASE64_BYTES 57 /* of a line of base64 */
#define PIECE_MAX    (HEADER_MAX + 64)

int letter_id(char ret[LETTER_ID_SIZE])
{
    unsigned char random[(LETTER_ID_SIZE - 1) / 2];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return E_CRYPTO;
    for (size_t i = 0; i < sizeof(random); i++)
        (void)sprintf(ret + 2 * i, "%02x", random[i]);
    return 0;
}

static int add(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int add(struct buffer *out, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    return len < 0 || (size_t)len >= sizeof(piece) ? E_LIMIT
                                                   : buffer_append(out, piece, (size_t)len);
}

static bool is_plain_at(struct slice text, size_t at)
{
    char c = text.data[at];

    if (c == ' ' || c == '\t') /* not at the end of a line */
        return at + 1 < text.len && text.data[at + 1] != '\n';
    return c > ' ' && c <= '~' && c != '=';
}

/* quoted-printable (RFC 2045 6.7). */
static int add_quoted(struct buffer *out, struct slice text)
{
    size_t column = 0;
    int err = 0;

    for (size_t i = 0; i < text.len && err == 0; i++) {
        bool plain = is_plain_at(text, i);

        if (text.data[i] == '\n') {
            err = buffer_append(out, "\r\n", 2);
            column = 0;
            continue;
        }
        if (column + (plain ? 1 : 3) > LINE_BYTES - 1) {
            err = buffer_append(out, "=\r\n", 3);
            column = 0;
        }
        if (err == 0)
            err = plain ? buffer_append(out, text.data + i, 1)
                        : add(out, "=%02X", (unsigned char)text.data[i]);
        column += plain ? 1 : 3;
    }
    return err == 0 && column > 0 ? buffer_append(out, "\r\n", 2) : err;
}

static int add_base64(struct buffer *out, struct slice bytes)
{
    char line[LINE_BYTES + 1];
    int err = 0;

    while (bytes.len > 0 && err == 0) {
        size_t len = bytes.len < BASE64_BYTES ? bytes.len : BASE64_BYTES;
        EVP_EncodeBlock((unsigned char *)line, (const unsigned char *)bytes.data, (int)len);
        err = add(out, "%s\r\n", line);
        bytes.data += len;
        bytes.len -= len;
    }
    return err;
}

/* What stands in HTML for a character that means something there. */
static const char *const in_html[UCHAR_MAX + 1] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['\n'] = "<br>\n"};

/* The text in HTML, and the image below it. */
static int html_of(const struct letter *letter, struct buffer *out)
{
    int err = add(out, "<!DOCTYPE html>\n<html><body><p>\n");

    for (const char *c = letter->body; *c != '\0' && err == 0; c++) {
        const char *entity = in_html[(unsigned char)*c];

        err = entity != NULL ? add(out, "%s", entity) : buffer_append(out, c, 1);
    }
    return err == 0
               ? add(out, "</p><p><img src=\"cid:%s.png@usher\" alt=\"QR\"></p></body></html>\n",
                     letter->id)
               : err;
}

static int add_text(struct buffer *out, const char *type, struct slice text)
{
    int err = add(out,
                  "Content-Type: text/%s; charset=UTF-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                  type);

    return err == 0 ? add_quoted(out, text) : err;
}

/* related { alternative { text, html }, png }. The boundaries hold what no encoding of a part can
 * begin a line with. */
static int add_parts(const struct letter *letter, struct buffer *out)
{
    struct buffer html;
    int err;

    buffer_init(&html);
    err = html_of(letter, &html);
    if (err == 0)
        err = add(out,
                  "Content-Type: multipart/related; type=\"multipart/alternative\";\r\n"
                  " boundary=\"=_r%s\"\r\n\r\n--=_r%s\r\n"
                  "Content-Type: multipart/alternative; boundary=\"=_a%s\"\r\n\r\n--=_a%s\r\n",
                  letter->id, letter->id, letter->id, letter->id);
    if (err == 0)
        err = add_text(out, "plain", slice_of(letter->body));
    if (err == 0)
        err = add(out, "\r\n--=_a%s\r\n", letter->id);
    if (err == 0)
        err = add_text(out, "html", buffer_slice(&html));
    if (err == 0)
        err = add(out,
                  "\r\n--=_a%s--\r\n\r\n--=_r%s\r\nContent-Type: image/png\r\n"
                  "Content-Transfer-Encoding: base64\r\nContent-ID: <%s.png@usher>\r\n"
                  "Content-Disposition: inline; filename=\"qr.png\"\r\n\r\n",
                  letter->id, letter->id, letter->id);
    if (err == 0)
        err = add_base64(out, letter->png);
    if (err == 0)
        err = add(out, "\r\n--=_r%s--\r\n", letter->id);
    buffer_clear(&html);
    return err;
}

static int add_headers(const struct letter *letter, struct buffer *out)
{
    char line[HEADER_MAX];
    int err;

    header_date(line, sizeof(line));
    err = add(out, "%s\r\n", line);
    header_address("From", letter->from_name, letter->from, line);
    if (err == 0)
        err = add(out, "%s\r\n", line);
    header_address("To", NULL, letter->to, line);
    if (err == 0)
        err = add(out, "%s\r\n", line);
    header_text("Subject", letter->subject, line);
    if (err == 0)
        err = add(out, "%s\r\n", line);
    if (err == 0)
        err = add(out,
                  "Message-ID: <%s%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
                  letter->id, strchr(letter->from, '@'));
    return err;
}

int letter_write(const struct letter *letter, struct buffer *out)
{
    int err = add_headers(letter, out);

    if (err == 0)
        err = letter->png.len > 0 ? add_parts(letter, out)
                                  : add_text(out, "plain", slice_of(letter->body));
    return err;
}
