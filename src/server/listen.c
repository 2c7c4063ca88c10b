/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/listen.h"
#include "base/err.h"
#include "base/log.h"
#include "server/bound.h"
#include "server/daemon.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define LISTENERS_MAX  3 /* listen.ldapi, listen.admin, listen.ldap */
#define ACCEPT_BATCH   64

struct listener {
    struct listeners *all;
    enum listener_kind kind;
    struct bound bound;
    struct event *event;
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
    fd = accept(listener->bound.fd, NULL, NULL);
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

static void listeners_add(struct listeners *all, enum listener_kind kind, const struct bound *bound)
{
    assert(all->count < LISTENERS_MAX);
    all->listener[all->count++] = (struct listener){.all = all, .kind = kind, .bound = *bound};
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
    struct bound bound;
    int rc = kind == LISTENER_ADMIN ? admin_folder_check(path) : 0;

    if (rc == 0)
        rc = bound_unix(path, kind == LISTENER_ADMIN ? 0077 : 0, LISTEN_BACKLOG, &bound);
    if (rc == 0)
        listeners_add(all, kind, &bound);
    return rc;
}

static int listen_tcp(struct listeners *all, const char *where)
{
    struct bound bound;
    int rc = bound_tcp("listen.ldap", where, LISTEN_BACKLOG, &bound);

    if (rc == 0)
        listeners_add(all, LISTENER_LDAP, &bound);
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

        listener->event = event_new(all->daemon->loops[0]->base, listener->bound.fd,
                                    EV_READ | EV_PERSIST, on_acceptable, listener);
        if (listener->event == NULL || event_add(listener->event, NULL) < 0) {
            log_error("cannot watch a listening socket");
            return E_IO;
        }
    }
    return 0;
}

void listeners_close(struct listeners *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->count; i++) {
        struct listener *listener = &all->listener[i];

        if (listener->event != NULL)
            event_free(listener->event);
        bound_close(&listener->bound);
    }
    if (all->spare_fd >= 0)
        (void)close(all->spare_fd);
    free(all);
}
