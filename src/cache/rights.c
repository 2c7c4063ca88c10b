/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opens the published table and tells its state. A file is checked as a whole once, here;
 * afterwards its sizes and seed are our own copy and never read from the map again. Questions are
 * answered by cache/reading.c.
 */
#include "cache/rights.h"
#include "base/err.h"
#include "cache/layout.h"
#include "cache/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CSN_TRIES  64
#define CSN_PAUSES 32

/* The header's constant part. */
static int header_read(int fd, struct layout_header *ret)
{
    ssize_t got = pread(fd, ret, sizeof(*ret), 0);

    if (got < 0)
        return E_IO;
    return got == (ssize_t)sizeof(*ret) ? 0 : E_PROTO;
}

int rights_open(const char *path, struct rights **ret)
{
    return rights_open_at(path, NULL, 0, ret);
}

int rights_open_at(const char *path, void *space, size_t space_size, struct rights **ret)
{
    size_t path_size = strlen(path) + 1;
    struct layout_header header;
    struct rights *rights = NULL;
    struct stat status;
    void *map;
    int err, fd;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_errno(errno);
    err = fstat(fd, &status) != 0 ? E_IO : S_ISREG(status.st_mode) ? 0 : E_PROTO;
    if (err == 0)
        err = header_read(fd, &header);
    if (err != 0)
        goto out;
    err = E_NOMEM;
    rights = calloc(1, sizeof(*rights) + path_size);
    if (rights == NULL)
        goto out;
    err = layout_check(&header, (uint64_t)status.st_size, &rights->layout);
    if (err != 0)
        goto out;
    err = E_LIMIT;
    if (space != NULL && rights->layout.file_size > space_size)
        goto out;
    map = mmap(space, rights->layout.file_size, PROT_READ,
               MAP_SHARED | (space != NULL ? MAP_FIXED : 0), fd, 0);
    if (map == MAP_FAILED) {
        err = err_errno(errno);
        goto out;
    }
    memcpy(rights->path, path, path_size);
    rights->mapped = space == NULL;
    rights->device = status.st_dev;
    rights->inode = status.st_ino;
    rights->seed = header.seed;
    rights->map = map;
    rights->header = map;
    rights->slots = (const void *)(rights->map + rights->layout.slot_offset);
    rights->organizations = (const void *)(rights->map + rights->layout.organization_offset);
    rights->people = (const void *)(rights->map + rights->layout.people_offset);
    rights->index = (const void *)(rights->map + rights->layout.index_offset);
    rights->permissions = (const void *)(rights->map + rights->layout.permission_offset);
    rights->filter = (const void *)(rights->map + rights->layout.filter_offset);
    rights->pages = (const void *)(rights->map + rights->layout.profile_offset);
    *ret = rights;
    rights = NULL;
    err = 0;
out:
    free(rights);
    (void)close(fd);
    return err;
}

void rights_close(struct rights *rights)
{
    if (rights == NULL)
        return;
    if (rights->mapped)
        (void)munmap((void *)(uintptr_t)rights->map, rights->layout.file_size);
    free(rights);
}

/* Since a time of the header. */
static int64_t since_ms(const uint64_t *word)
{
    return (int64_t)((uint64_t)layout_clock_ms() - word_get(word));
}

bool rights_replaced(const struct rights *rights)
{
    return word_get(&rights->header->replaced) != 0 ||
           (!rights_beats(rights, layout_clock_ms()) && rights_moved(rights));
}

bool rights_moved(const struct rights *rights)
{
    struct stat status;

    return stat(rights->path, &status) == 0 &&
           (status.st_dev != rights->device || status.st_ino != rights->inode);
}

/* The CSN, left empty when it stays unreadable. */
static void csn_read(const struct layout_header *header, char ret[RIGHTS_CSN_MAX])
{
    uint64_t csn[LAYOUT_CSN_WORDS];

    _Static_assert(sizeof(csn) == RIGHTS_CSN_MAX, "the header holds a CSN");
    for (unsigned i = 0; i < CSN_TRIES; i++) {
        uint64_t sequence = word_get(&header->csn_sequence);

        for (unsigned k = 0; k < LAYOUT_CSN_WORDS; k++)
            csn[k] = word_get(&header->csn[k]);
        if (sequence % 2 == 0 && word_get(&header->csn_sequence) == sequence) {
            memcpy(ret, csn, RIGHTS_CSN_MAX);
            ret[RIGHTS_CSN_MAX - 1] = '\0';
            return;
        }
        pause_briefly(CSN_PAUSES);
    }
    ret[0] = '\0';
}

void rights_status(const struct rights *rights, struct rights_status *ret)
{
    const struct layout_header *header = rights->header;
    struct rights_status status = {.age_ms = -1};

    status.filled = word_get(&header->filled) == 1;
    if (status.filled) {
        int64_t age_ms = since_ms(&header->fresh_ms);

        status.age_ms = age_ms > 0 ? age_ms : 0;
    }
    status.max_age_ms = (int64_t)word_get(&header->max_age_ms);
    status.heartbeat_ms = since_ms(&header->heartbeat_ms);
    status.replaced = word_get(&header->replaced) != 0;
    csn_read(header, status.csn);
    status.records = word_get(&header->memberships);
    status.profiles = word_get(&header->used_profiles);
    status.permissions = word_get(&header->permissions);
    status.generation = word_get(&header->generation);
    *ret = status;
}
