/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define DOTS            "..."
#define DOTS_ROOM       8 /* in less, dots would be all that is left */
#define CHARACTER_BYTES 4

size_t utf8_len(struct slice bytes)
{
    const unsigned char *c = (const unsigned char *)bytes.data;
    size_t len;

    if (bytes.len == 0)
        return 0;
    len = c[0] < 0x80                    ? 1
          : c[0] >= 0xC2 && c[0] <= 0xDF ? 2
          : c[0] >= 0xE0 && c[0] <= 0xEF ? 3
          : c[0] >= 0xF0 && c[0] <= 0xF4 ? 4
                                         : 0;
    if (len == 0 || len > bytes.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((c[i] & 0xC0) != 0x80)
            return 0;
    if ((c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xED && c[1] > 0x9F) ||
        (c[0] == 0xF0 && c[1] < 0x90) || (c[0] == 0xF4 && c[1] > 0x8F))
        return 0;
    return len;
}

size_t utf8_plain(struct slice bytes)
{
    size_t len = utf8_len(bytes);

    /* C1 controls are C2 80 to C2 9F; the line separators of Unicode are E2 80 A8 and A9. */
    if ((len == 1 && ((unsigned char)bytes.data[0] < ' ' || bytes.data[0] == 127)) ||
        (len == 2 && bytes.data[0] == '\xC2' && (unsigned char)bytes.data[1] < 0xA0) ||
        (len == 3 && (memcmp(bytes.data, "\xE2\x80\xA8", 3) == 0 ||
                      memcmp(bytes.data, "\xE2\x80\xA9", 3) == 0)))
        return 0;
    return len;
}

/* The first len bytes of buf without a character at their end that is not whole. */
static size_t whole(const char *buf, size_t len)
{
    for (size_t back = 1; back <= CHARACTER_BYTES && back <= len; back++) {
        unsigned char c = (unsigned char)buf[len - back];

        if (c < 0x80)
            break;
        if (c >= 0xC0)
            return utf8_len((struct slice){buf + len - back, back}) > 0 ? len : len - back;
    }
    return len;
}

/* Ends a text of len bytes of which there was no room for more. */
static void cut(char *buf, size_t len, size_t size)
{
    size_t dots = size >= DOTS_ROOM ? sizeof(DOTS) - 1 : 0, most = size - 1 - dots;
    size_t at = whole(buf, len < most ? len : most);

    memcpy(buf + at, DOTS, dots);
    buf[at + dots] = '\0';
}

void utf8_vformat(char *buf, size_t size, const char *format, va_list args)
{
    int len = vsnprintf(buf, size, format, args);

    if (len < 0)
        buf[0] = '\0';
    else if ((size_t)len >= size)
        cut(buf, size - 1, size);
}

void utf8_format(char *buf, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    utf8_vformat(buf, size, format, args);
    va_end(args);
}

void utf8_copy(struct slice text, char *buf, size_t size)
{
    size_t used = 0;

    while (text.len > 0) {
        size_t len = utf8_len(text), plain = utf8_plain(text), room = plain > 0 ? plain : 1;

        if (used + room >= size) {
            cut(buf, used, size);
            return;
        }
        if (plain > 0)
            memcpy(buf + used, text.data, plain);
        else
            buf[used] = len > 0 ? ' ' : '?';
        used += room;
        len = len > 0 ? len : 1;
        text = (struct slice){text.data + len, text.len - len};
    }
    buf[used] = '\0';
}
