/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rights_check against its floor: a bare open-addressing table in shared memory, the same keys and
 * the same hash, that gives a profile whose bit is tested: no windows, no organizations, no
 * catalogue, no writer. Both answer the same questions in the same order, turn about, in one run;
 * the ratio of the medians is what counts (DESIGN 13: at most 1.5, and 50 ns more where the
 * permission is given as a string, as it is here: rights_check finds it in the catalogue each
 * time).
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/key.h"
#include "cache/rights.h"
#include "cache/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS      9
#define RATIO_MAX   1.5
#define STRING_NS   50
#define QUESTIONS   1000000
#define PROFILES    200
#define PERMISSIONS 80
#define MEMBERS     100 /* of each organization */
#define SEED        UINT64_C(0x9e3779b97f4a7c15)

struct person {
    char organization[32];
    char uid[32];
};

struct bare_slot {
    uint64_t key[2];
    uint32_t profile;
    uint32_t spare[3];
};

struct bare {
    struct bare_slot *slots;
    uint64_t mask;
    uint64_t granted[PROFILES][BITSET_WORDS(PERMISSIONS)];
};

struct bench {
    size_t members;
    struct person *asked; /* QUESTIONS of them, in the order of asking */
    struct bare bare;
    struct rights *rights;
    struct query queries[PERMISSIONS];
    char ids[PERMISSIONS][32];
};

static uint64_t random_state = 88172645463325252U;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void must(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "bench_rights: %s: %s\n", what, err_text(err));
    exit(2);
}

static struct person person_of(size_t number)
{
    struct person person;

    memset(&person, 0, sizeof(person));
    (void)snprintf(person.organization, sizeof(person.organization), "org%zu", number / MEMBERS);
    (void)snprintf(person.uid, sizeof(person.uid), "user.%zu", number);
    return person;
}

static struct layout_key bare_key(const struct person *person)
{
    char text[256]; /* more than needed, for the compiler to see that hashing stays inside */
    size_t organization_len = strlen(person->organization), uid_len = strlen(person->uid);

    memcpy(text, person->organization, organization_len + 1);
    memcpy(text + organization_len + 1, person->uid, uid_len);
    return key_of_bytes(text, organization_len + 1 + uid_len, SEED);
}

static struct bare_slot *bare_find(const struct bare *bare, const struct person *person)
{
    struct layout_key key = bare_key(person);
    uint64_t at = key.word[0] & bare->mask;

    while (bare->slots[at].key[0] != 0 &&
           (bare->slots[at].key[0] != key.word[0] || bare->slots[at].key[1] != key.word[1]))
        at = (at + 1) & bare->mask;
    return &bare->slots[at];
}

static bool bare_check(const struct bare *bare, const struct person *person, unsigned bit)
{
    const struct bare_slot *slot = bare_find(bare, person);

    return slot->key[0] != 0 && bitset_get(bare->granted[slot->profile], bit);
}

static void bare_fill(struct bare *bare, size_t members)
{
    uint64_t slots = 2;

    while (slots < members * 5 / 3)
        slots *= 2;
    bare->mask = slots - 1;
    bare->slots = mmap(NULL, slots * sizeof(*bare->slots), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bare->slots == MAP_FAILED)
        must(E_NOMEM, "mmap");
    for (size_t i = 0; i < members; i++) {
        struct person person = person_of(i);
        struct bare_slot *slot = bare_find(bare, &person);
        struct layout_key key = bare_key(&person);

        memcpy(slot->key, key.word, sizeof(slot->key));
        slot->profile = (uint32_t)(i % PROFILES);
    }
}

static void bench_fill(struct bench *bench, struct table *table)
{
    size_t organizations = (bench->members + MEMBERS - 1) / MEMBERS;
    uint64_t denied[BITSET_WORDS(PERMISSIONS)] = {0};

    for (unsigned i = 0; i < PERMISSIONS; i++) {
        struct permission permission = {.bit = i, .requires = REQUIRES_NOTHING};

        (void)snprintf(bench->ids[i], sizeof(bench->ids[i]), "section.part-%u:update", i);
        must(query_parse(slice_of(bench->ids[i]), &bench->queries[i]), "query");
        must(table_put_permission(table, &permission, slice_of(bench->ids[i])), "permission");
    }
    for (uint32_t i = 0; i < PROFILES; i++) {
        struct profile profile = {.words = BITSET_WORDS(PERMISSIONS)};

        for (unsigned bit = 0; bit < PERMISSIONS; bit++)
            if ((bit + i) % 2 == 0)
                bitset_set(bench->bare.granted[i], bit);
        profile.bits = (struct profile_bits){bench->bare.granted[i], denied};
        must(table_put_profile(table, i, &profile), "profile");
    }
    for (size_t i = 0; i < organizations; i++) {
        struct person person = person_of(i * MEMBERS);

        must(table_put_organization(table, slice_of(person.organization), true), "organization");
    }
    for (size_t i = 0; i < bench->members; i++) {
        struct person person = person_of(i);
        struct table_record record = {true, true, INT64_MIN, INT64_MAX, (uint32_t)(i % PROFILES),
                                      false};

        must(table_put_record(table, slice_of(person.organization), slice_of(person.uid), &record),
             "record");
    }
    table_fresh(table, slice_of("20260101000000.000000Z#000000#000#000000"), INT64_C(86400000));
}

static double since_ns(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec)) /
           QUESTIONS;
}

/* Which permission question i is about: of every two one allowed and one not said, or allowed only.
 */
static unsigned bit_of(const struct bench *bench, size_t i, bool allowed)
{
    size_t number = strtoul(bench->asked[i].uid + 5, NULL, 10);
    unsigned bit = (unsigned)(i * 7 % PERMISSIONS);

    return !allowed || (bit + number % PROFILES) % 2 == 0 ? bit : (bit + 1) % PERMISSIONS;
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Runs both, turn about; prints medians and their ratio. */
static void bench_measure(struct bench *bench, bool allowed, const char *name)
{
    double bare_ns[ROUNDS], rights_ns[ROUNDS];
    unsigned char *bits = mem_alloc(QUESTIONS);
    size_t bare_yes, rights_yes;

    for (size_t i = 0; i < QUESTIONS; i++)
        bits[i] = (unsigned char)bit_of(bench, i, allowed);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t now_ms = clock_now_ms();
        struct timespec start;

        bare_yes = rights_yes = 0;
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        for (size_t i = 0; i < QUESTIONS; i++)
            bare_yes += bare_check(&bench->bare, &bench->asked[i], bits[i]);
        bare_ns[round] = since_ns(&start);
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        for (size_t i = 0; i < QUESTIONS; i++) {
            struct decision decision;

            rights_yes += rights_check(bench->rights, slice_of(bench->asked[i].organization),
                                       slice_of(bench->asked[i].uid), &bench->queries[bits[i]],
                                       now_ms, &decision) == 0;
        }
        rights_ns[round] = since_ns(&start);
        if (bare_yes != rights_yes)
            must(E_INTERNAL, "the two disagree");
    }
    qsort(bare_ns, ROUNDS, sizeof(double), compare_double);
    qsort(rights_ns, ROUNDS, sizeof(double), compare_double);
    printf("%8zu memberships, %-12s bare hash %6.1f ns, rights_check %6.1f ns, ratio %.2f, "
           "allowed %6.1f ns: %s\n",
           bench->members, name, bare_ns[ROUNDS / 2], rights_ns[ROUNDS / 2],
           rights_ns[ROUNDS / 2] / bare_ns[ROUNDS / 2], bare_ns[ROUNDS / 2] * RATIO_MAX + STRING_NS,
           rights_ns[ROUNDS / 2] <= bare_ns[ROUNDS / 2] * RATIO_MAX + STRING_NS ? "met" : "missed");
    free(bits);
}

static void bench_run(size_t members, const char *path)
{
    size_t organizations = (members + MEMBERS - 1) / MEMBERS;
    struct table_size size = {members + organizations, PROFILES, PERMISSIONS};
    struct bench *bench = mem_alloc(sizeof(*bench));
    struct layout layout;
    struct table *table = NULL;

    bench->members = members;
    must(table_create(path, size, (gid_t)-1, &table), "table_create");
    bench_fill(bench, table);
    bare_fill(&bench->bare, members);
    must(table_publish(table), "table_publish");
    must(rights_open(path, &bench->rights), "rights_open");
    bench->asked = mem_array(QUESTIONS, sizeof(*bench->asked));
    for (size_t i = 0; i < QUESTIONS; i++)
        bench->asked[i] = person_of(random_next() % members);
    bench_measure(bench, true, "allowed");
    bench_measure(bench, false, "half denied");
    must(layout_plan(size.records, size.profiles, size.bits, &layout), "layout_plan");
    printf("%8zu memberships, file %.1f bytes a membership\n", members,
           (double)layout.file_size / (double)members);
    rights_close(bench->rights);
    table_close(table);
    (void)munmap(bench->bare.slots, (bench->bare.mask + 1) * sizeof(*bench->bare.slots));
    free(bench->asked);
    free(bench);
}

int main(void)
{
    static const size_t sizes[] = {10000, 1000000};
    char directory[] = "/tmp/usher-bench-XXXXXX";
    char path[64];

    if (mkdtemp(directory) == NULL)
        must(E_IO, "mkdtemp");
    (void)snprintf(path, sizeof(path), "%s/rights", directory);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        bench_run(sizes[i], path);
    (void)unlink(path);
    (void)rmdir(directory);
    return 0;
}
