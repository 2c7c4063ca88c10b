/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of one key file: what seal.c and keys_edit.c need to know of them, and nobody else.
 * Making, loading and freeing them is in seal.h. The file is looked at again before each use, so
 * that a key that was added is known in all gateways at once. A key that was taken out still opens
 * for KEYS_RETIRED_MS: what it sealed may be on its way.
 */
#ifndef USHER_SECRET_KEYS_H
#define USHER_SECRET_KEYS_H

#include "secret/seal.h"

#include <sys/stat.h>

#define KEY_SIZE        32
#define KEY_FILE_MAX    16384
#define KEYS_RETIRED_MS 300000 /* as long as a ticket lives */

struct key {
    char id[SEAL_KEY_ID_MAX + 1];
    unsigned char bytes[KEY_SIZE];
    bool next;          /* opens, and is to seal later */
    int64_t retired_ms; /* monotonic: when it was found missing from the file; 0: it is there */
};

/* In the order of the file; those that are retired follow. The last one of the file that is not
 * marked next seals. Lies in locked memory. */
struct key_table {
    unsigned count;
    unsigned current;
    struct key key[SEAL_KEYS_MAX];
};

/* Finds a key (id NULL: the one that seals) and keeps the table as it is until keys_done. NULL: no
 * such key; then there is nothing to be done with. */
const struct key *keys_use(const struct keys *keys, const struct slice *id);
void keys_done(const struct keys *keys);

/* The key with this id, or NULL. It belongs to the table. */
const struct key *table_find(const struct key_table *table, struct slice id);

/* Reads the file into a table from table_new. Errors as keys_load. */
int table_read(const char *path, struct key_table *ret, char *errbuf, size_t size);

/* An empty table in locked memory; NULL with errno. */
struct key_table *table_new(void);
void table_free(struct key_table *table); /* NULL is fine */

/* A new random key with an id of its own. E_CRYPTO. */
int key_make(struct key *ret);

/* Writes the whole table to a new file of mode 0600, on the disk when this returns, the name
 * included; it belongs to the owner given, or to the caller (NULL). E_EXISTS when there is a file
 * of that name; E_ACCESS, E_IO ... */
int table_write(const struct key_table *table, const char *path, const struct stat *owner);

/* Has the name that was made or changed just now on the disk. */
int keys_sync_folder(const char *path);

#endif
