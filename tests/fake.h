/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A scripted daemon (fake_usherd.py) for client tests: started with a scenario, listens on a unix
 * socket (or on 127.0.0.1) in a folder of its own, writes down what it is asked, and goes when the
 * test does. Its steps are described in the script.
 */
#ifndef USHER_TESTS_FAKE_H
#define USHER_TESTS_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKE_PATH_MAX    80
#define FAKE_LOG_MAX     65536
#define FAKE_PATIENCE_MS 30000 /* for what must happen: a loaded machine stalls for seconds */

struct fake {
    char folder[FAKE_PATH_MAX / 2];
    char socket[FAKE_PATH_MAX]; /* path */
    char uri[FAKE_PATH_MAX];    /* path again, or ldap://127.0.0.1:port */
    char scenario[FAKE_PATH_MAX];
    char log[FAKE_PATH_MAX];
    pid_t pid;
    int input;   /* closing it ends the script */
    int output;  /* says when it is ready */
    char *asked; /* what fake_asked returned */
};

/* Starts; fails the test when that takes over half a minute. steps: lines joined by "\n". */
void fake_start(struct fake *fake, const char *steps);
void fake_start_tcp(struct fake *fake, const char *steps);
void fake_stop(struct fake *fake);

/* A deadline for what must come. */
int64_t fake_deadline(void);

/* All that was asked so far, a line each. Stands until the next call or fake_stop. */
const char *fake_asked(struct fake *fake);

/* Whether text is asked within half a minute; at once when it is. */
bool fake_was_asked(struct fake *fake, const char *text);

/* A folder with nothing in it, "/tmp/usher-test-XXXXXX" into path, and its removal with all inside.
 */
void fake_folder(char *path);
void fake_remove(const char *path);

/* Writes a file, or fails the test. */
void fake_write(const char *path, const char *text);

#endif
