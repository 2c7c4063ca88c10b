/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The published rights table inside a foreign process: opens it, and opens it again when usherd has
 * replaced it, under any number of threads that read. Readers take no lock, write nothing and never
 * wait. Knows no daemon.
 *
 * How: `current` names the table to read, and what it names never changes and is not freed before
 * the cache is closed. Where a table was mapped always stays readable: once replaced, zeros take
 * its place, later perhaps another table no larger. A reader that is late reads those, which harms
 * it as little as a damaged table does, and drops what it read when it sees that current has moved
 * since it began; current moves before the zeros come. Replacing is done by one thread at a time,
 * by whoever gets the word `owner`; others do not wait for it. The word holds a process id: after
 * fork() the child sees an owner that does not exist in it, and takes over.
 */
#ifndef USHER_CLIENT_CACHE_H
#define USHER_CLIENT_CACHE_H

#include "cache/rights.h"

struct cache;

/* For the table at path (copied), which need not exist yet. E_NOMEM. */
int cache_open(const char *path, struct cache **ret);

/* No other call may be running. NULL is fine. */
void cache_close(struct cache *cache);

/* Answers as rights_check_at does, now (place may be NULL); E_UNAVAIL when no table can be read;
 * E_BUSY also while a replaced table cannot be opened again yet. */
int cache_check(struct cache *cache, struct slice organization, struct slice uid,
                const struct query *query, _Atomic uint64_t *place);

/* As rights_status; E_UNAVAIL and E_BUSY as cache_check. */
int cache_status(struct cache *cache, struct rights_status *ret);

#endif
