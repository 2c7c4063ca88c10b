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

#include "cache/key.h"
#include "cache/reading.h"
#include "table_answers.h"

static void test_answers(void **state)
{
    struct table *table = create_published(64);
    struct rights *rights = open_rights();

    (void)state;
    put_people(table);
    check_answers(rights);
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
    assert_int_equal(again.profiles, 14);
    assert_int_equal(again.bits, NEEDS_FAR + 1);
    assert_int_equal(again.people, used.people);
    assert_int_equal(size.records, 64);
    check_answers(rights);
    rights_status(rights, &status);
    assert_int_equal(status.records, 25);
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
    assert_int_equal(remove_record(table, "acme", "ALICE"), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_DENIED);
    rights_status(rights, &status);
    assert_int_equal(status.records, 0);
    assert_int_equal(put_record(table, "acme", "alice", with_profile(1)), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_DENIED);
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    table_room(table, &after, &size);
    assert_int_equal(after.records, used.records);
    assert_int_equal(remove_record(table, "acme", "nobody"), 0);
    assert_int_equal(remove_record(table, "", "alice"), 0);
    assert_int_equal(table_remove_organization(table, slice_of("nowhere")), 0);

    assert_int_equal(put_organization(table, "acme", false), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_NOTFOUND);
    assert_int_equal(put_organization(table, "Acme", true), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    assert_int_equal(table_remove_organization(table, slice_of("acme")), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_NOTFOUND);
    assert_int_equal(put_organization(table, "acme", true), 0);
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
    const struct table_scopes none = {0};
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
    assert_int_equal(put_organization(table, "other", true), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "user2", member), 0);
    assert_int_equal(remove_record(table, "acme", "user0"), 0);
    assert_int_equal(put_record(table, "acme", "user3", member), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "user0", member), 0);
    assert_int_equal(ask(rights, "acme", "user3", "ticket:read"), E_DENIED);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), 0);
    assert_int_equal(put_record(table, "acme", "user0", with_profile(32)), E_LIMIT);
    assert_int_equal(put_record(table, "acme", "", member), E_SYNTAX);
    assert_int_equal(table_put_profile(table, 32, &narrow, &none), E_LIMIT);
    assert_int_equal(table_put_profile(table, 0, &wide, &none), E_LIMIT);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), 0);
    assert_int_equal(table_put_profile(table, 0, &narrow, &none), 0);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), E_DENIED);
    rights_close(rights);
    table_close(table);
}

/* The next name whose membership is looked for from this slot on. */
static void name_at(uint64_t seed, uint64_t slots, uint64_t at, unsigned *next, char uid[16])
{
    struct layout_key key;

    do {
        (void)snprintf(uid, 16, "u%u", (*next)++);
        key = key_of_names(seed, KEY_MEMBERSHIP, slice_of("acme"), slice_of(uid));
    } while (key_slot(&key, slots) != at);
}

/* Room enough, but more keys of one slot than are looked at. */
static void test_crowded(void **state)
{
    const struct layout_size size = {2000, 32, BITS, 32};
    struct table *table = create_published(2000);
    struct layout_header header;
    struct layout_key acme;
    struct layout layout;
    struct rights *rights;
    char uid[16], first[16] = "";
    unsigned next = 0;
    uint64_t at;
    int fd = open(place.path, O_RDONLY | O_CLOEXEC);

    (void)state;
    put_profile(table, 0, LIST(PLAIN), LIST());
    assert_int_equal(layout_plan(&size, &layout), 0);
    assert_int_equal(read(fd, &header, sizeof(header)), sizeof(header));
    (void)close(fd);
    acme = key_of_names(header.seed, KEY_ORGANIZATION, slice_of("acme"), (struct slice){0});
    at = (key_slot(&acme, layout.slots) + layout.slots / 2) % layout.slots;
    for (int i = 0; i < LAYOUT_PROBES; i++) {
        name_at(header.seed, layout.slots, at, &next, uid);
        assert_int_equal(put_record(table, "acme", uid, member), 0);
        if (i == 0)
            strcpy(first, uid);
    }
    rights = open_rights();
    assert_int_equal(ask(rights, "acme", first, "ticket:read"), 0);
    assert_int_equal(ask(rights, "acme", uid, "ticket:read"), 0);
    name_at(header.seed, layout.slots, at, &next, uid);
    assert_int_equal(put_record(table, "acme", uid, member), E_LIMIT);
    assert_int_equal(ask(rights, "acme", uid, "ticket:read"), E_DENIED);
    name_at(header.seed, layout.slots, (at + layout.slots / 4) % layout.slots, &next, uid);
    assert_int_equal(put_record(table, "acme", uid, member), 0);
    assert_int_equal(ask(rights, "acme", uid, "ticket:read"), 0);
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
    assert_int_equal(put_organization(table, "acme", true), 0);
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(rights_open(place.path, &rights), E_NOTFOUND);
    assert_int_equal(table_publish(table), 0);
    rights = open_rights();
    rights_status(rights, &status);
    assert_false(status.filled);
    assert_int_equal(status.age_ms, -1);
    assert_string_equal(status.csn, "");
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_STALE);
    table_fresh(table, slice_of(CSN), 60000);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), 0);
    rights_status(rights, &status);
    assert_true(status.filled);
    assert_in_range(status.age_ms, 0, 50000);
    assert_int_equal(status.max_age_ms, 60000);
    assert_string_equal(status.csn, CSN);
    header = map_header();
    header->fresh_ms -= 60500;
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read"), E_STALE);
    rights_status(rights, &status);
    assert_in_range(status.age_ms, 60400, 120000);
    header->fresh_ms += 60500 + 60000;
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
    bool said;

    (void)state;
    (void)snprintf(temporary, sizeof(temporary), "%s.new", place.path);
    assert_false(rights_replaced(rights));
    header->fresh_ms -= 60000;
    larger = create(1000);
    put_catalogue(larger);
    put_profile(larger, 0, LIST(PLAIN), LIST());
    assert_int_equal(put_organization(larger, "acme", true), 0);
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
    assert_in_range(status.age_ms, 60000, 120000);
    assert_string_equal(status.csn, CSN);
    assert_true(status.generation > before.generation);
    assert_int_equal(stat(place.path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);

    /* A writer killed between the rename and the mark: the heartbeat tells. */
    header->replaced = 0;
    do { /* not as long as it is not late, which a stall makes it */
        header->heartbeat_ms = layout_clock_ms();
        said = rights_replaced(rights);
    } while (said && layout_clock_ms() - header->heartbeat_ms >= HEARTBEAT_LATE_MS);
    assert_false(said);
    header->heartbeat_ms -= 2500;
    assert_true(rights_replaced(rights));
    (void)munmap(header, LAYOUT_PAGE);
    header = map_header();
    header->heartbeat_ms -= 60500;
    assert_false(rights_replaced(newer));
    rights_status(newer, &status);
    assert_in_range(status.heartbeat_ms, 60400, 120000);
    table_beat(larger);
    rights_status(newer, &status);
    assert_in_range(status.heartbeat_ms, 0, 50000);

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

/* Scopes and people come and go; a full table takes none of a change. */
static void test_scopes(void **state)
{
    const struct said both[] = {
        {NULL, 0, LIST(PLAIN), LIST()},
        {"payment/card", 1, LIST(OTHER), LIST()},
        {"event/acme/*", 2, LIST(), LIST(PLAIN)},
    };
    const struct said one[] = {
        {NULL, 0, LIST(), LIST()},
        {"payment/card", 1, LIST(PLAIN), LIST()},
    };
    static const char *const gone[] = {"event/acme/*", NULL};
    struct table *table = create_published(6);
    struct rights *rights = open_rights();
    struct said said[2] = {one[0], one[1]};
    struct table_size used, size;

    (void)state;
    assert_int_equal(put_scoped(table, both, 3, NULL, NULL), 0);
    put_event(table, "acme", "hamlet", INT64_MIN, INT64_MAX);
    assert_int_equal(put_record(table, "acme", "alice", member), 0);
    assert_int_equal(ask(rights, "acme", "alice", "order:read@payment/card"), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@payment/card"), E_DENIED);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@event/hamlet"), E_DENIED);
    assert_int_equal(put_scoped(table, one, 2, NULL, gone), 0);
    assert_int_equal(ask(rights, "acme", "alice", "order:read@payment/card"), E_DENIED);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@payment/card"), 0);
    assert_int_equal(put_scoped(table, both, 3, NULL, NULL), 0);
    assert_int_equal(put_scoped(table, both, 1, NULL, gone), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@event/hamlet"), 0);
    assert_int_equal(put_scoped(table, both, 3, NULL, NULL), 0);

    said[1].scope = "payment/cash"; /* one too many, beside five */
    assert_int_equal(put_record(table, "acme", "bob", member), 0);
    assert_int_equal(put_scoped(table, said, 2, NULL, gone), E_LIMIT);
    said[1] = (struct said){"payment/card", 32, LIST(PLAIN), LIST()};
    assert_int_equal(put_scoped(table, said, 2, NULL, gone), E_LIMIT);
    assert_int_equal(ask(rights, "acme", "alice", "order:read@payment/card"), 0);
    assert_int_equal(ask(rights, "acme", "alice", "ticket:read@event/hamlet"), E_DENIED);
    assert_int_equal(table_put_event(table, slice_of("acme"), slice_of("macbeth"),
                                     &(struct window){true, true, 0, 1}),
                     E_LIMIT);
    assert_int_equal(put_guest(table, "acme", "hamlet", "carol", member), E_LIMIT);
    assert_int_equal(table_put_share(table, slice_of("acme"), slice_of("hamlet"), slice_of("club")),
                     E_LIMIT);
    table_room(table, &used, &size);
    assert_int_equal(used.records, 6);
    rights_close(rights);
    table_close(table);
}

static void test_people(void **state)
{
    struct table *table = create_published(6);
    struct rights *rights = open_rights();
    struct table_size used, size;
    char uid[16];

    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        (void)snprintf(uid, sizeof(uid), "user%u", i);
        assert_int_equal(table_put_person(table, slice_of(uid), i % 2 == 0), 0);
    }
    assert_int_equal(table_put_person(table, slice_of("one.more"), true), E_LIMIT);
    assert_int_equal(table_put_person(table, slice_of(""), true), E_SYNTAX);
    assert_int_equal(table_remove_person(table, slice_of("one.more")), 0);
    for (unsigned i = 0; i < 33; i++) {
        struct decision decision;

        (void)snprintf(uid, sizeof(uid), "USER%u", i);
        assert_int_equal(ask_full(rights, "acme", uid, "ticket:read", NOW, &decision), E_DENIED);
        assert_int_equal(decision.step, i < 32 && i % 2 == 0 ? 3 : 2);
    }
    assert_int_equal(table_remove_person(table, slice_of("user0")), 0);
    assert_int_equal(ask(rights, "acme", "user0", "ticket:read"), E_DENIED);
    assert_int_equal(table_put_person(table, slice_of("user0"), true), 0);
    table_room(table, &used, &size);
    assert_int_equal(used.people, 32);
    assert_int_equal(size.people, 32);
    rights_close(rights);
    table_close(table);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_reopen, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_remove_revive, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_catalogue_changes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_full, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_crowded, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_many, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_scopes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_people, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_freshness, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_replaced, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
