/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where the daemon listens, from text to a socket address. Addresses are numbers: no name is looked
 * up, because a resolver knows no deadline. Opens nothing.
 */
#ifndef USHER_CLIENT_ADDRESS_H
#define USHER_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage sockaddr;
    socklen_t len;
    bool loopback; /* a unix socket or the loopback network: secrets may travel in clear text */
    bool local;    /* a unix socket */
};

/* Reads "/path", "ldapi://%2Fpath" (RFC 3986 escapes; an empty one is no address), or
 * "ldap://127.0.0.1:3890" and "ldap://[::1]:3890" (port 389 when absent); "localhost" is 127.0.0.1.
 * A trailing "/" of a URI is skipped. E_SYNTAX; E_LIMIT for a path over 107 bytes. */
int address_parse(const char *uri, struct address *ret);

#endif
