/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files for the targets that read a file: written anew for each input, in a folder in memory that
 * goes when the process ends.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32];

static int on_found(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found;
    (void)kind;
    (void)where;
    return remove(path);
}

static void folder_remove(void)
{
    (void)nftw(folder, on_found, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder,
               access("/dev/shm", W_OK) == 0 ? "/dev/shm/usher-XXXXXX" : "/tmp/usher-XXXXXX");
        HOLDS(mkdtemp(folder) != NULL);
        HOLDS(atexit(folder_remove) == 0);
    }
    return folder;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    static char path[256];
    int fd;

    HOLDS((size_t)snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name) < sizeof(path));
    for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        HOLDS(mkdir(path, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    return path;
}
