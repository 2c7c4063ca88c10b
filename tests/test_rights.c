/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reading half against files that no writer made: other boots and formats, cut files, each byte
 * changed, noise. Any answer will do, so long as one comes and nothing is touched outside the file.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "table_answers.h"

#define SEEDS 1000

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
    assert_int_equal(
        table_create(place.path, (struct table_size){16, 16, 9000, 16}, NO_GROUP, &table), E_LIMIT);
    assert_int_equal(
        table_create("/nonexistent/rights", (struct table_size){16, 16, 16, 16}, NO_GROUP, &table),
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
    struct table *table = create_published(64);
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

/* Four ways of ruin: noise everywhere; noise behind a good header; words of a good file replaced by
 * small, odd or huge numbers, which lead deeper; every record in its first writing. */
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_foreign, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_single_bytes, on_setup, on_teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, on_setup, on_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
