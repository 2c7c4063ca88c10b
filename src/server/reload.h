/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A reload (SIGHUP): the configuration, the key file and the templates are read anew, and all of
 * them come into force, or none. Attempts that begin afterwards use the new ones at once, event
 * loops as soon as they look up; what is under way ends with what it began with.
 */
#ifndef USHER_SERVER_RELOAD_H
#define USHER_SERVER_RELOAD_H

struct daemon;

/* Reads the file anew. What needs a restart is named in the log and does not change. An error, with
 * file and line, has been logged, and the configuration in force stays. */
int daemon_reload(struct daemon *daemon, const char *file);

#endif
