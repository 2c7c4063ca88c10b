/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/load.h"
#include "base/err.h"
#include "embed/folder.h"
#include "embed/ldif_base.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef USHER_SLAPADD
#define USHER_SLAPADD "/usr/sbin/slapadd"
#endif

#define ANSWER_LINES_MAX 20

static void slapadd_exec(const char *suffix)
{
    char *const arguments[] = {(char *)"slapadd",      (char *)"-q",        (char *)"-f",
                               (char *)FOLDER_NEWCONF, (char *)"-b",        (char *)suffix,
                               (char *)"-l",           (char *)FOLDER_LOAD, NULL};
    int fd = open(FOLDER_ANSWER, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    execv(USHER_SLAPADD, arguments);
    dprintf(STDERR_FILENO, "cannot run " USHER_SLAPADD ": %s (package slapd)\n", strerror(errno));
    _exit(127);
}

/* Ends in 0 only when slapadd took every entry. */
static int slapadd_run(const char *suffix, int *ret_status)
{
    pid_t pid = fork();

    if (pid < 0) {
        warn("cannot start " USHER_SLAPADD);
        return E_IO;
    }
    if (pid == 0)
        slapadd_exec(suffix);
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR) {
            warn("cannot wait for " USHER_SLAPADD);
            return E_IO;
        }
    return 0;
}

/* The number behind "line=" or "line " in what slapadd says; 0 when there is none. */
static unsigned long answer_line(const char *text)
{
    const char *at = strstr(text, "(line=");

    if (at != NULL)
        return strtoul(at + strlen("(line="), NULL, 10);
    at = strstr(text, ": line ");
    return at == NULL ? 0 : strtoul(at + strlen(": line "), NULL, 10);
}

/* slapadd names the line at which the entry begins or ends in FOLDER_LOAD: the same line as in the
 * file. */
static void answer_report(const char *name)
{
    FILE *file = fopen(FOLDER_ANSWER, "re");
    char text[512];
    int lines = 0;

    while (file != NULL && lines < ANSWER_LINES_MAX && fgets(text, sizeof(text), file) != NULL) {
        unsigned long row = answer_line(text);

        text[strcspn(text, "\n")] = '\0';
        if (text[0] == '\0' || text[0] == '_' || strstr(text, "Closing DB") != NULL)
            continue;
        if (row > 0)
            warnx("%s:%lu: %s", name, row, text);
        else
            warnx("%s: %s", name, text);
        lines++;
    }
    if (lines == 0)
        warnx("%s: " USHER_SLAPADD " failed and said nothing", name);
    if (file != NULL)
        (void)fclose(file);
}

static int load_write(const struct load *load, const struct base_dn *base)
{
    FILE *out = fopen(FOLDER_LOAD, "we");
    int err;

    if (out == NULL) {
        warn("cannot write " FOLDER_LOAD);
        return E_IO;
    }
    err = ldif_base_move(load->file, load->name, base->text, out);
    if (fclose(out) != 0 && err == 0) {
        warn("cannot write " FOLDER_LOAD);
        err = E_IO;
    }
    return err;
}

int load_ldif(const struct load *load, const char *suffix, const struct base_dn *base)
{
    int status = 0;
    int err = load_write(load, base);

    if (err == 0)
        err = slapadd_run(suffix, &status);
    if (err == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        answer_report(load->name);
        err = E_CONF;
    }
    (void)unlink(FOLDER_LOAD);
    (void)unlink(FOLDER_ANSWER);
    return err;
}

int load_text(const char *text, const char *suffix, const struct base_dn *base)
{
    struct load load = {.name = "(built in)", .file = fmemopen((void *)text, strlen(text), "r")};
    int err;

    if (load.file == NULL) {
        warn("cannot read the entries built in");
        return E_IO;
    }
    err = load_ldif(&load, suffix, base);
    (void)fclose(load.file);
    return err;
}
