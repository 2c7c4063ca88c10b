/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/rate.h"

void rate_add(struct rate *rate, int64_t ms, uint64_t count)
{
    size_t last = (rate->used + RATE_SAMPLES - 1) % RATE_SAMPLES;

    if (rate->used > 0 && ms - rate->sample[last].ms < 1000)
        return;
    rate->sample[rate->used % RATE_SAMPLES].ms = ms;
    rate->sample[rate->used % RATE_SAMPLES].count = count;
    rate->used++;
}

double rate_now(const struct rate *rate, int64_t ms, uint64_t count)
{
    size_t oldest = rate->used > RATE_SAMPLES ? rate->used % RATE_SAMPLES : 0;

    if (rate->used == 0 || ms <= rate->sample[oldest].ms || count < rate->sample[oldest].count)
        return 0;
    return (double)(count - rate->sample[oldest].count) * 1000 /
           (double)(ms - rate->sample[oldest].ms);
}
