/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A private slapd for tests: a data database with syncprov, ppolicy and (if wanted) an access log
 * as session log, and the ledger as a database of its own, with usher's schema, in a temporary
 * folder, on ldapi alone. The test's own uid is the administrator and may take the identity
 * cn=usher, which may write everything. It can be stopped, killed, frozen, and put back to an older
 * copy.
 */
#ifndef USHER_TESTS_SLAPD_FIXTURE_H
#define USHER_TESTS_SLAPD_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#define SLAPD_BASE    "dc=example,dc=org"
#define SLAPD_AUTHZID "dn:cn=usher," SLAPD_BASE

struct slapd_fixture {
    char directory[64];
    char uri[256];
    bool session_log;
    pid_t pid; /* 0: not running */
};

/* Makes the folder, loads the containers and more (LDIF, may be NULL), and starts slapd. Ends the
 * test program when slapd does not come up within a minute; with status 77 when none is
 * installed. */
void slapd_setup(struct slapd_fixture *slapd, bool session_log, const char *more);

/* Stops it and removes the folder. */
void slapd_teardown(struct slapd_fixture *slapd);

void slapd_run(struct slapd_fixture *slapd);                 /* and waits until it answers */
void slapd_stop(struct slapd_fixture *slapd);                /* SIGTERM */
void slapd_kill(struct slapd_fixture *slapd);                /* SIGKILL */
void slapd_freeze(struct slapd_fixture *slapd, bool frozen); /* every thread of it stands still */

/* While it does not run: keeps a copy of its databases, and puts them back. */
void slapd_save(struct slapd_fixture *slapd);
void slapd_restore(struct slapd_fixture *slapd);

#endif
