/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/locked.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/mman.h>

void *locked_alloc(size_t size)
{
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (data == MAP_FAILED)
        return NULL;
    if (mlock(data, size) < 0 || madvise(data, size, MADV_DONTDUMP) < 0) {
        int saved = errno;
        munmap(data, size);
        errno = saved;
        return NULL;
    }
    return data;
}

void locked_free(void *data, size_t size)
{
    if (data == NULL)
        return;
    mem_wipe(data, size);
    munmap(data, size);
}
