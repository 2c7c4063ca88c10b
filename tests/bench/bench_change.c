/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a change at the store to the new answer: a role (its grant taken away and given back, which
 * touches everybody who holds it) and one membership (deactivated and back) are modified over
 * ldapi; Compare at usherd is asked over and over until the answer is the new one. The clock runs
 * from sending the modify, so the store's own write to disk is in it. What came after the store's
 * answer is printed beside it: next to nothing where slapd told its followers first.
 *
 * usage: bench_change STORE-URI USHERD-SOCKET PEOPLE [ROUNDS]
 */
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "measure.h"

#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS       200
#define ROUND_MAX_US 5e6
#define ASK_EVERY_US 50 /* between two questions, to leave the processors to the others */

/* DESIGN 13. */
#define TARGET_MEDIAN_MS 3.0
#define TARGET_P99_MS    20.0

struct bench {
    LDAP *store;
    struct client *usherd;
    struct person_name asked; /* holds bench.even */
};

/* One change and its opposite. */
struct change {
    const char *name;
    const char *dn;
    char *attribute;
    char *value[2]; /* without, then with the right; NULL: the attribute is taken away */
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

/* Whether the person may, as usherd says. */
static bool ask(struct bench *bench)
{
    int rc;

    client_deadline(bench->usherd, clock_monotonic_ms() + 5000);
    rc = client_check(bench->usherd, slice_of(BENCH_BASE), slice_of(bench->asked.organization),
                      slice_of(bench->asked.uid), slice_of(BENCH_EVEN));
    if (rc != 0 && rc != E_DENIED)
        die("usherd does not answer: %s, %s", err_text(rc), client_text(bench->usherd));
    return rc == 0;
}

static void modify(struct bench *bench, const struct change *change, bool give)
{
    char *values[] = {change->value[give], NULL};
    LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE,
                   .mod_type = change->attribute,
                   .mod_values = values[0] != NULL ? values : NULL};
    LDAPMod *mods[] = {&mod, NULL};
    int rc = ldap_modify_ext_s(bench->store, change->dn, mods, NULL, NULL);

    if (rc != LDAP_SUCCESS)
        die("the store refuses to change %s: %s", change->dn, ldap_err2string(rc));
}

static void row_print(const char *change, const char *what, struct samples *samples)
{
    printf("%-26s %-24s ", change, what);
    samples_print(samples, 1, "ms");
    printf("\n");
}

static void measure_change(struct bench *bench, const struct change *change, int rounds)
{
    struct samples answer_ms = {0}, modify_ms = {0}, after_ms = {0};
    double median, p99;

    for (int i = 0; i < rounds; i++) {
        bool give = i % 2 == 1;
        double start = now_us(), changed, seen;

        modify(bench, change, give);
        changed = now_us();
        while (ask(bench) != give) {
            if (now_us() - changed > ROUND_MAX_US)
                die("%s: the new answer does not come", change->name);
            pause_us(ASK_EVERY_US);
        }
        seen = now_us();
        samples_add(&answer_ms, (seen - start) / 1e3);
        samples_add(&modify_ms, (changed - start) / 1e3);
        samples_add(&after_ms, (seen - changed) / 1e3);
        pause_us(2000);
    }
    median = samples_median(&answer_ms);
    p99 = samples_part(&answer_ms, 0.99);
    row_print(change->name, "to the new answer", &answer_ms);
    row_print("", "of that the modify", &modify_ms);
    row_print("", "after the store's answer", &after_ms);
    printf("%-26s target: at most %.0f ms at the median, %.0f ms at p99: %s\n", "",
           TARGET_MEDIAN_MS, TARGET_P99_MS,
           median <= TARGET_MEDIAN_MS && p99 <= TARGET_P99_MS ? "met" : "missed");
    samples_clear(&answer_ms);
    samples_clear(&modify_ms);
    samples_clear(&after_ms);
}

int main(int argc, char **argv)
{
    char grant[] = "usherGrant", granted[] = "+" BENCH_EVEN, silent[] = "+bench-none:read";
    char active[] = "usherActive", no[] = "FALSE";
    struct bench bench = {.asked = person_name(0)};
    const struct change changes[] = {
        {"a role of half the people",
         "cn=bench.even,ou=roles," BENCH_BASE,
         grant,
         {silent, granted}},
        {"one membership", bench.asked.dn, active, {no, NULL}},
    };
    char uri[256];
    size_t used;
    int rounds;

    if (argc < 4) {
        fputs("usage: bench_change STORE-URI USHERD-SOCKET PEOPLE [ROUNDS]\n", stderr);
        return 2;
    }
    used = (size_t)snprintf(uri, sizeof(uri), "ldapi://");
    for (const char *at = argv[2]; *at != '\0' && used < sizeof(uri) - 4; at++)
        used += (size_t)snprintf(uri + used, sizeof(uri) - used, *at == '/' ? "%%2F" : "%c", *at);
    rounds = argc > 4 ? atoi(argv[4]) : ROUNDS;
    bench.store = store_open(argv[1]);
    if (client_open(uri, clock_monotonic_ms() + 5000, &bench.usherd) != 0)
        die("cannot connect to %s", argv[2]);
    printf("Change at the store to the new answer over Compare, %s people, %d rounds each\n",
           argv[3], rounds);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        measure_change(&bench, &changes[i], rounds);
    client_close(bench.usherd);
    (void)ldap_unbind_ext_s(bench.store, NULL, NULL);
    return 0;
}
