/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A store on a slapd of its own, with one person, for all tests of a program; and threads that use
 * it at once. Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_STORE_FIXTURE_H
#define USHER_TESTS_STORE_FIXTURE_H

#include "slapd_fixture.h"
#include "store/entry.h"

#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */

#define PEOPLE "ou=people," SLAPD_BASE
#define ALICE  "uid=alice," PEOPLE

#define THREADS     32
#define THREADS_MAX 100

extern struct slapd_fixture slapd;
extern struct store *store;
extern struct arena *arena;

/* Setup and teardown of the group of tests. Alice's password is "first-secret". */
int store_setup(void **state);
int store_teardown(void **state);

/* Deadlines: so far from now, and for what must happen. */
int64_t in_ms(int64_t ms);
int64_t patience(void);

/* A role with two grants. */
int role_add(const char *dn, const char *name, struct slice *reason);

/* One change of this kind (0 adds a value, 1 deletes one or all, 2 replaces); assertion may be
 * NULL. */
int role_change_until(const char *dn, int kind, const char *name, const char *value,
                      const char *assertion, struct slice *reason, int64_t deadline_ms);
int role_change(const char *dn, int kind, const char *name, const char *value,
                const char *assertion, struct slice *reason);

/* Runs so many threads at once, each with its number, and waits for them. They count in failures
 * what they count, from 0. */
extern _Atomic int failures;
void threads_run(int count, void *(*run)(void *));

#endif
