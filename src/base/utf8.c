/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/utf8.h"

size_t utf8_length(struct slice bytes)
{
    const unsigned char *c = (const unsigned char *)bytes.data;
    size_t len = c[0] < 0x80                    ? 1
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
    unsigned char c = (unsigned char)bytes.data[0];
    size_t len = utf8_length(bytes);

    /* C1 controls are C2 80 to C2 9F; the line separators of Unicode are E2 80 A8 and A9. */
    if (c < ' ' || c == 127 || (len == 2 && c == 0xC2 && (unsigned char)bytes.data[1] < 0xA0) ||
        (len == 3 && (memcmp(bytes.data, "\xE2\x80\xA8", 3) == 0 ||
                      memcmp(bytes.data, "\xE2\x80\xA9", 3) == 0)))
        return 0;
    return len;
}

void utf8_copy(struct slice from, char *buf, size_t size)
{
    while (from.len > 0) {
        size_t len = utf8_plain(from), taken = len > 0 ? len : 1;

        if (taken >= size)
            break;
        if (len > 0)
            memcpy(buf, from.data, len);
        else
            *buf = ' ';
        buf += taken;
        size -= taken;
        from.data += taken;
        from.len -= taken;
    }
    *buf = '\0';
}
