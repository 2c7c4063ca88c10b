/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mails that wait on disk, one file each, like a maildir: written in tmp/, synced, renamed into
 * queue/. What spool_put has returned 0 for survives kill -9 and a power cut; half a mail is never
 * seen. What cannot be delivered goes to dead/, where an administrator finds it. A file is never
 * changed; its name is the id of its Message-ID. Knows no server and no time.
 */
#ifndef USHER_NOTIFY_SPOOL_H
#define USHER_NOTIFY_SPOOL_H

#include "notify/letter.h"
#include "notify/mail.h"

#include <stdint.h>

#define SPOOL_KIND_MAX  32      /* of a-z and -, with the byte 0 */
#define SPOOL_FILE_MAX  1048576 /* bytes of a file */
#define SPOOL_DEAD_MAX  1000    /* files in dead/ */
#define SPOOL_ERROR_MAX 512     /* enough for every error text */

/* What is known of a mail besides its bytes. */
struct spool_item {
    char id[LETTER_ID_SIZE];
    char kind[SPOOL_KIND_MAX];
    char to[MAIL_ADDRESS_MAX + 1];
    int64_t made_ms, until_ms; /* since 1970; of no use after until */
    bool secret;               /* its text is a secret: not to be kept in dead/ */
    size_t size;               /* bytes of the file */
};

struct spool;

/* Makes the folder (0700; its parent must exist) and what is in it, locks it, and clears what a
 * crash left in tmp/. E_BUSY when another process has it, E_ACCESS, E_NOTFOUND, E_IO; E_CONF when
 * others than we may read it. errbuf then says which. */
int spool_open(const char *folder, struct spool **ret, char *errbuf, size_t size);
void spool_close(struct spool *spool); /* NULL is fine */

/* Puts a mail into the queue; sets item->size. 0 once it is on the disk. E_LIMIT, E_IO. */
int spool_put(struct spool *spool, struct spool_item *item, struct slice message);

/* Tells the name of every file in queue/, in no order, until on_name returns other than 0, which is
 * then returned. E_IO. */
int spool_list(struct spool *spool, int (*on_name)(void *context, const char *name), void *context);

/* Reads one; the caller frees *ret_bytes (wiped by spool_bytes_free), into which *ret_message
 * points. E_NOTFOUND when somebody has removed it; E_SYNTAX for no mail of ours; E_IO. */
int spool_read(struct spool *spool, const char *id, struct spool_item *ret, char **ret_bytes,
               struct slice *ret_message);
void spool_bytes_free(char *bytes);

/* It is delivered, or of no use any more: the file goes, for good. E_IO; 0 when it was gone. */
int spool_drop(struct spool *spool, const char *id);

/* It cannot be delivered: to dead/. E_LIMIT when that is full: it is dropped. E_IO. */
int spool_bury(struct spool *spool, const char *id);

/* Files in dead/. */
size_t spool_dead(struct spool *spool);

#endif
