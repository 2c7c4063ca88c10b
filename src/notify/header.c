/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/header.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORD_BYTES 39 /* of UTF-8 in one encoded word: its line then has at most 76 bytes */

int header_text_check(struct slice text)
{
    while (text.len > 0) {
        size_t len = text.data[0] == '\t' ? 1 : utf8_plain(text);

        if (len == 0)
            return E_SYNTAX;
        text.data += len;
        text.len -= len;
    }
    return 0;
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* Appends text as encoded words, a folded line for each but the first. */
static size_t append_words(char *to, struct slice text)
{
    char *start = to;

    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len) {
            size_t more = utf8_len((struct slice){text.data + len, text.len - len});
            assert(more > 0);
            if (len + more > WORD_BYTES)
                break;
            len += more;
        }
        to += sprintf(to, "%s=?UTF-8?B?", to > start ? "\r\n " : "");
        to += EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)text.data, (int)len);
        to += sprintf(to, "?=");
        text.data += len;
        text.len -= len;
    }
    *to = '\0';
    return (size_t)(to - start);
}

void header_text(const char *name, const char *text, char *ret)
{
    int len = sprintf(ret, "%s: ", name);

    assert(strlen(text) <= 256);
    /* What only looks encoded is encoded too: the reader then sees what was written. */
    if (is_plain(text) && strlen(text) <= 64 && strstr(text, "=?") == NULL)
        strcpy(ret + len, text);
    else
        append_words(ret + len, slice_of(text));
}

void header_address(const char *name, const char *display, const char *address, char *ret)
{
    int len = sprintf(ret, "%s: ", name);

    if (display != NULL && display[0] != '\0') {
        assert(strlen(display) <= 128);
        if (is_plain(display) && strpbrk(display, "\"\\=") == NULL)
            len += sprintf(ret + len, "\"%s\"", display);
        else
            len += (int)append_words(ret + len, slice_of(display));
        len += sprintf(ret + len, "\r\n ");
    }
    sprintf(ret + len, "<%s>", address);
}

void header_date(char *ret, size_t size)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(clock_now_ms() / 1000);
    struct tm tm;

    gmtime_r(&now, &tm);
    snprintf(ret, size, "Date: %s, %02d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
