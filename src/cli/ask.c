/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets from files, pipes and terminals; never from arguments, which everybody on the machine can
 * read.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line without its end, byte by byte, so that nothing stays behind in a buffer. E_LIMIT. */
static int line_read(int fd, struct secret *ret)
{
    char c;

    secret_clear(ret);
    for (;;) {
        ssize_t count = read(fd, &c, 1);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return E_IO;
        if (count == 0 || c == '\n')
            break;
        if (ret->len == SECRET_MAX) {
            secret_clear(ret);
            return E_LIMIT;
        }
        ret->data[ret->len++] = c;
    }
    if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
        ret->data[--ret->len] = '\0';
    return 0;
}

static int terminal_say(int fd, const char *text)
{
    return write(fd, text, strlen(text)) < 0 ? E_IO : 0;
}

/* The terminal that is quiet now, and how it was. */
static int quiet_fd = -1;
static struct termios quiet_before;

/* Whoever gives up at the prompt gets a terminal that echoes. */
static void on_signal(int number)
{
    (void)tcsetattr(quiet_fd, TCSAFLUSH, &quiet_before);
    (void)raise(number); /* SA_RESETHAND, SA_NODEFER: as if there were no handler */
}

#define SIGNALS 4
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void signals_take(struct sigaction before[SIGNALS])
{
    const struct sigaction take = {.sa_handler = on_signal,
                                   .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

    for (size_t i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &take, NULL);
    }
}

static void signals_give_back(const struct sigaction before[SIGNALS])
{
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &before[i], NULL);
}

static int terminal_read(int fd, const char *prompt, struct secret *ret)
{
    struct sigaction before[SIGNALS];
    struct termios quiet;
    int rc = E_IO;

    if (tcgetattr(fd, &quiet_before) < 0)
        return E_IO;
    quiet = quiet_before;
    quiet.c_lflag &= (tcflag_t)~ECHO;
    quiet_fd = fd;
    signals_take(before);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
        rc = terminal_say(fd, prompt); /* only now: what is typed before would be flushed */
        if (rc == 0)
            rc = line_read(fd, ret);
        (void)tcsetattr(fd, TCSAFLUSH, &quiet_before);
        (void)terminal_say(fd, "\n");
    }
    signals_give_back(before);
    return rc;
}

/* E_CONFLICT: the second time it was something else. */
static int terminal_ask(const char *prompt, bool repeat, struct secret *ret)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;
    struct secret again = {0};

    if (fd < 0)
        return E_IO;
    rc = terminal_read(fd, prompt, ret);
    if (rc == 0 && repeat) {
        rc = terminal_read(fd, "Again: ", &again);
        if (rc == 0 &&
            (again.len != ret->len || mem_compare_secret(again.data, ret->data, ret->len) != 0))
            rc = E_CONFLICT;
        secret_clear(&again);
    }
    close(fd);
    return rc;
}

static int file_ask(const char *file, struct secret *ret)
{
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return err_errno(errno);
    rc = line_read(fd, ret);
    if (!standard)
        close(fd);
    return rc;
}

int cli_secret(const struct cli *cli, const char *file, const char *prompt, bool repeat,
               struct secret *ret)
{
    int rc;

    if (file != NULL)
        rc = file_ask(file, ret);
    else if (!isatty(STDIN_FILENO))
        rc = file_ask("-", ret);
    else
        rc = terminal_ask(prompt, repeat, ret);
    if (rc < 0)
        secret_clear(ret);
    if (rc == E_CONFLICT)
        return cli_error(cli, "the two differ; nothing was changed");
    if (rc < 0)
        return cli_error(cli, "%s: %s", file != NULL ? file : "standard input", err_text(rc));
    if (ret->len == 0)
        return cli_error(cli, "an empty secret is refused");
    return 0;
}
