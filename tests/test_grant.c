/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Grants, scopes and queries: each production of the grammar of DESIGN 4, its borders, and what
 * must not parse. Texts are held in blocks of their exact size, so that a sanitizer sees a read
 * beyond the end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/grant.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NAME_64      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"

static struct slice exact(const char *text, size_t len)
{
    char *data = malloc(len > 0 ? len : 1);

    assert_non_null(data);
    memcpy(data, text, len);
    return (struct slice){.data = data, .len = len};
}

/* A parsed grant or query written again in one form, to be compared as text. */
static void scope_text(const struct scope *scope, char *text, size_t size)
{
    static const char *const kinds[] = {"none", "object", "type", "event", "organization", "all"};

    snprintf(text, size, "%s %.*s|%.*s|%.*s", kinds[scope->kind], SLICE_ARG(scope->type),
             SLICE_ARG(scope->organization), SLICE_ARG(scope->name));
}

static const struct {
    const char *text;
    const char *pattern; /* sign, resource or *, "below", action or * */
    const char *scope;
} grants[] = {
    {"+ticket:delete", "+ticket delete", "none ||"},
    {"-ticket:delete", "-ticket delete", "none ||"},
    {"+*", "+* *", "none ||"},
    {"-*", "-* *", "none ||"},
    {"+*:*", "+* *", "none ||"},
    {"+*:read", "+* read", "none ||"},
    {"+ticket:*", "+ticket *", "none ||"},
    {"+section.*:read", "+section below read", "none ||"},
    {"+section.users.*:*", "+section.users below *", "none ||"},
    {"+a.b.c:d", "+a.b.c d", "none ||"},
    {"+-:-", "+- -", "none ||"},
    {"+7-a.0:9-", "+7-a.0 9-", "none ||"},
    {"+*@event/hamlet", "+* *", "event ||hamlet"},
    {"+*@event/acme/hamlet", "+* *", "event |acme|hamlet"},
    {"+*@event/acme/*", "+* *", "organization |acme|"},
    {"-*@event/*", "-* *", "all ||"},
    {"+a:b@payment/Card_1.x-y", "+a b", "object payment||Card_1.x-y"},
    {"+a:b@payment/*", "+a b", "type payment||"},
    {"+a:b@events/hamlet", "+a b", "object events||hamlet"},
    {"+a:b@0/0", "+a b", "object 0||0"},
    {"+a:b@event/event", "+a b", "event ||event"},
    {"+a:b@event/" NAME_64, "+a b", "event ||" NAME_64},
    {"+a:b@event/" NAME_64 "/" NAME_64, "+a b", "event |" NAME_64 "|" NAME_64},
};

static void test_grant(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(grants); i++) {
        struct slice text = exact(grants[i].text, strlen(grants[i].text));
        char pattern[300], scope[300];
        struct grant grant;

        if (grant_parse(text, &grant) != 0)
            fail_msg("does not parse: %s", grants[i].text);
        snprintf(pattern, sizeof(pattern), "%c%.*s%s%s %.*s%s", grant.denial ? '-' : '+',
                 SLICE_ARG(grant.resource), grant.any_resource ? "*" : "",
                 grant.below_resource ? " below" : "", SLICE_ARG(grant.action),
                 grant.any_action ? "*" : "");
        scope_text(&grant.scope, scope, sizeof(scope));
        assert_string_equal(pattern, grants[i].pattern);
        assert_string_equal(scope, grants[i].scope);
        free((void *)text.data);
    }
}

static const char *const not_grants[] = {
    "",
    "+",
    "-",
    "ticket:delete",
    "++ticket:delete",
    " +ticket:delete",
    "+ticket:delete ",
    "+ticket",
    "+ticket:",
    "+:delete",
    "+:",
    "+ticket:delete:x",
    "+ticket::delete",
    "+Ticket:delete",
    "+ticket:Delete",
    "+tick_et:delete",
    "+ticket/delete",
    "+t\xc3\xa9:read",
    "+.a:b",
    "+a.:b",
    "+a..b:c",
    "+a:b.c",
    "+a.b:c.*",
    "+.*:b",
    "+*.a:b",
    "+*.*:b",
    "+a.*b:c",
    "+a.*.*:b",
    "+a.*.b:c",
    "+a*:b",
    "+*a:b",
    "+a:b*",
    "+a:**",
    "+**",
    "+*:",
    "+a.*",
    "+.",
    "+a:b@",
    "+a:b@@",
    "+a:b@event",
    "+a:b@event/",
    "+a:b@/hamlet",
    "+a:b@event//",
    "+a:b@event//x",
    "+a:b@event/a/",
    "+a:b@event/a/b/",
    "+a:b@event/a/b/c",
    "+a:b@event/a/*/",
    "+a:b@event/*/b",
    "+a:b@event/*/*",
    "+a:b@event/*x",
    "+a:b@event/x*",
    "+a:b@event/**",
    "+a:b@payment/a/b",
    "+a:b@payment/a/*",
    "+a:b@Payment/a",
    "+a:b@pay_ment/a",
    "+a:b@pay.ment/a",
    "+a:b@*/a",
    "+a:b@*",
    "+a:b@payment/a b",
    "+a:b@payment/a,b",
    "+a:b@payment/caf\xc3\xa9",
    "+a:b@event/a@event/b",
    "+a:b;channel=app",
    "+*@",
    "+*;",
    "+*:*@event/hamlet;factor=totp",
    "+a:b@event/" NAME_64 "x",
    "+a:b@event/" NAME_64 "x/y",
    "+a:b@event/y/" NAME_64 "x",
    "+a:b@payment/" NAME_64 "x",
    "+a:b\n",
    "\n+a:b",
    "+a:b@event/\t",
};

static void test_not_grant(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(not_grants); i++) {
        struct slice text = exact(not_grants[i], strlen(not_grants[i]));
        struct grant grant, before;

        memset(&grant, 0x5a, sizeof(grant));
        before = grant;
        if (grant_parse(text, &grant) != E_SYNTAX)
            fail_msg("parses: %s", not_grants[i]);
        assert_memory_equal(&grant, &before, sizeof(grant));
        free((void *)text.data);
    }
}

static const struct {
    const char *text;
    const char *permission;
    const char *scope;
    const char *channel;
    enum factor factor;
} queries[] = {
    {"ticket:read", "ticket:read", "none ||", "", FACTOR_ABSENT},
    {"-a:b", "-a:b", "none ||", "", FACTOR_ABSENT}, /* a label may start so */
    {"a.b.c:d", "a.b.c:d", "none ||", "", FACTOR_ABSENT},
    {"a:b@event/hamlet", "a:b", "event ||hamlet", "", FACTOR_ABSENT},
    {"a:b@event/Acme/Hamlet", "a:b", "event |Acme|Hamlet", "", FACTOR_ABSENT},
    {"a:b@payment/card", "a:b", "object payment||card", "", FACTOR_ABSENT},
    {"a:b;channel=app", "a:b", "none ||", "app", FACTOR_ABSENT},
    {"a:b;channel=0-", "a:b", "none ||", "0-", FACTOR_ABSENT},
    {"a:b;factor=none", "a:b", "none ||", "", FACTOR_NONE},
    {"a:b;factor=totp", "a:b", "none ||", "", FACTOR_TOTP},
    {"a:b;factor=email", "a:b", "none ||", "", FACTOR_EMAIL},
    {"a:b;factor=sms", "a:b", "none ||", "", FACTOR_SMS},
    {"a:b@event/x;factor=sms;channel=web", "a:b", "event ||x", "web", FACTOR_SMS},
    {"a:b;channel=web;factor=sms", "a:b", "none ||", "web", FACTOR_SMS},
};

static void test_query(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct slice text = exact(queries[i].text, strlen(queries[i].text));
        struct query query;
        char scope[300];

        if (query_parse(text, &query) != 0)
            fail_msg("does not parse: %s", queries[i].text);
        scope_text(&query.scope, scope, sizeof(scope));
        assert_true(slice_is(query.permission, queries[i].permission));
        assert_string_equal(scope, queries[i].scope);
        assert_true(slice_is(query.channel, queries[i].channel));
        assert_int_equal(query.factor, queries[i].factor);
        free((void *)text.data);
    }
}

static const char *const not_queries[] = {
    "",
    ":",
    "a",
    "a:",
    ":b",
    "+a:b",

    "*",
    "*:b",
    "a:*",
    "a.*:b",
    "a:b:c",
    "A:b",
    "a:B",
    "a:b@",
    "a:b@event/*",
    "a:b@event/acme/*",
    "a:b@payment/*",
    "a:b@event/",
    "a:b@payment/a/b",
    "a:b@event/a/b/c",
    "a:b@event/a@event/a",
    "a:b;",
    "a:b;;",
    "a:b;channel",
    "a:b;channel=",
    "a:b;channel=App",
    "a:b;channel=a.b",
    "a:b;channel=app;",
    "a:b;channel=app;channel=app",
    "a:b;channel=app;channel=web",
    "a:b;factor=totp;factor=none",
    "a:b;factor=",
    "a:b;factor=pin",
    "a:b;factor=TOTP",
    "a:b;factor=totpx",
    "a:b;Factor=totp",
    "a:b;colour=red",
    "a:b;=x",
    "a:b; factor=totp",
    "a:b;factor=totp@event/x",
    "a:b@event/x;",
    " a:b",
    "a:b ",
    "a:b\n",
    "a:b;channel=app factor=totp",
};

static void test_not_query(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(not_queries); i++) {
        struct slice text = exact(not_queries[i], strlen(not_queries[i]));
        struct query query, before;

        memset(&query, 0x5a, sizeof(query));
        before = query;
        if (query_parse(text, &query) != E_SYNTAX)
            fail_msg("parses: %s", not_queries[i]);
        assert_memory_equal(&query, &before, sizeof(query));
        free((void *)text.data);
    }
}

/* A byte 0 is no end of text, and no data at all is no grant. */
static void test_bytes(void **unused)
{
    struct query query;
    struct grant grant;
    struct scope scope;

    (void)unused;
    assert_int_equal(query_parse((struct slice){"a:b\0", 4}, &query), E_SYNTAX);
    assert_int_equal(query_parse((struct slice){"a:b@x/y\0z", 9}, &query), E_SYNTAX);
    assert_int_equal(grant_parse((struct slice){"+a:b\0", 5}, &grant), E_SYNTAX);
    assert_int_equal(grant_parse((struct slice){"+\0:b", 4}, &grant), E_SYNTAX);
    assert_int_equal(query_parse((struct slice){0}, &query), E_SYNTAX);
    assert_int_equal(grant_parse((struct slice){0}, &grant), E_SYNTAX);
    assert_int_equal(scope_parse((struct slice){0}, &scope), E_SYNTAX);
    for (int c = 128; c < 256; c++) {
        char text[] = {'a', (char)c, ':', 'b'};

        assert_int_equal(query_parse((struct slice){text, 4}, &query), E_SYNTAX);
    }
}

/* "a...a:b" of so many bytes. */
static struct slice long_permission(char *buffer, size_t len)
{
    memset(buffer, 'a', len);
    memcpy(buffer + len - 2, ":b", 2);
    return (struct slice){.data = buffer, .len = len};
}

static void test_length(void **unused)
{
    char text[1100] = "+";
    struct slice permission = long_permission(text + 1, PERMISSION_MAX);
    struct slice with_sign = {.data = text, .len = PERMISSION_MAX + 1};
    struct grant grant;
    struct query query;

    (void)unused;
    assert_true(permission_valid(permission));
    assert_int_equal(query_parse(permission, &query), 0);
    assert_int_equal(grant_parse(with_sign, &grant), 0);
    permission = long_permission(text + 1, PERMISSION_MAX + 1);
    with_sign.len++;
    assert_false(permission_valid(permission));
    assert_int_equal(query_parse(permission, &query), E_SYNTAX);
    assert_int_equal(grant_parse(with_sign, &grant), E_SYNTAX);

    for (size_t len = GRANT_MAX; len <= GRANT_MAX + 1; len++) {
        int expected = len == GRANT_MAX ? 0 : E_SYNTAX;
        struct scope scope;

        memset(text, 'a', sizeof(text));
        memcpy(text, "+a:b@", 5);
        memcpy(text + len - 2, "/x", 2);
        assert_int_equal(grant_parse((struct slice){text, len}, &grant), expected);
        memcpy(text, "aa:b@", 5);
        assert_int_equal(query_parse((struct slice){text, len}, &query), expected);
        memset(text, 'a', 5);
        assert_int_equal(scope_parse((struct slice){text, len}, &scope), expected);
    }
}

static const struct {
    const char *grant;
    const char *permission;
    bool covers;
} covers[] = {
    {"+ticket:read", "ticket:read", true},
    {"+ticket:read", "ticket:rea", false},
    {"+ticket:read", "ticket:reads", false},
    {"+ticket:read", "tickets:read", false},
    {"+ticket:read", "ticket.x:read", false},
    {"+ticket:*", "ticket:read", true},
    {"+ticket:*", "ticket.x:read", false},
    {"+*:read", "ticket.x:read", true},
    {"+*:read", "ticket.x:write", false},
    {"+*", "ticket.x:write", true},
    {"+section.*:read", "section:read", false},
    {"+section.*:read", "section.users:read", true},
    {"+section.*:read", "section.users.admin:read", true},
    {"+section.*:read", "section.users:write", false},
    {"+section.*:read", "sections:read", false},
    {"+section.*:read", "sectionx.users:read", false},
    {"+section.users.*:*", "section.users:read", false},
    {"+section.users.*:*", "section.users.admin:read", true},
    {"+*", "directory:read", false},
    {"+*:*", "directory.user:create", false},
    {"+*:read", "directory:read", false},
    {"+*", "directory-x:read", true},
    {"+*", "directories:read", true},
    {"+*", "my.directory:read", true},
    {"-*", "directory:read", true},
    {"-*:*", "directory.user:create", true},
    {"-*:read", "directory:read", true},
    {"+directory:*", "directory:read", true},
    {"+directory:*", "directory.user:create", false},
    {"+directory.*:*", "directory.user:create", true},
    {"+directory.*:*", "directory:read", false},
    {"+*", "nonsense", false},
    {"-*", "", false},
};

static void test_covers(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(covers); i++) {
        struct grant grant;

        assert_int_equal(grant_parse(slice_of(covers[i].grant), &grant), 0);
        if (grant_covers(&grant, slice_of(covers[i].permission)) != covers[i].covers)
            fail_msg("%s on %s", covers[i].grant, covers[i].permission);
    }
}

static void test_exact(void **unused)
{
    static const char *const wide[] = {"+*", "+*:a", "+a:*", "+a.*:b", "-a.*:*"};
    struct grant grant;
    struct slice id = {0};

    (void)unused;
    assert_int_equal(grant_parse(slice_of("-a.b:c@event/x"), &grant), 0);
    assert_true(grant_exact(&grant, &id));
    assert_true(slice_is(id, "a.b:c"));
    for (size_t i = 0; i < COUNT(wide); i++) {
        assert_int_equal(grant_parse(slice_of(wide[i]), &grant), 0);
        assert_false(grant_exact(&grant, &id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grant),  cmocka_unit_test(test_not_grant),
        cmocka_unit_test(test_query),  cmocka_unit_test(test_not_query),
        cmocka_unit_test(test_bytes),  cmocka_unit_test(test_length),
        cmocka_unit_test(test_covers), cmocka_unit_test(test_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
