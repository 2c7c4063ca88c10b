/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Naive trees written as text, for tests: one entry a line, "kind place key=value ...", separated
 * by single spaces. Kinds and places: permission ID, person UID, organization O, membership O/UID,
 * event-membership O/EVENT/UID, group O/CN, role O/CN or /CN, event O/CN, service O/CN or /CN.
 * Keys, repeated for several values: grant, setting, role (also a role's include), member, shared,
 * primary, channel, requires, from and until (ms), and the words inactive, editing, factor.
 */
#ifndef USHER_TESTS_TREE_TEXT_H
#define USHER_TESTS_TREE_TEXT_H

#include "naive.h"

/* Adds the entries; a line that it does not understand ends the process with a message. */
void tree_read(struct naive *tree, const char *text);

/* A tree of these entries. */
struct naive *tree_of(const char *text);

#endif
