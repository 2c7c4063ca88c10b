/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time. Wall-clock time is milliseconds since 1970 (UTC); deadlines are milliseconds of the
 * monotonic clock. generalizedTime is RFC 4517 3.3.13, in UTC.
 */
#ifndef USHER_BASE_CLOCK_H
#define USHER_BASE_CLOCK_H

#include "base/mem.h"

#include <stdint.h>

#define CLOCK_TEXT_MAX 24

/* Wall-clock time in milliseconds since 1970. */
int64_t clock_now_ms(void);

/* The same, at most 10 ms late and ten times as cheap. */
int64_t clock_coarse_ms(void);

/* Monotonic time in milliseconds; goes on while wall-clock time is set. */
int64_t clock_monotonic_ms(void);

/* The same in nanoseconds. */
int64_t clock_monotonic_ns(void);

/* Reads generalizedTime ("20261121183000Z", fraction and +hhmm zone allowed; minutes and seconds
 * may be absent) to ms since 1970. E_SYNTAX. */
int clock_parse(struct slice text, int64_t *ret_ms);

/* Writes "20261121183000Z". buf has CLOCK_TEXT_MAX bytes. Returns buf. */
char *clock_format(int64_t ms, char *buf);

#endif
