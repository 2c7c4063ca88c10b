/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a change at the store to the new answer, at usherd over Compare and in this process through
 * libusher: one membership (deactivated and back) and the role crew, which 10,000 memberships hold
 * (its grant taken away and given back), the latter until the last of its holders has the new
 * answer. The clock runs from sending the modify, so the store's own write to disk is in it. What
 * came after the store's answer is printed beside it: next to nothing where slapd told its
 * followers first.
 *
 * usage: bench_change STORE-URI USHERD-SOCKET RIGHTS PEOPLE/ORGANIZATIONS [ROUNDS]
 */
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "client/usher.h"
#include "measure.h"

#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS       200
#define ROLE_ROUNDS  20
#define ROUND_MAX_US 20e6
#define ASK_EVERY_US 50 /* between two questions, to leave the processors to the others */

struct bench {
    LDAP *store;
    struct client *usherd;
    struct usher *usher;
    struct usher_permission *permission; /* BENCH_CREW */
    struct person_name holders[CREW_HOLDERS];
    size_t holder_count;
    size_t busy; /* answers that were neither yes nor no */
};

/* Whether a holder may, as somebody says: 0, E_DENIED, or E_BUSY where a record stays half written,
 * its writer preempted. */
typedef int asker(struct bench *bench, const struct person_name *name);

/* One change and its opposite. */
struct change {
    const char *name;
    const char *dn;
    const char *attribute;
    const char *value[2]; /* without, then with the right; NULL: the attribute is taken away */
    asker *ask;
    size_t readers; /* how many of the holders must have the new answer */
    int rounds;
    double median_ms, p99_ms; /* DESIGN 13; 0: no target */
};

static LDAP *store_open(const char *uri)
{
    LDAP *ld = NULL;
    struct berval empty = {0, (char *)(uintptr_t) ""};
    int version = LDAP_VERSION3;

    if (ldap_initialize(&ld, uri) != LDAP_SUCCESS)
        die("%s is no URI", uri);
    (void)ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    if (ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &empty, NULL, NULL, NULL) != LDAP_SUCCESS)
        die("cannot bind at the store");
    return ld;
}

static int ask_usherd(struct bench *bench, const struct person_name *name)
{
    int rc;

    client_deadline(bench->usherd, clock_monotonic_ms() + 5000);
    rc = client_check(bench->usherd, slice_of(BENCH_BASE), slice_of(name->organization),
                      slice_of(name->uid), slice_of(BENCH_CREW));
    if (rc != 0 && rc != E_DENIED && rc != E_BUSY)
        die("usherd does not answer: %s, %s", err_text(rc), client_text(bench->usherd));
    return rc;
}

static int ask_process(struct bench *bench, const struct person_name *name)
{
    int rc = usher_permission_check(bench->usher, name->organization, name->uid, bench->permission);

    if (rc != 0 && rc != E_DENIED && rc != E_BUSY)
        die("no answer in process: %s", usher_strerror(rc));
    return rc;
}

static void modify(struct bench *bench, const struct change *change, bool give)
{
    char *values[] = {(char *)(uintptr_t)change->value[give], NULL};
    LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE,
                   .mod_type = (char *)(uintptr_t)change->attribute,
                   .mod_values = values[0] != NULL ? values : NULL};
    LDAPMod *mods[] = {&mod, NULL};
    int rc = ldap_modify_ext_s(bench->store, change->dn, mods, NULL, NULL);

    if (rc != LDAP_SUCCESS)
        die("the store refuses to change %s: %s", change->dn, ldap_err2string(rc));
}

/* Until the last reader has the new answer. */
static void await(struct bench *bench, const struct change *change, bool give)
{
    double start = now_us();

    for (size_t i = 0; i < change->readers;) {
        int rc = change->ask(bench, &bench->holders[i]);

        if (rc == (give ? 0 : E_DENIED)) {
            i++;
            continue;
        }
        bench->busy += rc == E_BUSY;
        if (now_us() - start > ROUND_MAX_US)
            die("%s: the new answer does not come", change->name);
        pause_us(ASK_EVERY_US);
    }
}

static void row_print(const char *change, const char *what, struct samples *samples)
{
    printf("%-42s %-24s ", change, what);
    samples_print(samples, 1, "ms");
    printf("\n");
}

static void target_print(const struct change *change, struct samples *answer_ms)
{
    bool met = samples_median(answer_ms) <= change->median_ms &&
               samples_part(answer_ms, 0.99) <= change->p99_ms;

    printf("%-42s target: at most %.0f ms at the median, %.0f ms at p99: %s\n", "",
           change->median_ms, change->p99_ms, met ? "met" : "missed");
}

static void measure_change(struct bench *bench, const struct change *change)
{
    struct samples answer_ms = {0}, modify_ms = {0}, after_ms = {0};

    for (int i = 0; i < change->rounds; i++) {
        bool give = i % 2 == 1;
        double start = now_us(), changed, seen;

        modify(bench, change, give);
        changed = now_us();
        await(bench, change, give);
        seen = now_us();
        samples_add(&answer_ms, (seen - start) / 1e3);
        samples_add(&modify_ms, (changed - start) / 1e3);
        samples_add(&after_ms, (seen - changed) / 1e3);
        pause_us(2000);
    }
    row_print(change->name, "to the new answer", &answer_ms);
    row_print("", "of that the modify", &modify_ms);
    row_print("", "after the store's answer", &after_ms);
    target_print(change, &answer_ms);
    if (bench->busy > 0)
        printf("%-42s asked again because of \"busy\": %zu times\n", "", bench->busy);
    bench->busy = 0;
    samples_clear(&answer_ms);
    samples_clear(&modify_ms);
    samples_clear(&after_ms);
}

static void bench_open(struct bench *bench, char **argv)
{
    struct usher_options options = {.uri = argv[2], .rights = argv[3]};
    struct people people = people_parse(argv[4]);
    char uri[256];
    size_t used = (size_t)snprintf(uri, sizeof(uri), "ldapi://");

    for (const char *at = argv[2]; *at != '\0' && used < sizeof(uri) - 4; at++)
        used += (size_t)snprintf(uri + used, sizeof(uri) - used, *at == '/' ? "%%2F" : "%c", *at);
    bench->holder_count = crew_names(&people, bench->holders);
    bench->store = store_open(argv[1]);
    if (client_open(uri, clock_monotonic_ms() + 5000, &bench->usherd) != 0)
        die("cannot connect to %s", argv[2]);
    if (usher_open(&options, &bench->usher) != 0 ||
        usher_permission_resolve(BENCH_CREW, &bench->permission) != 0)
        die("cannot use libusher");
}

static void bench_close(struct bench *bench)
{
    usher_permission_free(bench->permission);
    usher_close(bench->usher);
    client_close(bench->usherd);
    (void)ldap_unbind_ext_s(bench->store, NULL, NULL);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *member = bench.holders[0].dn;
    const char *crew[] = {"+nothing:read", "+" BENCH_CREW};
    char role[64];
    int rounds;

    if (argc < 5) {
        fputs("usage: bench_change STORE-URI USHERD-SOCKET RIGHTS PEOPLE/ORGANIZATIONS [ROUNDS]\n",
              stderr);
        return 2;
    }
    bench_open(&bench, argv);
    rounds = argc > 5 ? atoi(argv[5]) : ROUNDS;
    (void)snprintf(role, sizeof(role), "a role of %zu, to the last, in process",
                   bench.holder_count);
    const struct change changes[] = {
        {"one membership, in process",
         member,
         "usherActive",
         {"FALSE", NULL},
         ask_process,
         1,
         rounds,
         3,
         20},
        {"one membership, over Compare",
         member,
         "usherActive",
         {"FALSE", NULL},
         ask_usherd,
         1,
         rounds,
         3,
         20},
        {role,
         CREW_DN,
         "usherGrant",
         {crew[0], crew[1]},
         ask_process,
         bench.holder_count,
         ROLE_ROUNDS,
         1000,
         1000},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        measure_change(&bench, &changes[i]);
    bench_close(&bench);
    return 0;
}
