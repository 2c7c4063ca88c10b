/* SPDX-License-Identifier: BSD-2-Clause
 *
 * After a commit: from the to-do list to the rights table, or the whole table from the state. A
 * pure function of the state, so that it may be done again; profiles go before the permissions and
 * records that lead to them, and the scopes of profiles that are no more after the records that led
 * there.
 */
#ifndef USHER_CACHE_PUBLISH_H
#define USHER_CACHE_PUBLISH_H

#include "cache/batch.h"
#include "cache/table.h"

struct publish {
    struct table *table;         /* NULL: none yet */
    struct catalogue *catalogue; /* as the table has it; NULL: not known */
};

/* Works off the to-do list within a batch opened for reading. E_LIMIT: the table is full, and
 * publish_whole is due. */
int publish_todo(struct batch *batch, struct publish *publish);

/* Makes a table of everything and puts it in the place of the one that there is, whose freshness it
 * takes over. After an error everything is as before. */
int publish_whole(struct batch *batch, const char *path, gid_t gid, struct publish *publish);

#endif
