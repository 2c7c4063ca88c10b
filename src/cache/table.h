/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The writing half of the rights table: one writer, any number of readers. Keys never move within a
 * file; when one part of it is full, a larger file is filled and renamed into place. Every record
 * and profile is written under its own sequence number, odd meanwhile, so a reader never sees half.
 */
#ifndef USHER_CACHE_TABLE_H
#define USHER_CACHE_TABLE_H

#include "cache/layout.h"
#include "model/decide.h"
#include "model/resolve.h"

#include <stdint.h>
#include <sys/types.h>

struct table;

#define TABLE_NO_PROFILE UINT32_MAX

/* What a record holds about one person in one organization, or in one event. */
struct table_record {
    bool person_active;
    bool active;
    int64_t not_before; /* ms since 1970 */
    int64_t not_after;
    uint32_t profile; /* or TABLE_NO_PROFILE: silent on everything */
};

struct table_organization {
    bool active;
    struct slice primary;            /* its primary organization; empty: none */
    enum layout_setting event_scope; /* its own settings */
    enum layout_setting shared_events;
};

struct table_size {
    uint64_t records;  /* to make room for: memberships of both kinds, organizations, events,
                          organizations that each is shared with, scopes of each profile */
    uint32_t profiles; /* and pages of their scopes */
    uint32_t bits;     /* of the catalogue */
    uint64_t people;
};

/* What to make room for, given what there is: a quarter more, for at 96 bytes a record, and with a
 * file that is replaced in seconds, half as much again would be dear. */
#define TABLE_ROOM(count) ((count) + (count) / 4)

/* Opens the table at path for writing when it can go on being used (same format, same boot, not
 * marked replaced); else E_NOTFOUND, and table_create makes a new one. Records left odd by a writer
 * that was killed stay odd until they are put again. */
int table_open(const char *path, struct table **ret);

/* Makes an empty table of at least this size, unfilled, under a temporary name beside path: readers
 * do not see it before table_publish. mode 0640, group gid (or (gid_t)-1: unchanged). */
int table_create(const char *path, struct table_size size, gid_t gid, struct table **ret);

/* Renames a created table into place and marks the one that stood there replaced. */
int table_publish(struct table *table);

/* Takes away what stands at path, and tells its readers: nothing in it is true any more. */
void table_withdraw(const char *path);
void table_close(struct table *table); /* unlinks one that was never published */

/* How much is used and how much there is; used to decide on a larger file. Removed records and
 * holes count as used, for a file never gives their places to others. */
void table_room(const struct table *table, struct table_size *ret_used,
                struct table_size *ret_size);

/* Each 0, or E_LIMIT when the table is full (nothing changed for readers), or E_SYNTAX for what no
 * table can hold: a name that is empty or over 64 bytes, a channel over 88. Names are folded. What
 * is put as it stands already is not written; removing what is not held is 0. A record's profile is
 * put before the record, and its number given to other contents only when no record names it. */
int table_put_organization(struct table *table, struct slice name,
                           const struct table_organization *organization);
int table_remove_organization(struct table *table, struct slice name);
int table_put_person(struct table *table, struct slice uid, bool active);
int table_remove_person(struct table *table, struct slice uid);

/* event empty: a membership of the organization. */
int table_put_record(struct table *table, struct slice organization, struct slice event,
                     struct slice uid, const struct table_record *record);
int table_remove_record(struct table *table, struct slice organization, struct slice event,
                        struct slice uid);

/* An event of the organization, with its times; and that another organization may use it. */
int table_put_event(struct table *table, struct slice organization, struct slice event,
                    const struct window *window);
int table_remove_event(struct table *table, struct slice organization, struct slice event);
int table_put_share(struct table *table, struct slice organization, struct slice event,
                    struct slice with);
int table_remove_share(struct table *table, struct slice organization, struct slice event,
                       struct slice with);

/* What a profile's scopes are to become: pages has the number of the page of each, in the order of
 * the profile; no page has another use. gone are those that it named before and does not now. */
struct table_scopes {
    const uint32_t *pages;
    const struct scope *gone;
    size_t gone_count;
};

/* Puts a profile with all its scopes, as one change to readers. Of its settings those known to
 * usher itself are kept. */
int table_put_profile(struct table *table, uint32_t number, const struct profile *profile,
                      const struct table_scopes *scopes);

/* Of a profile that no record names any more. */
int table_remove_scope(struct table *table, uint32_t profile, const struct scope *scope);

/* What settings say of one known to usher itself (SETTING_EVENT_SCOPE, SETTING_SHARED_EVENTS). */
enum layout_setting table_setting(const struct profile *settings, unsigned setting);

/* A bit belongs to one identifier for the life of the file: E_EXISTS for another one. */
int table_put_permission(struct table *table, const struct permission *permission, struct slice id);
int table_remove_permission(struct table *table, unsigned bit);

/* The store was seen to match csn (proof of freshness), now. Also marks the table filled. A csn of
 * RIGHTS_CSN_MAX bytes or more is left out. */
void table_fresh(struct table *table, struct slice csn, int64_t max_age_ms);

/* From now on the table is too old at this age; for a table that an earlier run has left. */
void table_max_age(struct table *table, int64_t max_age_ms);

/* Takes over csn, freshness, max_age and whether it is filled from the table that this one shall
 * replace: a larger file is no newer. To be called when everything has been put. */
void table_inherit(struct table *table, const struct table *from);

/* A sign of life, to be given at least each half second. */
void table_beat(struct table *table);

#endif
