/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Start with a filled cache: usherd is killed with SIGKILL and started again, and a client asks as
 * soon as somebody listens. The clock runs from fork() to the first answer that is right.
 *
 * usage: bench_start USHERD CONF USHERD-SOCKET USHERD-PID-FILE [ROUNDS]
 * The file names the usherd that runs; at the end, the one that was started last and goes on.
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

static pid_t pid_read(const char *path)
{
    FILE *file = fopen(path, "re");
    int pid = 0;

    if (file == NULL || fscanf(file, "%d", &pid) != 1 || pid <= 1)
        die("no pid in %s", path);
    (void)fclose(file);
    return pid;
}

static void pid_write(const char *path, pid_t pid)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fprintf(file, "%d\n", (int)pid) < 0 || fclose(file) != 0)
        die("cannot write %s", path);
}

/* Kills without warning and waits until it is gone, child of ours or not. */
static void daemon_kill(pid_t pid)
{
    if (kill(pid, SIGKILL) != 0)
        die("cannot kill usherd");
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    while (kill(pid, 0) == 0)
        pause_us(1000);
}

int main(int argc, char **argv)
{
    struct person_name name = person_name(0);
    struct message message = {
        .id = 1,
        .op = OP_COMPARE,
        .compare = {slice_of(name.dn), slice_of("usherPermission"), slice_of(BENCH_EVEN)}};
    struct samples first_ms = {0};
    struct buffer question = {0};
    int rounds = argc > 5 ? atoi(argv[5]) : ROUNDS;
    double median;

    if (argc < 5) {
        fputs("usage: bench_start USHERD CONF USHERD-SOCKET USHERD-PID-FILE [ROUNDS]\n", stderr);
        return 2;
    }
    if (message_encode_request(&question, &message) != 0)
        die("a request cannot be encoded");
    for (int i = 0; i < rounds; i++) {
        double start;
        pid_t pid;
        int code;

        daemon_kill(pid_read(argv[4]));
        start = now_us();
        pid = daemon_start(argv[1], argv[2]);
        pid_write(argv[4], pid);
        while ((code = ask(argv[3], &question)) != RESULT_COMPARE_TRUE) {
            if ((code >= 0 && code != RESULT_UNAVAILABLE) || now_us() - start > ROUND_MAX_US)
                die("no right answer after the start; the last result code was %d", code);
            pause_us(200);
        }
        samples_add(&first_ms, (now_us() - start) / 1e3);
        pause_us(500000); /* a second start is no fairer right behind the first */
    }
    median = samples_median(&first_ms);
    printf("Start with a filled cache after kill -9, to the first right answer: ");
    samples_print(&first_ms, 1, "ms");
    printf("; target: at most %.0f ms: %s\n", TARGET_MS, median <= TARGET_MS ? "met" : "missed");
    samples_clear(&first_ms);
    buffer_clear(&question);
    return 0;
}
