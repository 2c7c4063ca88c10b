/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows of the state that lead from a membership that counts to its profile and to the names under
 * which its record is published. And such names: two or three with a zero byte between them.
 */
#ifndef USHER_CACHE_RECORD_H
#define USHER_CACHE_RECORD_H

#include "cache/batch.h"
#include "cache/todo.h"

#define NAMES_MAX 3

/* Joins names that tree_name_valid bounds. An empty one is left out. */
struct slice names_join(const struct slice names[NAMES_MAX], char buf[TODO_MAX]);

/* How many there are, pointing into joined; what is none of names_join's gives 0. */
size_t names_split(struct slice joined, struct slice ret[NAMES_MAX]);

struct record {
    uint32_t profile; /* or TABLE_NO_PROFILE */
    uint32_t names_len;
    char names[TODO_MAX]; /* organization, event of an event membership, uid */
};

bool record_get(struct batch *batch, const struct id *uuid, struct record *ret);
void record_put(struct batch *batch, const struct id *uuid, const struct record *record);
/* Adds the row to a load of BATCH_RECORD. */
void record_load(struct db_load *load, const struct id *uuid, const struct record *record);
void record_name(const struct tree_place *place, struct record *record);
struct slice record_names(const struct record *record);

#endif
