/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The published rights table inside a foreign process: opens it, opens it again when usherd has
 * replaced it, and keeps a mapping in place while any thread reads it. Readers take no lock and
 * never wait. Knows no daemon.
 *
 * How: a mapping lives in one of a few slots, and `current` names the one to read. A reader adds
 * itself to a slot's count, then looks at current again: is the slot still current, its mapping
 * stays until the reader is gone; is it not, the reader leaves without having touched the mapping.
 * The one who replaces first moves current, then closes an old mapping only when its counts are
 * seen at zero; whoever adds itself after that sees that current has moved. All these accesses are
 * sequentially consistent. Replacing is done by one thread at a time, by whoever gets the word
 * `owner`; others do not wait for it and read on in the old mapping. The word holds a process id:
 * after fork() the child sees an owner or reader that does not exist in it, and starts afresh.
 */
#ifndef USHER_CLIENT_CACHE_H
#define USHER_CLIENT_CACHE_H

#include "cache/rights.h"

struct cache;

/* For the table at path (copied), which need not exist yet. E_NOMEM. */
int cache_open(const char *path, struct cache **ret);

/* No other call may be running. NULL is fine. */
void cache_close(struct cache *cache);

/* Answers as rights_check does; E_UNAVAIL when no table can be read; E_BUSY also while a replaced
 * table cannot be opened again yet. */
int cache_check(struct cache *cache, struct slice organization, struct slice uid,
                const struct query *query);

/* As rights_status; E_UNAVAIL and E_BUSY as cache_check. */
int cache_status(struct cache *cache, struct rights_status *ret);

#endif
