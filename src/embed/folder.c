/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed/folder.h"
#include "base/err.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const subfolders[] = {"data", "ledger", "accesslog", "run"};
static const char *const files[] = {FOLDER_CONF,   FOLDER_NEWCONF,     FOLDER_OWNER,
                                    FOLDER_SCHEMA, FOLDER_BASE,        FOLDER_LOAD,
                                    FOLDER_ANSWER, FOLDER_OWNER ".new"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int folder_enter(const char *name)
{
    int number;

    if (chdir(name) == 0)
        return 0;
    number = errno;
    warnx("cannot enter the folder %s: %s", name, strerror(number));
    return err_errno(number);
}

static void lock_report(const char *name, int fd)
{
    char holder[32] = "";
    ssize_t got = pread(fd, holder, sizeof(holder) - 1, 0);

    if (got > 0)
        holder[strcspn(holder, "\n")] = '\0';
    warnx("the store in %s is in use by process %s: stop that one first", name,
          got > 0 ? holder : "(unknown)");
}

int folder_lock(const char *name, bool keep, int *ret_fd)
{
    int fd = open(FOLDER_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | (keep ? 0 : O_CLOEXEC), 0600);

    if (fd < 0) {
        warn("cannot open %s/" FOLDER_LOCK, name);
        return E_IO;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int number = errno;

        if (number == EWOULDBLOCK)
            lock_report(name, fd);
        else
            warn("cannot lock %s/" FOLDER_LOCK, name);
        (void)close(fd);
        return number == EWOULDBLOCK ? E_BUSY : E_IO;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        warn("cannot write %s/" FOLDER_LOCK, name);
        (void)close(fd);
        return E_IO;
    }
    *ret_fd = fd;
    return 0;
}

bool folder_prepared(void)
{
    return access(FOLDER_CONF, F_OK) == 0;
}

static bool name_ours(const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, FOLDER_LOCK) == 0)
        return true;
    for (size_t i = 0; i < COUNT(subfolders); i++)
        if (strcmp(name, subfolders[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(name, files[i]) == 0)
            return true;
    return false;
}

int folder_check_ours(const char *name)
{
    DIR *dir = opendir(".");
    const struct dirent *entry;
    int err = 0;

    if (dir == NULL) {
        warn("cannot read the folder %s", name);
        return E_IO;
    }
    while (err == 0 && (entry = readdir(dir)) != NULL)
        if (!name_ours(entry->d_name)) {
            warnx("the folder %s holds \"%s\": expected an empty or a new folder", name,
                  entry->d_name);
            err = E_EXISTS;
        }
    (void)closedir(dir);
    return err;
}

int folder_make(void)
{
    for (size_t i = 0; i < COUNT(subfolders); i++)
        if (mkdir(subfolders[i], 0700) != 0) {
            warn("cannot make the folder %s", subfolders[i]);
            return E_IO;
        }
    return 0;
}

/* The subfolders hold plain files only. */
static void subfolder_clear(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(dir);
    (void)rmdir(name);
}

void folder_clear(void)
{
    for (size_t i = 0; i < COUNT(files); i++)
        (void)unlink(files[i]);
    for (size_t i = 0; i < COUNT(subfolders); i++)
        subfolder_clear(subfolders[i]);
}

static int name_sync(const char *name)
{
    int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err = 0;

    if (fd < 0 || fsync(fd) != 0) {
        warn("cannot write %s to the disk", name);
        err = E_IO;
    }
    if (fd >= 0)
        (void)close(fd);
    return err;
}

int folder_sync(void)
{
    return name_sync(".");
}

int folder_sync_all(void)
{
    static const char *const made[] = {"data/data.mdb", "ledger/data.mdb", FOLDER_BASE,
                                       FOLDER_SCHEMA};
    int err = 0;

    for (size_t i = 0; err == 0 && i < COUNT(made); i++)
        err = name_sync(made[i]);
    for (size_t i = 0; err == 0 && i < COUNT(subfolders); i++)
        err = name_sync(subfolders[i]);
    return err == 0 ? folder_sync() : err;
}

int folder_write_base(const struct base_dn *base)
{
    FILE *file = fopen(FOLDER_BASE, "we");

    if (file == NULL || fprintf(file, "%s\n", base->text) < 0 || fclose(file) != 0) {
        warn("cannot write " FOLDER_BASE);
        return E_IO;
    }
    return 0;
}

int folder_read_base(struct base_dn *ret)
{
    char text[BASE_DN_MAX + 1] = "";
    FILE *file = fopen(FOLDER_BASE, "re");

    if (file == NULL || fgets(text, sizeof(text), file) == NULL) {
        warnx("cannot read the file " FOLDER_BASE ": expected the base of the store in it");
        if (file != NULL)
            (void)fclose(file);
        return E_CONF;
    }
    (void)fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return base_dn_parse(text, ret) == 0 ? 0 : E_CONF;
}
