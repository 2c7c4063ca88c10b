/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The sync when the store is lost for a while: changes missed, a server that restarts, hangs or is
 * put back to an older copy. Nothing is lost, nothing is claimed meanwhile, and all is read anew
 * only where there is no other way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "sync_world.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Changes while we do not follow: they come by the session log, or all is read anew. */
static void missed(bool session_log, bool server_restarts)
{
    struct world world;
    struct sync_status now;

    world_init(&world, session_log);
    for (int i = 0; i < 20; i++)
        role_add(&world, arena_printf(world.arena, "r%d", i));
    follow(&world);
    UNTIL(role_is(&world, "r19", "+a:b"));
    caught_up(&world);
    unfollow(&world);
    role_set(&world, "r0", "+c:d");
    entry_delete(&world, role_dn(&world, "r1"));
    role_add(&world, "new");
    if (server_restarts) {
        slapd_stop(&world.slapd);
        slapd_run(&world.slapd);
    }
    follow(&world);
    UNTIL(role_is(&world, "r0", "+c:d") && role_is(&world, "r1", NULL) &&
          role_is(&world, "new", "+a:b"));
    caught_up(&world);
    assert_int_equal(fake_state_size(world.state), 20);
    now = status(&world);
    if (session_log)
        assert_int_equal(now.full, 0);
    else /* and another for each time that a stall made us begin anew */
        assert_in_range(now.full, 1, 1 + now.lags);
    if (session_log)
        assert_true(now.entries <= 3);
    world_clear(&world);
}

static void test_missed(void **context)
{
    (void)context;
    missed(true, false);
    missed(true, true);
    missed(false, false);
    missed(false, true);
}

/* The server dies under us, and is there again: nothing is lost, and the state beats meanwhile. */
static void test_restart(void **context)
{
    struct world world;
    uint64_t beats, full;
    int64_t fresh;

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    for (int round = 0; round < 4; round++) {
        const char *grant = arena_printf(world.arena, "+round:%d", round);
        bool killed = round % 2 == 0;

        caught_up(&world);
        full = status(&world).full;
        (killed ? slapd_kill : slapd_stop)(&world.slapd);
        UNTIL(!status(&world).connected);
        assert_true(status(&world).error[0] != '\0');
        fresh = status(&world).fresh_ms;
        beats = fake_state_counts(world.state).beats;
        pause_ms(1200);
        UNTIL(fake_state_counts(world.state).beats >= beats + 2);
        assert_true(status(&world).fresh_ms == fresh);
        slapd_run(&world.slapd);
        role_set(&world, "r", grant);
        UNTIL(role_is(&world, "r", grant));
        caught_up(&world);
        /* A killed slapd may know less than it said and refuse the cookie (53): then all anew. */
        assert_in_range(status(&world).full, full, full + (killed ? 1 : 0));
    }
    world_clear(&world);
}

/* A store that does not answer costs freshness, and nothing else. */
static void test_hung(void **context)
{
    struct world world;
    uint64_t beats;
    int64_t fresh;

    (void)context;
    world_init(&world, true);
    role_add(&world, "r");
    follow(&world);
    UNTIL(role_is(&world, "r", "+a:b"));
    caught_up(&world);
    slapd_freeze(&world.slapd, true);
    beats = fake_state_counts(world.state).beats;
    UNTIL(fake_state_counts(world.state).beats >= beats + 3); /* what it has said is read */
    fresh = status(&world).fresh_ms;
    pause_ms(1500);
    UNTIL(fake_state_counts(world.state).beats >= beats + 6);
    assert_true(status(&world).fresh_ms == fresh);
    unfollow(&world);
    follow(&world); /* on a server that does not answer the bind */
    pause_ms(300);
    unfollow(&world);
    follow(&world);
    slapd_freeze(&world.slapd, false);
    role_set(&world, "r", "+c:d");
    UNTIL(role_is(&world, "r", "+c:d"));
    caught_up(&world);
    world_clear(&world);
}

/* The store is put back to an older copy: what came after it is forgotten here too. */
static void test_restored(void **context)
{
    struct world world;

    (void)context;
    world_init(&world, true);
    role_add(&world, "kept");
    role_add(&world, "dropped");
    follow(&world);
    UNTIL(role_is(&world, "dropped", "+a:b"));
    slapd_stop(&world.slapd);
    slapd_save(&world.slapd);
    slapd_run(&world.slapd);
    role_set(&world, "kept", "+c:d");
    entry_delete(&world, role_dn(&world, "dropped"));
    role_add(&world, "lost");
    UNTIL(role_is(&world, "lost", "+a:b"));
    caught_up(&world);
    slapd_kill(&world.slapd);
    slapd_restore(&world.slapd);
    slapd_run(&world.slapd);
    UNTIL(role_is(&world, "kept", "+a:b") && role_is(&world, "dropped", "+a:b") &&
          role_is(&world, "lost", NULL));
    caught_up(&world);
    assert_int_equal(status(&world).full, 2);
    world_clear(&world);
}

/* The same, with a change before we come back, and no session log that could say what was lost. */
static void test_restored_changed(void **context)
{
    struct world world;

    (void)context;
    world_init(&world, false);
    role_add(&world, "kept");
    follow(&world);
    UNTIL(role_is(&world, "kept", "+a:b"));
    caught_up(&world);
    unfollow(&world);
    slapd_stop(&world.slapd);
    slapd_save(&world.slapd);
    slapd_run(&world.slapd);
    follow(&world);
    role_set(&world, "kept", "+c:d");
    UNTIL(role_is(&world, "kept", "+c:d"));
    caught_up(&world);
    unfollow(&world);
    slapd_kill(&world.slapd);
    slapd_restore(&world.slapd);
    slapd_run(&world.slapd);
    role_add(&world, "later");
    follow(&world);
    UNTIL(role_is(&world, "kept", "+a:b") && role_is(&world, "later", "+a:b"));
    world_clear(&world);
}

#define CUT_ROLES 6

/* Stands between the sync and the store, and hangs up after so many bytes of the store's. */
struct cut {
    const char *directory;
    int listener;
    _Atomic long bytes;
    pthread_t thread;
};

static int unix_socket(const char *directory, const char *name, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
    if (listens)
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    else
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (listens)
        assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Hands on what there is to read, at most max bytes; false when there is nothing more. */
static bool hand_on(int from, int to, long max, long *ret_count)
{
    char bytes[512];
    ssize_t got = read(from, bytes, max < (long)sizeof(bytes) ? (size_t)max : sizeof(bytes));

    *ret_count = got;
    return got > 0 && send(to, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

static void *cut_run(void *context)
{
    struct cut *cut = context;
    int client;

    while ((client = accept(cut->listener, NULL, NULL)) >= 0) {
        int server = unix_socket(cut->directory, "ldapi", false);
        struct pollfd items[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        long left = cut->bytes, count;

        while (left > 0 && poll(items, 2, -1) > 0) {
            if (items[0].revents != 0 && !hand_on(client, server, 512, &count))
                break;
            if (items[1].revents == 0)
                continue;
            if (!hand_on(server, client, left, &count))
                break;
            left -= count;
        }
        (void)close(client);
        (void)close(server);
    }
    return NULL;
}

/* How many of the roles have the new grant. */
static int changed(struct world *world)
{
    int count = 0;

    for (int i = 0; i < CUT_ROLES; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "r%d", i);
        count += role_is(world, name, "+c:d");
    }
    return count;
}

/* The connection is lost within a refresh, at any byte of it: what it brought so far is half of
 * what happened, in no order of time, and may have to do for as long as the store is away. */
static void test_cut(void **context)
{
    struct world world;
    struct cut cut = {.directory = world.slapd.directory};
    char *name;
    int cuts = 0;

    (void)context;
    world_init(&world, true);
    for (int i = 0; i < CUT_ROLES; i++)
        role_add(&world, arena_printf(world.arena, "r%d", i));
    follow(&world);
    UNTIL(role_is(&world, "r5", "+a:b"));
    caught_up(&world);
    unfollow(&world);
    for (int i = 0; i < CUT_ROLES; i++)
        role_set(&world, arena_printf(world.arena, "r%d", i), "+c:d");
    cut.listener = unix_socket(cut.directory, "cut", true);
    name = world.slapd.uri + strlen(world.slapd.uri) - strlen("ldapi");
    memcpy(name, "cut", sizeof("cut"));
    assert_int_equal(pthread_create(&cut.thread, NULL, cut_run, &cut), 0);
    for (cut.bytes = 1; changed(&world) < CUT_ROLES; cut.bytes += 61) {
        follow(&world);
        UNTIL(status(&world).error[0] != '\0' || changed(&world) == CUT_ROLES);
        unfollow(&world);
        assert_true(changed(&world) == 0 || changed(&world) == CUT_ROLES);
        cuts++;
    }
    print_message("cut %d times, at %ld bytes the last\n", cuts - 1, cut.bytes);
    assert_true(cuts > CUT_ROLES);
    (void)shutdown(cut.listener, SHUT_RDWR);
    (void)pthread_join(cut.thread, NULL);
    (void)close(cut.listener);
    memcpy(name, "ldapi", sizeof("ldapi"));
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missed),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_hung),
        cmocka_unit_test(test_restored),
        cmocka_unit_test(test_restored_changed),
        cmocka_unit_test(test_cut),
    };

    log_open("test_sync_lost", LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
