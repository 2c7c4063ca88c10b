/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compare over ldapi: usherPermission at usherd, member of a small and of a large group at slapd,
 * and an echo as the floor; one at a time and IN_FLIGHT in flight. Client and servers run on one
 * processor (the caller pins the servers), requests are encoded beforehand, and of a reply only the
 * frame, id and result code are looked at. Each target has its turn in every round, so that what
 * else the machine does hits all alike; ratios are taken round by round, and their medians
 * compared.
 *
 * usage: bench_compare CPU USHERD-SOCKET PEOPLE/ORGANIZATIONS SLAPD-SOCKET SMALL LARGE [TURN-MS]
 * SMALL and LARGE are how many members the two groups at slapd have: the first made-up people.
 */
#include "asking.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_FLIGHT 64
#define ROUNDS    15

/* DESIGN 13. */
#define TARGET_ALONE_US    9.0
#define TARGET_ALONE_RATIO (1.0 / 3)
#define TARGET_PER_SECOND  1e6
#define TARGET_RATIO       13.0

enum { ALONE, FLIGHT, MODES };

static const struct mode {
    const char *name;
    size_t in_flight;
} modes[MODES] = {{"one at a time", 1}, {"64 in flight", IN_FLIGHT}};

enum { ECHO, USHERD, SLAPD_SMALL, SLAPD_LARGE, TARGETS };

struct target {
    struct asking asking;
    struct samples us[MODES];    /* for one operation; one sample a round */
    struct samples ratio[MODES]; /* that, in units of usherd's in the same round */
};

static void echo_serve(int fd)
{
    static char bytes[READ_SIZE];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        for (ssize_t sent = 0, n; sent < got; sent += n)
            if ((n = send(fd, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL)) <= 0)
                _exit(0);
    _exit(0);
}

/* A child that sends back what it gets; ends with this process. */
static int echo_start(void)
{
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || (pid = fork()) < 0)
        die("cannot start the echo");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ends[0]);
        echo_serve(ends[1]);
    }
    (void)close(ends[1]);
    return ends[0];
}

static void row_print(struct target *target, int mode)
{
    double median = samples_median(&target->us[mode]);

    printf("%-20s %-14s %9.2f us %9.2f %9.2f %11.0f/s %10.2f\n", target->asking.name,
           modes[mode].name, median, samples_part(&target->us[mode], 0),
           samples_part(&target->us[mode], 1), 1e6 / median, samples_median(&target->ratio[mode]));
}

static const char *verdict(bool met)
{
    return met ? "met" : "missed";
}

static void verdicts_print(struct target *targets)
{
    double alone = samples_median(&targets[USHERD].us[ALONE]);
    double flight = samples_median(&targets[USHERD].us[FLIGHT]);

    printf("one at a time: %.2f us (target: at most %.0f us): %s\n", alone, TARGET_ALONE_US,
           verdict(alone <= TARGET_ALONE_US));
    printf("64 in flight: %.0f/s (target: %.0f/s): %s\n", 1e6 / flight, TARGET_PER_SECOND,
           verdict(1e6 / flight >= TARGET_PER_SECOND));
    for (int i = SLAPD_SMALL; i < TARGETS; i++) {
        double share = 1 / samples_median(&targets[i].ratio[ALONE]);
        double times = samples_median(&targets[i].ratio[FLIGHT]);

        printf("usherd / %s: latency one at a time %.2f (target: at most %.2f): %s; "
               "throughput 64 in flight %.1f (target: at least %.0f): %s\n",
               targets[i].asking.name, share, TARGET_ALONE_RATIO,
               verdict(share <= TARGET_ALONE_RATIO), times, TARGET_RATIO,
               verdict(times >= TARGET_RATIO));
    }
}

static void report(struct target *targets)
{
    printf("Compare over ldapi, both ends on one processor; medians of %d alternating rounds\n",
           ROUNDS);
    printf("%-20s %-14s %12s %9s %9s %13s %10s\n", "", "", "median", "min", "max", "throughput",
           "/ usherd's");
    for (int mode = 0; mode < MODES; mode++)
        for (int i = 0; i < TARGETS; i++)
            row_print(&targets[i], mode);
    verdicts_print(targets);
}

/* One turn of each target in each mode. */
static void round_run(struct target *targets, double turn_us, bool count)
{
    double us[TARGETS][MODES];

    for (int i = 0; i < TARGETS; i++)
        for (int mode = 0; mode < MODES; mode++)
            us[i][mode] = asking_run(&targets[i].asking, modes[mode].in_flight, turn_us);
    for (int i = 0; count && i < TARGETS; i++)
        for (int mode = 0; mode < MODES; mode++) {
            samples_add(&targets[i].us[mode], us[i][mode]);
            samples_add(&targets[i].ratio[mode], us[i][mode] / us[USHERD][mode]);
        }
}

static void targets_close(struct target *targets)
{
    for (int i = 0; i < TARGETS; i++) {
        asking_clear(&targets[i].asking);
        for (int mode = 0; mode < MODES; mode++) {
            samples_clear(&targets[i].us[mode]);
            samples_clear(&targets[i].ratio[mode]);
        }
    }
}

int main(int argc, char **argv)
{
    static struct target targets[TARGETS] = {[ECHO] = {{.name = "echo (floor)", .echo = true}},
                                             [USHERD] = {{.name = "usherd"}},
                                             [SLAPD_SMALL] = {{.name = "slapd, small group"}},
                                             [SLAPD_LARGE] = {{.name = "slapd, large group"}}};
    struct people people;
    double turn_us;

    if (argc < 7) {
        fputs(
            "usage: bench_compare CPU USHERD-SOCKET PEOPLE/ORGANIZATIONS SLAPD-SOCKET SMALL LARGE "
            "[TURN-MS]\n",
            stderr);
        return 2;
    }
    pin_to(atoi(argv[1]));
    people = people_parse(argv[3]);
    turn_us = (argc > 7 ? atof(argv[7]) : 100) * 1e3;
    targets[ECHO].asking.fd = echo_start();
    targets[USHERD].asking.fd = connect_unix(argv[2]);
    targets[SLAPD_SMALL].asking.fd = connect_unix(argv[4]);
    targets[SLAPD_LARGE].asking.fd = connect_unix(argv[4]);
    asking_usher(&targets[ECHO].asking, &people);
    asking_usher(&targets[USHERD].asking, &people);
    asking_group(&targets[SLAPD_SMALL].asking, &people, "cn=small," BENCH_BASE,
                 strtoul(argv[5], NULL, 10));
    asking_group(&targets[SLAPD_LARGE].asking, &people, "cn=large," BENCH_BASE,
                 strtoul(argv[6], NULL, 10));
    for (int round = 0; round <= ROUNDS; round++) /* the first to warm up */
        round_run(targets, turn_us, round > 0);
    report(targets);
    targets_close(targets);
    return 0;
}
