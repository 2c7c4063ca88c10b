/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How fast a counter grows, over about the last ten seconds: one sample a second is kept. Not
 * thread-safe.
 */
#ifndef USHER_SERVER_RATE_H
#define USHER_SERVER_RATE_H

#include <stddef.h>
#include <stdint.h>

#define RATE_SAMPLES 11

struct rate {
    struct {
        int64_t ms;
        uint64_t count;
    } sample[RATE_SAMPLES];
    size_t used; /* samples ever taken; the oldest kept is the one to be overwritten next */
};

/* At ms (monotonic) the counter stood at count. What comes within a second of the last sample is
 * left out. */
void rate_add(struct rate *rate, int64_t ms, uint64_t count);

/* Growth a second from the oldest sample kept to now; 0 without one. */
double rate_now(const struct rate *rate, int64_t ms, uint64_t count);

#endif
