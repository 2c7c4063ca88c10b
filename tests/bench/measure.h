/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the benchmarks share: samples with their median, lowest and highest, a clock in
 * microseconds, a processor to stay on, and the made-up people of maketree, which is in the store
 * (person_... below must agree with it). Knows nothing of what is measured. A benchmark that cannot
 * go on ends with status 2.
 */
#ifndef USHER_BENCH_MEASURE_H
#define USHER_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_BASE "dc=example,dc=org"

struct samples {
    double *values;
    size_t count;
    size_t room;
};

void samples_add(struct samples *samples, double value);
void samples_clear(struct samples *samples);

/* The value below which this part (0 to 1) of the samples lies. Sorts them. */
double samples_part(struct samples *samples, double part);
double samples_median(struct samples *samples);

/* "median 12.3 us (min 11.0, p99 20.1, max 30.2, n 200)", of values multiplied by scale. */
void samples_print(struct samples *samples, double scale, const char *unit);

/* CLOCK_MONOTONIC. */
double now_us(void);
void pause_us(unsigned us);

/* This thread, and processes made from now on, run on this processor alone. */
void pin_to(int cpu);

/* Says what failed and why (errno), and ends the program. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A connected stream socket; ends the program when nobody listens. */
int connect_unix(const char *path);

/* How many there are, in how many organizations. */
struct people {
    size_t count;
    size_t organizations;
};

/* From "PEOPLE/ORGANIZATIONS"; ends the program when it is not that. */
struct people people_parse(const char *text);

/* What the roles of some allow and nothing else speaks of; what the role crew alone allows, which
 * all memberships of the first CREW_PEOPLE hold, CREW_HOLDERS of them where there are so many
 * people. */
#define BENCH_ASKED  "tickets:delete"
#define BENCH_CREW   "terminal:login"
#define CREW_DN      "cn=crew,ou=roles," BENCH_BASE
#define CREW_PEOPLE  8000
#define CREW_HOLDERS 10000

struct person_name {
    char dn[128];     /* of the membership */
    char person[128]; /* DN of the person */
    char uid[32];
    char organization[32];
};

/* Person number i where they are at home. */
struct person_name person_name(const struct people *people, size_t number);

/* Whether they may BENCH_ASKED there. */
bool person_may(const struct people *people, size_t number);

/* The crew's memberships, external ones too: returns how many, CREW_HOLDERS at most. */
size_t crew_names(const struct people *people, struct person_name *ret);

#endif
