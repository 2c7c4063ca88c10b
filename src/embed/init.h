/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Preparing the folder of a store: all of it, or none. The folder is new or empty before, or holds
 * what an init that was killed left behind, which is thrown away.
 */
#ifndef USHER_EMBED_INIT_H
#define USHER_EMBED_INIT_H

#include <stddef.h>

struct init {
    const char *directory;
    const char *base;
    const char *schema; /* NULL: usher.schema of the installed data */
    char **loads;       /* LDIF files, loaded in this order */
    size_t load_count;
};

/* 0, or an error after lines on standard error. */
int init_run(const struct init *init);

#endif
