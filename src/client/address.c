/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/address.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define LDAP_PORT 389
#define HOST_MAX  64

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A path of len bytes, percent escapes undone when it comes from a URI. */
static int address_unix(const char *path, size_t len, bool escaped, struct address *ret)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        char c = path[i];

        if (escaped && c == '%') {
            int high = i + 2 < len ? hex_digit(path[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(path[i + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return E_SYNTAX;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (used == sizeof(un.sun_path) - 1)
            return E_LIMIT;
        un.sun_path[used++] = c;
    }
    if (used < 2 || un.sun_path[0] != '/')
        return E_SYNTAX;
    *ret = (struct address){.len = sizeof(un), .loopback = true, .local = true};
    memcpy(&ret->sockaddr, &un, sizeof(un));
    return 0;
}

static int address_port(const char *text, uint16_t *ret)
{
    char *end;
    long port;

    if (*text == '\0') {
        *ret = LDAP_PORT;
        return 0;
    }
    if (*text != ':' || text[1] < '0' || text[1] > '9')
        return E_SYNTAX;
    port = strtol(text + 1, &end, 10);
    if (*end != '\0' || port < 1 || port > 65535)
        return E_SYNTAX;
    *ret = (uint16_t)port;
    return 0;
}

static int address_inet(const char *host, uint16_t port, struct address *ret)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
        *ret = (struct address){.len = sizeof(in4),
                                .loopback = ntohl(in4.sin_addr.s_addr) >> 24 == 127};
        memcpy(&ret->sockaddr, &in4, sizeof(in4));
        return 0;
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        *ret = (struct address){.len = sizeof(in6),
                                .loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) != 0};
        memcpy(&ret->sockaddr, &in6, sizeof(in6));
        return 0;
    }
    return E_SYNTAX;
}

static int address_tcp(const char *text, size_t len, struct address *ret)
{
    char copy[HOST_MAX], *host = copy, *end;
    uint16_t port;
    int rc;

    if (len >= sizeof(copy))
        return E_SYNTAX;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (copy[0] == '[') {
        host = copy + 1;
        end = strchr(host, ']');
        if (end == NULL)
            return E_SYNTAX;
        *end++ = '\0';
    } else {
        end = copy + strcspn(copy, ":");
    }
    rc = address_port(end, &port);
    if (rc < 0)
        return rc;
    *end = '\0';
    return address_inet(host, port, ret);
}

int address_parse(const char *uri, struct address *ret)
{
    static const char ldapi[] = "ldapi://", ldap[] = "ldap://";
    const char *rest;
    size_t len;

    if (uri[0] == '/')
        return address_unix(uri, strlen(uri), false, ret);
    if (strncmp(uri, ldapi, sizeof(ldapi) - 1) == 0)
        rest = uri + sizeof(ldapi) - 1;
    else if (strncmp(uri, ldap, sizeof(ldap) - 1) == 0)
        rest = uri + sizeof(ldap) - 1;
    else
        return E_SYNTAX;
    len = strlen(rest);
    if (len > 1 && rest[len - 1] == '/')
        len--;
    return uri[4] == 'i' ? address_unix(rest, len, true, ret) : address_tcp(rest, len, ret);
}
