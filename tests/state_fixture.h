/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A state in a folder of its own that a test fills, changes batch by batch and opens again, and
 * what its table answers. Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_STATE_FIXTURE_H
#define USHER_TESTS_STATE_FIXTURE_H

#include "state_tree.h"
#include "tree_text.h"

#define NOW INT64_C(1700000000000)

struct fixture {
    char *directory;
    struct state *state;
    unsigned problems;
};

/* Setup and teardown of a cmocka test: an empty state in a folder of its own. */
int state_setup(void **ret);
int state_teardown(void **state);

/* Closes the state and opens it again. */
void reopen(struct fixture *fixture);

/* All of it, within a refresh. */
void fill(struct fixture *fixture, const char *text);

/* Within a batch: one line under the UUID of this number; 0: under its own. */
void put(struct fixture *fixture, uint8_t number, const char *line);

/* Within a batch: any DN with one attribute, under another UUID of this number. */
void put_raw(struct fixture *fixture, uint8_t number, const char *dn, const char *class,
             const char *name, const char *value);

void begin(struct fixture *fixture);
void commit(struct fixture *fixture);

/* What the table answers now. */
void expect(struct fixture *fixture, const char *organization, const char *uid, const char *query,
            int answer);

/* That it answers everything as the naive evaluator does. */
void expect_tree(struct fixture *fixture, const char *text);

struct state_counts counts_of(struct fixture *fixture);

/* The path of a file of the state; the caller frees it. */
char *file_in(const struct fixture *fixture, const char *name);

/* Writes over the beginning of such a file. */
void overwrite(const struct fixture *fixture, const char *name, const char *text, size_t len);

#define START                                                                                      \
    "permission ticket:read\npermission ticket:delete\nperson alice\nperson bob\n"                 \
    "organization acme\norganization beta\nrole acme/r grant=+ticket:delete\n"                     \
    "membership acme/alice grant=+ticket:read role=acme/r\nmembership beta/bob grant=+ticket:*\n"

#endif
