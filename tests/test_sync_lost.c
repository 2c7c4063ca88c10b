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

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missed),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_hung),
        cmocka_unit_test(test_restored),
        cmocka_unit_test(test_restored_changed),
    };

    log_open("test_sync_lost", LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
