/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/limit.h"

#include "base/err.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#define SETS 1024
#define WAYS 4
#define ONE  1000 /* a token, in its thousandths */

/* taken is as of at_ms; an empty bucket and an unused one are the same. */
struct bucket {
    uint64_t key;  /* hash; 0: unused */
    int64_t taken; /* thousandths */
    int64_t at_ms;
};

struct limit {
    pthread_mutex_t lock;
    uint64_t seed;
    int64_t period_ms;
    struct bucket bucket[SETS][WAYS];
};

struct limit *limit_new(int64_t period_ms)
{
    struct limit *limit = mem_alloc(sizeof(*limit));

    pthread_mutex_init(&limit->lock, NULL);
    (void)RAND_bytes((unsigned char *)&limit->seed, sizeof(limit->seed));
    limit->period_ms = period_ms;
    return limit;
}

void limit_free(struct limit *limit)
{
    if (limit == NULL)
        return;
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

/* What is still taken from a bucket now, when full (thousandths) come back in a period. */
static int64_t bucket_taken(const struct limit *limit, const struct bucket *bucket, int64_t full,
                            int64_t now_ms)
{
    int64_t since_ms = now_ms - bucket->at_ms, taken;

    if (bucket->key == 0 || since_ms >= limit->period_ms)
        return 0;
    taken = bucket->taken < full ? bucket->taken : full;
    taken -= since_ms * full / limit->period_ms;
    return taken > 0 ? taken : 0;
}

/* The key's bucket, or that of its set from which least is taken, made the key's. */
static struct bucket *limit_bucket(struct limit *limit, uint64_t key, int64_t full, int64_t now_ms)
{
    struct bucket *set = limit->bucket[key % SETS], *least = &set[0];

    for (int i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    for (int i = 1; i < WAYS; i++)
        if (bucket_taken(limit, &set[i], full, now_ms) < bucket_taken(limit, least, full, now_ms))
            least = &set[i];
    *least = (struct bucket){.key = key, .at_ms = now_ms};
    return least;
}

static uint64_t limit_hash(const struct limit *limit, struct slice key)
{
    uint64_t hash = XXH3_64bits_withSeed(key.data, key.len, limit->seed);

    return hash != 0 ? hash : 1;
}

int limit_take(struct limit *limit, unsigned count, struct slice key, int64_t now_ms)
{
    int64_t full = (int64_t)count * ONE, taken;
    struct bucket *bucket;
    uint64_t hash;
    int rc = E_BUSY;

    if (count == 0)
        return 0;
    hash = limit_hash(limit, key);
    pthread_mutex_lock(&limit->lock);
    bucket = limit_bucket(limit, hash, full, now_ms);
    taken = bucket_taken(limit, bucket, full, now_ms);
    if (taken + ONE <= full) { /* else left as it is: asking again and again costs no precision */
        bucket->taken = taken + ONE;
        bucket->at_ms = now_ms;
        rc = 0;
    }
    pthread_mutex_unlock(&limit->lock);
    return rc;
}

void limit_give(struct limit *limit, struct slice key)
{
    uint64_t hash = limit_hash(limit, key);
    struct bucket *set = limit->bucket[hash % SETS];

    pthread_mutex_lock(&limit->lock);
    for (int i = 0; i < WAYS; i++)
        if (set[i].key == hash)
            set[i].taken = set[i].taken > ONE ? set[i].taken - ONE : 0;
    pthread_mutex_unlock(&limit->lock);
}
