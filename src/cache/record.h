/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows of the state that lead from entries to numbers: a membership that counts to its profile and
 * to the names under which its record is published, a permission to its bit.
 */
#ifndef USHER_CACHE_RECORD_H
#define USHER_CACHE_RECORD_H

#include "cache/batch.h"
#include "cache/todo.h"

struct record {
    uint32_t profile; /* or TABLE_NO_PROFILE */
    uint32_t names_len;
    char names[TODO_MAX]; /* organization, zero byte, uid */
};

bool record_get(struct batch *batch, const struct id *uuid, struct record *ret);
void record_put(struct batch *batch, const struct id *uuid, const struct record *record);
void record_name(const struct tree_place *place, struct record *record);
struct slice record_names(const struct record *record);

/* False for names that record_name did not make. */
bool record_split(struct slice names, struct slice *ret_organization, struct slice *ret_uid);

/* A row of BATCH_PERMISSION. */
struct permission_row {
    uint32_t bit;
    struct id uuid;
};

#endif
