/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/listen.h"
#include "base/err.h"
#include "base/log.h"
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define LISTENERS_MAX  8
#define ACCEPT_BATCH   64

struct listener {
    struct listeners *all;
    enum listener_kind kind;
    int fd;
    struct event *event;
    char *path;   /* unix */
    dev_t device; /* of the socket we made: another's is not removed */
    ino_t inode;
};

struct listeners {
    struct daemon *daemon;
    struct listener listener[LISTENERS_MAX];
    size_t count;
    unsigned next_loop;
    int spare_fd; /* closed to accept and drop a connection when descriptors have run out */
};

static void accept_exhausted(struct listeners *all, struct listener *listener)
{
    int fd;

    if (all->spare_fd >= 0)
        (void)close(all->spare_fd);
    fd = accept(listener->fd, NULL, NULL);
    if (fd >= 0)
        (void)close(fd);
    all->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    log_warning("no more descriptors: a connection was dropped");
}

static void on_acceptable(evutil_socket_t server, short what, void *arg)
{
    struct listener *listener = arg;
    struct listeners *all = listener->all;
    struct daemon *daemon = all->daemon;

    (void)what;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            accept_exhausted(all, listener);
        if (fd < 0)
            return;
        if (atomic_fetch_add(&daemon->connections, 1) >=
            daemon->loops[0]->settings->limits.connections) {
            atomic_fetch_sub(&daemon->connections, 1);
            (void)close(fd);
            continue;
        }
        loop_adopt(daemon->loops[all->next_loop++ % daemon->loop_count], fd, (int)listener->kind);
    }
}

static struct listener *listeners_add(struct listeners *all, enum listener_kind kind, int fd)
{
    struct listener *listener = &all->listener[all->count++];

    *listener = (struct listener){.all = all, .kind = kind, .fd = fd};
    return listener;
}

/* 0 when nothing answers at the path (a stale socket is removed). */
static int unix_path_free(const struct sockaddr_un *address)
{
    int fd, rc = 0;

    if (access(address->sun_path, F_OK) < 0)
        return 0;
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

/* The folder of an admin socket belongs to us (or root) and to nobody else. */
static int admin_folder_check(const char *path)
{
    char *folder = mem_strdup(path), *slash = strrchr(folder, '/');
    struct stat st;
    int rc = 0;

    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    if (stat(slash != NULL ? folder : ".", &st) < 0) {
        log_error("listen.admin: folder %s: %s", folder, strerror(errno));
        rc = E_CONF;
    } else if ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)) {
        log_error("listen.admin: the folder %s must belong to the server's uid and have mode 0700",
                  slash != NULL ? folder : ".");
        rc = E_CONF;
    }
    free(folder);
    return rc;
}

static int listen_unix(struct listeners *all, enum listener_kind kind, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener *listener;
    struct stat st;
    mode_t old;
    int fd, rc;

    if (strlen(path) >= sizeof(address.sun_path)) {
        log_error("%s: a socket path has at most %zu bytes, this one has %zu", path,
                  sizeof(address.sun_path) - 1, strlen(path));
        return E_CONF;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    rc = kind == LISTENER_ADMIN ? admin_folder_check(path) : 0;
    if (rc == 0)
        rc = unix_path_free(&address);
    if (rc < 0)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    old = umask(kind == LISTENER_ADMIN ? 0177 : 0111); /* connecting needs write permission */
    rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
    (void)umask(old);
    if (rc < 0 || listen(fd, LISTEN_BACKLOG) < 0 || stat(path, &st) < 0) {
        log_error("%s: cannot listen: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return E_IO;
    }
    listener = listeners_add(all, kind, fd);
    listener->path = mem_strdup(path);
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

/* "host:port", "[v6]:port"; the host must be an address. */
static int listen_tcp(struct listeners *all, const char *where)
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
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
        listen(fd, LISTEN_BACKLOG) < 0) {
        log_error("listen.ldap: cannot listen on %s: %s", where, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        rc = E_IO;
        goto out;
    }
    listeners_add(all, LISTENER_LDAP, fd);
    rc = 0;
    goto out;
bad:
    log_error("listen.ldap: expected ADDRESS:PORT, for instance 127.0.0.1:389, found \"%s\"",
              where);
out:
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    return rc;
}

int listeners_open(struct daemon *daemon, struct listeners **ret)
{
    struct listeners *all = mem_alloc(sizeof(*all));
    const char *ldapi = conf_string(daemon->conf, "listen.ldapi");
    const char *admin = conf_string(daemon->conf, "listen.admin");
    const char *ldap = conf_string(daemon->conf, "listen.ldap");
    int rc = 0;

    all->daemon = daemon;
    all->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (ldapi[0] != '\0')
        rc = listen_unix(all, LISTENER_LDAPI, ldapi);
    if (rc == 0 && admin[0] != '\0')
        rc = listen_unix(all, LISTENER_ADMIN, admin);
    if (rc == 0 && ldap[0] != '\0')
        rc = listen_tcp(all, ldap);
    if (rc == 0 && all->count == 0) {
        log_error("nothing to listen on: set listen.ldapi, listen.admin or listen.ldap");
        rc = E_CONF;
    }
    if (rc < 0) {
        listeners_close(all);
        return rc;
    }
    *ret = all;
    return 0;
}

int listeners_start(struct listeners *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct listener *listener = &all->listener[i];

        listener->event = event_new(all->daemon->loops[0]->base, listener->fd, EV_READ | EV_PERSIST,
                                    on_acceptable, listener);
        if (listener->event == NULL || event_add(listener->event, NULL) < 0) {
            log_error("cannot watch a listening socket");
            return E_IO;
        }
    }
    return 0;
}

void listeners_close(struct listeners *all)
{
    struct stat st;

    if (all == NULL)
        return;
    for (size_t i = 0; i < all->count; i++) {
        struct listener *listener = &all->listener[i];

        if (listener->event != NULL)
            event_free(listener->event);
        (void)close(listener->fd);
        if (listener->path != NULL && stat(listener->path, &st) == 0 &&
            st.st_dev == listener->device && st.st_ino == listener->inode)
            (void)unlink(listener->path);
        free(listener->path);
    }
    if (all->spare_fd >= 0)
        (void)close(all->spare_fd);
    free(all);
}
