/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the daemon remembers of the store between runs (DESIGN 7): the evaluator's attributes of
 * each entry, who refers to whom, the profiles in use, the sync cookie and the list of what is
 * still to recompute, in LMDB. One thread at a time calls it, the sync thread; others read the
 * table. A batch of changes is one transaction: change and to-do list are committed together, then
 * published into the table, then struck from the list (with the next batch, unless it is long).
 */
#ifndef USHER_CACHE_STATE_H
#define USHER_CACHE_STATE_H

#include "cache/table.h"
#include "ldap/message.h"

#include <stdint.h>

#define STATE_UUID 16

struct state;

/* The attributes that the evaluator knows, lower case, NULL-terminated: what the sync asks for. */
extern const char *const state_attributes[];

struct state_options {
    const char *directory; /* holds state/ (LMDB) and rights; made 0750 when missing */
    struct slice base;     /* normalized */
    int64_t max_age_ms;
    gid_t gid;       /* of the rights file, or (gid_t)-1 */
    size_t map_size; /* bytes LMDB may grow to; 0: 16 GiB */
    /* Told once of each defect that is met (a circle, a value that does not parse, a dangling
     * reference ...), till the entry that has it changes; with the DN of the entry and a sentence
     * that says what of it; may be NULL. */
    void (*on_problem)(void *context, struct slice dn, const char *text);
    void *context;
};

/* Opens or makes the cache. A state of another format or another base is emptied; the table of
 * another base is taken away. Afterwards the table at rights is usable at once when it is of this
 * boot; else it is rebuilt from state here. The to-do list is worked off before this returns.
 * E_BUSY: another process has it open. */
int state_open(const struct state_options *options, struct state **ret);
void state_close(struct state *state);

/* The cookie last committed (empty: none). Copied to the arena. */
int state_cookie(struct state *state, struct arena *arena, struct slice *ret);
bool state_filled(const struct state *state); /* a refresh was once complete */

/* One batch: begin; any of the others; commit (or abort: nothing happened). After commit the
 * changes have been published to the table. An error of commit means either that nothing happened,
 * or that the changes stand and could not be published: they are with the next commit or
 * state_fresh, and meanwhile the table ages. So a batch may always be sent again. After an error of
 * any other call only abort is left. Changes within a refresh that never ended are kept; until the
 * first refresh is done, changes are only stored. An entry that the cache cannot hold (no DN, or
 * one of over 510 bytes) is told of and left out. A put under another DN takes along what lies
 * below; a put at a DN that another entry holds sets that one aside till it is put elsewhere or
 * deleted. */
int state_begin(struct state *state);
int state_put(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
              const struct attribute *attributes, size_t attribute_count);

/* An entry that the evaluator does not know, as the units are below which others stand: where it is
 * is kept, and nothing else of it, for its rename tells where those below it are now. */
int state_put_other(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn);
int state_delete(struct state *state, const uint8_t uuid[STATE_UUID]); /* unknown: 0 */

/* Within a batch: whether a put of this entry at this DN tells that others are elsewhere than we
 * have them: it stood elsewhere with others below it, or was set aside; or others stand below it
 * now whom it was not known to be above. Of an entry that nobody changes but by a rename
 * (only_renamed): whenever others stand below it. */
bool state_moves(struct state *state, const uint8_t uuid[STATE_UUID], struct slice dn,
                 bool only_renamed);
int state_set_cookie(struct state *state, struct slice cookie);
int state_commit(struct state *state);
void state_abort(struct state *state);

/* Within a batch. A refresh that names everything present: begin, then puts and presents, then
 * end, which deletes all that was not named since begin. state_refresh_done marks the cache filled.
 */
int state_refresh_begin(struct state *state);
int state_present(struct state *state, const uint8_t uuid[STATE_UUID]);
int state_refresh_end(struct state *state);
int state_refresh_done(struct state *state);

/* Drops everything but the published table (which ages on): the next sync starts without cookie and
 * replaces all. */
int state_reset(struct state *state);

/* The store's contextCSN was seen to match what was applied. Does nothing before the first refresh
 * is done, or within a batch. The first one waits for the disk, after the table is fresh: until
 * then nothing that the refresh brought was synced. */
void state_fresh(struct state *state, struct slice csn);
void state_beat(struct state *state);

struct state_counts {
    uint64_t entries, memberships, profiles, scopes, permissions, organizations, events;
    uint64_t event_memberships, shares, groups, roles, to_do;
};
int state_count(struct state *state, struct state_counts *ret);

#endif
