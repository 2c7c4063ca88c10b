/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets from files, pipes and terminals; never from arguments, which everybody on the machine can
 * read.
 */
#include "base/err.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
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

static int terminal_read(int fd, const char *prompt, struct secret *ret)
{
    struct termios old, quiet;
    int rc;

    if (tcgetattr(fd, &old) < 0)
        return E_IO;
    quiet = old;
    quiet.c_lflag &= (tcflag_t)~ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
        return E_IO;
    rc = terminal_say(fd, prompt); /* only now: what is typed before would be flushed */
    if (rc == 0)
        rc = line_read(fd, ret);
    (void)tcsetattr(fd, TCSAFLUSH, &old);
    (void)terminal_say(fd, "\n");
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
    if (rc == E_CONFLICT)
        return cli_error(cli, "the two differ; nothing was changed");
    if (rc < 0) {
        secret_clear(ret);
        return cli_error(cli, "%s: %s", file != NULL ? file : "standard input", err_text(rc));
    }
    if (ret->len == 0)
        return cli_error(cli, "an empty secret is refused");
    return 0;
}
