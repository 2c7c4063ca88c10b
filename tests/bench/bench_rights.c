/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A check in the caller's process against its floor: a bare open-addressing table in shared memory,
 * the same keys and the same hash, that gives a profile whose bit is tested: no windows, no
 * organizations, no catalogue, no writer, no clock. All answer the same questions in the same
 * order, turn about in short turns, in one run; the ratio of the medians is what counts (DESIGN 13:
 * at most 1.5, and 50 ns more where the permission is given as a string). What counts is the
 * processor time of the thread: what else the machine does in between is not the question.
 * usher_check and usher_permission_check are measured as a program calls them; rights_check is the
 * part of both that reads the table, its query parsed before. Beside it the same questions about an
 * object that the profile names, about one that it does not, and about an event: at most three
 * times an unscoped one.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/key.h"
#include "cache/rights.h"
#include "cache/table.h"
#include "client/usher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS      9
#define RATIO_MAX   1.5
#define STRING_NS   50
#define SCOPED_MAX  3
#define SCOPES      2 /* of each profile */
#define QUESTIONS   1000000
#define TURN        100000 /* questions */
#define TURNS       (ROUNDS * (QUESTIONS / TURN))
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
    struct table *table;
    struct rights *rights;
    struct usher *usher;
    struct query queries[PERMISSIONS];
    struct usher_permission *permissions[PERMISSIONS];
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

/* A profile with its scopes, which say the same, on the pages behind all profiles. */
static void profile_fill(struct table *table, uint32_t number, const struct profile_bits *bits)
{
    struct profile_scope scopes[SCOPES];
    struct profile profile = {
        .words = BITSET_WORDS(PERMISSIONS), .bits = *bits, .scopes = scopes, .scope_count = SCOPES};
    const uint32_t pages[SCOPES] = {PROFILES + number * SCOPES, PROFILES + number * SCOPES + 1};
    const struct table_scopes change = {.pages = pages};

    for (size_t i = 0; i < SCOPES; i++)
        scopes[i].bits = *bits;
    must(scope_parse(slice_of("payment/card"), &scopes[0].scope), "scope");
    must(scope_parse(slice_of("event/*"), &scopes[1].scope), "scope");
    must(table_put_profile(table, number, &profile, &change), "profile");
}

static void bench_fill(struct bench *bench, struct table *table)
{
    const struct window always = WINDOW_ALWAYS;
    size_t organizations = (bench->members + MEMBERS - 1) / MEMBERS;
    uint64_t denied[BITSET_WORDS(PERMISSIONS)] = {0};
    const struct table_organization active = {.active = true};
    const struct slice no_event = {0};

    for (unsigned i = 0; i < PERMISSIONS; i++) {
        struct permission permission = {.bit = i, .requires = REQUIRES_NOTHING};

        (void)snprintf(bench->ids[i], sizeof(bench->ids[i]), "section.part-%u:update", i);
        must(query_parse(slice_of(bench->ids[i]), &bench->queries[i]), "query");
        must(usher_permission_resolve(bench->ids[i], &bench->permissions[i]), "resolve");
        must(table_put_permission(table, &permission, slice_of(bench->ids[i])), "permission");
    }
    for (uint32_t i = 0; i < PROFILES; i++) {
        for (unsigned bit = 0; bit < PERMISSIONS; bit++)
            if ((bit + i) % 2 == 0)
                bitset_set(bench->bare.granted[i], bit);
        profile_fill(table, i, &(struct profile_bits){bench->bare.granted[i], denied});
    }
    for (size_t i = 0; i < organizations; i++) {
        struct person person = person_of(i * MEMBERS);

        must(table_put_organization(table, slice_of(person.organization), &active), "organization");
        must(table_put_event(table, slice_of(person.organization), slice_of("gala"), &always),
             "event");
    }
    for (size_t i = 0; i < bench->members; i++) {
        struct person person = person_of(i);
        struct table_record record = {true, true, INT64_MIN, INT64_MAX, (uint32_t)(i % PROFILES)};

        must(table_put_record(table, slice_of(person.organization), no_event, slice_of(person.uid),
                              &record),
             "record");
        must(table_put_person(table, slice_of(person.uid), true), "person");
    }
    table_fresh(table, slice_of("20260101000000.000000Z#000000#000#000000"), INT64_C(86400000));
}

/* Processor time of this thread. */
static double spent_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
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

/* Each answers question i about permission bit. */
static bool by_bare(struct bench *bench, size_t i, unsigned bit)
{
    return bare_check(&bench->bare, &bench->asked[i], bit);
}

static bool by_rights(struct bench *bench, size_t i, unsigned bit)
{
    const struct person *person = &bench->asked[i];
    struct decision decision;

    return rights_check(bench->rights, slice_of(person->organization), slice_of(person->uid),
                        &bench->queries[bit], clock_coarse_ms(), &decision) == 0;
}

static bool by_permission(struct bench *bench, size_t i, unsigned bit)
{
    const struct person *person = &bench->asked[i];

    return usher_permission_check(bench->usher, person->organization, person->uid,
                                  bench->permissions[bit]) == 0;
}

static bool by_text(struct bench *bench, size_t i, unsigned bit)
{
    const struct person *person = &bench->asked[i];

    return usher_check(bench->usher, person->organization, person->uid, bench->ids[bit]) == 0;
}

enum { BARE, RIGHTS, PERMISSION, TEXT, WAYS };

static const struct way {
    const char *name;
    bool (*check)(struct bench *bench, size_t i, unsigned bit);
    double more_ns; /* allowed above RATIO_MAX */
    bool target;
} ways[WAYS] = {
    {"bare hash", by_bare, 0, false},
    {"rights_check", by_rights, 0, false},
    {"usher_permission_check", by_permission, 0, true},
    {"usher_check (string)", by_text, STRING_NS, true},
};

/* ns for each question of the turn; how many were answered yes. */
static double way_run(struct bench *bench, const struct way *way, const unsigned char *bits,
                      size_t first, size_t *ret_yes)
{
    double start;
    size_t yes = 0;

    table_beat(bench->table); /* else readers look whether the file is still the one at its path */
    start = spent_ns();
    for (size_t i = first; i < first + TURN; i++)
        yes += way->check(bench, i, bits[i]);
    *ret_yes = yes;
    return (spent_ns() - start) / TURN;
}

static void way_print(const struct bench *bench, const char *name, int i, double ns[WAYS][TURNS])
{
    double median = ns[i][TURNS / 2], bare = ns[BARE][TURNS / 2];
    double allowed = bare * RATIO_MAX + ways[i].more_ns;

    printf("%8zu memberships, %-12s %-24s %6.1f ns, ratio %.2f", bench->members, name, ways[i].name,
           median, median / bare);
    if (ways[i].target)
        printf(", allowed %6.1f ns: %s", allowed, median <= allowed ? "met" : "missed");
    printf("\n");
}

/* Runs all, turn about; prints medians and their ratios. */
static void bench_measure(struct bench *bench, bool allowed, const char *name)
{
    unsigned char *bits = mem_alloc(QUESTIONS);
    double ns[WAYS][TURNS];
    size_t yes[WAYS];

    for (size_t i = 0; i < QUESTIONS; i++)
        bits[i] = (unsigned char)bit_of(bench, i, allowed);
    for (size_t turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < WAYS; i++) {
            ns[i][turn] = way_run(bench, &ways[i], bits, turn * TURN % QUESTIONS, &yes[i]);
            if (yes[i] != yes[BARE])
                must(E_INTERNAL, "they disagree");
        }
    for (int i = 0; i < WAYS; i++)
        qsort(ns[i], TURNS, sizeof(double), compare_double);
    for (int i = 0; i < WAYS; i++)
        way_print(bench, name, i, ns);
    free(bits);
}

/* The questions that are allowed, about this object; ns for each. */
static double scoped_ns(const struct bench *bench, const struct scope *scope)
{
    int64_t now_ms = clock_now_ms();
    double start = spent_ns();
    size_t yes = 0;

    for (size_t i = 0; i < QUESTIONS; i++) {
        struct query query = bench->queries[bit_of(bench, i, true)];
        struct decision decision;

        query.scope = *scope;
        yes += rights_check(bench->rights, slice_of(bench->asked[i].organization),
                            slice_of(bench->asked[i].uid), &query, now_ms, &decision) == 0;
    }
    if (yes != QUESTIONS)
        must(E_INTERNAL, "an object is refused");
    return (spent_ns() - start) / QUESTIONS;
}

static void bench_scoped(const struct bench *bench)
{
    static const char *const objects[] = {"", "payment/card", "giftcard/7", "event/gala"};
    enum { OBJECTS = sizeof(objects) / sizeof(objects[0]) };
    double ns[OBJECTS][ROUNDS];
    struct scope scopes[OBJECTS] = {0};

    for (size_t i = 1; i < OBJECTS; i++)
        must(scope_parse(slice_of(objects[i]), &scopes[i]), "scope");
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < OBJECTS; i++)
            ns[i][round] = scoped_ns(bench, &scopes[i]);
    for (size_t i = 0; i < OBJECTS; i++)
        qsort(ns[i], ROUNDS, sizeof(double), compare_double);
    for (size_t i = 1; i < OBJECTS; i++) {
        double ratio = ns[i][ROUNDS / 2] / ns[0][ROUNDS / 2];

        printf(
            "%8zu memberships, @%-13s rights_check %6.1f ns, unscoped %6.1f ns, ratio %.2f: %s\n",
            bench->members, objects[i], ns[i][ROUNDS / 2], ns[0][ROUNDS / 2], ratio,
            ratio <= SCOPED_MAX ? "met" : "missed");
    }
}

static void bench_run(size_t members, const char *path)
{
    size_t organizations = (members + MEMBERS - 1) / MEMBERS;
    uint64_t records = members + 2 * organizations + PROFILES * SCOPES;
    struct table_size size = {TABLE_ROOM(records), TABLE_ROOM(PROFILES * (1 + SCOPES)), PERMISSIONS,
                              TABLE_ROOM(members)};
    const struct layout_size sizes = {size.records, size.profiles, size.bits, size.people};
    struct bench *bench = mem_alloc(sizeof(*bench));
    const struct usher_options options = {.uri = "/nowhere/ldapi", .rights = path};
    struct layout layout;

    bench->members = members;
    must(table_create(path, size, (gid_t)-1, &bench->table), "table_create");
    bench_fill(bench, bench->table);
    bare_fill(&bench->bare, members);
    must(table_publish(bench->table), "table_publish");
    must(rights_open(path, &bench->rights), "rights_open");
    must(usher_open(&options, &bench->usher), "usher_open");
    bench->asked = mem_array(QUESTIONS, sizeof(*bench->asked));
    for (size_t i = 0; i < QUESTIONS; i++)
        bench->asked[i] = person_of(random_next() % members);
    bench_measure(bench, true, "allowed");
    bench_measure(bench, false, "half denied");
    bench_scoped(bench);
    must(layout_plan(&sizes, &layout), "layout_plan");
    printf("%8zu memberships, file %.1f bytes a membership\n", members,
           (double)layout.file_size / (double)members);
    for (unsigned i = 0; i < PERMISSIONS; i++)
        usher_permission_free(bench->permissions[i]);
    usher_close(bench->usher);
    rights_close(bench->rights);
    table_close(bench->table);
    (void)munmap(bench->bare.slots, (bench->bare.mask + 1) * sizeof(*bench->bare.slots));
    free(bench->asked);
    free(bench);
}

int main(int argc, char **argv)
{
    size_t members = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    char directory[] = "/tmp/usher-bench-XXXXXX";
    char path[64];

    if (mkdtemp(directory) == NULL)
        must(E_IO, "mkdtemp");
    (void)snprintf(path, sizeof(path), "%s/rights", directory);
    bench_run(members > 0 ? members : 1, path);
    (void)unlink(path);
    (void)rmdir(directory);
    return 0;
}
