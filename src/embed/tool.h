/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tools that work on a database that nobody serves: slapadd(8) and slapmodify(8). They read
 * FOLDER_LOAD; what they say is kept in FOLDER_ANSWER. The working directory is the store's.
 */
#ifndef USHER_EMBED_TOOL_H
#define USHER_EMBED_TOOL_H

#ifndef USHER_SBINDIR_LDAP
#define USHER_SBINDIR_LDAP "/usr/sbin"
#endif

/* Applies FOLDER_LOAD to the database that holds suffix, with the configuration conf. E_CONF when
 * the tool refused something; E_IO, after a line on standard error, when it did not run. */
int tool_add(const char *conf, const char *suffix);
int tool_modify(const char *conf, const char *suffix);

/* Removes what the tools were given and what they said. */
void tool_clear(void);

#endif
