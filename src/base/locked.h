/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory for what is secret as long as the process runs: neither swapped nor dumped, and wiped when
 * it is freed. It takes whole pages of RLIMIT_MEMLOCK, so it is for few things.
 */
#ifndef USHER_BASE_LOCKED_H
#define USHER_BASE_LOCKED_H

#include <stddef.h>

/* Zeroed. NULL with errno. */
void *locked_alloc(size_t size);

/* The size is that of the allocation. NULL is fine. */
void locked_free(void *data, size_t size);

#endif
