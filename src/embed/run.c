/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/run.h"
#include "base/err.h"
#include "embed/folder.h"
#include "embed/slapd_conf.h"
#include "embed/tool.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLAPD           USHER_SBINDIR_LDAP "/slapd"
#define SOCKET_PATH_MAX 107  /* bytes in sockaddr_un, less the end */
#define DESCRIPTORS_MAX 8192 /* slapd keeps a table as long as the limit */

/* slapd is given a path relative to the folder, but clients come by the folder's name. */
static int path_check(const char *directory)
{
    size_t len = strlen(directory) + strlen("/" FOLDER_SOCKET);

    if (len <= SOCKET_PATH_MAX)
        return 0;
    warnx("the socket %s/" FOLDER_SOCKET " has a path of %zu bytes: expected at most %d, so use a "
          "folder with a shorter name",
          directory, len, SOCKET_PATH_MAX);
    return E_LIMIT;
}

/* The databases belong to one uid: another one, root too, would leave files that it cannot open. */
static int owner_check(const char *directory)
{
    struct stat status;

    if (stat(".", &status) != 0) {
        warn("cannot look at the folder %s", directory);
        return E_IO;
    }
    if (status.st_uid == geteuid())
        return 0;
    warnx("the store in %s belongs to uid %lu and this is uid %lu: run it as its owner", directory,
          (unsigned long)status.st_uid, (unsigned long)geteuid());
    return E_ACCESS;
}

static int prepared_check(const char *directory)
{
    if (folder_prepared())
        return 0;
    warnx("the folder %s is not prepared: expected " FOLDER_CONF " in it, so run \"usher-directory "
          "init\" first",
          directory);
    return E_NOTFOUND;
}

/* A socket in a folder that others can enter would be open to them: slapd makes it with mode 0777.
 * A socket that is left shows that slapd did not stop by itself. */
static int socket_check(const char *directory, bool *ret_crashed)
{
    struct stat status;

    if (lstat("run", &status) != 0 || !S_ISDIR(status.st_mode) || (status.st_mode & 077) != 0) {
        warnx("%s/run: expected a folder with mode 0700", directory);
        return E_ACCESS;
    }
    if (lstat(FOLDER_SOCKET, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode)) {
        warnx("%s/" FOLDER_SOCKET " is in the way: expected a socket or nothing", directory);
        return E_EXISTS;
    }
    if (unlink(FOLDER_SOCKET) != 0) {
        warn("cannot remove the old socket %s/" FOLDER_SOCKET, directory);
        return E_IO;
    }
    *ret_crashed = true;
    return 0;
}

/* After a crash slapd 2.5 goes on from an older contextCSN, since a delete leaves no entry with its
 * CSN, and sends consumers that know better away (RFC 4533: a whole refresh). Without one it takes
 * the present time, and consumers get just what they missed. A store that cannot be mended still
 * serves. */
static void context_forget(const struct base_dn *base)
{
    FILE *file = fopen(FOLDER_LOAD, "we");

    if (file == NULL ||
        fprintf(file, "dn: %s\nchangetype: modify\nreplace: contextCSN\n", base->text) < 0 ||
        fclose(file) != 0 || slapd_conf_write_plain(base, FOLDER_NEWCONF) != 0 ||
        tool_modify(FOLDER_NEWCONF, base->text) != 0)
        warnx("cannot renew the contextCSN of %s: consumers will fetch everything anew",
              base->text);
    (void)unlink(FOLDER_NEWCONF);
    tool_clear();
}

static void limits_set(void)
{
    struct rlimit none = {0, 0}, files;

    (void)setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS_MAX ? files.rlim_max : DESCRIPTORS_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

int run_slapd(const char *directory)
{
    static char *const arguments[] = {(char *)"slapd",
                                      (char *)"-d",
                                      (char *)"none",
                                      (char *)"-h",
                                      (char *)"ldapi://run%2Fldapi",
                                      (char *)"-f",
                                      (char *)FOLDER_CONF,
                                      NULL};
    struct base_dn base;
    bool crashed = false;
    int lock;
    int err;

    umask(077);
    err = path_check(directory);
    if (err == 0)
        err = folder_enter(directory);
    if (err == 0)
        err = prepared_check(directory);
    if (err == 0)
        err = owner_check(directory);
    if (err == 0)
        err = folder_lock(directory, true, &lock);
    if (err == 0)
        err = socket_check(directory, &crashed);
    if (err == 0)
        err = folder_read_base(&base);
    if (err == 0)
        err = slapd_conf_write_owner(&base, geteuid());
    if (err != 0)
        return err;
    if (crashed)
        context_forget(&base);
    limits_set();
    execv(SLAPD, arguments);
    warnx("cannot run " SLAPD ": %s (package slapd)", strerror(errno));
    return E_NOTFOUND;
}
