/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of publishing share: one go at it, run by cache/publish.c, in which
 * cache/publish_entry.c puts what the state holds into the table. Private to them; everybody else
 * sees cache/publish.h.
 */
#ifndef USHER_CACHE_PUBLISHING_H
#define USHER_CACHE_PUBLISHING_H

#include "cache/pool.h"
#include "cache/table.h"

struct run {
    struct batch *batch;
    struct table *table;
    struct catalogue *catalogue; /* as the state has it */
    struct pool *pool;
    int err; /* the table's; the state's stands in the batch */
};

/* Each puts the entry. Errors stick to the run. */
void put_organization(struct run *run, const struct entry *entry);
void put_person(struct run *run, const struct entry *entry);
void put_event(struct run *run, const struct entry *entry);
void put_shares(struct run *run, const struct entry *event);
void put_record(struct run *run, const struct entry *membership, uint32_t profile);
void put_profile(struct run *run, uint32_t number);

/* Each looks up what a row of the to-do list names, and puts it, or removes what is no more. */
void publish_profile(struct run *run, struct slice what, struct slice value);
void publish_scope(struct run *run, struct slice what, struct slice value);
void publish_organization(struct run *run, struct slice what, struct slice value);
void publish_person(struct run *run, struct slice what, struct slice value);
void publish_event(struct run *run, struct slice what, struct slice value);
void publish_share(struct run *run, struct slice what, struct slice value);
void publish_record(struct run *run, struct slice what, struct slice value);

#endif
