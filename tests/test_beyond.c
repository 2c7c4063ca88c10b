/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bounds that no test of their own file exceeds: what is at the bound is taken, what lies beyond it
 * is refused, with words where there are any. tests/bounds.tsv says for each bound of the sources
 * which test exceeds it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/db.h"
#include "cache/entry.h"
#include "cache/key.h"
#include "cache/layout.h"
#include "cache/problem.h"
#include "cache/record.h"
#include "client/address.h"
#include "client/usher.h"
#include "client/wire.h"
#include "embed/base_dn.h"
#include "ldap/dn.h"
#include "ldap/exop.h"
#include "letters.h"
#include "model/catalogue.h"
#include "model/decide.h"
#include "store/pool.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static void a_secret(void **state)
{
    struct secret secret = {0};
    char *text = letters(SECRET_MAX + 1);

    (void)state;
    assert_int_equal(secret_set(&secret, text, SECRET_MAX), 0);
    assert_int_equal(secret_set(&secret, text, SECRET_MAX + 1), E_LIMIT);
    assert_int_equal(secret.len, 0);
    secret_clear(&secret);
    free(text);
}

static void text_in_the_log(void **state)
{
    char quoted[LOG_QUOTE_MAX], *text = letters(LOG_QUOTE_MAX * 20);

    (void)state;
    assert_true(strlen(log_quote(slice_of(text), quoted)) < LOG_QUOTE_MAX);
    assert_string_equal(quoted + strlen(quoted) - 4, "...\"");
    free(text);
    text = letters(4000); /* longer than a line of the log */
    log_info("%s", text);
    free(text);
}

static void parts_of_an_rdn(void **state)
{
    char text[256] = "", buf[DN_MAX];
    struct slice dn;

    (void)state;
    for (int i = 0; i < 16; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sa%d=1",
                       i > 0 ? "+" : "", i);
    assert_int_equal(dn_normalize(slice_of(text), buf, &dn), 0);
    strcat(text, "+b=1");
    assert_int_equal(dn_normalize(slice_of(text), buf, &dn), E_LIMIT);
}

static void steps_of_an_answer(void **state)
{
    static char bytes[] = {0x30, 8, 2, 1, 0, 2, 1, 9, 0x30, 0, 'Z'};
    struct explain_response response;

    (void)state;
    assert_int_equal(explain_response_decode((struct slice){bytes, 10}, NULL, NULL, &response), 0);
    bytes[7] = 10;
    assert_int_equal(explain_response_decode((struct slice){bytes, 10}, NULL, NULL, &response),
                     E_PROTO);
}

static void defects_of_an_answer(void **state)
{
    struct doctor_response response = {.count = DOCTOR_DEFECTS_MAX + 1};
    struct buffer out = {0};

    (void)state;
    response.defects = mem_array(response.count, sizeof(*response.defects));
    assert_int_equal(doctor_response_encode(&response, &out), E_LIMIT);
    assert_int_equal(out.len, 0);
    response.count--;
    assert_int_equal(doctor_response_encode(&response, &out), 0);
    buffer_clear(&out);
    free((void *)response.defects);
}

/* A chain of usherRequires: the permission of each bit requires that of the next. */
static int on_permission(void *context, unsigned bit, struct permission *ret)
{
    const unsigned *last = context;

    *ret =
        (struct permission){.bit = bit, .requires = bit < *last ? (int)bit + 1 : REQUIRES_NOTHING};
    return 0;
}

static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    (void)context;
    (void)bit;
    (void)scope;
    return kind == MEMBERSHIP_OWN ? VERDICT_GRANT : VERDICT_SILENT;
}

static void a_chain_of_requirements(void **state)
{
    unsigned last;
    const struct decide_source source = {&last, on_verdict, on_permission};
    const struct query query = {.permission = slice_of("a:b")};
    const struct permission permission = {.bit = 0, .requires = 1};
    const struct subject subject = {.organization_known = true,
                                    .organization_active = true,
                                    .person_known = true,
                                    .person_active = true,
                                    .membership = {[MEMBERSHIP_OWN] = WINDOW_ALWAYS}};

    (void)state;
    last = 64;
    assert_int_equal(decide(&query, &permission, &subject, &source, 0).result, 0);
    last = 65;
    assert_int_equal(decide(&query, &permission, &subject, &source, 0).result, E_DENIED);
}

static void sizes_of_a_table(void **state)
{
    static const struct layout_size beyond[] = {
        {.records = (uint64_t)LAYOUT_RECORDS_MAX + 1},
        {.profiles = (uint64_t)LAYOUT_PROFILES_MAX + 1},
        {.people = (uint64_t)LAYOUT_PEOPLE_MAX + 1},
        {.bits = CATALOGUE_MAX + 1},
        {.records = UINT64_MAX},
        {.people = UINT64_MAX},
    };
    const struct layout_size most = {LAYOUT_RECORDS_MAX, LAYOUT_PROFILES_MAX, CATALOGUE_MAX,
                                     LAYOUT_PEOPLE_MAX};
    struct layout layout;

    (void)state;
    assert_int_equal(layout_plan(&most, &layout), 0);
    for (size_t i = 0; i < COUNT(beyond); i++)
        assert_int_equal(layout_plan(&beyond[i], &layout), E_LIMIT);
}

static void values_of_an_entry(void **state)
{
    static const uint8_t secret[ID_SECRET];
    char *text = letters(ENTRY_VALUE_MAX + 1);
    const struct entry_reader reader = {slice_of("dc=x"), secret};
    struct slice *values = mem_array(ENTRY_VALUES_MAX + 1, sizeof(*values));
    struct attribute attribute = {
        .name = slice_of("usherGrant"), .values = values, .value_count = 2};
    struct arena *arena = arena_new();
    struct entry entry;

    (void)state;
    values[0] = (struct slice){text, ENTRY_VALUE_MAX};
    for (size_t i = 1; i < ENTRY_FAULTS_MAX + 9; i++)
        values[i] = (struct slice){text, ENTRY_VALUE_MAX + 1};
    assert_int_equal(entry_read(&reader, slice_of("o=a,dc=x"), &attribute, 1, arena, &entry), 0);
    assert_int_equal(entry.lists[ENTRY_GRANTS].count, 1);
    assert_int_equal(entry.lists[ENTRY_FAULTS].count, 1);
    assert_int_equal(entry.lists[ENTRY_FAULTS].values[0].len, 1 + ENTRY_FAULT_MAX);
    attribute.value_count = ENTRY_FAULTS_MAX + 9;
    assert_int_equal(entry_read(&reader, slice_of("o=a,dc=x"), &attribute, 1, arena, &entry), 0);
    assert_int_equal(entry.lists[ENTRY_FAULTS].count, ENTRY_FAULTS_MAX);
    attribute.value_count = ENTRY_VALUES_MAX + 1;
    assert_int_equal(entry_read(&reader, slice_of("o=a,dc=x"), &attribute, 1, arena, &entry),
                     E_LIMIT);
    arena_free(arena);
    free(values);
    free(text);
}

static void on_told(void *context, struct slice dn, const char *text)
{
    char *to = context;

    (void)dn;
    (void)snprintf(to, 256, "%s", text);
}

static void defects_told(void **state)
{
    char told[256] = "", dn[32];
    struct problems *problems = problems_new(on_told, told);

    (void)state;
    for (int i = 0; i < PROBLEMS_MAX + 10; i++) {
        (void)snprintf(dn, sizeof(dn), "cn=%d", i);
        if (i == PROBLEMS_MAX - 1)
            assert_false(problems_full(problems));
        problem_tell(problems, slice_of(dn), "is odd", (struct slice){0});
    }
    assert_true(problems_full(problems));
    assert_string_not_equal(told, "is odd"); /* the last one says that there are more */
    problems_free(problems);
}

static void names(void **state)
{
    char *name = letters(64), buf[TODO_MAX];
    const struct slice each[NAMES_MAX] = {{name, 64}, {name, 64}, {name, 64}};
    struct slice joined = names_join(each, buf), again[NAMES_MAX];
    char four[] = "a\0b\0c\0d";

    (void)state;
    assert_int_equal(names_split(joined, again), NAMES_MAX);
    assert_int_equal(names_split((struct slice){four, 7}, again), 0);
    free(name);
    name = letters(65);
    assert_true(key_name_valid((struct slice){name, 64}));
    assert_false(key_name_valid((struct slice){name, 65}));
    free(name);
}

static void addresses(void **state)
{
    char uri[160];
    struct address address;

    (void)state;
    (void)snprintf(uri, sizeof(uri), "ldap://%0*d", 64, 1);
    assert_int_equal(address_parse(uri, &address), E_SYNTAX);
    assert_int_equal(address_parse("ldap://127.0.0.1:389", &address), 0);
}

static void questions(void **state)
{
    char *name = letters(257), *query = letters(600);
    const struct usher_options options = {.uri = "/nowhere", .base = "dc=x", .rights = ""};
    struct usher *usher = NULL;

    (void)state;
    assert_int_equal(usher_open(&options, &usher), 0);
    assert_int_equal(usher_check(usher, name, "a", "a:b"), USHER_LIMIT);
    assert_int_equal(usher_check(usher, "a", name, "a:b"), USHER_LIMIT);
    assert_int_equal(usher_check(usher, "a", "a", query), USHER_LIMIT);
    name[256] = '\0';
    assert_int_not_equal(usher_check(usher, name, name, "a:b"), USHER_LIMIT);
    usher_close(usher);
    free(name);
    free(query);
}

static void a_response(void **state)
{
    static const unsigned char header[] = {0x30, 0x83, 0x10, 0x00, 0x00};
    struct wire wire = {.deadline_ms = clock_monotonic_ms() + 60000};
    char *bytes;
    size_t len;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    wire.fd = ends[0];
    assert_int_equal(write(ends[1], header, sizeof(header)), sizeof(header));
    assert_int_equal(wire_receive(&wire, &bytes, &len), E_LIMIT);
    assert_int_equal(wire.fd, -1);
    close(ends[1]);
}

static void connections_to_the_store(void **state)
{
    struct store_options options = {.uri = "ldapi://%2Fnowhere", .connections = 1};
    struct store *store = NULL;

    (void)state;
    options.login_connections = STORE_CONNECTIONS_MAX + 1;
    assert_int_equal(store_open(&options, &store), E_CONF);
    options.login_connections = 1;
    options.connections = STORE_CONNECTIONS_MAX + 1;
    assert_int_equal(store_open(&options, &store), E_CONF);
}

static void a_base(void **state)
{
    char text[BASE_DN_MAX + 2] = "o=";
    struct base_dn base;

    (void)state;
    memset(text + 2, 'a', BASE_DN_MAX - 3);
    assert_int_equal(base_dn_parse(text, &base), 0);
    memset(text + 2, 'a', BASE_DN_MAX - 2);
    assert_int_equal(base_dn_parse(text, &base), E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret),
        cmocka_unit_test(text_in_the_log),
        cmocka_unit_test(parts_of_an_rdn),
        cmocka_unit_test(steps_of_an_answer),
        cmocka_unit_test(defects_of_an_answer),
        cmocka_unit_test(a_chain_of_requirements),
        cmocka_unit_test(sizes_of_a_table),
        cmocka_unit_test(values_of_an_entry),
        cmocka_unit_test(defects_told),
        cmocka_unit_test(names),
        cmocka_unit_test(addresses),
        cmocka_unit_test(questions),
        cmocka_unit_test(a_response),
        cmocka_unit_test(connections_to_the_store),
        cmocka_unit_test(a_base),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
