/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Scenarios for the state: an organization's entries to begin with, changes one after the other,
 * and an answer after each. Data alone; test_state.c says what becomes of it.
 */
#ifndef USHER_TESTS_STATE_SCENARIOS_H
#define USHER_TESTS_STATE_SCENARIOS_H

#include <stddef.h>

#define STEPS_MAX 16

/* change: "+line" puts an entry (its place says which), "-kind place" deletes one, "~kind place
 * new" renames one, what lies below included. Then "organization uid query" gives this answer. */
struct step {
    const char *change;
    const char *ask;
    int answer;
};

struct scenario {
    const char *name;
    const char *start;
    struct step steps[STEPS_MAX];
};

/* A step without a change ends the steps. */
extern const struct scenario scenarios[];
extern const size_t scenario_count;

#endif
