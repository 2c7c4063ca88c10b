/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes as the store announces them, applied to the state: an entry put (perhaps under another
 * DN: then all below it moves along, which nobody announces), an entry gone, and a refresh, which
 * names everything there is. Errors stick to the batch.
 */
#ifndef USHER_CACHE_CHANGE_H
#define USHER_CACHE_CHANGE_H

#include "cache/batch.h"

/* Puts an entry. Should another entry hold its DN, that one is set aside with what is below it,
 * till it is named again or deleted: its own news are yet to come. What the refresh at hand has put
 * under a DN stays there. */
void change_put(struct batch *batch, const struct id *uuid, const struct entry *entry);

/* Whether this is the DN of an entry that is set aside. */
bool change_displaced(struct slice dn);

/* Forgets an entry; one that is not there is fine. */
void change_delete(struct batch *batch, const struct id *uuid);

/* Notes that the refresh named the entry: put (its DN was told) or said to be present. */
void change_seen(struct batch *batch, const struct id *uuid, bool put);
void change_refresh_begin(struct batch *batch);

/* Deletes what was not named, and stops. */
void change_refresh_end(struct batch *batch);

/* The refresh is over, however it went. */
void change_refresh_stop(struct batch *batch);

#endif
