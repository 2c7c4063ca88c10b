/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Serving a prepared store: checks, then this process becomes slapd, in the foreground.
 */
#ifndef USHER_EMBED_RUN_H
#define USHER_EMBED_RUN_H

/* Does not come back when all is well; an error after a line on standard error else. */
int run_slapd(const char *directory);

#endif
