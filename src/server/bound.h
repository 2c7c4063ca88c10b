/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bound, listening, non-blocking socket: a path or an address. A unix path that another process
 * still answers on is refused; a stale one is removed; ours goes when it is closed, another's that
 * has taken its place does not.
 */
#ifndef USHER_SERVER_BOUND_H
#define USHER_SERVER_BOUND_H

#include <sys/types.h>

struct bound {
    int fd;       /* -1: none */
    char *path;   /* unix, else NULL */
    dev_t device; /* of the socket we made */
    ino_t inode;
};

/* Binds to a path; the socket's mode is 0666 less mask. E_CONF for a path that is too long,
 * E_EXISTS, E_IO; an error has been logged. */
int bound_unix(const char *path, mode_t mask, int backlog, struct bound *ret);

/* Binds to "host:port" or "[v6]:port", where host is an address. option names the value in an
 * error, which has been logged: E_CONF, E_IO. */
int bound_tcp(const char *option, const char *where, int backlog, struct bound *ret);

/* Closes and removes the path. A zeroed one with fd -1 is fine. */
void bound_close(struct bound *bound);

#endif
