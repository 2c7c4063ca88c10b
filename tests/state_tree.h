/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Naive trees put into a state as a store would announce them, and the answers of the table
 * compared with those of the naive evaluator, step included, for every person, organization,
 * permission and object there is.
 */
#ifndef USHER_TESTS_STATE_TREE_H
#define USHER_TESTS_STATE_TREE_H

#include "cache/state.h"
#include "naive.h"

#define STATE_TREE_BASE "dc=example,dc=org"

/* A new empty directory; the caller frees the name. state_tree_remove removes it with its files. */
char *state_tree_directory(void);
void state_tree_remove(char *directory);

/* Opens the state there. Defects are counted in *problems, which may be NULL. */
int state_tree_open(const char *directory, unsigned *problems, struct state **ret);

/* The entryUUID that stands for an entry of this kind and place. */
void state_tree_uuid(const struct naive_entry *entry, uint8_t ret[STATE_UUID]);

/* The DN of an entry; the caller frees it. */
char *state_tree_dn(const struct naive_entry *entry);

/* Within a batch. uuid NULL: state_tree_uuid's. */
int state_tree_put(struct state *state, const uint8_t *uuid, const struct naive_entry *entry);

/* Within a batch: what it takes to come from one tree to the other. from may be NULL. */
int state_tree_change(struct state *state, const struct naive *from, const struct naive *to);

/* Puts everything within a refresh, and ends it. */
int state_tree_fill(struct state *state, const struct naive *tree);

/* How many answers of the table differ from the tree's; the first are printed. A table that was
 * never fresh is marked so first. */
unsigned state_tree_differences(struct state *state, const char *directory,
                                const struct naive *tree, int64_t now_ms);

/* One answer of the table: 0, E_DENIED ... */
int state_tree_check(struct state *state, const char *directory, const char *organization,
                     const char *uid, const char *query, int64_t now_ms);

#endif
