/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reader over a damaged rights table. The input is a list of changes to a valid table: a letter
 * (what is done to a word), which word (two bytes), eight bytes of value. Whatever was done, every
 * question is answered with one of the answers that there are, and no byte outside the file is
 * read. An input that begins with "F" is the file itself.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../table_fixture.h"
#include "fuzz.h"

#define RECORDS    64
#define CHANGE_LEN 11

static struct {
    uint64_t *words; /* the valid file */
    size_t count;
    size_t *used; /* those that are not zero */
    size_t used_count;
} valid;

static void fill(struct table *table)
{
    const struct said said[] = {
        {NULL, 1, (const int[]){PLAIN, FACTOR, FAR, -1}, (const int[]){APP, -1}},
        {"event/acme/hamlet", 2, (const int[]){EDIT, -1}, (const int[]){PLAIN, -1}},
        {"event/acme/*", 3, (const int[]){APP, -1}, (const int[]){-1}},
        {"event/*", 4, (const int[]){OTHER, -1}, (const int[]){-1}},
        {"payment/7", 5, (const int[]){NEEDS, -1}, (const int[]){-1}},
        {"payment/*", 6, (const int[]){NEEDS_FAR, -1}, (const int[]){-1}},
    };
    static const char *const settings[] = {"event-scope=specific", "shared-events=read-only", NULL};
    struct table_organization organization = {.active = true, .primary = slice_of("acme")};

    assert_int_equal(put_scoped(table, said, sizeof(said) / sizeof(said[0]), settings, NULL), 0);
    assert_int_equal(table_put_organization(table, slice_of("other"), &organization), 0);
    assert_int_equal(put_organization(table, LAYOUT_PLATFORM, true), 0);
    assert_int_equal(put_record(table, "acme", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, "other", "alice", with_profile(1)), 0);
    assert_int_equal(put_record(table, LAYOUT_PLATFORM, "bob", with_profile(1)), 0);
    put_event(table, "acme", "hamlet", INT64_MIN, INT64_MAX);
    assert_int_equal(put_guest(table, "acme", "hamlet", "alice", with_profile(1)), 0);
}

static void make_valid(void)
{
    struct table *table;
    struct stat stat;
    FILE *in;

    (void)snprintf(place.path, sizeof(place.path), "%s/rights", fuzz_folder());
    table = create_published(RECORDS);
    fill(table);
    table_close(table);
    in = fopen(place.path, "rb");
    HOLDS(in != NULL && fstat(fileno(in), &stat) == 0);
    valid.count = (size_t)stat.st_size / sizeof(uint64_t);
    valid.words = calloc(valid.count, sizeof(uint64_t));
    valid.used = calloc(valid.count, sizeof(size_t));
    HOLDS(fread(valid.words, sizeof(uint64_t), valid.count, in) == valid.count && fclose(in) == 0);
    for (size_t i = 0; i < valid.count; i++)
        if (valid.words[i] != 0)
            valid.used[valid.used_count++] = i;
}

static void change(uint64_t *words, const uint8_t bytes[CHANGE_LEN])
{
    size_t at = (size_t)bytes[1] << 8 | bytes[2];
    uint64_t value;

    at = bytes[0] & 1 ? valid.used[at % valid.used_count] : at % valid.count;
    memcpy(&value, bytes + 3, sizeof(value));
    switch (bytes[0] >> 1 & 3) {
    case 0:
        words[at] = value;
        break;
    case 1:
        words[at] += value;
        break;
    case 2:
        words[at] ^= UINT64_C(1) << value % 64;
        break;
    default:
        words[at] = words[value % valid.count];
    }
}

static void ask_all(const struct rights *rights)
{
    static const char *const organizations[] = {"acme", "other", LAYOUT_PLATFORM, "nobody"};
    static const char *const people[] = {"alice", "bob", "carol"};
    static const char *const queries[] = {
        "ticket:read",
        "ticket:scan;channel=app",
        "ticket:delete;factor=totp",
        "ticket:update",
        "circle.a:go",
        "ticket:edit@event/acme/hamlet",
        "order:read@event/none",
        "ticket:update@payment/7",
        "far:update@payment/8",
    };
    struct decision decision;
    struct query query;

    for (size_t i = 0; i < sizeof(organizations) / sizeof(organizations[0]); i++)
        for (size_t j = 0; j < sizeof(people) / sizeof(people[0]); j++)
            for (size_t k = 0; k < sizeof(queries) / sizeof(queries[0]); k++) {
                int rc;

                HOLDS(query_parse(slice_of(queries[k]), &query) == 0);
                rc = rights_check(rights, slice_of(organizations[i]), slice_of(people[j]), &query,
                                  NOW, &decision);
                HOLDS(rc == E_STALE || rc == E_BUSY || rc == E_PROTO || rc == decision.result);
                HOLDS(rc <= 0);
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rights_status status;
    struct rights *rights = NULL;
    uint64_t *words;

    if (valid.words == NULL)
        make_valid();
    if (size > 0 && data[0] == 'F') {
        (void)fuzz_file("damaged", data + 1, size - 1);
    } else {
        words = malloc(valid.count * sizeof(uint64_t));
        HOLDS(words != NULL);
        memcpy(words, valid.words, valid.count * sizeof(uint64_t));
        for (size_t at = 0; at + CHANGE_LEN <= size; at += CHANGE_LEN)
            change(words, data + at);
        (void)fuzz_file("damaged", words, valid.count * sizeof(uint64_t));
        free(words);
    }
    (void)snprintf(place.path, sizeof(place.path), "%s/damaged", fuzz_folder());
    if (rights_open(place.path, &rights) == 0) {
        ask_all(rights);
        rights_status(rights, &status);
        HOLDS(memchr(status.csn, '\0', sizeof(status.csn)) != NULL);
        (void)rights_replaced(rights);
    }
    rights_close(rights);
    return 0;
}
