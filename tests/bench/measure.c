/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
    int error = errno;
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (errno: %s)\n", strerror(error));
    exit(2);
}

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->room) {
        samples->room = samples->room > 0 ? 2 * samples->room : 64;
        samples->values = reallocarray(samples->values, samples->room, sizeof(*samples->values));
        if (samples->values == NULL)
            die("out of memory");
    }
    samples->values[samples->count++] = value;
}

void samples_clear(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){0};
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

double samples_part(struct samples *samples, double part)
{
    size_t at = (size_t)(part * (double)samples->count);

    if (samples->count == 0)
        die("nothing was measured");
    qsort(samples->values, samples->count, sizeof(*samples->values), by_value);
    return samples->values[at < samples->count ? at : samples->count - 1];
}

double samples_median(struct samples *samples)
{
    return samples_part(samples, 0.5);
}

void samples_print(struct samples *samples, double scale, const char *unit)
{
    printf("median %.2f %s (min %.2f, p99 %.2f, max %.2f, n %zu)", samples_median(samples) * scale,
           unit, samples_part(samples, 0) * scale, samples_part(samples, 0.99) * scale,
           samples_part(samples, 1) * scale, samples->count);
}

double now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void pause_us(unsigned us)
{
    struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L};

    (void)nanosleep(&pause, NULL);
}

void pin_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        die("cannot stay on processor %d", cpu);
}

int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        die("cannot make a socket for %s", path);
    (void)strcpy(address.sun_path, path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        die("cannot connect to %s", path);
    return fd;
}

struct people people_parse(const char *text)
{
    struct people people;
    int end = 0;

    if (sscanf(text, "%zu/%zu%n", &people.count, &people.organizations, &end) != 2 ||
        text[end] != '\0' || people.organizations == 0 || people.count < people.organizations)
        die("%s is not PEOPLE/ORGANIZATIONS", text);
    return people;
}

static struct person_name name_in(size_t number, size_t organization)
{
    struct person_name name;

    (void)snprintf(name.uid, sizeof(name.uid), "person.%07zu", number);
    (void)snprintf(name.organization, sizeof(name.organization), "org%zu", organization);
    (void)snprintf(name.dn, sizeof(name.dn), "cn=%s,ou=members,o=%s," BENCH_BASE, name.uid,
                   name.organization);
    (void)snprintf(name.person, sizeof(name.person), "uid=%s,ou=people," BENCH_BASE, name.uid);
    return name;
}

struct person_name person_name(const struct people *people, size_t number)
{
    return name_in(number, number % people->organizations);
}

bool person_may(const struct people *people, size_t number)
{
    bool active = number < CREW_PEOPLE || number % 200 != 199;

    return active && number / people->organizations % 20 < 12;
}

size_t crew_names(const struct people *people, struct person_name *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < CREW_PEOPLE && i < people->count; i++) {
        ret[count++] = person_name(people, i);
        if (i % 4 == 3 && people->organizations > 1)
            ret[count++] = name_in(i, (i + 1) % people->organizations);
    }
    return count;
}
