/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: the lists that the daemon keeps, and what its store may send. A small
 * store in a thread sends what slapd never would.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rules/names.h"
#include "server/metrics.h"
#include "server/search_list.h"
#include "store/entry.h"
#include "store/find.h"
#include "table_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ATTRIBUTES 4096 /* of one entry that are taken */

static void lists_of_searches(void **state)
{
    static const char uuid[] = "00000000-0000-4000-8000-000000000001";
    const struct slice each = {uuid, SEARCH_UUID};
    struct search_list *lists[4];
    size_t kept = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int rc = 0;

        lists[i] = search_list_new("r");
        while (rc == 0 && lists[i]->count < SEARCH_LIST_MAX)
            rc = search_list_add(lists[i], each);
        kept += lists[i]->count;
        assert_int_equal(search_list_add(lists[i], each), i < 3 ? E_LIMIT : E_BUSY);
    }
    assert_true(kept > SEARCH_LIST_MAX * 3 && kept < SEARCH_LISTS_MAX);
    search_list_free(lists[0]);
    assert_int_equal(search_list_add(lists[3], each), 0);
    for (size_t i = 1; i < 4; i++)
        search_list_free(lists[i]);
}

static void many_names(void **state)
{
    struct names *names = names_new();

    (void)state;
    for (int i = 0; i < NAMES_MAX; i++)
        assert_int_equal(names_add(names, slice_of("a")), 0);
    assert_int_equal(names_add(names, slice_of("b")), E_LIMIT);
    names_done(names);
    assert_true(names_has(names, slice_of("a")));
    assert_false(names_has(names, slice_of("b")));
    names_free(names);
}

static void series_of_metrics(void **state)
{
    struct metrics *metrics = metrics_new();
    const struct metrics *all[] = {metrics};
    struct buffer out = {0};

    (void)state;
    for (int code = 0; code < METRICS_SERIES_MAX; code++)
        metrics_count(metrics, "bind", code + 1000, -1);
    assert_int_equal(metrics_total(metrics, "other"), 0);
    metrics_count(metrics, "search", 0, -1);
    metrics_count(metrics, "bind", 999, -1);
    metrics_count(metrics, "bind", 1000, -1);
    assert_int_equal(metrics_total(metrics, "other"), 2);
    assert_int_equal(metrics_total(metrics, "bind"), METRICS_SERIES_MAX + 1);
    assert_int_equal(metrics_total(metrics, NULL), METRICS_SERIES_MAX + 3);
    assert_int_equal(metrics_print(all, 1, &out), 0);
    assert_int_equal(buffer_append(&out, "", 1), 0);
    assert_non_null(strstr(out.data, "{operation=\"other\",result=\"80\"} 2\n"));
    buffer_clear(&out);
    metrics_free(metrics);
}

/* A store that lets anybody in and has one entry, of so many attributes. */
struct small_store {
    int listener;
    atomic_uint attributes;
    char uri[128];
    pthread_t thread;
};

static void listen_there(struct small_store *small)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/ldapi", place.directory);
    (void)snprintf(small->uri, sizeof(small->uri), "ldapi://%%2Ftmp%%2F%s%%2Fldapi",
                   place.directory + strlen("/tmp/"));
    small->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(small->listener >= 0);
    assert_int_equal(bind(small->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(small->listener, 8), 0);
}

static void listen_no_more(struct small_store *small)
{
    char path[96];

    close(small->listener);
    (void)snprintf(path, sizeof(path), "%s/ldapi", place.directory);
    assert_int_equal(unlink(path), 0);
}

/* A tag and a length of four bytes around what follows. */
static unsigned char *put_header(unsigned char *at, unsigned char tag, size_t len)
{
    const unsigned char header[] = {tag,
                                    0x84,
                                    (unsigned char)(len >> 24),
                                    (unsigned char)(len >> 16),
                                    (unsigned char)(len >> 8),
                                    (unsigned char)len};

    memcpy(at, header, sizeof(header));
    return at + sizeof(header);
}

static bool send_entry(int fd, unsigned char id, unsigned attributes)
{
    enum { DN = 7, ATTRIBUTE = 15, HEADER = 6 };
    size_t list = (size_t)attributes * ATTRIBUTE, size = list + DN + 3 + 3 * HEADER;
    unsigned char *bytes = malloc(size), *at = bytes;
    bool sent;

    at = put_header(at, 0x30, size - HEADER);
    memcpy(at, "\x02\x01", 2);
    at[2] = id;
    at = put_header(at + 3, 0x64, list + DN + HEADER);
    memcpy(at, "\x04\x05o=abc", DN);
    at = put_header(at + DN, 0x30, list);
    for (unsigned i = 0; i < attributes; i++, at += ATTRIBUTE) {
        char name[16];

        (void)snprintf(name, sizeof(name), "a%05u", i);
        memcpy(at, "\x30\x0d\x04\x06", 4);
        memcpy(at + 4, name, 6);
        memcpy(at + 10, "\x31\x03\x04\x01v", 5);
    }
    sent = send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
    free(bytes);
    return sent;
}

/* One request after the other, each no longer than a short length says. */
static void serve(const struct small_store *small, int fd)
{
    unsigned char in[256], out[] = "\x30\x0c\x02\x01?\x61\x07\x0a\x01\x00\x04\x00\x04";

    while (recv(fd, in, 2, MSG_WAITALL) == 2 && in[1] < 0x80 &&
           recv(fd, in + 2, in[1], MSG_WAITALL) == in[1]) {
        out[4] = in[4];
        out[5] = in[5] + 1;
        if (in[5] == 0x63) {
            out[5] = 0x65;
            if (!send_entry(fd, in[4], atomic_load(&small->attributes)))
                return;
        } else if (in[5] != 0x60)
            continue;
        if (send(fd, out, 14, MSG_NOSIGNAL) != 14)
            return;
    }
}

static void *on_small_store(void *context)
{
    const struct small_store *small = context;
    int fd;

    while ((fd = accept(small->listener, NULL, NULL)) >= 0) {
        serve(small, fd);
        close(fd);
    }
    return NULL;
}

static int on_found(void *context, const struct store_entry *entry)
{
    *(size_t *)context = entry->attribute_count;
    return 0;
}

static void attributes_of_an_entry(void **state)
{
    struct small_store small = {.listener = -1};
    struct store_options options = {.uri = small.uri, .connections = 1, .login_connections = 1};
    struct arena *arena = arena_new();
    struct store *store = NULL;

    (void)state;
    listen_there(&small);
    assert_int_equal(pthread_create(&small.thread, NULL, on_small_store, &small), 0);
    assert_int_equal(store_open(&options, &store), 0);
    for (unsigned more = 0; more <= 1; more++) {
        int64_t deadline_ms = clock_monotonic_ms() + 60000;
        size_t count = 0;
        const struct store_search search = {.base = "o=abc",
                                            .filter = "(objectClass=*)",
                                            .silence_ms = 60000,
                                            .deadline_ms = deadline_ms,
                                            .on_entry = on_found,
                                            .context = &count};
        struct store_entry entry = {0};

        atomic_store(&small.attributes, ATTRIBUTES + more);
        assert_int_equal(store_read(store, arena, slice_of("o=abc"), NULL, deadline_ms, &entry),
                         more == 0 ? 0 : E_PROTO);
        assert_int_equal(entry.attribute_count, more == 0 ? ATTRIBUTES : 0);
        assert_int_equal(store_each(store, &search), more == 0 ? 0 : E_PROTO);
        assert_int_equal(count, more == 0 ? ATTRIBUTES : 0);
    }
    store_close(store);
    (void)shutdown(small.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(small.thread, NULL), 0);
    listen_no_more(&small);
    arena_free(arena);
}

/* The header alone decides: what it promises never comes. */
static void a_message_of_the_store(void **state)
{
    static const struct {
        unsigned char header[9];
        int err;
    } cases[] = {
        {{0x30, 0x84, 0x10, 0, 0, 0, 2, 1, 1}, E_TIMEOUT}, /* waits for the rest */
        {{0x30, 0x84, 0x10, 0, 0, 1, 2, 1, 1}, E_UNAVAIL},
        {{0x30, 0x84, 0x7f, 255, 255, 255, 2, 1, 1}, E_UNAVAIL},
    };
    struct small_store small = {.listener = -1};
    struct upstream_target target;

    (void)state;
    assert_int_equal(UPSTREAM_MESSAGE_MAX, 0x10000000);
    listen_there(&small);
    assert_int_equal(upstream_target_init(&target, small.uri), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t now_ms = clock_monotonic_ms();
        struct upstream upstream;
        LDAPMessage *message = NULL;
        int msgid, fd;

        assert_int_equal(upstream_open(&target, now_ms + 60000, &upstream), 0);
        assert_int_equal(upstream_start_external(&upstream, NULL, &msgid), 0);
        fd = accept(small.listener, NULL, NULL);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].header, sizeof(cases[i].header)),
                         sizeof(cases[i].header));
        assert_int_equal(upstream_wait(&upstream, msgid, true,
                                       now_ms + (cases[i].err == E_TIMEOUT ? 500 : 60000),
                                       &message),
                         cases[i].err);
        assert_null(message);
        upstream_close(&upstream);
        close(fd);
    }
    upstream_target_clear(&target);
    listen_no_more(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_searches),
        cmocka_unit_test(many_names),
        cmocka_unit_test(series_of_metrics),
        cmocka_unit_test_setup_teardown(attributes_of_an_entry, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(a_message_of_the_store, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
