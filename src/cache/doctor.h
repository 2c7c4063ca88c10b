/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Every defect of the data, found anew in a view: values that do not parse, references that lead
 * nowhere or where they may not, circles of includes and of requirements, several values of one
 * setting in one layer, names that do not fit. Reads everything there is; what it finds harms
 * nobody else, for all of it is skipped where it is used.
 */
#ifndef USHER_CACHE_DOCTOR_H
#define USHER_CACHE_DOCTOR_H

#include "cache/problem.h"
#include "cache/view.h"

struct doctor {
    /* Told of each defect; a DN of no length says that there are more than PROBLEMS_MAX. */
    on_problem *on_defect;
    /* Reads the member values of the group at dn, of which absent are not there and known to the
     * view by their hashes alone, into the arena; E_... when it cannot. NULL: they are counted. */
    int (*read_members)(void *context, struct slice dn, struct arena *arena, struct slice **ret,
                        size_t *ret_count);
    void *context;
};

/* 0, or an error of the state. */
int doctor(struct view *view, const struct doctor *doctor);

#endif
