/* SPDX-License-Identifier: BSD-2-Clause
 *
 * client_find at a real slapd, which knows paging: every entry comes once, over many pages, with
 * its values behind its DN; callbacks end the walk; errors are the server's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/client.h"
#include "slapd_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERMISSIONS 1203 /* more than two pages of any size that client_find may use */
#define FOLDER      "ou=permissions," SLAPD_BASE

struct gathered {
    unsigned entries, values;
    unsigned seen[PERMISSIONS];
    bool in_entry;
    unsigned stop_at; /* entries; 0: never */
};

static int on_entry(void *context, struct slice dn)
{
    struct gathered *gathered = context;

    assert_true(dn.len > 0 && memmem(dn.data, dn.len, FOLDER, strlen(FOLDER)) != NULL);
    gathered->in_entry = true;
    gathered->entries++;
    return gathered->entries == gathered->stop_at ? E_CANCELED : 0;
}

static int on_value(void *context, struct slice name, struct slice value)
{
    struct gathered *gathered = context;
    char *text = slice_dup(value);
    unsigned number = 0;

    assert_true(gathered->in_entry);
    assert_true(slice_equal_fold(name, slice_of("cn")));
    if (sscanf(text, "many:p%u", &number) == 1 && number < PERMISSIONS)
        gathered->seen[number]++;
    gathered->values++;
    free(text);
    return 0;
}

static struct slapd_fixture slapd;

static int start(void **state)
{
    size_t size = PERMISSIONS * 160, len;
    char *ldif = mem_alloc(size);

    (void)state;
    len = (size_t)snprintf(ldif, size,
                           "dn: " FOLDER "\nobjectClass: organizationalUnit\nou: permissions\n\n");
    for (unsigned i = 0; i < PERMISSIONS; i++)
        len += (size_t)snprintf(ldif + len, size - len,
                                "dn: cn=many:p%u," FOLDER "\nobjectClass: usherPermission\n"
                                "cn: many:p%u\nusherChannel: %s\n\n",
                                i, i, i % 3 == 0 ? "app" : "web");
    slapd_setup(&slapd, false, ldif);
    free(ldif);
    return 0;
}

static int end(void **state)
{
    (void)state;
    slapd_teardown(&slapd);
    return 0;
}

static int find(const char *base, int scope, const char *attribute, const char *value,
                struct gathered *gathered)
{
    static const char *const asked[] = {"cn", NULL};
    struct slice text = slice_of(value);
    const struct client_search search = {
        .base = slice_of(base),
        .scope = scope,
        .attribute = slice_of(attribute),
        .value = value != NULL ? &text : NULL,
        .attributes = asked,
        .on_entry = on_entry,
        .on_value = on_value,
        .context = gathered,
    };
    struct client *client = NULL;
    int rc = client_open(slapd.uri, clock_monotonic_ms() + 60000, &client);

    assert_int_equal(rc, 0);
    assert_int_equal(client_bind_external(client), 0);
    rc = client_find(client, &search);
    client_close(client);
    return rc;
}

static void test_pages(void **state)
{
    static const struct {
        int scope;
        const char *attribute, *value;
        unsigned step; /* each so many'th is found */
        unsigned others;
    } rows[] = {
        {1, "cn", NULL, 1, 0},
        {2, "objectClass", "usherPermission", 1, 0},
        {1, "usherChannel", "app", 3, 0},
        {2, "cn", "many:p7", PERMISSIONS, 7},
        {1, "cn", "nothing:here", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gathered gathered = {0};

        assert_int_equal(find(FOLDER, rows[i].scope, rows[i].attribute, rows[i].value, &gathered),
                         0);
        for (unsigned j = 0; j < PERMISSIONS; j++)
            assert_int_equal(gathered.seen[j],
                             rows[i].step > 0 && j % rows[i].step == rows[i].others % rows[i].step);
        assert_int_equal(gathered.entries, gathered.values);
    }
}

static void test_ended(void **state)
{
    struct gathered gathered = {.stop_at = 600};

    (void)state;
    assert_int_equal(find(FOLDER, 1, "cn", NULL, &gathered), E_CANCELED);
    assert_int_equal(gathered.entries, 600);
}

static void test_errors(void **state)
{
    struct gathered gathered = {0};

    (void)state;
    assert_int_equal(find("ou=nowhere," SLAPD_BASE, 1, "cn", NULL, &gathered), E_NOTFOUND);
    assert_int_equal(find("no dn", 1, "cn", NULL, &gathered), E_SYNTAX);
    assert_int_equal(gathered.entries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, start, end);
}
