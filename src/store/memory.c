/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/memory.h"
#include "base/err.h"
#include "base/mem.h"

#include <lber.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *on_malloc(ber_len_t size, void *context)
{
    (void)context;
    return malloc(size);
}

static void *on_calloc(ber_len_t count, ber_len_t size, void *context)
{
    (void)context;
    return calloc(count, size);
}

static void on_free(void *old, void *context)
{
    (void)context;
    if (old != NULL)
        mem_wipe(old, malloc_usable_size(old));
    free(old);
}

/* realloc() would leave what it moves away from. */
static void *on_realloc(void *old, ber_len_t size, void *context)
{
    size_t kept = old != NULL ? malloc_usable_size(old) : 0;
    void *grown = malloc(size);

    if (grown == NULL)
        return NULL;
    if (kept > 0)
        memcpy(grown, old, kept < size ? kept : size);
    on_free(old, context);
    return grown;
}

int store_memory_wipe(void)
{
    static BerMemoryFunctions functions = {
        .bmf_malloc = on_malloc,
        .bmf_calloc = on_calloc,
        .bmf_realloc = on_realloc,
        .bmf_free = on_free,
    };
    static bool done;

    if (done)
        return 0;
    done = ber_set_option(NULL, LBER_OPT_MEMORY_FNS, &functions) == LBER_OPT_SUCCESS;
    return done ? 0 : E_IO;
}
