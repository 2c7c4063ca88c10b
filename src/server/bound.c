/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/bound.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* 0 when nothing answers at the path (a stale socket is removed). */
static int unix_path_free(const struct sockaddr_un *address)
{
    struct stat st;
    int fd, rc = 0;

    if (lstat(address->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode)) {
        log_error("%s: expected a socket or nothing, and there is something else",
                  address->sun_path);
        return E_EXISTS;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return E_IO;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN) {
        log_error("%s: another server answers on this socket", address->sun_path);
        rc = E_EXISTS;
    } else if (unlink(address->sun_path) < 0) {
        log_error("%s: the stale socket cannot be removed: %s", address->sun_path, strerror(errno));
        rc = E_IO;
    }
    (void)close(fd);
    return rc;
}

int bound_unix(const char *path, mode_t mask, int backlog, struct bound *ret)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    mode_t old;
    int fd, rc;

    if (strlen(path) >= sizeof(address.sun_path)) {
        log_error("%s: a socket path has at most %zu bytes, this one has %zu", path,
                  sizeof(address.sun_path) - 1, strlen(path));
        return E_CONF;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    rc = unix_path_free(&address);
    if (rc < 0)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    old = umask(mask | 0111); /* connecting needs write permission */
    rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
    (void)umask(old);
    if (rc < 0 || listen(fd, backlog) < 0 || stat(path, &st) < 0) {
        log_error("%s: cannot listen: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return E_IO;
    }
    *ret =
        (struct bound){.fd = fd, .path = mem_strdup(path), .device = st.st_dev, .inode = st.st_ino};
    return 0;
}

int bound_tcp(const char *option, const char *where, int backlog, struct bound *ret)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char *host = mem_strdup(where), *colon = strrchr(host, ':'), *name = host;
    int fd = -1, one = 1, rc = E_CONF;

    if (colon == NULL || colon == host || colon[1] == '\0')
        goto bad;
    *colon = '\0';
    if (name[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        name++;
    }
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0)
        goto bad;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, backlog) < 0) {
        log_error("%s: cannot listen on %s: %s", option, where, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        rc = E_IO;
        goto out;
    }
    *ret = (struct bound){.fd = fd};
    rc = 0;
    goto out;
bad:
    log_error("%s: expected ADDRESS:PORT, for instance 127.0.0.1:389, found \"%s\"", option, where);
out:
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    return rc;
}

void bound_close(struct bound *bound)
{
    struct stat st;

    if (bound->fd >= 0)
        (void)close(bound->fd);
    if (bound->path != NULL && stat(bound->path, &st) == 0 && st.st_dev == bound->device &&
        st.st_ino == bound->inode)
        (void)unlink(bound->path);
    free(bound->path);
    *bound = (struct bound){.fd = -1};
}
