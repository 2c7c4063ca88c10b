/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Leaves a published rights table as a writer does that loses its processor in the middle: the
 * sequence of every complete slot is made odd. With "undo" it makes them even again. For a table
 * whose writer is quiet.
 */
#include "cache/layout.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    bool undo = argc == 3 && strcmp(argv[2], "undo") == 0;
    struct layout layout;
    struct stat status;
    char *start;
    unsigned count = 0;
    int fd;

    if (argc != 2 && !undo)
        errx(2, "usage: preempt_writer TABLE [undo]");
    fd = open(argv[1], O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        err(2, "%s", argv[1]);
    start = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED ||
        layout_check((struct layout_header *)start, (uint64_t)status.st_size, &layout) < 0)
        errx(2, "%s: no table of this format", argv[1]);
    for (uint64_t i = 0; i < layout.slots; i++) {
        struct layout_slot *slot = (struct layout_slot *)(start + layout.slot_offset) + i;
        uint64_t sequence = word_get(&slot->sequence);

        if (sequence > 1 && (sequence & 1) == (undo ? 1 : 0)) {
            word_set(&slot->sequence, sequence + 1);
            count++;
        }
    }
    printf("%u\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
