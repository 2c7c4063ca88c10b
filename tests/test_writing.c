/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The writing half against time: no torn answer while four threads read what one writer turns over,
 * nor after the writer was killed at any moment; the next one repairs what it left.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "table_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define FLIPS   200000
#define KILLS   200
#define READERS 4

/* What the flips never show in any one state, but half of two would. Each of these questions is
 * denied before and after each step, and allowed in a mixture:
 * - far:update needs far:read; the profile grants the one or the other, in different cache lines.
 * - ticket:read: the record is open with a silent profile, or shut with a granting one.
 * - order:read: the profile grants it only while no record names that profile.
 * - order:read@payment/card: the profile grants it unscoped while that scope denies it, or neither;
 *   ticket:read@payment/card: the page of that scope becomes another's, which it grants.
 * - ticket:scan: its channel is one long word or another; asked for one that begins as the one and
 *   ends as the other.
 * ticket:update stays allowed throughout. */
#define AS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BS "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { FLIP_PROFILE, FLIP_SILENT = 2, FLIP_GRANT, FLIP_A, FLIP_B, FLIP_SCOPED, FLIP_PAGE };

static void flip_scopes(struct table *table, bool card)
{
    const struct said states[2][2] = {
        {{NULL, FLIP_SCOPED, LIST(), LIST()},
         {"payment/cash", FLIP_PAGE, LIST(PLAIN, OTHER), LIST()}},
        {{NULL, FLIP_SCOPED, LIST(OTHER), LIST()},
         {"payment/card", FLIP_PAGE, LIST(), LIST(PLAIN, OTHER)}},
    };
    static const char *const gone[2][2] = {{"payment/card", NULL}, {"payment/cash", NULL}};

    assert_int_equal(put_scoped(table, states[card], 2, NULL, gone[card]), 0);
}

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
    flip_scopes(table, false);
    assert_int_equal(put_record(table, "acme", "dora", with_profile(FLIP_SCOPED)), 0);
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
    flip_scopes(table, i % 2);
    if (i % 64 == 0)
        assert_int_equal(put_organization(table, "acme", true), 0);
}

static const struct {
    const char *uid, *query;
    int result;
} flip_answers[] = {
    {"alice", "far:update", E_DENIED},
    {"bob", "ticket:read", E_DENIED},
    {"carol", "order:read", E_DENIED},
    {"alice", "ticket:scan;channel=" AS BS, E_DENIED},
    {"dora", "order:read@payment/card", E_DENIED},
    {"dora", "ticket:read@payment/card", E_DENIED},
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
    const struct layout_size size = {16, 32, BITS, 32};
    int fd;

    assert_int_equal(layout_plan(&size, &remains->layout), 0);
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
        if (slots[i].sequence != 0 && (slots[i].state & SLOT_NAME) == 0)
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
    assert_int_equal(remove_record(remains.table, "acme", "alice"), 0);
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
        if (i % 3 == 0 && remove_record(table, "acme", uid) != 0)
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
    assert_true(used.records <= KILLS * 16 + 7);
    for (unsigned i = 0; i < KILLS * 16; i++) {
        char uid[32];

        (void)snprintf(uid, sizeof(uid), "user.%u.%u", i / 16, i % 16);
        assert_int_equal(put_record(table, "acme", uid, with_profile(FLIP_PROFILE)), 0);
        assert_int_equal(ask(rights, "acme", uid, "ticket:update"), 0);
    }
    table_room(table, &used, &size);
    assert_int_equal(used.records, KILLS * 16 + 7);
    rights_status(rights, &status);
    assert_int_equal(status.records, KILLS * 16 + 4);
    rights_close(rights);
    table_close(table);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_left_new_record, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_left_odd, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_killed_writer, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
