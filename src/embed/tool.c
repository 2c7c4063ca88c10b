/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/tool.h"
#include "base/err.h"
#include "embed/folder.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void tool_exec(char *const *arguments)
{
    int fd = open(FOLDER_ANSWER, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    execv(arguments[0], arguments);
    dprintf(STDERR_FILENO, "cannot run %s: %s (package slapd)\n", arguments[0], strerror(errno));
    _exit(127);
}

static int tool_run(char *const *arguments)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0) {
        warn("cannot start %s", arguments[0]);
        return E_IO;
    }
    if (pid == 0)
        tool_exec(arguments);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            warn("cannot wait for %s", arguments[0]);
            return E_IO;
        }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : E_CONF;
}

int tool_add(const char *conf, const char *suffix)
{
    /* -q: not safe against a crash, but then init starts anew anyway. */
    const char *arguments[] = {
        USHER_SBINDIR_LDAP "/slapadd", "-q", "-f", conf, "-b", suffix, "-l", FOLDER_LOAD, NULL};

    return tool_run((char *const *)arguments);
}

int tool_modify(const char *conf, const char *suffix)
{
    const char *arguments[] = {
        USHER_SBINDIR_LDAP "/slapmodify", "-f", conf, "-b", suffix, "-l", FOLDER_LOAD, NULL};

    return tool_run((char *const *)arguments);
}

void tool_clear(void)
{
    (void)unlink(FOLDER_LOAD);
    (void)unlink(FOLDER_ANSWER);
}
