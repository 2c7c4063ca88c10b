/* SPDX-License-Identifier: BSD-2-Clause
 *
 * evhttp parses. It neither bounds how many connections there are nor for how long, so both are
 * done here: each connection's bufferevent is kept in a slot with a count of our own; one that
 * evhttp has let go of has no callbacks any more.
 */
#include "server/scrape.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/bound.h"
#include "server/exposition.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRAPE_SLOTS       16   /* connections at once */
#define SCRAPE_LIFETIME_MS 5000 /* of a connection */
#define SCRAPE_IDLE_S      2
#define SCRAPE_HEADERS_MAX 4096
#define SCRAPE_SWEEP_US    100000

struct scrape {
    struct daemon *daemon;
    struct bound bound;
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *sweep, *stop;
    int stop_fd;
    struct {
        struct bufferevent *buffers; /* NULL: free */
        int64_t since_ms;
    } slot[SCRAPE_SLOTS];
    size_t used;
    pthread_t thread;
    bool started;
};

static void slot_free(struct scrape *scrape, size_t i)
{
    (void)bufferevent_decref(scrape->slot[i].buffers);
    scrape->slot[i].buffers = NULL;
    if (scrape->used-- == SCRAPE_SLOTS)
        (void)evconnlistener_enable(scrape->listener);
}

/* For each connection accepted. With the last slot taken nothing more is accepted; the backlog is
 * short. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct scrape *scrape = arg;
    struct bufferevent *buffers = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    for (size_t i = 0; buffers != NULL && i < SCRAPE_SLOTS; i++) {
        if (scrape->slot[i].buffers != NULL)
            continue;
        bufferevent_incref(buffers);
        scrape->slot[i].buffers = buffers;
        scrape->slot[i].since_ms = clock_monotonic_ms();
        if (++scrape->used == SCRAPE_SLOTS)
            (void)evconnlistener_disable(scrape->listener);
        break;
    }
    return buffers;
}

static bool let_go(struct bufferevent *buffers)
{
    bufferevent_data_cb readable, writable;
    bufferevent_event_cb event;

    bufferevent_getcb(buffers, &readable, &writable, &event, NULL);
    return readable == NULL && writable == NULL && event == NULL;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct scrape *scrape = arg;
    int64_t now_ms = clock_monotonic_ms();

    (void)fd, (void)what;
    for (size_t i = 0; i < SCRAPE_SLOTS; i++) {
        struct bufferevent *buffers = scrape->slot[i].buffers;

        if (buffers == NULL)
            continue;
        if (let_go(buffers))
            slot_free(scrape, i);
        else if (now_ms - scrape->slot[i].since_ms > SCRAPE_LIFETIME_MS)
            (void)shutdown(bufferevent_getfd(buffers), SHUT_RDWR); /* evhttp sees its end */
    }
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    const struct scrape *scrape = arg;

    (void)fd, (void)what;
    (void)event_base_loopbreak(scrape->base);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
    const struct scrape *scrape = arg;
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    struct buffer text;
    int rc;

    buffer_init(&text);
    rc = exposition_write(scrape->daemon, &text);
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                            "text/plain; version=0.0.4; charset=utf-8");
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    if (rc == 0 && evbuffer_add(body, text.data, text.len) == 0)
        evhttp_send_reply(request, HTTP_OK, "OK", NULL);
    else
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    buffer_clear(&text);
}

static void on_other(struct evhttp_request *request, void *arg)
{
    (void)arg;
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

static void *scrape_main(void *arg)
{
    const struct scrape *scrape = arg;

    (void)event_base_dispatch(scrape->base);
    return NULL;
}

/* An address that others could reach is refused: nothing here asks who they are. */
static int loopback_check(int fd, const char *where)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    bool loopback = false;

    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;

        loopback = address.ss_family == AF_INET    ? ntohl(in->sin_addr.s_addr) >> 24 == 127
                   : address.ss_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)
                                                   : false;
    }
    if (loopback)
        return 0;
    log_error("metrics.listen: expected a path or an address of the loopback, found \"%s\"", where);
    return E_CONF;
}

static int scrape_bind(struct scrape *scrape, const char *where)
{
    int rc;

    if (strchr(where, '/') != NULL)
        return bound_unix(where, 0, SCRAPE_SLOTS, &scrape->bound);
    rc = bound_tcp("metrics.listen", where, SCRAPE_SLOTS, &scrape->bound);
    return rc < 0 ? rc : loopback_check(scrape->bound.fd, where);
}

static int scrape_http(struct scrape *scrape)
{
    const struct timeval every = {.tv_usec = SCRAPE_SWEEP_US};

    scrape->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    scrape->base = event_base_new();
    scrape->http = scrape->base != NULL ? evhttp_new(scrape->base) : NULL;
    if (scrape->http == NULL || scrape->stop_fd < 0)
        return E_NOMEM;
    scrape->listener = evconnlistener_new(scrape->base, NULL, NULL, 0, 0, scrape->bound.fd);
    scrape->sweep = event_new(scrape->base, -1, EV_PERSIST, on_sweep, scrape);
    scrape->stop = event_new(scrape->base, scrape->stop_fd, EV_READ, on_stop, scrape);
    if (scrape->listener == NULL || scrape->sweep == NULL || scrape->stop == NULL ||
        event_add(scrape->sweep, &every) < 0 || event_add(scrape->stop, NULL) < 0)
        return E_NOMEM;
    evhttp_set_bevcb(scrape->http, on_connection, scrape);
    evhttp_set_allowed_methods(scrape->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(scrape->http, SCRAPE_HEADERS_MAX);
    evhttp_set_max_body_size(scrape->http, 1);
    evhttp_set_timeout(scrape->http, SCRAPE_IDLE_S);
    (void)evhttp_set_cb(scrape->http, "/metrics", on_metrics, scrape);
    evhttp_set_gencb(scrape->http, on_other, NULL);
    return evhttp_bind_listener(scrape->http, scrape->listener) != NULL ? 0 : E_NOMEM;
}

int scrape_start(struct daemon *daemon, struct scrape **ret)
{
    const char *where = conf_string(daemon->conf, "metrics.listen");
    struct scrape *scrape;
    sigset_t all, old;
    int rc;

    if (where[0] == '\0')
        return 0;
    scrape = mem_alloc(sizeof(*scrape));
    scrape->daemon = daemon;
    scrape->bound.fd = scrape->stop_fd = -1;
    rc = scrape_bind(scrape, where);
    if (rc == 0) {
        rc = scrape_http(scrape);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        if (rc == 0 && pthread_create(&scrape->thread, NULL, scrape_main, scrape) != 0)
            rc = E_NOMEM;
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        scrape->started = rc == 0;
        if (rc < 0)
            log_error("metrics.listen: the metrics cannot be served: %s", err_text(rc));
    }
    if (rc < 0) {
        scrape_stop(scrape);
        return rc;
    }
    *ret = scrape;
    return 0;
}

void scrape_stop(struct scrape *scrape)
{
    uint64_t one = 1;

    if (scrape == NULL)
        return;
    if (scrape->started) {
        while (write(scrape->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
        (void)pthread_join(scrape->thread, NULL);
    }
    for (size_t i = 0; i < SCRAPE_SLOTS; i++)
        if (scrape->slot[i].buffers != NULL)
            (void)bufferevent_decref(scrape->slot[i].buffers);
    if (scrape->http != NULL)
        evhttp_free(scrape->http); /* the listener and the connections, too */
    else if (scrape->listener != NULL)
        evconnlistener_free(scrape->listener);
    if (scrape->sweep != NULL)
        event_free(scrape->sweep);
    if (scrape->stop != NULL)
        event_free(scrape->stop);
    if (scrape->base != NULL)
        event_base_free(scrape->base);
    if (scrape->stop_fd >= 0)
        (void)close(scrape->stop_fd);
    bound_close(&scrape->bound);
    free(scrape);
}
