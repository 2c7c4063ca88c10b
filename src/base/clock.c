/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return clock_read(CLOCK_REALTIME);
}

int64_t clock_coarse_ms(void)
{
    return clock_read(CLOCK_REALTIME_COARSE);
}

int64_t clock_monotonic_ms(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Two digits within [low, high], or -1. Moves the slice on. */
static int clock_two(struct slice *text, int low, int high)
{
    int value;

    if (text->len < 2 || text->data[0] < '0' || text->data[0] > '9' || text->data[1] < '0' ||
        text->data[1] > '9')
        return -1;
    value = (text->data[0] - '0') * 10 + text->data[1] - '0';
    text->data += 2;
    text->len -= 2;
    return value < low || value > high ? -1 : value;
}

static bool clock_at_digit(struct slice text)
{
    return text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* Fraction (of unit_ms) and zone, which end the value. */
static int clock_tail(struct slice text, int64_t unit_ms, int64_t *ret_add_ms)
{
    int64_t add_ms = 0;
    int hours = 0, minutes = 0;

    if (text.len > 1 && (text.data[0] == '.' || text.data[0] == ',')) {
        double part = 0.1, sum = 0;

        for (text.data++, text.len--; clock_at_digit(text); text.data++, text.len--, part /= 10)
            sum += part * (text.data[0] - '0');
        add_ms = (int64_t)(sum * (double)unit_ms + 0.5);
        if (part == 0.1)
            return E_SYNTAX;
    }
    if (slice_is(text, "Z"))
        text.len = 0;
    else if (text.len > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
        int sign = text.data[0] == '+' ? -1 : 1;

        text.data++, text.len--;
        hours = clock_two(&text, 0, 23);
        minutes = text.len > 0 ? clock_two(&text, 0, 59) : 0;
        if (hours < 0 || minutes < 0)
            return E_SYNTAX;
        add_ms += sign * (hours * 60 + minutes) * INT64_C(60000);
    } else
        return E_SYNTAX;
    if (text.len > 0)
        return E_SYNTAX;
    *ret_add_ms = add_ms;
    return 0;
}

int clock_parse(struct slice text, int64_t *ret_ms)
{
    struct tm tm = {0};
    int century = clock_two(&text, 0, 99), year = clock_two(&text, 0, 99);
    int month = clock_two(&text, 1, 12), day = clock_two(&text, 1, 31);
    int hour = clock_two(&text, 0, 23), minute = 0, second = 0, rc;
    int64_t unit_ms = 3600000, add_ms;

    if (clock_at_digit(text)) {
        minute = clock_two(&text, 0, 59);
        unit_ms = 60000;
    }
    if (unit_ms == 60000 && clock_at_digit(text)) {
        second = clock_two(&text, 0, 60);
        unit_ms = 1000;
    }
    if (century < 0 || year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
        return E_SYNTAX;
    rc = clock_tail(text, unit_ms, &add_ms);
    if (rc < 0)
        return rc;
    tm.tm_year = century * 100 + year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    add_ms += ((int64_t)timegm(&tm) + second) * 1000; /* a leap second may be the next day's */
    if (tm.tm_mday != day)                            /* timegm made 31 February into March */
        return E_SYNTAX;
    *ret_ms = add_ms;
    return 0;
}

char *clock_format(int64_t ms, char *buf)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(buf, CLOCK_TEXT_MAX, "%Y%m%d%H%M%SZ", &tm) == 0)
        (void)snprintf(buf, CLOCK_TEXT_MAX, "19700101000000Z");
    return buf;
}
