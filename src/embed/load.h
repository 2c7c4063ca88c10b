/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries into a database that nobody serves yet, by slapadd(8). The working directory is the
 * store's.
 */
#ifndef USHER_EMBED_LOAD_H
#define USHER_EMBED_LOAD_H

#include "embed/base_dn.h"

#include <stdio.h>

/* A source of entries. */
struct load {
    const char *name; /* for messages */
    FILE *file;
};

/* Adds the entries of load to the database that holds suffix, moved from the sample base. The
 * configuration is FOLDER_NEWCONF. What slapadd complains about goes to standard error, file name
 * and line in front. E_CONF when an entry is refused, E_IO. */
int load_ldif(const struct load *load, const char *suffix, const struct base_dn *base);

/* The same for text in memory. */
int load_text(const char *text, const char *suffix, const struct base_dn *base);

#endif
