/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A slapd of its own, a state that only remembers (fake_state.h), and the sync between them: roles
 * are written at the one and seen in the other. Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_SYNC_WORLD_H
#define USHER_TESTS_SYNC_WORLD_H

#include "base/clock.h"
#include "fake_state.h"
#include "slapd_fixture.h"
#include "store/entry.h"
#include "store/sync.h"

#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */

/* One slapd, one state, one sync, made anew for each test. */
struct world {
    struct slapd_fixture slapd;
    struct store *store;
    struct state *state;
    struct sync *sync;
    struct arena *arena;
    const char *filter;
};

/* Deadlines: so far from now, and for what must happen. */
int64_t in_ms(int64_t ms);
int64_t patience(void);

/* For what must not happen meanwhile. */
void pause_ms(int ms);

/* Nobody follows it yet. */
void world_init(struct world *world, bool session_log);
void world_clear(struct world *world);

/* Starts the sync. */
void follow(struct world *world);

/* Ends at once, and not when the store has not answered for so long that it is given up. */
void unfollow(struct world *world);

struct sync_status status(struct world *world);

/* Connections made but for those of searches that we began anew ourselves, which a stall brings. */
uint64_t connects_unasked(struct world *world);

/* A role at the store, which grants "+a:b" to begin with. */
const char *role_dn(struct world *world, const char *name);
void role_add(struct world *world, const char *name);
void role_set(struct world *world, const char *name, const char *grant);

/* Whether the state holds the role with this grant; grant NULL: does not hold the role. */
bool role_is(struct world *world, const char *name, const char *grant);

void container_add(struct world *world, const char *dn, const char *name);
void entry_delete(struct world *world, const char *dn);
struct slice context_csn(struct world *world);

/* All that has been written is committed, and freshness is proven again after that. */
void caught_up(struct world *world);

/* Polls until the condition holds; the test fails when it does not in time. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int64_t until_ = patience();                                                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > until_)                                                     \
                fail_msg("not so in time: %s", #condition);                                        \
            pause_ms(2);                                                                           \
        }                                                                                          \
    } while (0)

#endif
