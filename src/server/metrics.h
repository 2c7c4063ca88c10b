/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Figures of the operations of one event loop, by operation and result: how many, and how long they
 * took. Written by the loop's thread alone without locks, read by any. The names of operations are
 * few and static, so the room is fixed; what does not fit is counted as "other".
 */
#ifndef USHER_SERVER_METRICS_H
#define USHER_SERVER_METRICS_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

#define METRICS_SERIES_MAX 256
#define METRICS_BUCKETS    17

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* One more operation that ended with this LDAP result after took_ns; less than 0: not timed. what
 * is static. The loop's thread. */
void metrics_count(struct metrics *metrics, const char *what, int code, int64_t took_ns);

/* How many operations there were, with this name or (NULL) at all. Any thread. */
uint64_t metrics_total(const struct metrics *metrics, const char *what);

/* Appends the counters and histograms of several loops together, in the Prometheus text format
 * (version 0.0.4). E_NOMEM. Any thread. */
int metrics_print(const struct metrics *const *all, size_t count, struct buffer *out);

#endif
