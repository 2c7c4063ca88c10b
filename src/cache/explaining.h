/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the explanation share: the facts of one question, the values that somebody
 * holds, and the lines written so far. Private to them; everybody else sees cache/explain.h.
 */
#ifndef USHER_CACHE_EXPLAINING_H
#define USHER_CACHE_EXPLAINING_H

#include "cache/explain.h"
#include "cache/viewing.h"

/* Values that were told of, copied. */
struct explain_values {
    struct arena *arena;
    struct view_value *values;
    size_t count, size;
};

struct explainer {
    struct view *view;
    struct arena *arena;
    int64_t now_ms;
    struct query query; /* a one-name event has its organization */
    bool on_event;
    const char *organization, *uid; /* as asked */
    struct viewing_names names;
    struct viewing_entries entries;
    struct view_subject subject;
    bool valid[MEMBERSHIP_KINDS];
    struct explain_values grants, settings;
    struct explain_step *steps;
    size_t count, size;
    size_t granting; /* the line of the value that grants the permission asked about */
    bool decided;
    struct decision decision; /* once decided; kind is not filled in */
};

/* Writes a line. */
void explain_say(struct explainer *explainer, int step, struct slice dn, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Writes the line that decides. */
void explain_decide(struct explainer *explainer, int result, int step, struct slice dn,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The effective value of a setting: of the own membership's layers or all, then the
 * organization's. NULL when nobody gives one. */
const struct view_value *explain_setting(const struct explainer *explainer, bool own_only,
                                         const char *name, struct slice *ret_value);

/* Step 8's layers for one permission, in words; required: it is one that the permission asked about
 * requires. True when they grant. A denial has been decided. */
bool explain_layers(struct explainer *explainer, struct slice id, bool required);

#endif
