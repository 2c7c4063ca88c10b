/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Start with a filled cache: usherd is killed with SIGKILL and started again, and a client asks as
 * soon as somebody listens. The clock runs from fork() to the first answer that is right. No usherd
 * runs on this configuration before, and none afterwards.
 *
 * usage: bench_start USHERD CONF USHERD-SOCKET [ROUNDS]
 */
#include "base/buffer.h"
#include "ldap/message.h"
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS       5
#define ROUND_MAX_US 20e6
#define TARGET_MS    100.0 /* DESIGN 13 */

static pid_t daemon_start(char *program, char *conf)
{
    char option[] = "-f";
    char *const argv[] = {program, option, conf, NULL};
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);

        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)execv(program, argv);
        _exit(127);
    }
    return pid;
}

/* The result code of one Compare, or -1 when nobody answers. */
static int ask(const char *path, const struct buffer *question)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    unsigned char answer[512];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code = -1;

    if (fd < 0)
        die("socket");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    /* SEQUENCE, id 1, Compare response and its code. */
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, question->data, question->len, MSG_NOSIGNAL) == (ssize_t)question->len &&
        recv(fd, answer, sizeof(answer), 0) >= 14 && answer[0] == 0x30 && answer[1] < 0x80)
        code = answer[9];
    (void)close(fd);
    return code;
}

/* Kills without warning and waits until it is gone. */
static void daemon_kill(pid_t pid)
{
    if (kill(pid, SIGKILL) != 0)
        die("cannot kill usherd");
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Starts, asks, kills: how long it took to the right answer, in ms. */
static double round_run(char *program, char *conf, const char *path, const struct buffer *question)
{
    double start = now_us(), took_us;
    pid_t pid = daemon_start(program, conf);
    int code;

    while ((code = ask(path, question)) != RESULT_COMPARE_TRUE) {
        if ((code >= 0 && code != RESULT_UNAVAILABLE) || now_us() - start > ROUND_MAX_US) {
            daemon_kill(pid);
            die("no right answer after the start; the last result code was %d", code);
        }
        pause_us(200);
    }
    took_us = now_us() - start;
    pause_us(500000); /* let it find the store and settle */
    daemon_kill(pid);
    return took_us / 1e3;
}

int main(int argc, char **argv)
{
    struct people people = {.count = 1, .organizations = 1};
    struct person_name name = person_name(&people, 0);
    struct message message = {
        .id = 1,
        .op = OP_COMPARE,
        .compare = {slice_of(name.dn), slice_of("usherPermission"), slice_of(BENCH_ASKED)}};
    struct samples first_ms = {0};
    struct buffer question = {0};
    int rounds = argc > 4 ? atoi(argv[4]) : ROUNDS;
    double median;

    if (argc < 4) {
        fputs("usage: bench_start USHERD CONF USHERD-SOCKET [ROUNDS]\n", stderr);
        return 2;
    }
    if (message_encode_request(&question, &message) != 0)
        die("a request cannot be encoded");
    (void)round_run(argv[1], argv[2], argv[3],
                    &question); /* after this one it is kill -9 each time */
    for (int i = 0; i < rounds; i++)
        samples_add(&first_ms, round_run(argv[1], argv[2], argv[3], &question));
    median = samples_median(&first_ms);
    printf("Start with a filled cache after kill -9, to the first right answer: ");
    samples_print(&first_ms, 1, "ms");
    printf("; target: at most %.0f ms: %s\n", TARGET_MS, median <= TARGET_MS ? "met" : "missed");
    samples_clear(&first_ms);
    buffer_clear(&question);
    return 0;
}
