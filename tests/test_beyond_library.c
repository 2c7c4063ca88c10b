/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: the tables that one handle of the library opens, those that are replaced
 * under a reader, and the connections that it keeps. The clock of this program goes ahead when it
 * is told to.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "client/cache.h"
#include "client/usher.h"
#include "table_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#define TABLES 4096 /* that a handle opens */
#define READS  16   /* of tables that are replaced meanwhile */

static _Atomic int64_t ahead_ms;

/* In place of the C library's, which the programs under test call. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ret);
    int64_t ms = atomic_load(&ahead_ms);

    ret->tv_sec += ms / 1000;
    ret->tv_nsec += ms % 1000 * 1000000;
    if (ret->tv_nsec >= 1000000000) {
        ret->tv_sec++;
        ret->tv_nsec -= 1000000000;
    }
    return rc;
}

static int ask_cache(struct cache *cache)
{
    struct query query;

    assert_int_equal(query_parse(slice_of("ticket:read"), &query), 0);
    return cache_check(cache, slice_of("acme"), slice_of("alice"), &query, NULL);
}

static struct table *next_table(struct table *before)
{
    struct table *table = create_published(4);

    table_close(before);
    put_profile(table, 0, LIST(PLAIN), LIST());
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    return table;
}

/* In memory where there is such a place: a disk is waited for at each of so many renames. */
static int on_memory(void **state)
{
    (void)state;
    strcpy(place.directory, access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm/usher-table-XXXXXX"
                                                                 : "/tmp/usher-table-XXXXXX");
    if (mkdtemp(place.directory) == NULL)
        return -1;
    (void)snprintf(place.path, sizeof(place.path), "%s/rights", place.directory);
    return 0;
}

/* Beyond them the handle has no table; another one still has. */
static void tables_of_a_handle(void **state)
{
    struct cache *cache = NULL, *other = NULL;
    struct table *table = NULL;

    (void)state;
    assert_int_equal(cache_open(place.path, &cache), 0);
    assert_int_equal(cache_open(place.path, &other), 0);
    for (int i = 0; i < TABLES; i++) {
        table = next_table(table);
        atomic_fetch_add(&ahead_ms, 20);
        assert_int_equal(ask_cache(cache), 0);
    }
    table = next_table(table);
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(ask_cache(cache), E_BUSY);
    assert_int_equal(ask_cache(other), 0);
    table_close(table);
    cache_close(cache);
    cache_close(other);
}

static struct cache *replaced; /* its table is replaced under the reader */
static struct table *newest;
static int replacements, looks;

int rights_check_real(const struct rights *rights, struct slice organization, struct slice uid,
                      const struct query *query, int64_t now_ms, _Atomic uint64_t *cell,
                      struct decision *ret) __asm__("__real_rights_check_at");
int rights_check_wrapped(const struct rights *rights, struct slice organization, struct slice uid,
                         const struct query *query, int64_t now_ms, _Atomic uint64_t *cell,
                         struct decision *ret) __asm__("__wrap_rights_check_at");

/* In place of cache_check()'s question to the table (-Wl,--wrap): once it is answered another
 * thread, so to say, opens the table that has come into its place. */
int rights_check_wrapped(const struct rights *rights, struct slice organization, struct slice uid,
                         const struct query *query, int64_t now_ms, _Atomic uint64_t *cell,
                         struct decision *ret)
{
    int rc = rights_check_real(rights, organization, uid, query, now_ms, cell, ret);
    struct cache *cache = replaced;

    if (cache == NULL)
        return rc;
    looks++;
    if (replacements > 0) {
        replacements--;
        replaced = NULL;
        newest = next_table(newest);
        atomic_fetch_add(&ahead_ms, 20);
        assert_int_equal(ask_cache(cache), 0);
        replaced = cache;
    }
    return rc;
}

/* An answer counts only when the table still was the one to ask; after so many that were not the
 * daemon is asked. */
static void tables_under_a_reader(void **state)
{
    static const struct {
        int replacements, rc, looks;
    } cases[] = {{0, 0, 1}, {READS - 1, 0, READS}, {1000, E_BUSY, READS}};
    struct cache *cache = NULL;

    (void)state;
    newest = next_table(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(cache_open(place.path, &cache), 0);
        atomic_fetch_add(&ahead_ms, 2000);
        assert_int_equal(ask_cache(cache), 0);
        replaced = cache;
        replacements = cases[i].replacements;
        looks = 0;
        assert_int_equal(ask_cache(cache), cases[i].rc);
        assert_int_equal(looks, cases[i].looks);
        replaced = NULL;
        cache_close(cache);
    }
    table_close(newest);
}

/* One that is longer than its place is left out, and no part of it shown. */
static void a_csn_of_a_table(void **state)
{
    char csn[RIGHTS_CSN_MAX + 1];
    struct table *table = create_published(100);
    struct rights *rights = open_rights();
    struct rights_status status;

    (void)state;
    memset(csn, 'c', sizeof(csn));
    for (size_t len = RIGHTS_CSN_MAX - 1; len <= RIGHTS_CSN_MAX + 1; len++) {
        table_fresh(table, (struct slice){csn, len}, MAX_AGE);
        rights_status(rights, &status);
        assert_int_equal(strlen(status.csn), len < RIGHTS_CSN_MAX ? len : 0);
    }
    rights_close(rights);
    table_close(table);
}

/* A daemon that answers no question before all are asked, and counts who leaves. */
#define ASKERS 11 /* threads of one program, three more than connections are kept */

struct patient_daemon {
    int listener;
    pthread_barrier_t asked;
    atomic_uint left;
    pthread_t threads[ASKERS];
    struct usher *usher;
};

static struct patient_daemon patient;

static void *on_patient(void *context)
{
    unsigned char in[256], out[] = "\x30\x0c\x02\x01?\x61\x07\x0a\x01\x00\x04\x00\x04";
    int fd = accept(patient.listener, NULL, NULL);

    while (recv(fd, in, 2, MSG_WAITALL) == 2 && in[1] < 0x80 &&
           recv(fd, in + 2, in[1], MSG_WAITALL) == in[1] && in[5] != 0x42) {
        out[4] = in[4];
        out[5] = in[5] + 1;
        out[9] = in[5] == 0x6e ? 6 : 0;
        if (in[5] == 0x6e)
            (void)pthread_barrier_wait(&patient.asked);
        if (send(fd, out, 14, MSG_NOSIGNAL) != 14)
            break;
    }
    atomic_fetch_add(&patient.left, 1);
    close(fd);
    return context;
}

static void *on_asker(void *context)
{
    return usher_check(patient.usher, "acme", "alice", "a:b") == 0 ? context : NULL;
}

static void until_left(unsigned count)
{
    int64_t deadline_ms = clock_monotonic_ms() + 60000;

    while (atomic_load(&patient.left) < count && clock_monotonic_ms() < deadline_ms)
        usleep(1000);
    assert_int_equal(atomic_load(&patient.left), count);
}

static void idle_connections(void **state)
{
    struct usher_options options = {.base = "dc=x", .rights = "", .timeout_ms = 60000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t askers[ASKERS];
    void *allowed;

    (void)state;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/ldapi", place.directory);
    options.uri = address.sun_path;
    patient.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(patient.listener >= 0);
    assert_int_equal(bind(patient.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(patient.listener, 4 * ASKERS), 0);
    assert_int_equal(usher_open(&options, &patient.usher), 0);
    assert_int_equal(pthread_barrier_init(&patient.asked, NULL, ASKERS), 0);
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_create(&patient.threads[i], NULL, on_patient, &patient), 0);
        assert_int_equal(pthread_create(&askers[i], NULL, on_asker, &patient), 0);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i], &allowed), 0);
        assert_ptr_equal(allowed, &patient);
    }
    until_left(3);
    usher_close(patient.usher);
    until_left(ASKERS);
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_join(patient.threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&patient.asked);
    close(patient.listener);
    assert_int_equal(unlink(address.sun_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_of_a_handle, on_memory, on_teardown),
        cmocka_unit_test_setup_teardown(tables_under_a_reader, on_memory, on_teardown),
        cmocka_unit_test_setup_teardown(a_csn_of_a_table, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(idle_connections, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
