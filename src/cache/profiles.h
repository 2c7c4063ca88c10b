/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The profiles in use: a number for each different set of sources, how many records name it, and
 * which roles and groups it depends on. A number that nobody names any more is given away again
 * only after the records that named it have been published with another (DESIGN 7).
 */
#ifndef USHER_CACHE_PROFILES_H
#define USHER_CACHE_PROFILES_H

#include "cache/pool.h"
#include "cache/todo.h"

/* The profile of these sources, with one use more; made, and put on the to-do list, when there is
 * none. TODO_FREED numbers are not taken. */
uint32_t profile_take(struct batch *batch, struct pool *pool, const struct sources *sources);

/* More uses of a profile that was taken. */
void profile_use(struct batch *batch, uint32_t number, uint32_t more);

/* One use less. */
void profile_drop(struct batch *batch, uint32_t number);

/* Finds out again what the profile depends on and which scopes it names. */
void profile_depend(struct batch *batch, struct pool *pool, uint32_t number);

/* Puts all profiles that depend on this role or group on the to-do list; all there are. */
void profiles_mark(struct batch *batch, const struct id *source);
void profiles_mark_all(struct batch *batch);

/* The sources of a profile, in the batch's arena. False when there is none of this number. */
bool profile_sources(struct batch *batch, uint32_t number, struct sources *ret);

#endif
