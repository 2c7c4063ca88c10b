/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of the rights table share: a table in a directory of its own, a catalogue, and
 * what is put and asked in few words. To be included after cmocka's headers.
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
enum { PLAIN, APP, FACTOR, NEEDS, CIRCLE_A, CIRCLE_B, LOST, OTHER, EDIT, FAR = 190, NEEDS_FAR };

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
    {EDIT, "ticket:edit", "", false, REQUIRES_NOTHING},
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

/* What a profile says for one scope (NULL: unscoped), on this page; lists of bits end with -1. */
struct said {
    const char *scope;
    uint32_t page;
    const int *granted, *denied;
};

#define SAID_MAX 8

static inline void fill_said(const struct said *said, uint64_t bits[2][WORDS],
                             struct profile_bits *ret)
{
    for (const int *bit = said->granted; *bit >= 0; bit++)
        bitset_set(bits[0], (unsigned)*bit);
    for (const int *bit = said->denied; *bit >= 0; bit++)
        bitset_set(bits[1], (unsigned)*bit);
    *ret = (struct profile_bits){bits[0], bits[1]};
}

/* Puts a profile of several things said (the first unscoped, on its own page), with settings
 * ("name=value", up to a NULL), from which these scopes are gone (up to a NULL). */
static inline int put_scoped(struct table *table, const struct said *said, size_t count,
                             const char *const *settings, const char *const *gone)
{
    uint64_t bits[SAID_MAX][2][WORDS] = {0};
    struct profile_setting set[4];
    struct profile_scope scopes[SAID_MAX];
    struct scope gone_scopes[SAID_MAX];
    uint32_t pages[SAID_MAX];
    struct table_scopes change = {.pages = pages, .gone = gone_scopes};
    struct profile profile = {.words = WORDS, .scopes = scopes, .settings = set};

    fill_said(&said[0], bits[0], &profile.bits);
    for (size_t i = 1; i < count; i++) {
        struct profile_scope *scope = &scopes[profile.scope_count];

        assert_int_equal(scope_parse(slice_of(said[i].scope), &scope->scope), 0);
        fill_said(&said[i], bits[i], &scope->bits);
        pages[profile.scope_count++] = said[i].page;
    }
    for (; settings != NULL && settings[profile.setting_count] != NULL; profile.setting_count++)
        assert_int_equal(setting_parse(slice_of(settings[profile.setting_count]),
                                       &set[profile.setting_count].name,
                                       &set[profile.setting_count].value),
                         0);
    for (; gone != NULL && gone[change.gone_count] != NULL; change.gone_count++)
        assert_int_equal(
            scope_parse(slice_of(gone[change.gone_count]), &gone_scopes[change.gone_count]), 0);
    return table_put_profile(table, said[0].page, &profile, &change);
}

/* A profile that grants and denies these bits. */
static inline void put_profile(struct table *table, uint32_t number, const int *granted,
                               const int *denied)
{
    const struct said said = {NULL, number, granted, denied};

    assert_int_equal(put_scoped(table, &said, 1, NULL, NULL), 0);
}

#define LIST(...) ((const int[]){__VA_ARGS__ __VA_OPT__(, ) - 1})

static inline void put_permission(struct table *table, unsigned bit, const char *id,
                                  const char *channel, bool factor, int requires)
{
    const struct permission permission = {.bit = bit,
                                          .channel = slice_of(channel),
                                          .editing = bit == EDIT,
                                          .factor = factor,
                                          .requires = requires};

    assert_int_equal(table_put_permission(table, &permission, slice_of(id)), 0);
}

static inline void put_catalogue(struct table *table)
{
    for (size_t i = 0; i < CATALOGUE_COUNT; i++)
        put_permission(table, catalogue[i].bit, catalogue[i].id, catalogue[i].channel,
                       catalogue[i].factor, catalogue[i].requires);
}

static const struct table_record member = {true, true, INT64_MIN, INT64_MAX, 0};

static inline int put_record(struct table *table, const char *organization, const char *uid,
                             struct table_record record)
{
    return table_put_record(table, slice_of(organization), (struct slice){0}, slice_of(uid),
                            &record);
}

static inline int put_guest(struct table *table, const char *organization, const char *event,
                            const char *uid, struct table_record record)
{
    return table_put_record(table, slice_of(organization), slice_of(event), slice_of(uid), &record);
}

static inline int remove_record(struct table *table, const char *organization, const char *uid)
{
    return table_remove_record(table, slice_of(organization), (struct slice){0}, slice_of(uid));
}

static inline int put_organization(struct table *table, const char *name, bool active)
{
    const struct table_organization organization = {.active = active};

    return table_put_organization(table, slice_of(name), &organization);
}

static inline struct table_record with_profile(uint32_t profile)
{
    struct table_record record = member;

    record.profile = profile;
    return record;
}

static inline struct table *create(uint64_t records)
{
    const struct table_size size = {records, 32, BITS, 32};
    struct table *table = NULL;

    assert_int_equal(table_create(place.path, size, NO_GROUP, &table), 0);
    return table;
}

/* A published, fresh table with the catalogue and acme. */
static inline struct table *create_published(uint64_t records)
{
    struct table *table = create(records);

    put_catalogue(table);
    assert_int_equal(put_organization(table, "acme", true), 0);
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

static inline void put_event(struct table *table, const char *organization, const char *event,
                             int64_t not_before, int64_t not_after)
{
    const struct window window = {true, true, not_before, not_after};

    assert_int_equal(table_put_event(table, slice_of(organization), slice_of(event), &window), 0);
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
