/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of the rights table share: a table in a directory of its own, a catalogue, people
 * with every kind of record, and the answers that they must get. To be included after cmocka's
 * headers.
 */
#ifndef USHER_TESTS_TABLE_FIXTURE_H
#define USHER_TESTS_TABLE_FIXTURE_H

#include "base/err.h"
#include "cache/layout.h"
#include "cache/rights.h"
#include "cache/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BITS     200
#define WORDS    BITSET_WORDS(BITS)
#define NOW      INT64_C(1800000000000)
#define MAX_AGE  INT64_C(86400000)
#define CSN      "20260102030405.123456Z#000000#000#000000"
#define UNSET    12345
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

static inline int on_setup(void **state)
{
    (void)state;
    strcpy(place.directory, "/tmp/usher-table-XXXXXX");
    if (mkdtemp(place.directory) == NULL)
        return -1;
    (void)snprintf(place.path, sizeof(place.path), "%s/rights", place.directory);
    return 0;
}

static inline int on_teardown(void **state)
{
    char other[64];

    (void)state;
    (void)snprintf(other, sizeof(other), "%s.new", place.path);
    (void)unlink(other);
    (void)unlink(place.path);
    return rmdir(place.directory);
}

/* A profile that grants and denies these bits; lists end with -1. */
static inline void put_profile(struct table *table, uint32_t number, const int *granted,
                               const int *denied)
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

static inline void put_permission(struct table *table, unsigned bit, const char *id,
                                  const char *channel, bool factor, int requires)
{
    const struct permission permission = {
        .bit = bit, .channel = slice_of(channel), .factor = factor, .requires = requires};

    assert_int_equal(table_put_permission(table, &permission, slice_of(id)), 0);
}

static inline void put_catalogue(struct table *table)
{
    for (size_t i = 0; i < CATALOGUE_COUNT; i++)
        put_permission(table, catalogue[i].bit, catalogue[i].id, catalogue[i].channel,
                       catalogue[i].factor, catalogue[i].requires);
}

static const struct table_record member = {true, true, INT64_MIN, INT64_MAX, 0, false};

static inline int put_record(struct table *table, const char *organization, const char *uid,
                             struct table_record record)
{
    return table_put_record(table, slice_of(organization), slice_of(uid), &record);
}

static inline struct table_record with_profile(uint32_t profile)
{
    struct table_record record = member;

    record.profile = profile;
    return record;
}

static inline struct table *create(uint64_t records)
{
    const struct table_size size = {records, 16, BITS};
    struct table *table = NULL;

    assert_int_equal(table_create(place.path, size, NO_GROUP, &table), 0);
    return table;
}

/* A published, fresh table with the catalogue and acme. */
static inline struct table *create_published(uint64_t records)
{
    struct table *table = create(records);

    put_catalogue(table);
    assert_int_equal(table_put_organization(table, slice_of("acme"), true), 0);
    table_fresh(table, slice_of(CSN), MAX_AGE);
    assert_int_equal(table_publish(table), 0);
    return table;
}

static inline struct rights *open_rights(void)
{
    struct rights *rights = NULL;

    assert_int_equal(rights_open(place.path, &rights), 0);
    return rights;
}

static inline int ask_full(const struct rights *rights, const char *organization, const char *uid,
                           const char *text, int64_t now_ms, struct decision *ret)
{
    struct query query;

    assert_int_equal(query_parse(slice_of(text), &query), 0);
    return rights_check(rights, slice_of(organization), slice_of(uid), &query, now_ms, ret);
}

static inline int ask(const struct rights *rights, const char *organization, const char *uid,
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

/* The people that the table of answers is about. Profile 1 grants much, 2 little, 3 (the
 * platform's) what 2 leaves open, 4 denies ticket:read.
 * - alice: in acme and in gone, profile 1.
 * - bob: in acme, profile 2; platform.
 * - carol: platform only.
 * - dave: in acme, the person inactive. gina: the same, platform only.
 * - erin: in acme, the membership inactive. judy: the same, and platform.
 * - frank: in acme from NOW on, for an hour.
 * - hugo: in acme, without a profile.
 * - ivan: in acme, profile 4; platform.
 * - kim: in closed only, which is inactive.
 * - leo: in late only, an organization that is never put. */
static inline void put_people(struct table *table)
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

static inline void check_answers(const struct rights *rights)
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

/* The header of the file at the path, to be changed behind everybody's back. */
static inline struct layout_header *map_header(void)
{
    int fd = open(place.path, O_RDWR | O_CLOEXEC);
    void *map = mmap(NULL, LAYOUT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    assert_true(fd >= 0 && map != MAP_FAILED);
    (void)close(fd);
    return map;
}

static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

#endif
