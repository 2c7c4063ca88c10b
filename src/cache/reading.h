/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the two files of the reading half share: the mapping itself, opened by cache/rights.c and
 * asked by cache/reading.c. Private to them; everybody else sees cache/rights.h.
 */
#ifndef USHER_CACHE_READING_H
#define USHER_CACHE_READING_H

#include "cache/layout.h"
#include "cache/rights.h"

#include <sys/types.h>

#define CLOCK_SLACK_MS 1000 /* how far a time in the header may lie ahead */

struct rights {
    struct layout layout;
    uint64_t seed;
    const unsigned char *map;
    const struct layout_header *header;
    const struct layout_slot *slots;
    const uint64_t *organizations;
    const uint64_t *index;
    const struct layout_permission *permissions;
    const uint64_t *filter;
    dev_t device;
    ino_t inode;
    char path[];
};

/* Waits for about this many tens of nanoseconds, off the core's other thread's way. */
static inline void pause_briefly(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#else
        __asm__ volatile("");
#endif
}

#endif
