/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The list of what is to be published: written in the transaction of the change, worked off after
 * it, and struck with the next one. A row names a thing, not what happened to it: publishing looks
 * up what is so by now, and may be done again.
 */
#ifndef USHER_CACHE_TODO_H
#define USHER_CACHE_TODO_H

#include "cache/batch.h"

enum todo_kind {
    TODO_TABLE = 'T',        /* the whole table, made anew; no other row counts then */
    TODO_CATALOGUE = 'C',    /* the permissions */
    TODO_PROFILE = 'P',      /* number */
    TODO_SCOPE = 'S',        /* number of a profile, id of a scope; value: the scope as text */
    TODO_ORGANIZATION = 'O', /* name */
    TODO_PERSON = 'N',       /* uid */
    TODO_EVENT = 'E',        /* names (cache/record.h): organization, event */
    TODO_SHARE = 'H',        /* names: organization, event, organization that may use it */
    TODO_RECORD = 'R',       /* names: organization, uid; or organization, event, uid */
    TODO_FREED = 'F',        /* number: may be given away once nothing published names it */
};

#define TODO_MAX                                                                                   \
    (3 * TREE_NAME_MAX + 2) /* bytes of what a row names: three names, a byte 0 between */

void todo_add(struct batch *batch, enum todo_kind kind, struct slice what);
void todo_add_value(struct batch *batch, enum todo_kind kind, struct slice what,
                    struct slice value);
bool todo_has(struct batch *batch, enum todo_kind kind);

/* Strikes all rows; freed numbers become free. */
void todo_strike(struct batch *batch);

/* Walks the rows of one kind whose what begins with prefix; what is returned lives until the next
 * change. ret_value may be NULL. */
void todo_walk(struct batch *batch, enum todo_kind kind, struct slice prefix,
               struct db_cursor *ret);
bool todo_next(struct db_cursor *cursor, struct slice *ret_what, struct slice *ret_value);

#endif
