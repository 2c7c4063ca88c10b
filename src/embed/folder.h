/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The folder of a store. Whoever prepares or serves it holds the lock on its file "lock"; slapd
 * keeps the lock by inheriting the descriptor. The folder is prepared when "slapd.conf" is in it,
 * which is the last thing that init puts there. All names are relative to the folder, which is the
 * working directory, so that a process that cannot pass through the folder's parents can serve it.
 */
#ifndef USHER_EMBED_FOLDER_H
#define USHER_EMBED_FOLDER_H

#include "embed/base_dn.h"

#include <stdbool.h>

#define FOLDER_CONF "slapd.conf"
#define FOLDER_OWNER                                                                               \
    "owner.conf" /* who is the administrator, besides root; written by each run                    \
                  */
#define FOLDER_SCHEMA  "usher.schema"
#define FOLDER_BASE    "base"
#define FOLDER_LOCK    "lock"
#define FOLDER_SOCKET  "run/ldapi"
#define FOLDER_LOAD    "load.ldif" /* while init loads: the entries, */
#define FOLDER_ANSWER  "load.err"  /* and what slapadd says */
#define FOLDER_NEWCONF "slapd.conf.new"

/* Changes into the folder. E_NOTFOUND, E_ACCESS ..., after a line on standard error. */
int folder_enter(const char *name);

/* Takes the lock and writes our process id into it; E_BUSY (a line names the holder), E_IO. The
 * descriptor stays open across exec when keep is set. */
int folder_lock(const char *name, bool keep, int *ret_fd);

/* Whether the folder is prepared. */
bool folder_prepared(void);

/* E_EXISTS, after a line, when the folder holds anything that init does not make. */
int folder_check_ours(const char *name);

/* Makes the subfolders. E_IO after a line. */
int folder_make(void);

/* Removes everything that init makes, the lock file excepted. */
void folder_clear(void);

/* Waits until the names in the folder are on the disk; and all that init has made, which slapadd
 * and copying leave to the system. E_IO after a line. */
int folder_sync(void);
int folder_sync_all(void);

/* The base, kept in a file of its own. E_IO, E_CONF after a line. */
int folder_write_base(const struct base_dn *base);
int folder_read_base(struct base_dn *ret);

#endif
