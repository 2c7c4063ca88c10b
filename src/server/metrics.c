/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/metrics.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 256

/* Upper bounds of the buckets: a question takes microseconds, a login with scrypt a tenth second.
 */
static const struct {
    int64_t ns;
    const char *text; /* in seconds */
} bounds[METRICS_BUCKETS] = {
    {1000, "0.000001"},         {2500, "0.0000025"}, {5000, "0.000005"}, {10000, "0.00001"},
    {25000, "0.000025"},        {50000, "0.00005"},  {100000, "0.0001"}, {500000, "0.0005"},
    {1000000, "0.001"},         {5000000, "0.005"},  {10000000, "0.01"}, {50000000, "0.05"},
    {100000000, "0.1"},         {250000000, "0.25"}, {500000000, "0.5"}, {1000000000, "1"},
    {INT64_C(5000000000), "5"},
};

static const struct {
    int code;
    const char *name; /* RFC 4511 4.1.9 */
} results[] = {
    {0, "success"},
    {1, "operationsError"},
    {2, "protocolError"},
    {3, "timeLimitExceeded"},
    {4, "sizeLimitExceeded"},
    {5, "compareFalse"},
    {6, "compareTrue"},
    {7, "authMethodNotSupported"},
    {8, "strongerAuthRequired"},
    {11, "adminLimitExceeded"},
    {12, "unavailableCriticalExtension"},
    {13, "confidentialityRequired"},
    {16, "noSuchAttribute"},
    {19, "constraintViolation"},
    {20, "attributeOrValueExists"},
    {21, "invalidAttributeSyntax"},
    {32, "noSuchObject"},
    {34, "invalidDNSyntax"},
    {48, "inappropriateAuthentication"},
    {49, "invalidCredentials"},
    {50, "insufficientAccessRights"},
    {51, "busy"},
    {52, "unavailable"},
    {53, "unwillingToPerform"},
    {64, "namingViolation"},
    {65, "objectClassViolation"},
    {66, "notAllowedOnNonLeaf"},
    {68, "entryAlreadyExists"},
    {118, "canceled"},
    {119, "noSuchOperation"},
    {120, "tooLate"},
    {121, "cannotCancel"},
    {122, "assertionFailed"},
};

/* what is set last, and never changes again. */
struct series {
    _Atomic(const char *) what;
    int code;
    _Atomic uint64_t count, timed, sum_ns, bucket[METRICS_BUCKETS];
};

struct metrics {
    struct series series[METRICS_SERIES_MAX + 1]; /* the last one: other */
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_alloc(sizeof(*metrics));

    atomic_store(&metrics->series[METRICS_SERIES_MAX].what, "other");
    metrics->series[METRICS_SERIES_MAX].code = 80;
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

/* Cheaper than an atomic addition: there is one writer. */
static void add(_Atomic uint64_t *to, uint64_t more)
{
    uint64_t now = atomic_load_explicit(to, memory_order_relaxed);

    atomic_store_explicit(to, now + more, memory_order_relaxed);
}

static struct series *series_find(struct metrics *metrics, const char *what, int code)
{
    size_t start = ((uintptr_t)what >> 3) * 31 + (size_t)code * 7;

    for (size_t i = 0; i < METRICS_SERIES_MAX; i++) {
        struct series *series = &metrics->series[(start + i) % METRICS_SERIES_MAX];
        const char *name = atomic_load_explicit(&series->what, memory_order_relaxed);

        if (name == what && series->code == code)
            return series;
        if (name != NULL)
            continue;
        series->code = code;
        atomic_store_explicit(&series->what, what, memory_order_release);
        return series;
    }
    return &metrics->series[METRICS_SERIES_MAX];
}

void metrics_count(struct metrics *metrics, const char *what, int code, int64_t took_ns)
{
    struct series *series = series_find(metrics, what, code);

    add(&series->count, 1);
    if (took_ns < 0)
        return;
    add(&series->timed, 1);
    add(&series->sum_ns, (uint64_t)took_ns);
    for (size_t i = 0; i < METRICS_BUCKETS; i++)
        if (took_ns <= bounds[i].ns) {
            add(&series->bucket[i], 1);
            return;
        }
}

uint64_t metrics_total(const struct metrics *metrics, const char *what)
{
    uint64_t total = 0;

    for (size_t i = 0; i <= METRICS_SERIES_MAX; i++) {
        const struct series *series = &metrics->series[i];
        const char *name = atomic_load_explicit(&series->what, memory_order_acquire);

        if (name != NULL && (what == NULL || strcmp(what, name) == 0))
            total += atomic_load_explicit(&series->count, memory_order_relaxed);
    }
    return total;
}

/* The figures of one name and result, of all loops. */
struct sum {
    const char *what;
    int code;
    uint64_t count, timed, sum_ns, bucket[METRICS_BUCKETS];
};

static struct sum *sum_find(struct sum *sums, size_t *count, const char *what, int code)
{
    for (size_t i = 0; i < *count; i++)
        if (sums[i].code == code && strcmp(sums[i].what, what) == 0)
            return &sums[i];
    sums[*count] = (struct sum){.what = what, .code = code};
    return &sums[(*count)++];
}

static size_t sums_make(const struct metrics *const *all, size_t count, struct sum *sums)
{
    size_t used = 0;

    for (size_t at = 0; at < count * (METRICS_SERIES_MAX + 1); at++) {
        const struct series *series =
            &all[at / (METRICS_SERIES_MAX + 1)]->series[at % (METRICS_SERIES_MAX + 1)];
        const char *what = atomic_load_explicit(&series->what, memory_order_acquire);
        struct sum *sum;

        if (what == NULL || atomic_load(&series->count) == 0)
            continue;
        sum = sum_find(sums, &used, what, series->code);
        sum->count += atomic_load(&series->count);
        sum->timed += atomic_load(&series->timed);
        sum->sum_ns += atomic_load(&series->sum_ns);
        for (size_t i = 0; i < METRICS_BUCKETS; i++)
            sum->bucket[i] += atomic_load(&series->bucket[i]);
    }
    return used;
}

static int sum_order(const void *a, const void *b)
{
    const struct sum *left = a, *right = b;
    int order = strcmp(left->what, right->what);

    return order != 0 ? order : left->code - right->code;
}

static const char *result_name(int code, char buf[16])
{
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i].code == code)
            return results[i].name;
    (void)snprintf(buf, 16, "%d", code);
    return buf;
}

/* The two labels. Names of operations and results hold nothing that needs an escape. */
static void labels_make(const struct sum *sum, char buf[LINE_MAX_BYTES / 2])
{
    char number[16];

    (void)snprintf(buf, LINE_MAX_BYTES / 2, "operation=\"%s\",result=\"%s\"", sum->what,
                   result_name(sum->code, number));
}

static int append(struct buffer *out, const char *line)
{
    return buffer_append(out, line, strlen(line));
}

static int print_counters(const struct sum *sums, size_t count, struct buffer *out)
{
    char labels[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES];
    int rc =
        append(out, "# HELP usher_operations_total Operations answered, by their LDAP result.\n"
                    "# TYPE usher_operations_total counter\n");

    for (size_t i = 0; i < count && rc == 0; i++) {
        labels_make(&sums[i], labels);
        (void)snprintf(line, sizeof(line), "usher_operations_total{%s} %llu\n", labels,
                       (unsigned long long)sums[i].count);
        rc = append(out, line);
    }
    return rc;
}

/* The last bucket is the count: so the two agree also while the loops go on counting. */
static int print_histogram(const struct sum *sum, struct buffer *out)
{
    static const char name[] = "usher_operation_duration_seconds";
    char labels[LINE_MAX_BYTES / 2], line[3 * LINE_MAX_BYTES];
    unsigned long long below = 0, total;
    int rc = 0;

    labels_make(sum, labels);
    for (size_t i = 0; i < METRICS_BUCKETS && rc == 0; i++) {
        below += sum->bucket[i];
        (void)snprintf(line, sizeof(line), "%s_bucket{%s,le=\"%s\"} %llu\n", name, labels,
                       bounds[i].text, below);
        rc = append(out, line);
    }
    total = sum->timed > below ? sum->timed : below;
    (void)snprintf(line, sizeof(line),
                   "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.9f\n%s_count{%s} %llu\n", name,
                   labels, total, name, labels, (double)sum->sum_ns / 1e9, name, labels, total);
    return rc == 0 ? append(out, line) : rc;
}

int metrics_print(const struct metrics *const *all, size_t count, struct buffer *out)
{
    struct sum *sums = mem_array(count * (METRICS_SERIES_MAX + 1), sizeof(*sums));
    size_t used = sums_make(all, count, sums);
    int rc;

    qsort(sums, used, sizeof(*sums), sum_order);
    rc = print_counters(sums, used, out);
    if (rc == 0)
        rc = append(out,
                    "# HELP usher_operation_duration_seconds How long operations took, from their "
                    "last byte to their answer.\n"
                    "# TYPE usher_operation_duration_seconds histogram\n");
    for (size_t i = 0; i < used && rc == 0; i++)
        if (sums[i].timed > 0)
            rc = print_histogram(&sums[i], out);
    free(sums);
    return rc;
}
