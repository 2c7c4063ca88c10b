/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers of pages of the rights table: of profiles, and of the scopes that they name. One that
 * nobody names any more is given away again only after all that named it has been published without
 * it (DESIGN 7), which TODO_FREED sees to.
 */
#ifndef USHER_CACHE_NUMBER_H
#define USHER_CACHE_NUMBER_H

#include "cache/todo.h"

uint32_t number_take(struct batch *batch);
void number_drop(struct batch *batch, uint32_t number);

#endif
