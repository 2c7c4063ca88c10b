/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The published rights table, both halves together: what a writer puts a reader is told, through
 * the one evaluator; room, freshness, and the way from one file to the next.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "table_fixture.h"

static void test_answers(void **state)
{
    struct table *table = create_published(64);
    struct rights *rights = open_rights();

    (void)state;
    put_people(table);
    check_answers(rights);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@event/hamlet"), E_UNWILLING);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@payment/cash"), E_UNWILLING);
    rights_close(rights);
    table_close(table);
}

/* Closed and opened again, the table goes on; what is put as it stands changes nothing. */
static void test_reopen(void **state)
{
    struct table *table = create_published(64);
    struct table_size used, again, size;
    struct rights_status status;
    struct rights *rights = open_rights();

    (void)state;
    put_people(table);
    table_room(table, &used, &size);
    table_close(table);
    assert_int_equal(table_open(place.path, &table), 0);
    table_room(table, &again, &size);
    assert_int_equal(again.records, used.records);
    put_people(table);
    put_catalogue(table);
    table_room(table, &again, &size);
    assert_int_equal(again.records, used.records);
    assert_int_equal(again.profiles, 5);
    assert_int_equal(again.bits, NEEDS_FAR + 1);
    assert_int_equal(size.records, 64);
    check_answers(rights);
    rights_status(rights, &status);
    assert_int_equal(status.records, 16);
    assert_int_equal(status.permissions, CATALOGUE_COUNT);
    assert_int_equal(status.generation, CATALOGUE_COUNT);
    rights_close(rights);
    table_close(table);
}

static void test_remove_revive(void **state)
{
    struct table *table = create_published(16);
    struct rights *rights = open_rights();
    struct rights_status status;
    struct table_size used, after, size;

    (void)state;
    put_profile(table, 0, LIST(PLAIN), LIST());
    put_profile(table, 1, LIST(), LIST());
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    table_room(table, &used, &size);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    assert_int_equal(table_remove_record(table, slice_of("acme"), slice_of("ALICE")), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_DENIED);
    rights_status(rights, &status);
    assert_int_equal(status.records, 0);
    assert_int_equal(put_record(table, "acme", "alice", with_profile(1)), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_DENIED);
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    table_room(table, &after, &size);
    assert_int_equal(after.records, used.records);
    assert_int_equal(table_remove_record(table, slice_of("acme"), slice_of("nobody")), 0);
    assert_int_equal(table_remove_record(table, slice_of(""), slice_of("alice")), 0);
    assert_int_equal(table_remove_organization(table, slice_of("nowhere")), 0);

    assert_int_equal(table_put_organization(table, slice_of("acme"), false), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_NOTFOUND);
    assert_int_equal(table_put_organization(table, slice_of("Acme"), true), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    assert_int_equal(table_remove_organization(table, slice_of("acme")), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_NOTFOUND);
    assert_int_equal(table_put_organization(table, slice_of("acme"), true), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    rights_close(rights);
    table_close(table);
}

static void test_catalogue_changes(void **state)
{
    static const struct permission other = {.bit = PLAIN, .requires = REQUIRES_NOTHING};
    struct permission wide = {.bit = BITS, .requires = REQUIRES_NOTHING};
    char long_channel[LAYOUT_CHANNEL_MAX + 2];
    struct table *table = create_published(16);
    struct rights *rights = open_rights();

    (void)state;
    put_profile(table, 0, LIST(PLAIN, 100), LIST(APP));
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(table_remove_permission(table, PLAIN), 0);
    assert_int_equal(table_remove_permission(table, PLAIN), 0);
    assert_int_equal(table_remove_permission(table, 150), 0);
    assert_int_equal(table_remove_permission(table, BITS), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_NOPERM);
    put_permission(table, 100, "ticket:read", "", false, REQUIRES_NOTHING);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    assert_int_equal(table_put_permission(table, &other, slice_of("ticket:new")), E_EXISTS);
    assert_int_equal(table_put_permission(table, &wide, slice_of("ticket:new")), E_LIMIT);
    wide.bit = 101;
    assert_int_equal(table_put_permission(table, &wide, slice_of("")), E_SYNTAX);
    memset(long_channel, 'c', sizeof(long_channel));
    wide.channel = (struct slice){long_channel, LAYOUT_CHANNEL_MAX + 1};
    assert_int_equal(table_put_permission(table, &wide, slice_of("ticket:new")), E_SYNTAX);
    wide.channel.len = LAYOUT_CHANNEL_MAX;
    assert_int_equal(table_put_permission(table, &wide, slice_of("ticket:new")), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:new"), E_DENIED);
    rights_close(rights);
    table_close(table);
}

static void test_full(void **state)
{
    const uint64_t grants[WORDS + 1] = {[WORDS] = 1};
    const struct profile wide = {.words = WORDS + 1, .bits = {(void *)grants, (void *)grants}};
    const struct profile narrow = {.words = 0};
    struct table *table = create_published(4);
    struct rights *rights = open_rights();
    char uid[16];

    (void)state;
    put_profile(table, 0, LIST(PLAIN), LIST());
    for (int i = 0; i < 3; i++) {
        (void)snprintf(uid, sizeof(uid), "user%d", i);
        assert_int_equal(put_record(table, "acme", uid, member), 0);
    }
    assert_int_equal(put_record(table, "acme", "user3", member), E_LIMIT);
    assert_int_equal(table_put_organization(table, slice_of("other"), true), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "user2", member), 0);
    assert_int_equal(table_remove_record(table, slice_of("acme"), slice_of("user0")), 0);
    assert_int_equal(put_record(table, "acme", "user3", member), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "user0", member), 0);
    assert_int_equal(ask(rights, "acme", "user3", "ticket:read"), E_DENIED);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), 0);
    assert_int_equal(put_record(table, "acme", "user0", with_profile(16)), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "", member), E_SYNTAX);
    assert_int_equal(table_put_profile(table, 16, &narrow), E_LIMIT);
    assert_int_equal(table_put_profile(table, 0, &wide), E_LIMIT);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), 0);
    assert_int_equal(table_put_profile(table, 0, &narrow), 0);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), E_DENIED);
    rights_close(rights);
    table_close(table);
}

/* As full as promised: everybody is found, and nobody else. */
static void test_many(void **state)
{
    enum { COUNT = 20000 };
    struct table *table = create_published(COUNT + 1);
    struct rights *rights = open_rights();
    char uid[16];

    (void)state;
    put_profile(table, 0, LIST(PLAIN), LIST());
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(uid, sizeof(uid), "user%d", i);
        assert_int_equal(put_record(table, "acme", uid, member), 0);
    }
    for (int i = 0; i < 2 * COUNT; i++) {
        (void)snprintf(uid, sizeof(uid), "user%d", i);
        assert_int_equal(ask(rights, "acme", uid, "ticket:read"), i < COUNT ? 0 : E_DENIED);
    }
    rights_close(rights);
    table_close(table);
}

static void test_freshness(void **state)
{
    struct table *table = create(16);
    struct layout_header *header;
    struct rights_status status;
    struct rights *rights;

    (void)state;
    put_catalogue(table);
    put_profile(table, 0, LIST(PLAIN), LIST());
    assert_int_equal(table_put_organization(table, slice_of("acme"), true), 0);
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(rights_open(place.path, &rights), E_NOTFOUND);
    assert_int_equal(table_publish(table), 0);
    rights = open_rights();
    rights_status(rights, &status);
    assert_false(status.filled);
    assert_int_equal(status.age_ms, -1);
    assert_string_equal(status.csn, "");
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_STALE);
    table_fresh(table, slice_of(CSN), 5000);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    rights_status(rights, &status);
    assert_true(status.filled);
    assert_in_range(status.age_ms, 0, 4000);
    assert_int_equal(status.max_age_ms, 5000);
    assert_string_equal(status.csn, CSN);
    header = map_header();
    header->fresh_ms -= 5500;
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_STALE);
    rights_status(rights, &status);
    assert_in_range(status.age_ms, 5400, 9000);
    header->fresh_ms += 5500 + 60000;
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_STALE);
    header->csn_sequence |= 1;
    rights_status(rights, &status);
    assert_string_equal(status.csn, "");
    table_fresh(table, slice_of(CSN), 5000);
    rights_status(rights, &status);
    assert_string_equal(status.csn, CSN);
    table_fresh(table, slice_of("0123456789012345678901234567890123456789012345678901234567890123"),
                5000);
    rights_status(rights, &status);
    assert_string_equal(status.csn, "");
    (void)munmap(header, LAYOUT_PAGE);
    rights_close(rights);
    table_close(table);
}

static void test_replaced(void **state)
{
    struct table *table = create_published(16), *larger = NULL, *third = NULL;
    struct rights *rights = open_rights(), *newer;
    struct rights_status status, before;
    struct layout_header *header = map_header();
    char temporary[64];
    struct stat file;

    (void)state;
    (void)snprintf(temporary, sizeof(temporary), "%s.new", place.path);
    assert_false(rights_replaced(rights));
    header->fresh_ms -= 3000;
    larger = create(1000);
    put_catalogue(larger);
    put_profile(larger, 0, LIST(PLAIN), LIST());
    assert_int_equal(table_put_organization(larger, slice_of("acme"), true), 0);
    assert_int_equal(put_record(larger, "acme", "alice", member), 0);
    table_inherit(larger, table);
    assert_false(rights_replaced(rights));
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_DENIED);
    assert_int_equal(table_publish(larger), 0);
    assert_int_equal(table_publish(larger), 0);
    assert_true(rights_replaced(rights));
    rights_status(rights, &before);
    assert_true(before.replaced);
    newer = open_rights();
    assert_false(rights_replaced(newer));
    assert_int_equal(ask(newer, "acme", "alice", "ticket:read"), 0);
    rights_status(newer, &status);
    assert_in_range(status.age_ms, 3000, 9000);
    assert_string_equal(status.csn, CSN);
    assert_true(status.generation > before.generation);
    assert_int_equal(stat(place.path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);

    /* A writer killed between the rename and the mark: the heartbeat tells. */
    header->replaced = 0;
    assert_false(rights_replaced(rights));
    header->heartbeat_ms -= 2500;
    assert_true(rights_replaced(rights));
    (void)munmap(header, LAYOUT_PAGE);
    header = map_header();
    header->heartbeat_ms -= 2500;
    assert_false(rights_replaced(newer));
    rights_status(newer, &status);
    assert_in_range(status.heartbeat_ms, 2400, 60000);
    table_beat(larger);
    rights_status(newer, &status);
    assert_in_range(status.heartbeat_ms, 0, 2000);

    header->replaced = 1;
    assert_int_equal(table_open(place.path, &third), E_NOTFOUND);
    header->replaced = 0;

    /* One that is not published leaves the path as it is, and nothing beside it. */
    third = create(16);
    table_close(third);
    header->heartbeat_ms -= 2500;
    assert_false(rights_replaced(newer));
    assert_int_not_equal(access(temporary, F_OK), 0);
    (void)munmap(header, LAYOUT_PAGE);
    rights_close(rights);
    rights_close(newer);
    table_close(table);
    table_close(larger);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_reopen, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_remove_revive, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_catalogue_changes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_full, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_many, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_freshness, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_replaced, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
