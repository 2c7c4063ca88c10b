/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lays out the rights table from its four sizes, and judges whether a file is one. Everything in a
 * header is doubted until it has passed layout_check; nothing else in the file needs to be true for
 * a reader to stay within the file.
 */
#include "cache/layout.h"
#include "base/err.h"
#include "model/catalogue.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Two thirds full at most, and little more than half when it is new: a present key is then found
 * after 1.6 slots in the mean, in a full one after 2. */
#define SLOTS_FOR(keys) ((keys) + (keys) / 2 + 1)

/* Index words for each bit, before rounding up. */
#define INDEX_SPREAD 2

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

int layout_plan(const struct layout_size *size, struct layout *ret)
{
    struct layout plan = {.bits = size->bits, .profiles = size->profiles};
    uint64_t end = LAYOUT_PAGE;

    if (size->records > LAYOUT_RECORDS_MAX || size->profiles > LAYOUT_PROFILES_MAX ||
        size->people > LAYOUT_PEOPLE_MAX || size->bits > CATALOGUE_MAX)
        return E_LIMIT;
    plan.slots = SLOTS_FOR(size->records);
    plan.organizations = size->records;
    plan.people = SLOTS_FOR(size->people);
    plan.index_words = 64;
    while (plan.index_words < plan.bits * INDEX_SPREAD)
        plan.index_words *= 2;
    plan.profile_stride = round_up(PROFILE_GRANTED(BITSET_WORDS(plan.bits)) * sizeof(uint64_t), 64);

    plan.slot_offset = end;
    end = round_up(end + plan.slots * sizeof(struct layout_slot), LAYOUT_PAGE);
    plan.organization_offset = end;
    end = round_up(end + plan.organizations * sizeof(uint64_t), LAYOUT_PAGE);
    plan.people_offset = end;
    end = round_up(end + plan.people * sizeof(uint64_t), LAYOUT_PAGE);
    plan.index_offset = end;
    end = round_up(end + plan.index_words * sizeof(uint64_t), LAYOUT_PAGE);
    plan.permission_offset = end;
    end = round_up(end + plan.bits * sizeof(struct layout_permission), LAYOUT_PAGE);
    plan.filter_offset = end;
    end = round_up(end + LAYOUT_FILTER_WORDS * sizeof(uint64_t), LAYOUT_PAGE);
    plan.profile_offset = end;
    end = round_up(end + plan.profiles * plan.profile_stride, LAYOUT_PAGE);
    plan.file_size = end;
    if (end > SIZE_MAX / 2)
        return E_LIMIT;
    *ret = plan;
    return 0;
}

int layout_check(const struct layout_header *header, uint64_t file_size, struct layout *ret)
{
    const struct layout_size size = {
        .records = header->records,
        .profiles = header->profiles,
        .bits = header->bits,
        .people = header->people,
    };
    char boot[LAYOUT_BOOT_MAX];
    struct layout plan;
    int err;

    if (header->magic != LAYOUT_MAGIC || header->format != LAYOUT_FORMAT)
        return E_PROTO;
    if (layout_plan(&size, &plan) != 0)
        return E_PROTO;
    if (header->file_size != plan.file_size || file_size != plan.file_size)
        return E_PROTO;
    err = layout_boot(boot);
    if (err != 0)
        return err;
    if (memcmp(header->boot, boot, sizeof(boot)) != 0)
        return E_STALE;
    *ret = plan;
    return 0;
}

int layout_boot(char ret[LAYOUT_BOOT_MAX])
{
    char text[LAYOUT_BOOT_MAX] = {0};
    ssize_t got;
    int fd;

    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (got < 36)
        return E_IO;
    memset(text + 36, 0, sizeof(text) - 36);
    memcpy(ret, text, sizeof(text));
    return 0;
}

int64_t layout_clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
