/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opens, makes and publishes the rights table, and keeps its freshness. What stands at the path
 * when another takes its place is marked, so that no reader stays behind with it. Counters are
 * recounted at open when a writer died between a counter and its record. Records are written by
 * cache/writing.c, profiles and the catalogue by cache/writing_profile.c.
 */
#include "cache/table.h"
#include "base/err.h"
#include "cache/layout.h"
#include "cache/writing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE_MODE 0640

/* Sets the counters right from the records. */
static void table_recount(struct table *table)
{
    uint64_t used = 0, people = 0, organizations = 0, memberships = 0, permissions = 0;

    for (uint64_t i = 0; i < table->layout.slots; i++) {
        const struct layout_slot *slot = &table->slots[i];

        used += word_get(&slot->sequence) != 0;
        memberships += slot_counts(slot);
        if (word_get(&slot->sequence) > 1 && word_get(&slot->organization) >= organizations)
            organizations = word_get(&slot->organization) + 1;
    }
    for (uint64_t i = 0; i < table->layout.people; i++)
        people += word_get(&table->people[i]) != 0;
    for (uint64_t i = 0; i < table->layout.bits; i++)
        permissions += permission_counts(&table->permissions[i]);
    word_set(&table->header->used_records, used);
    word_set(&table->header->used_people, people);
    word_set(&table->header->used_organizations, organizations);
    word_set(&table->header->memberships, memberships);
    word_set(&table->header->permissions, permissions);
    word_set(&table->header->writing, 0);
}

/* Maps the file; the table owns neither descriptor nor names yet. */
static int table_map(struct table *table, int fd)
{
    void *map = mmap(NULL, table->layout.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        return err_errno(errno);
    table->map = map;
    table->header = map;
    table->slots = (void *)(table->map + table->layout.slot_offset);
    table->organizations = (void *)(table->map + table->layout.organization_offset);
    table->people = (void *)(table->map + table->layout.people_offset);
    table->index = (void *)(table->map + table->layout.index_offset);
    table->permissions = (void *)(table->map + table->layout.permission_offset);
    table->filter = (void *)(table->map + table->layout.filter_offset);
    return 0;
}

int table_open(const char *path, struct table **ret)
{
    struct layout_header header;
    struct table *table = NULL;
    struct stat status;
    int err = E_NOTFOUND;
    int fd;

    fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return E_NOTFOUND;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) || header.replaced != 0)
        goto out;
    table = mem_alloc(sizeof(*table));
    if (layout_check(&header, (uint64_t)status.st_size, &table->layout) != 0 ||
        table_map(table, fd) != 0)
        goto out;
    if (word_get(&table->header->writing) != 0)
        table_recount(table);
    table->path = mem_strdup(path);
    *ret = table;
    table = NULL;
    err = 0;
out:
    table_close(table);
    (void)close(fd);
    return err;
}

/* Gives a new file its size, owner and header. */
static int file_prepare(int fd, const struct layout *layout, const struct layout_size *size,
                        gid_t gid)
{
    struct layout_header header = {
        .magic = LAYOUT_MAGIC,
        .format = LAYOUT_FORMAT,
        .file_size = layout->file_size,
        .records = size->records,
        .profiles = size->profiles,
        .bits = size->bits,
        .people = size->people,
        .heartbeat_ms = (uint64_t)layout_clock_ms(),
    };
    int err;

    err = layout_boot(header.boot);
    if (err != 0)
        return err;
    if (getrandom(&header.seed, sizeof(header.seed), 0) != (ssize_t)sizeof(header.seed))
        return E_IO;
    err = posix_fallocate(fd, 0, (off_t)layout->file_size);
    if (err != 0)
        return err == EFBIG ? E_LIMIT : err_errno(err);
    if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) != 0)
        return err_errno(errno);
    if (fchmod(fd, TABLE_MODE) != 0)
        return err_errno(errno);
    if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return E_IO;
    return 0;
}

int table_create(const char *path, struct table_size size, gid_t gid, struct table **ret)
{
    const struct layout_size sizes = {size.records, size.profiles, size.bits, size.people};
    struct table *table = mem_alloc(sizeof(*table));
    int fd = -1;
    int err;

    err = layout_plan(&sizes, &table->layout);
    if (err != 0)
        goto out;
    /* One name, so that what a killed writer left there is swept up here. */
    table->path = mem_strdup(path);
    table->temporary = mem_printf("%s.new", path);
    (void)unlink(table->temporary);
    fd = open(table->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = err_errno(errno);
        goto out;
    }
    err = file_prepare(fd, &table->layout, &sizes, gid);
    if (err == 0)
        err = table_map(table, fd);
    if (err != 0)
        goto out;
    *ret = table;
    table = NULL;
out:
    table_close(table);
    if (fd >= 0)
        (void)close(fd);
    return err;
}

/* Marks a file replaced if it is a table of ours. */
static void file_mark_replaced(int fd)
{
    const uint64_t replaced = 1;
    uint64_t start[2];

    if (pread(fd, start, sizeof(start), 0) != (ssize_t)sizeof(start) || start[0] != LAYOUT_MAGIC ||
        start[1] != LAYOUT_FORMAT)
        return;
    /* Should it fail, readers find out from the heartbeat, two seconds later. */
    if (pwrite(fd, &replaced, sizeof(replaced), offsetof(struct layout_header, replaced)) < 0)
        return;
}

void table_withdraw(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    (void)unlink(path);
    if (fd < 0)
        return;
    file_mark_replaced(fd);
    (void)close(fd);
}

int table_publish(struct table *table)
{
    int old, err = 0;

    if (table->temporary == NULL)
        return 0;
    table_beat(table);
    old = open(table->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (rename(table->temporary, table->path) != 0) {
        err = err_errno(errno);
        goto out;
    }
    free(table->temporary);
    table->temporary = NULL;
    if (old >= 0)
        file_mark_replaced(old);
out:
    if (old >= 0)
        (void)close(old);
    return err;
}

void table_close(struct table *table)
{
    if (table == NULL)
        return;
    if (table->map != NULL)
        (void)munmap(table->map, table->layout.file_size);
    if (table->temporary != NULL)
        (void)unlink(table->temporary);
    free(table->temporary);
    free(table->path);
    free(table);
}

void table_room(const struct table *table, struct table_size *ret_used, struct table_size *ret_size)
{
    const struct layout_header *header = table->header;

    *ret_used = (struct table_size){
        .records = word_get(&header->used_records),
        .profiles = (uint32_t)word_get(&header->used_profiles),
        .bits = (uint32_t)word_get(&header->used_bits),
        .people = word_get(&header->used_people),
    };
    *ret_size = (struct table_size){
        .records = header->records,
        .profiles = (uint32_t)table->layout.profiles,
        .bits = (uint32_t)table->layout.bits,
        .people = header->people,
    };
}

static void csn_write(struct table *table, const uint64_t csn[LAYOUT_CSN_WORDS])
{
    uint64_t even = record_begin(&table->header->csn_sequence);

    for (unsigned i = 0; i < LAYOUT_CSN_WORDS; i++)
        word_set(&table->header->csn[i], csn[i]);
    word_set(&table->header->csn_sequence, even);
}

void table_fresh(struct table *table, struct slice csn, int64_t max_age_ms)
{
    struct layout_header *header = table->header;
    uint64_t words[LAYOUT_CSN_WORDS] = {0};

    if (csn.len > 0 && csn.len < sizeof(words))
        memcpy(words, csn.data, csn.len);
    csn_write(table, words);
    word_set(&header->max_age_ms, (uint64_t)max_age_ms);
    word_set(&header->fresh_ms, (uint64_t)layout_clock_ms());
    word_set(&header->filled, 1);
}

void table_max_age(struct table *table, int64_t max_age_ms)
{
    word_set(&table->header->max_age_ms, (uint64_t)max_age_ms);
}

void table_inherit(struct table *table, const struct table *from)
{
    uint64_t words[LAYOUT_CSN_WORDS] = {0};

    /* Odd: a writer was killed over it, and half a CSN is none. */
    if (word_get(&from->header->csn_sequence) % 2 == 0)
        for (unsigned i = 0; i < LAYOUT_CSN_WORDS; i++)
            words[i] = word_get(&from->header->csn[i]);
    csn_write(table, words);
    word_set(&table->header->max_age_ms, word_get(&from->header->max_age_ms));
    word_set(&table->header->fresh_ms, word_get(&from->header->fresh_ms));
    word_set(&table->header->generation,
             word_get(&table->header->generation) + word_get(&from->header->generation));
    word_set(&table->header->filled, word_get(&from->header->filled));
}

void table_beat(struct table *table)
{
    word_set(&table->header->heartbeat_ms, (uint64_t)layout_clock_ms());
}
