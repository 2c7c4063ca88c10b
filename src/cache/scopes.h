/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which scopes a profile names, and the page of the rights table that has each one's answer. A
 * scope that it names no more goes onto the to-do list, so that its slot is removed from the table
 * before its page is given away again.
 */
#ifndef USHER_CACHE_SCOPES_H
#define USHER_CACHE_SCOPES_H

#include "cache/batch.h"
#include "model/resolve.h"

/* Writes the scopes that the input names as those of the profile: what stays keeps its page. */
void scopes_update(struct batch *batch, uint32_t profile, const struct resolve_input *input);

/* The profile is no more. */
void scopes_drop(struct batch *batch, uint32_t profile);

/* The page of a scope as resolve() gives it. False: the profile does not name it. */
bool scope_page_of(struct batch *batch, uint32_t profile, const struct scope *scope,
                   uint32_t *ret_page);

/* The scope of a row of TODO_SCOPE and its profile, if the profile does not name it now. Points
 * into value. */
bool scope_gone(struct batch *batch, struct slice what, struct slice value, uint32_t *ret_profile,
                struct scope *ret);

#endif
