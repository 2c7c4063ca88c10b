/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The published rights table, both halves together: what a writer puts a reader is told, through
 * the one evaluator; no torn answer under threads or a killed writer; no crash on any damage.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "cache/layout.h"
#include "cache/rights.h"
#include "cache/table.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BITS     200
#define WORDS    BITSET_WORDS(BITS)
#define NOW      INT64_C(1800000000000)
#define MAX_AGE  INT64_C(86400000)
#define CSN      "20260102030405.123456Z#000000#000#000000"
#define UNSET    12345
#define FLIPS    200000
#define KILLS    200
#define SEEDS    1000
#define READERS  4
#define NO_GROUP ((gid_t)-1)

/* The catalogue of these tests. far stands in another word and line of a profile than plain. */
enum { PLAIN, APP, FACTOR, NEEDS, CIRCLE_A, CIRCLE_B, LOST, OTHER, FAR = 190, NEEDS_FAR };

static const struct {
    unsigned bit;
    const char *id;
    const char *channel;
    bool factor;
    int requires;
} catalogue[] = {
    {PLAIN, "ticket:read", "", false, REQUIRES_NOTHING},
    {APP, "ticket:scan", "app", false, REQUIRES_NOTHING},
    {FACTOR, "ticket:delete", "", true, REQUIRES_NOTHING},
    {NEEDS, "ticket:update", "", false, PLAIN},
    {CIRCLE_A, "circle.a:go", "", false, CIRCLE_B},
    {CIRCLE_B, "circle.b:go", "", false, CIRCLE_A},
    {LOST, "ticket:lost", "", false, REQUIRES_UNKNOWN},
    {OTHER, "order:read", "", false, REQUIRES_NOTHING},
    {FAR, "far:read", "", false, REQUIRES_NOTHING},
    {NEEDS_FAR, "far:update", "", false, FAR},
};

#define CATALOGUE_COUNT (sizeof(catalogue) / sizeof(catalogue[0]))

struct place {
    char directory[32];
    char path[48];
};

static struct place place;

static int on_setup(void **state)
{
    (void)state;
    strcpy(place.directory, "/tmp/usher-table-XXXXXX");
    if (mkdtemp(place.directory) == NULL)
        return -1;
    (void)snprintf(place.path, sizeof(place.path), "%s/rights", place.directory);
    return 0;
}

static int on_teardown(void **state)
{
    char other[64];

    (void)state;
    (void)snprintf(other, sizeof(other), "%s.new", place.path);
    (void)unlink(other);
    (void)unlink(place.path);
    return rmdir(place.directory);
}

/* A profile that grants and denies these bits; lists end with -1. */
static void put_profile(struct table *table, uint32_t number, const int *granted, const int *denied)
{
    uint64_t grants[WORDS] = {0}, denials[WORDS] = {0};
    const struct profile profile = {.words = WORDS, .bits = {grants, denials}};

    for (; *granted >= 0; granted++)
        bitset_set(grants, (unsigned)*granted);
    for (; *denied >= 0; denied++)
        bitset_set(denials, (unsigned)*denied);
    assert_int_equal(table_put_profile(table, number, &profile), 0);
}

#define LIST(...) ((const int[]){__VA_ARGS__ __VA_OPT__(, ) - 1})

static void put_permission(struct table *table, unsigned bit, const char *id, const char *channel,
                           bool factor, int requires)
{
    const struct permission permission = {
        .bit = bit, .channel = slice_of(channel), .factor = factor, .requires = requires};

    assert_int_equal(table_put_permission(table, &permission, slice_of(id)), 0);
}

static void put_catalogue(struct table *table)
{
    for (size_t i = 0; i < CATALOGUE_COUNT; i++)
        put_permission(table, catalogue[i].bit, catalogue[i].id, catalogue[i].channel,
                       catalogue[i].factor, catalogue[i].requires);
}

static const struct table_record member = {true, true, INT64_MIN, INT64_MAX, 0, false};

static int put_record(struct table *table, const char *organization, const char *uid,
                      struct table_record record)
{
    return table_put_record(table, slice_of(organization), slice_of(uid), &record);
}

static struct table_record with_profile(uint32_t profile)
{
    struct table_record record = member;

    record.profile = profile;
    return record;
}

static struct table *create(uint64_t records)
{
    const struct table_size size = {records, 16, BITS};
    struct table *table = NULL;

    assert_int_equal(table_create(place.path, size, NO_GROUP, &table), 0);
    return table;
}

/* A published, fresh table with the catalogue and acme. */
static struct table *create_published(uint64_t records)
{
    struct table *table = create(records);

    put_catalogue(table);
    assert_int_equal(table_put_organization(table, slice_of("acme"), true), 0);
    table_fresh(table, slice_of(CSN), MAX_AGE);
    assert_int_equal(table_publish(table), 0);
    return table;
}

static struct rights *open_rights(void)
{
    struct rights *rights = NULL;

    assert_int_equal(rights_open(place.path, &rights), 0);
    return rights;
}

static int ask_full(const struct rights *rights, const char *organization, const char *uid,
                    const char *text, int64_t now_ms, struct decision *ret)
{
    struct query query;

    assert_int_equal(query_parse(slice_of(text), &query), 0);
    return rights_check(rights, slice_of(organization), slice_of(uid), &query, now_ms, ret);
}

static int ask(const struct rights *rights, const char *organization, const char *uid,
               const char *text)
{
    struct decision decision = {.result = UNSET};
    int result = ask_full(rights, organization, uid, text, NOW, &decision);

    switch (result) {
    case E_STALE:
    case E_UNWILLING:
    case E_BUSY:
    case E_PROTO:
        assert_int_equal(decision.result, UNSET);
        break;
    default:
        assert_int_equal(decision.result, result);
    }
    return result;
}

/* The people of the table of answers:
 *   alice    acme, profile 1             bob     acme, profile 2 (silent), platform profile 3
 *   carol    platform only, profile 3    dave    acme, person inactive
 *   erin     acme, membership inactive   frank   acme, from NOW on; gone an hour later
 *   gina     platform only, inactive     hugo    acme, no profile
 *   ivan     acme, deny in 4, platform 3 judy    acme, membership inactive, platform 3
 *   kim      closed only                 leo     late (an organization never put), profile 1
 * Profile 3 grants what 2 leaves open, and everything else. */
static void put_people(struct table *table)
{
    struct table_record record;

    put_profile(table, 1, LIST(PLAIN, APP, FACTOR, NEEDS, CIRCLE_A, CIRCLE_B, LOST, FAR), LIST());
    put_profile(table, 2, LIST(NEEDS), LIST());
    put_profile(table, 3, LIST(PLAIN, APP, FACTOR, NEEDS, OTHER, FAR, NEEDS_FAR), LIST());
    put_profile(table, 4, LIST(NEEDS), LIST(PLAIN));
    assert_int_equal(table_put_organization(table, slice_of("platform"), true), 0);
    assert_int_equal(table_put_organization(table, slice_of("closed"), false), 0);
    assert_int_equal(table_put_organization(table, slice_of("gone"), true), 0);
    assert_int_equal(put_record(table, "acme", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, "gone", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, "acme", "bob", with_profile(2)), 0);
    assert_int_equal(put_record(table, "platform", "bob", with_profile(3)), 0);
    assert_int_equal(put_record(table, "platform", "carol", with_profile(3)), 0);
    record = with_profile(1);
    record.person_active = false;
    assert_int_equal(put_record(table, "acme", "dave", record), 0);
    assert_int_equal(put_record(table, "platform", "gina", record), 0);
    record = with_profile(1);
    record.active = false;
    assert_int_equal(put_record(table, "acme", "erin", record), 0);
    assert_int_equal(put_record(table, "acme", "judy", record), 0);
    assert_int_equal(put_record(table, "platform", "judy", with_profile(3)), 0);
    record = with_profile(1);
    record.not_before = NOW;
    record.not_after = NOW + 3600000;
    assert_int_equal(put_record(table, "acme", "frank", record), 0);
    assert_int_equal(put_record(table, "acme", "hugo", with_profile(TABLE_NO_PROFILE)), 0);
    assert_int_equal(put_record(table, "acme", "ivan", with_profile(4)), 0);
    assert_int_equal(put_record(table, "platform", "ivan", with_profile(3)), 0);
    assert_int_equal(put_record(table, "closed", "kim", with_profile(1)), 0);
    assert_int_equal(put_record(table, "late", "leo", with_profile(1)), 0);
    assert_int_equal(table_remove_organization(table, slice_of("gone")), 0);
}

static const struct {
    const char *organization, *uid, *query;
    int64_t now_ms;
    int result, step;
    enum membership_kind kind;
} answers[] = {
    {"acme", "alice", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"ACME", "Alice", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "order:read", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:scan", NOW, E_DENIED, 6, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:scan;channel=app", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:scan;channel=web", NOW, E_DENIED, 6, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:delete", NOW, E_STEPUP, 9, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:delete;factor=none", NOW, E_STEPUP, 9, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:delete;factor=totp", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:update", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "circle.a:go", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:lost", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "far:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "alice", "ticket:unknown", NOW, E_NOPERM, 1, MEMBERSHIP_KINDS},
    {"acme", "alice", "ticket:rea", NOW, E_NOPERM, 1, MEMBERSHIP_KINDS},
    {"nowhere", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"gone", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "kim", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"closed", "carol", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"late", "leo", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "nobody", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "kim", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "bob", "ticket:update", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "bob", "order:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "bob", "ticket:lost", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "carol", "ticket:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"acme", "carol", "far:update", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"platform", "carol", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"nowhere", "carol", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "dave", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "erin", "ticket:read", NOW, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "frank", "ticket:read", NOW - 1, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "frank", "ticket:read", NOW, 0, 8, MEMBERSHIP_OWN},
    {"acme", "frank", "ticket:read", NOW + 3599999, 0, 8, MEMBERSHIP_OWN},
    {"acme", "frank", "ticket:read", NOW + 3600000, E_DENIED, 3, MEMBERSHIP_KINDS},
    {"acme", "gina", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "hugo", "ticket:read", NOW, E_DENIED, 8, MEMBERSHIP_KINDS},
    {"acme", "ivan", "ticket:read", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "ivan", "ticket:update", NOW, E_DENIED, 8, MEMBERSHIP_OWN},
    {"acme", "judy", "ticket:read", NOW, 0, 8, MEMBERSHIP_PLATFORM},
    {"", "alice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acme", "", "ticket:read", NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"acme", "a2345678901234567890123456789012345678901234567890123456789012345", "ticket:read",
     NOW, E_DENIED, 2, MEMBERSHIP_KINDS},
    {"a2345678901234567890123456789012345678901234567890123456789012345", "carol", "ticket:read",
     NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
    {"acm", "ealice", "ticket:read", NOW, E_NOTFOUND, 1, MEMBERSHIP_KINDS},
};

static void check_answers(const struct rights *rights)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct decision decision = {.result = UNSET};
        int result = ask_full(rights, answers[i].organization, answers[i].uid, answers[i].query,
                              answers[i].now_ms, &decision);

        if (result != answers[i].result || decision.result != result ||
            decision.step != answers[i].step || decision.kind != answers[i].kind)
            fail_msg("%s %s %s: %s step %d kind %d", answers[i].organization, answers[i].uid,
                     answers[i].query, err_name(result), decision.step, (int)decision.kind);
    }
}

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

/* The header of the file at the path, to be changed behind everybody's back. */
static struct layout_header *map_header(void)
{
    int fd = open(place.path, O_RDWR | O_CLOEXEC);
    void *map = mmap(NULL, LAYOUT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    assert_true(fd >= 0 && map != MAP_FAILED);
    (void)close(fd);
    return map;
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

static void damage_boot(struct layout_header *header)
{
    header->boot[3] = header->boot[3] == 'a' ? 'b' : 'a';
}

static void damage_magic(struct layout_header *header)
{
    header->magic++;
}

static void damage_format(struct layout_header *header)
{
    header->format++;
}

static void damage_records(struct layout_header *header)
{
    header->records *= 1000;
}

static void damage_records_huge(struct layout_header *header)
{
    header->records = UINT64_MAX;
}

static void damage_profiles(struct layout_header *header)
{
    header->profiles = UINT64_MAX / 64;
}

static void damage_bits(struct layout_header *header)
{
    header->bits = UINT64_MAX;
}

static void damage_size(struct layout_header *header)
{
    header->file_size *= 2;
}

static void damage_cut(struct layout_header *header)
{
    assert_int_equal(truncate(place.path, (off_t)header->file_size - 1), 0);
}

static void damage_cut_header(struct layout_header *header)
{
    (void)header;
    assert_int_equal(truncate(place.path, 60), 0);
}

static void damage_empty(struct layout_header *header)
{
    (void)header;
    assert_int_equal(truncate(place.path, 0), 0);
}

static void test_foreign(void **state)
{
    static const struct {
        void (*damage)(struct layout_header *header);
        int err;
    } cases[] = {
        {damage_boot, E_STALE},         {damage_magic, E_PROTO},    {damage_format, E_PROTO},
        {damage_records, E_PROTO},      {damage_profiles, E_PROTO}, {damage_bits, E_PROTO},
        {damage_records_huge, E_PROTO}, {damage_size, E_PROTO},     {damage_cut, E_PROTO},
        {damage_cut_header, E_PROTO},   {damage_empty, E_PROTO},
    };
    struct rights *rights = NULL;
    struct table *table = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct layout_header *header;

        table_close(create_published(16));
        header = map_header();
        cases[i].damage(header);
        assert_int_equal(rights_open(place.path, &rights), cases[i].err);
        assert_int_equal(table_open(place.path, &table), E_NOTFOUND);
        (void)munmap(header, LAYOUT_PAGE);
    }
    assert_int_equal(rights_open(place.directory, &rights), E_PROTO);
    assert_int_equal(rights_open("/nonexistent/rights", &rights), E_NOTFOUND);
    assert_int_equal(unlink(place.path), 0);
    assert_int_equal(mkfifo(place.path, 0600), 0);
    assert_int_equal(rights_open(place.path, &rights), E_PROTO);
    assert_int_equal(table_open(place.path, &table), E_NOTFOUND);
    assert_null(rights);
    assert_null(table);
    assert_int_equal(table_create(place.path, (struct table_size){16, 16, 9000}, NO_GROUP, &table),
                     E_LIMIT);
    assert_int_equal(
        table_create("/nonexistent/rights", (struct table_size){16, 16, 16}, NO_GROUP, &table),
        E_NOTFOUND);
}

/* A small file in memory, of which damaged copies are written. */
struct image {
    size_t size;
    unsigned char *good;
    unsigned char *map; /* of the file at the path */
};

static struct image image_make(void)
{
    struct table *table = create_published(40);
    struct image image;
    struct stat status;
    int fd;

    put_people(table);
    table_close(table);
    fd = open(place.path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    image.size = (size_t)status.st_size;
    image.good = mem_alloc(image.size);
    image.map = mmap(NULL, image.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(image.map != MAP_FAILED);
    memcpy(image.good, image.map, image.size);
    (void)close(fd);
    return image;
}

static void image_free(struct image *image)
{
    (void)munmap(image->map, image->size);
    free(image->good);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Asks everything; any answer will do, so long as one comes. */
static void ask_everything(const struct rights *rights)
{
    struct rights_status status;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct decision decision;

        (void)ask_full(rights, answers[i].organization, answers[i].uid, answers[i].query,
                       answers[i].now_ms, &decision);
    }
    (void)rights_replaced(rights);
    rights_status(rights, &status);
    assert_true(memchr(status.csn, 0, sizeof(status.csn)) != NULL);
}

/* Whether the cache line of this byte holds nothing. */
static bool image_empty(const struct image *image, size_t at)
{
    static const unsigned char nothing[64];

    return memcmp(image->good + at / 64 * 64, nothing, sizeof(nothing)) == 0;
}

static void test_single_bytes(void **state)
{
    struct image image = image_make();
    struct rights *rights = open_rights(), *fresh = NULL;
    uint64_t random = 7;

    (void)state;
    for (size_t i = 0; i < image.size; i++) {
        if (image_empty(&image, i) && i % 8 > 1)
            continue; /* of the empty parts, a sample */
        image.map[i] ^= (unsigned char)(1 + random_next(&random) % 255);
        if (i < 512 && rights_open(place.path, &fresh) == 0) {
            ask_everything(fresh);
            rights_close(fresh);
        }
        for (size_t k = i % 7; k < sizeof(answers) / sizeof(answers[0]); k += 7) {
            struct decision decision;

            (void)ask_full(rights, answers[k].organization, answers[k].uid, answers[k].query,
                           answers[k].now_ms, &decision);
        }
        image.map[i] = image.good[i];
    }
    check_answers(rights);
    rights_close(rights);
    image_free(&image);
}

/* Three ways of ruin: noise everywhere; noise behind a good header; words of a good file replaced
 * by small, odd or huge numbers, which lead deeper. */
static void ruin(struct image *image, uint64_t seed)
{
    static const uint64_t words[] = {0, 1, 2, 3, 4, 63, 64, 255, UINT32_MAX, UINT64_MAX, INT64_MAX};
    uint64_t random = seed * 2654435761 + 1;
    const size_t starts[] = {0, LAYOUT_PAGE, 64, LAYOUT_PAGE};
    size_t from = starts[seed % 4];
    uint64_t value;

    memcpy(image->map, image->good, image->size);
    for (size_t i = from; i < image->size; i += 8) {
        value = random_next(&random);
        if (seed % 4 == 3) {
            if (i % 64 != 0)
                continue;
            value = 1;
        }
        if (seed % 4 == 2) {
            if (value % 8 != 0)
                continue;
            value = words[(value >> 8) % (sizeof(words) / sizeof(words[0]))];
        }
        memcpy(image->map + i, &value, sizeof(value));
    }
}

static void test_random_bytes(void **state)
{
    struct image image = image_make();
    struct rights *rights = open_rights(), *fresh = NULL;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        ruin(&image, seed);
        ask_everything(rights);
        /* Freshness destroyed hides the rest: ask again with a good first page. */
        memcpy(image.map, image.good, LAYOUT_PAGE);
        ask_everything(rights);
        if (seed % 4 == 0) {
            ruin(&image, seed);
            assert_int_equal(rights_open(place.path, &fresh), E_PROTO);
        }
    }
    memcpy(image.map, image.good, image.size);
    check_answers(rights);
    rights_close(rights);
    image_free(&image);
}

/* What the flips never show in any one state, but half of two would: every one of these questions
 * is denied before and after each step, and allowed in a mixture. far:update   needs far:read; the
 * profile grants the one or the other, in different lines ticket:read  the record is open with a
 * silent profile, or shut with a granting one order:read   the profile grants it only while no
 * record names that profile ticket:scan  the catalogue has it with a channel, or with a requirement
 * that nobody meets ticket:update stays allowed throughout. */
#define AS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BS "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { FLIP_PROFILE, FLIP_SILENT = 2, FLIP_GRANT, FLIP_A, FLIP_B };

static void flip_begin(struct table *table)
{
    struct table_record shut = with_profile(FLIP_GRANT);

    shut.not_after = NOW - 1;
    put_permission(table, NEEDS, "ticket:update", "", false, REQUIRES_NOTHING);
    put_profile(table, FLIP_PROFILE, LIST(NEEDS, NEEDS_FAR, APP), LIST());
    put_profile(table, FLIP_SILENT, LIST(), LIST());
    put_profile(table, FLIP_GRANT, LIST(PLAIN), LIST());
    put_profile(table, FLIP_A, LIST(), LIST());
    put_profile(table, FLIP_B, LIST(), LIST());
    assert_int_equal(put_record(table, "acme", "alice", with_profile(FLIP_PROFILE)), 0);
    assert_int_equal(put_record(table, "acme", "bob", shut), 0);
    assert_int_equal(put_record(table, "acme", "carol", with_profile(FLIP_A)), 0);
}

static void flip(struct table *table, unsigned i)
{
    struct table_record record = with_profile(i % 2 ? FLIP_SILENT : FLIP_GRANT);

    put_profile(table, FLIP_PROFILE, LIST(NEEDS, APP, i % 2 ? FAR : NEEDS_FAR), LIST());
    if (i % 2 == 0)
        record.not_after = NOW - 1;
    assert_int_equal(put_record(table, "acme", "bob", record), 0);
    put_permission(table, APP, "ticket:scan", i % 2 ? AS AS : BS BS, false, REQUIRES_NOTHING);
    assert_int_equal(put_record(table, "acme", "carol", with_profile(i % 2 ? FLIP_A : FLIP_B)), 0);
    put_profile(table, i % 2 ? FLIP_B : FLIP_A, LIST(OTHER), LIST());
    put_profile(table, i % 2 ? FLIP_B : FLIP_A, LIST(), LIST());
    if (i % 64 == 0)
        assert_int_equal(table_put_organization(table, slice_of("acme"), true), 0);
}

static const struct {
    const char *uid, *query;
    int result;
} flip_answers[] = {
    {"alice", "far:update", E_DENIED}, {"bob", "ticket:read", E_DENIED},
    {"carol", "order:read", E_DENIED}, {"alice", "ticket:scan;channel=" AS BS, E_DENIED},
    {"alice", "ticket:update", 0},
};

#define FLIP_ANSWERS (sizeof(flip_answers) / sizeof(flip_answers[0]))

struct flip_reader {
    pthread_t thread;
    const struct rights *rights;
    bool *stop;
    uint64_t answered, busy, torn;
};

static void *on_flip_reader(void *context)
{
    struct flip_reader *reader = context;
    struct query queries[FLIP_ANSWERS];

    for (size_t i = 0; i < FLIP_ANSWERS; i++)
        if (query_parse(slice_of(flip_answers[i].query), &queries[i]) != 0)
            return NULL;
    while (!__atomic_load_n(reader->stop, __ATOMIC_RELAXED))
        for (size_t i = 0; i < FLIP_ANSWERS; i++) {
            struct decision decision = {.result = UNSET};
            int result = rights_check(reader->rights, slice_of("acme"),
                                      slice_of(flip_answers[i].uid), &queries[i], NOW, &decision);

            if (result == E_BUSY)
                reader->busy++;
            else if (result == flip_answers[i].result && decision.result == result)
                reader->answered++;
            else
                reader->torn++;
        }
    return NULL;
}

static void test_threads(void **state)
{
    struct table *table = create_published(16);
    struct rights *rights = open_rights();
    struct flip_reader readers[READERS];
    bool stop = false;

    (void)state;
    flip_begin(table);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct flip_reader){.rights = rights, .stop = &stop};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, on_flip_reader, &readers[i]), 0);
    }
    for (unsigned i = 0; i < FLIPS; i++)
        flip(table, i);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].torn, 0);
        assert_true(readers[i].answered > 0);
    }
    for (size_t i = 0; i < FLIP_ANSWERS; i++)
        assert_int_equal(ask(rights, "acme", flip_answers[i].uid, flip_answers[i].query),
                         flip_answers[i].result);
    rights_close(rights);
    table_close(table);
}

/* What a killed writer may leave, each made by hand, then repaired by putting it again. */
struct remains {
    struct table *table;
    struct rights *rights;
    unsigned char *map;
    struct layout layout;
};

static void remains_begin(struct remains *remains)
{
    int fd;

    assert_int_equal(layout_plan(16, 16, BITS, &remains->layout), 0);
    remains->table = create_published(16);
    put_profile(remains->table, 1, LIST(), LIST());
    put_profile(remains->table, 2, LIST(PLAIN), LIST());
    assert_int_equal(put_record(remains->table, "acme", "alice", with_profile(2)), 0);
    remains->rights = open_rights();
    assert_int_equal(ask(remains->rights, "acme", "alice", "ticket:read"), 0);
    fd = open(place.path, O_RDWR | O_CLOEXEC);
    remains->map = mmap(NULL, remains->layout.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(fd >= 0 && remains->map != MAP_FAILED);
    (void)close(fd);
}

static void remains_end(struct remains *remains)
{
    (void)munmap(remains->map, remains->layout.file_size);
    rights_close(remains->rights);
    table_close(remains->table);
}

static struct layout_slot *remains_slot(struct remains *remains)
{
    struct layout_slot *slots = (void *)(remains->map + remains->layout.slot_offset);

    for (uint64_t i = 0; i < remains->layout.slots; i++)
        if (slots[i].sequence != 0 && (slots[i].state & SLOT_ORGANIZATION) == 0)
            return &slots[i];
    fail_msg("no membership in the file");
    return NULL;
}

static void test_left_new_record(void **state)
{
    static const uint64_t halves[] = {0, UINT64_MAX}; /* no key yet; the whole key */
    struct table_size before, after, size;
    struct rights_status status;
    struct remains remains;
    struct layout_slot *slot;

    (void)state;
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
        remains_begin(&remains);
        slot = remains_slot(&remains);
        table_room(remains.table, &before, &size);
        slot->sequence = 1;
        slot->key.word[1] &= halves[i];
        slot->state = 0;
        ((struct layout_header *)(void *)remains.map)->writing = 1;
        ((struct layout_header *)(void *)remains.map)->used_records = 9;
        assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), E_DENIED);
        table_close(remains.table);
        assert_int_equal(table_open(place.path, &remains.table), 0);
        table_room(remains.table, &after, &size);
        assert_int_equal(after.records, before.records);
        rights_status(remains.rights, &status);
        assert_int_equal(status.records, 0);
        assert_int_equal(put_record(remains.table, "acme", "alice", with_profile(2)), 0);
        assert_int_equal(slot->sequence, 2);
        assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), 0);
        table_room(remains.table, &after, &size);
        assert_int_equal(after.records, before.records);
        rights_status(remains.rights, &status);
        assert_int_equal(status.records, 1);
        remains_end(&remains);
    }
}

static void test_left_odd(void **state)
{
    struct layout_permission *permission;
    struct remains remains;
    struct layout_slot *slot;
    uint64_t *profile;

    (void)state;
    remains_begin(&remains);
    slot = remains_slot(&remains);
    slot->sequence++;
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), E_BUSY);
    assert_int_equal(put_record(remains.table, "acme", "alice", with_profile(2)), 0);
    assert_int_equal(slot->sequence, 4);
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), 0);

    profile =
        (void *)(remains.map + remains.layout.profile_offset + 2 * remains.layout.profile_stride);
    (*profile)++;
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), E_BUSY);
    put_profile(remains.table, 2, LIST(PLAIN), LIST());
    assert_int_equal(*profile, 4);
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), 0);

    permission = (void *)(remains.map + remains.layout.permission_offset);
    permission[PLAIN].sequence++;
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), E_BUSY);
    put_catalogue(remains.table);
    assert_int_equal(permission[PLAIN].sequence, 4);
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), 0);

    slot->sequence++;
    assert_int_equal(table_remove_record(remains.table, slice_of("acme"), slice_of("alice")), 0);
    assert_int_equal(ask(remains.rights, "acme", "alice", "ticket:read"), E_DENIED);
    remains_end(&remains);
}

/* A writer that never ends: the flips, and new people all the time. */
static void on_killed_writer(unsigned generation)
{
    struct table *table = NULL;
    char uid[32];

    if (table_open(place.path, &table) != 0)
        _exit(1);
    for (unsigned i = 0;; i++) {
        flip(table, i);
        (void)snprintf(uid, sizeof(uid), "user.%u.%u", generation, i % 16);
        if (put_record(table, "acme", uid, member) != 0)
            _exit(2);
        if (i % 3 == 0 && table_remove_record(table, slice_of("acme"), slice_of(uid)) != 0)
            _exit(3);
        table_fresh(table, slice_of(CSN), MAX_AGE);
    }
}

static void test_killed_writer(void **state)
{
    struct table *table = create_published(KILLS * 16 + 100);
    struct rights *rights = open_rights();
    struct rights_status status;
    struct table_size used, size;
    uint64_t random = 99;

    (void)state;
    flip_begin(table);
    table_close(table);
    for (unsigned kill_number = 0; kill_number < KILLS; kill_number++) {
        pid_t pid = fork();
        int ended;

        assert_true(pid >= 0);
        if (pid == 0)
            on_killed_writer(kill_number);
        (void)usleep((useconds_t)(300 + random_next(&random) % 2000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &ended, 0), pid);
        assert_true(WIFSIGNALED(ended));
        for (size_t i = 0; i < FLIP_ANSWERS; i++) {
            int result = ask(rights, "acme", flip_answers[i].uid, flip_answers[i].query);

            assert_true(result == flip_answers[i].result || result == E_BUSY);
        }
        if (kill_number % 2 == 0)
            continue; /* also two deaths in a row */
        assert_int_equal(table_open(place.path, &table), 0);
        flip_begin(table);
        flip(table, kill_number / 2);
        flip(table, kill_number / 2 + 1);
        for (size_t i = 0; i < FLIP_ANSWERS; i++)
            assert_int_equal(ask(rights, "acme", flip_answers[i].uid, flip_answers[i].query),
                             flip_answers[i].result);
        table_close(table);
    }
    assert_int_equal(table_open(place.path, &table), 0);
    table_room(table, &used, &size);
    assert_true(used.records <= KILLS * 16 + 4);
    for (unsigned i = 0; i < KILLS * 16; i++) {
        char uid[32];

        (void)snprintf(uid, sizeof(uid), "user.%u.%u", i / 16, i % 16);
        assert_int_equal(put_record(table, "acme", uid, with_profile(FLIP_PROFILE)), 0);
        assert_int_equal(ask(rights, "acme", uid, "ticket:update"), 0);
    }
    table_room(table, &used, &size);
    assert_int_equal(used.records, KILLS * 16 + 4);
    rights_status(rights, &status);
    assert_int_equal(status.records, KILLS * 16 + 3);
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
        cmocka_unit_test_setup_teardown(test_many, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_freshness, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_replaced, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_foreign, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_single_bytes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_left_new_record, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_left_odd, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_threads, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_killed_writer, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
