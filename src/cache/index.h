/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The entries in the state, and how they are found: by entryUUID, by DN, below a DN. Keeps these in
 * step, and once the state is filled who refers to whom (cache/backref.h); knows nothing of what a
 * change means. Errors stick to the batch.
 */
#ifndef USHER_CACHE_INDEX_H
#define USHER_CACHE_INDEX_H

#include "cache/batch.h"

/* Reads the entry into the batch's arena. False when there is none. */
bool index_get(struct batch *batch, const struct id *uuid, struct entry *ret);

/* Whether these are the bytes that stand for the entry. */
bool index_same(struct batch *batch, const struct id *uuid, struct slice encoded);

/* Who stands at a DN. ret_kind may be NULL. */
bool index_find(struct batch *batch, struct slice dn, struct id *ret, enum tree_kind *ret_kind);

/* The entry at a DN if it is of this kind. ret_uuid may be NULL. */
bool index_at(struct batch *batch, struct slice dn, enum tree_kind kind, struct id *ret_uuid,
              struct entry *ret);

/* Whether an entry of this kind stands at the DN and is active. */
bool index_active(struct batch *batch, struct slice dn, enum tree_kind kind);

/* Puts an entry that nobody knows yet, with its serialized form. False, and nothing is changed: it
 * is known, or its DN is taken. */
bool index_add(struct batch *batch, const struct id *uuid, const struct entry *entry,
               struct slice encoded);

/* Replaces old (NULL: there was none) by entry (NULL: removed). The DN is free or its own. */
void index_write(struct batch *batch, const struct id *uuid, const struct entry *old,
                 const struct entry *entry);

/* Whether a DN fits into the index. */
bool index_fits(struct slice dn);

/* Whether anything stands below dn. */
bool index_has_below(struct batch *batch, struct slice dn);

/* Adds those below dn, not dn itself. */
void index_below(struct batch *batch, struct slice dn, struct ids *out);

/* Calls for each entry of this kind in the order of the tree. The callback may change other tables
 * than BATCH_DN. It finds the arena empty. */
void index_each(struct batch *batch, enum tree_kind kind,
                void (*call)(struct batch *batch, const struct id *uuid, void *context),
                void *context);

/* Calls with the name (value of the first RDN) of each entry of this kind directly below dn, in
 * order; the name lies in the map. A return other than 0 ends it and is returned. */
int index_names(struct batch *batch, struct slice dn, enum tree_kind kind,
                int (*call)(void *context, struct slice name), void *context);

/* Calls for each entry of these kinds (bits) in the order of entryUUIDs, in which they lie on the
 * disk. The callback may change other tables than BATCH_ENTRY. The entry lives until the arena is
 * reset. */
void index_entries(struct batch *batch, unsigned kinds,
                   void (*call)(struct batch *batch, const struct id *uuid,
                                const struct entry *entry, void *context),
                   void *context);

#endif
