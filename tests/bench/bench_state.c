/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What changes cost the cache's state: a first fill, one membership, one group joined, a role held
 * by 10,000 (with shared profiles, and with a profile each), and opening a filled cache. Prints
 * medians; asserts nothing. Arguments: memberships (100000) and a directory on the disk to measure.
 */
#include "cache/state.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BASE          "dc=example,dc=org"
#define BATCH         10000 /* entries put in one transaction */
#define SHARED        10000 /* memberships that hold role shared */
#define ORGANIZATIONS 100
#define PERMISSIONS   150
#define ROUNDS        200

#define VALUES_MAX 8

struct put {
    char dn[256];
    struct attribute attributes[8];
    struct slice values[8][VALUES_MAX];
    char text[8][VALUES_MAX][128];
    size_t count;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(err));
    exit(1);
}

static void put_value(struct put *put, const char *name, const char *text)
{
    struct attribute *attribute = NULL;
    size_t row, column;

    for (row = 0; row < put->count; row++)
        if (slice_is(put->attributes[row].name, name))
            attribute = &put->attributes[row];
    if (attribute == NULL) {
        attribute = &put->attributes[put->count++];
        *attribute = (struct attribute){.name = slice_of(name)};
    }
    row = (size_t)(attribute - put->attributes);
    column = attribute->value_count++;
    (void)snprintf(put->text[row][column], sizeof(put->text[row][column]), "%s", text);
    put->values[row][column] = slice_of(put->text[row][column]);
    attribute->values = put->values[row];
}

static void put_format(struct put *put, const char *name, const char *format, unsigned number)
{
    char text[128];

    (void)snprintf(text, sizeof(text), format, number);
    put_value(put, name, text);
}

static void put_send(struct state *state, struct put *put, unsigned kind, unsigned number)
{
    uint8_t uuid[STATE_UUID] = {(uint8_t)kind};

    /* In the order of creation, as slapd's are. */
    memcpy(uuid + 12, (uint8_t[]){number >> 24, number >> 16, number >> 8, number}, 4);
    check(state_put(state, uuid, slice_of(put->dn), put->attributes, put->count), put->dn);
    put->count = 0;
}

static void put_permission(struct state *state, struct put *put, unsigned i)
{
    (void)snprintf(put->dn, sizeof(put->dn), "cn=thing%u:%s,ou=permissions," BASE, i / 5,
                   (const char *[]){"read", "create", "update", "delete", "search"}[i % 5]);
    put_value(put, "objectClass", "usherPermission");
    put_send(state, put, 1, i);
}

static void put_role(struct state *state, struct put *put, unsigned i, unsigned grants)
{
    (void)snprintf(put->dn, sizeof(put->dn), "cn=role%u,ou=roles," BASE, i);
    put_value(put, "objectClass", "usherRole");
    for (unsigned j = 0; j < grants; j++)
        put_format(put, "usherGrant", "+thing%u:*", (i * 3 + j) % (PERMISSIONS / 5));
    if (i % 2 == 1)
        put_format(put, "usherInclude", "cn=role%u,ou=roles," BASE, i - 1);
    put_send(state, put, 2, i);
}

static void put_organization(struct state *state, struct put *put, unsigned i)
{
    (void)snprintf(put->dn, sizeof(put->dn), "o=org%u," BASE, i);
    put_value(put, "objectClass", "organization");
    put_value(put, "objectClass", "usherOrganization");
    put_send(state, put, 3, i);
}

static void put_person(struct state *state, struct put *put, unsigned i)
{
    (void)snprintf(put->dn, sizeof(put->dn), "uid=user%u,ou=people," BASE, i);
    put_value(put, "objectClass", "inetOrgPerson");
    put_value(put, "objectClass", "usherPerson");
    put_send(state, put, 4, i);
}

static unsigned organization_of(unsigned i)
{
    return i / SHARED % 2 == 0 && i < 2 * SHARED ? 0 : i % ORGANIZATIONS;
}

/* The first SHARED hold role10 alone, the next role9 with a grant of their own each. */
static void put_membership(struct state *state, struct put *put, unsigned i, unsigned grant)
{
    (void)snprintf(put->dn, sizeof(put->dn), "cn=user%u,ou=members,o=org%u," BASE, i,
                   organization_of(i));
    put_value(put, "objectClass", "usherMembership");
    put_format(put, "usherMember", "uid=user%u,ou=people," BASE, i);
    put_format(put, "usherRole", "cn=role%u,ou=roles," BASE,
               i < SHARED       ? 10
               : i < 2 * SHARED ? 9
                                : i % 8);
    if (i >= SHARED && i < 2 * SHARED)
        put_format(put, "usherGrant", "+own%u:read", i);
    if (grant > 0)
        put_format(put, "usherGrant", "-thing%u:delete", grant % 30);
    put_send(state, put, 5, i);
}

static void put_group(struct state *state, struct put *put, unsigned joined)
{
    (void)snprintf(put->dn, sizeof(put->dn), "cn=group,ou=groups,o=org1," BASE);
    put_value(put, "objectClass", "usherGroup");
    put_value(put, "usherGrant", "+thing1:read");
    if (joined % 2 == 1)
        put_format(put, "member", "uid=user%u,ou=people," BASE, 2 * SHARED + 1);
    put_send(state, put, 6, 0);
}

static void next_batch(struct state *state)
{
    check(state_commit(state), "commit");
    check(state_begin(state), "begin");
}

static void fill(struct state *state, struct put *put, unsigned memberships)
{
    double start = now_s(), compute, end;

    check(state_begin(state), "begin");
    check(state_refresh_begin(state), "refresh");
    for (unsigned i = 0; i < PERMISSIONS; i++)
        put_permission(state, put, i);
    for (unsigned i = 0; i < 11; i++)
        put_role(state, put, i, 3);
    for (unsigned i = 0; i < ORGANIZATIONS; i++)
        put_organization(state, put, i);
    for (unsigned i = 0; i < memberships; i++) {
        put_person(state, put, i);
        if (i % BATCH == BATCH - 1)
            next_batch(state);
    }
    for (unsigned i = 0; i < memberships; i++) {
        put_membership(state, put, i, 0);
        if (i % BATCH == BATCH - 1)
            next_batch(state);
    }
    compute = now_s();
    check(state_refresh_end(state), "refresh end");
    check(state_refresh_done(state), "refresh done");
    check(state_commit(state), "commit");
    end = now_s();
    printf("first fill: %u memberships with their people in %.2f s (puts %.2f, compute and publish "
           "%.2f): %.0f memberships/s, %.0f entries/s\n",
           memberships, end - start, compute - start, end - compute, memberships / (end - start),
           2 * memberships / (end - start));
    end = now_s();
    state_fresh(state, slice_of("csn"));
    printf("made durable in %.2f s, after the first answer\n", now_s() - end);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

typedef void change(struct state *state, struct put *put, unsigned round);

static void change_membership(struct state *state, struct put *put, unsigned round)
{
    put_membership(state, put, 2 * SHARED + 7, 1 + round);
}

static void change_person(struct state *state, struct put *put, unsigned round)
{
    (void)snprintf(put->dn, sizeof(put->dn), "uid=user77,ou=people," BASE);
    put_value(put, "objectClass", "usherPerson");
    put_value(put, "usherActive", round % 2 == 0 ? "FALSE" : "TRUE");
    put_send(state, put, 4, 77);
}

static void change_nothing(struct state *state, struct put *put, unsigned round)
{
    (void)round;
    put_person(state, put, 78);
}

static void change_shared(struct state *state, struct put *put, unsigned round)
{
    put_role(state, put, 10, 3 + round % 2);
}

static void change_own(struct state *state, struct put *put, unsigned round)
{
    put_role(state, put, 9, 3 + round % 2);
}

static void change_group(struct state *state, struct put *put, unsigned round)
{
    put_group(state, put, round);
}

static void measure(struct state *state, struct put *put, const char *name, change *go,
                    unsigned rounds)
{
    double times[ROUNDS];

    for (unsigned i = 0; i < rounds; i++) {
        double start = now_s();

        check(state_begin(state), "begin");
        go(state, put, i);
        check(state_commit(state), "commit");
        times[i] = now_s() - start;
    }
    qsort(times, rounds, sizeof(times[0]), by_size);
    printf("%-44s median %8.3f ms, p99 %8.3f ms\n", name, times[rounds / 2] * 1e3,
           times[rounds * 99 / 100] * 1e3);
}

static void report(struct state *state, const char *directory)
{
    struct state_counts counts;
    struct stat status;
    char path[300];

    check(state_count(state, &counts), "count");
    printf("%llu profiles, %llu records", (unsigned long long)counts.profiles,
           (unsigned long long)counts.memberships);
    (void)snprintf(path, sizeof(path), "%s/rights", directory);
    if (stat(path, &status) == 0)
        printf("; rights %.0f bytes a membership",
               (double)status.st_size / (double)counts.memberships);
    (void)snprintf(path, sizeof(path), "%s/state/data.mdb", directory);
    if (stat(path, &status) == 0)
        printf("; state %.0f bytes", (double)status.st_size / (double)counts.memberships);
    printf("\n");
}

int main(int argc, char **argv)
{
    unsigned memberships = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    char directory[] = "/tmp/usher-bench-XXXXXX";
    struct state_options options = {.base = slice_of(BASE),
                                    .max_age_ms = 60000,
                                    .gid = (gid_t)-1,
                                    .directory = argc > 2 ? argv[2] : mkdtemp(directory)};
    struct put *put = calloc(1, sizeof(*put));
    struct state *state = NULL;
    double start;

    if (put == NULL || options.directory == NULL)
        return 1;
    check(state_open(&options, &state), "open");
    fill(state, put, memberships < 2 * SHARED + 100 ? 2 * SHARED + 100 : memberships);
    report(state, options.directory);
    measure(state, put, "nothing that matters", change_nothing, ROUNDS);
    measure(state, put, "one membership", change_membership, ROUNDS);
    measure(state, put, "one person deactivated or back", change_person, ROUNDS);
    measure(state, put, "a group joined or left", change_group, ROUNDS);
    measure(state, put, "a role held by 10,000, one profile", change_shared, ROUNDS);
    measure(state, put, "a role held by 10,000, a profile each", change_own, 20);
    state_close(state);
    start = now_s();
    check(state_open(&options, &state), "open");
    printf("opened again in %.1f ms\n", (now_s() - start) * 1e3);
    state_close(state);
    printf("left in %s\n", options.directory);
    free(put);
    return 0;
}
