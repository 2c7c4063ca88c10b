/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a change touches: from an entry as it was and as it is to the memberships, profiles,
 * organizations and permissions that must be looked at again. Notes them in the batch; too much is
 * allowed, too little is a wrong answer later.
 */
#ifndef USHER_CACHE_TOUCH_H
#define USHER_CACHE_TOUCH_H

#include "cache/batch.h"

/* old NULL: a new entry; entry NULL: it is gone. The index holds the entry as it is. */
void touch(struct batch *batch, const struct id *uuid, const struct entry *old,
           const struct entry *entry);

#endif
