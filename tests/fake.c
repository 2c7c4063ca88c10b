/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fake.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

void fake_folder(char *path)
{
    strcpy(path, "/tmp/usher-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

void fake_remove(const char *path)
{
    char command[FAKE_PATH_MAX + 32];

    assert_int_equal(strncmp(path, "/tmp/usher-test-", 16), 0);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

void fake_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void fake_run(const struct fake *fake, const char *listen, int input, int output)
{
    const char *top = getenv("srcdir");
    char script[4096];

    (void)snprintf(script, sizeof(script), "%s/tests/fake_usherd.py", top != NULL ? top : ".");
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    unsetenv("LD_PRELOAD");
    execl(PYTHON, PYTHON, script, listen, fake->scenario, fake->log, (char *)NULL);
    _exit(127);
}

/* The line "ready PORT". */
static int fake_ready(const struct fake *fake)
{
    struct pollfd poll_fd = {.fd = fake->output, .events = POLLIN};
    char line[64] = "";
    int port = -1;

    assert_int_equal(poll(&poll_fd, 1, FAKE_PATIENCE_MS), 1);
    assert_true(read(fake->output, line, sizeof(line) - 1) > 0);
    assert_int_equal(sscanf(line, "ready %d", &port), 1);
    return port;
}

static void fake_launch(struct fake *fake, const char *steps, bool tcp)
{
    int input[2], output[2], port;

    *fake = (struct fake){.pid = -1};
    fake_folder(fake->folder);
    (void)snprintf(fake->socket, sizeof(fake->socket), "%s/ldapi", fake->folder);
    (void)snprintf(fake->scenario, sizeof(fake->scenario), "%s/scenario", fake->folder);
    (void)snprintf(fake->log, sizeof(fake->log), "%s/log", fake->folder);
    fake_write(fake->scenario, steps);
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    fake->pid = fork();
    assert_true(fake->pid >= 0);
    if (fake->pid == 0)
        fake_run(fake, tcp ? "tcp:0" : fake->socket, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    fake->input = input[1];
    fake->output = output[0];
    port = fake_ready(fake);
    if (tcp)
        (void)snprintf(fake->uri, sizeof(fake->uri), "ldap://127.0.0.1:%d", port);
    else
        strcpy(fake->uri, fake->socket);
}

void fake_start(struct fake *fake, const char *steps)
{
    fake_launch(fake, steps, false);
}

void fake_start_tcp(struct fake *fake, const char *steps)
{
    fake_launch(fake, steps, true);
}

void fake_stop(struct fake *fake)
{
    close(fake->input);
    close(fake->output);
    waitpid(fake->pid, NULL, 0);
    free(fake->asked);
    fake_remove(fake->folder);
}

int64_t fake_deadline(void)
{
    return clock_monotonic_ms() + FAKE_PATIENCE_MS;
}

const char *fake_asked(struct fake *fake)
{
    FILE *file = fopen(fake->log, "r");
    size_t len = 0;

    free(fake->asked);
    fake->asked = calloc(1, FAKE_LOG_MAX);
    assert_non_null(fake->asked);
    if (file != NULL) {
        len = fread(fake->asked, 1, FAKE_LOG_MAX - 1, file);
        fclose(file);
    }
    fake->asked[len] = '\0';
    return fake->asked;
}

bool fake_was_asked(struct fake *fake, const char *text)
{
    int64_t until_ms = fake_deadline();

    while (strstr(fake_asked(fake), text) == NULL) {
        if (clock_monotonic_ms() > until_ms)
            return false;
        usleep(10000);
    }
    return true;
}
