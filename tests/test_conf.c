/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration engine: what a file may say, each kind of error with its text, and that what
 * conf_print writes gives the same values again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/conf.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static const struct conf_option table[] = {
    {"name", CONF_STRING, CONF_RESTART, "usher", 1, 10, NULL, "A short name."},
    {"store.uri", CONF_STRING, CONF_RESTART, "ldapi://%2Frun", 0, 0, NULL, "Where the store is."},
    {"store.timeout_ms", CONF_INT, CONF_RELOAD, "5000", 100, 60000, NULL, "How long to wait."},
    {"store.pool.size", CONF_INT, CONF_RELOAD, "4", 1, 64, NULL, "Connections."},
    {"store.pool.lazy", CONF_BOOL, CONF_RELOAD, "true", 0, 0, NULL, "Open them when needed."},
    {"mail.tls", CONF_STRING, CONF_RELOAD, "always", 0, 0, "none|try|always", "Encryption."},
    {"mail.from", CONF_STRING, CONF_RELOAD, "", 0, 0, NULL, "The sender."},
    {"trusted", CONF_INT_LIST, CONF_RESTART, "0 33", 0, 4294967295, NULL,
     "Uids that are believed."},
    {"languages", CONF_STRING_LIST, CONF_RESTART, "en da", 2, 5, NULL,
     "Languages. A sentence that is long "
     "enough to be broken by whoever prints it, since it does not fit into one single line."},
    {"reserved", CONF_STRING_LIST, CONF_RELOAD, "", 0, 0, NULL, "None."},
    {"large", CONF_INT, CONF_RELOAD, "-5000000000", 0, 0, NULL, "Any number."},
};

static char dir[] = "/tmp/usher-conf-XXXXXX";
static char file[64];
static char wrong[CONF_ERROR_MAX];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/usher.conf", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(dir);
}

static int load(const char *text, struct conf **ret)
{
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    wrong[0] = '\0';
    return conf_load(file, table, COUNT(table), ret, wrong, sizeof(wrong));
}

static void check_defaults(const struct conf *conf)
{
    assert_string_equal(conf_string(conf, "name"), "usher");
    assert_int_equal(conf_int(conf, "store.timeout_ms"), 5000);
    assert_true(conf_bool(conf, "store.pool.lazy"));
    assert_int_equal(conf_word(conf, "mail.tls"), 2);
    assert_string_equal(conf_string(conf, "mail.from"), "");
    assert_int_equal(conf_int_list(conf, "trusted").count, 2);
    assert_int_equal(conf_int_list(conf, "trusted").items[1], 33);
    assert_int_equal(conf_string_list(conf, "languages").count, 2);
    assert_string_equal(conf_string_list(conf, "languages").items[1], "da");
    assert_int_equal(conf_string_list(conf, "reserved").count, 0);
    assert_true(conf_int(conf, "large") == -5000000000);
}

static void defaults(void **state)
{
    struct conf *conf = conf_defaults(table, COUNT(table));

    (void)state;
    check_defaults(conf);
    conf_free(conf);
    conf = NULL;
    assert_int_equal(load("# nothing\n", &conf), 0);
    check_defaults(conf);
    conf_free(conf);
    conf_free(NULL);
}

static void values(void **state)
{
    struct conf *conf = NULL;

    (void)state;
    if (load("name = \"x\";\nstore: { timeout_ms = 100; pool = { size = 64; lazy = false; }; };\n"
             "mail: { tls = \"none\"; from = \"\xc3\xb8\\\"\\\\\"; };\n"
             "trusted = ( 1, 4294967295L ); languages = ( \"it\" ); large = 9000000000L;",
             &conf) < 0)
        fail_msg("%s", wrong);
    assert_string_equal(conf_string(conf, "name"), "x");
    assert_string_equal(conf_string(conf, "store.uri"), "ldapi://%2Frun");
    assert_int_equal(conf_int(conf, "store.timeout_ms"), 100);
    assert_int_equal(conf_int(conf, "store.pool.size"), 64);
    assert_false(conf_bool(conf, "store.pool.lazy"));
    assert_int_equal(conf_word(conf, "mail.tls"), 0);
    assert_string_equal(conf_string(conf, "mail.from"), "\xc3\xb8\"\\");
    assert_true(conf_int_list(conf, "trusted").items[1] == 4294967295);
    assert_int_equal(conf_string_list(conf, "languages").count, 1);
    assert_true(conf_int(conf, "large") == 9000000000);
    conf_free(conf);
}

static void errors(void **state)
{
    static const struct {
        const char *text;
        const char *says[3];
    } cases[] = {
        {"\nnam = \"x\";", {"usher.conf:2: nam: there is no such option", "did you mean name?"}},
        {"store: {\n uril = \"x\";\n};", {":2: store.uril:", "did you mean store.uri?"}},
        {"timeout_ms = 5;", {":1: timeout_ms:", "did you mean store.timeout_ms?"}},
        {"qwertyuiop = 5;", {":1: qwertyuiop: there is no such option"}},
        {"store: { pool: { x: { y: 1; }; }; };", {"store.pool.x", "no such option"}},
        {"store = 5;", {":1: store:", "group"}},
        {"store = [ 5 ];", {":1: store:", "group"}},
        {"name: { a = 1; };",
         {":1: name:", "found a group, expected a string, from 1 to 10 bytes"}},
        {"name = 5;", {"name: found the integer 5, expected a string"}},
        {"name = \"\";", {"name: found the string \"\", expected a string, from 1 to 10 bytes"}},
        {"name = \"12345678901\";", {"found the string \"12345678901\""}},
        {"name = \"a\\nb0123456789\";", {"found the string \"a\\"}},
        {"store: { timeout_ms = 99; };",
         {"store.timeout_ms: found the integer 99, expected an integer from 100 to 60000"}},
        {"store: { timeout_ms = 60001; };", {"found the integer 60001"}},
        {"store: { timeout_ms = \"5000\"; };", {"found the string \"5000\", expected an integer"}},
        {"store: { timeout_ms = 5.5; };", {"found the number 5.5, expected an integer"}},
        {"store: { timeout_ms = true; };", {"found true, expected an integer"}},
        {"store: { pool: { lazy = 1; }; };", {"found the integer 1, expected true or false"}},
        {"mail: { tls = \"sometimes\"; };", {"expected a string, of: none|try|always"}},
        {"mail: { tls = \"none|try\"; };", {"expected a string, of: none|try|always"}},
        {"mail: { tls = \"\"; };", {"expected a string, of: none|try|always"}},
        {"trusted = 0;", {"found the integer 0, expected a list of integers"}},
        {"trusted = [ -1 ];", {"found the integer -1, expected a list of integers from 0"}},
        {"trusted = ( 1, \"a\" );", {"found the string \"a\""}},
        {"trusted = ( ( 1 ) );", {"found a list of 1 items"}},
        {"languages = [ \"english\" ];", {"expected a list of strings, from 2 to 5 bytes"}},
        {"name = \"a\";\nname = \"b\";", {":2: duplicate"}},
        {"name = \"a\";;;\n}", {":", "syntax error"}},
        {"name = \"a", {"usher.conf:", "error"}},
        {"large = 99999999999999999999L;", {"usher.conf:1: the integer is too large"}},
        {"large =\n  5000000000;", {"usher.conf:2: the integer is too large (write an L"}},
        {"large = -2147483649;", {"usher.conf:1: the integer is too large"}},
        {"large = 0x100000000;", {"usher.conf:1: the integer is too large"}},
        {"large = 0x;", {"usher.conf:1: syntax error"}},
        {"large = -;", {"usher.conf:1: syntax error"}},
        {"large = 1.5e3;", {"found the number 1500"}},
        {"@include \"/nowhere/at.all\"\n", {"usher.conf:1: @include is not supported"}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct conf *conf = NULL;
        assert_int_equal(load(cases[i].text, &conf), E_CONF);
        assert_null(conf);
        assert_memory_equal(wrong, dir, strlen(dir));
        for (size_t j = 0; j < 3 && cases[i].says[j] != NULL; j++)
            if (strstr(wrong, cases[i].says[j]) == NULL)
                fail_msg("case %zu, not \"%s\": %s", i, cases[i].says[j], wrong);
    }
}

/* The file's first half is one configuration, its second half another. */
static void difference(void **state)
{
    static const struct {
        const char *a, *b;
        const char *reload, *restart;
    } cases[] = {
        {"", "", "", ""},
        {"", "name = \"usher\"; trusted = (0, 33);", "", ""},
        {"", "name = \"other\";", "", "name"},
        {"", "mail: { tls = \"none\"; from = \"x\"; };", "mail.tls, mail.from", ""},
        {"store: { timeout_ms = 200; };", "store: { pool = { lazy = false; }; };",
         "store.timeout_ms, store.pool.lazy", ""},
        {"trusted = (0, 33);", "trusted = (0, 34);", "", "trusted"},
        {"trusted = (0, 33);", "trusted = (0);", "", "trusted"},
        {"languages = (\"en\");", "languages = (\"da\"); large = 1;", "large", "languages"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct conf *a = NULL, *b = NULL, *owner;
        char *reload, *restart;

        assert_int_equal(load(cases[i].a, &a), 0);
        assert_int_equal(load(cases[i].b, &b), 0);
        owner = conf_share(a);
        conf_free(a); /* the other owner's is still there */
        reload = conf_difference(owner, b, CONF_RELOAD);
        restart = conf_difference(b, owner, CONF_RESTART);
        assert_string_equal(reload, cases[i].reload);
        assert_string_equal(restart, cases[i].restart);
        free(reload);
        free(restart);
        conf_free(owner);
        conf_free(b);
    }
}

static void hostile(void **state)
{
    struct conf *conf = NULL;
    char *text = calloc(1, CONF_FILE_MAX + 2);

    (void)state;
    assert_int_equal(conf_load("/nowhere/a", table, COUNT(table), &conf, wrong, sizeof(wrong)),
                     E_NOTFOUND);
    assert_non_null(strstr(wrong, "/nowhere/a: No such file"));
    assert_int_equal(conf_load(dir, table, COUNT(table), &conf, wrong, sizeof(wrong)), E_CONF);
    assert_int_equal(conf_load("/dev/null", table, COUNT(table), &conf, wrong, sizeof(wrong)),
                     E_CONF);
    assert_int_equal(load("name = \"a\";\n", &conf), 0);
    conf_free(conf);
    conf = NULL;
    FILE *out = fopen(file, "w");
    assert_int_equal(fwrite("name = \"a\";\n\0nam = 1;\n", 1, 22, out), 22);
    fclose(out);
    assert_int_equal(conf_load(file, table, COUNT(table), &conf, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "usher.conf:2: a byte 0"));
    memset(text, ' ', CONF_FILE_MAX + 1);
    assert_int_equal(load(text, &conf), E_LIMIT);
    memset(text, 'a', 2000);
    strcpy(text + 2000, " = 1;");
    assert_int_equal(load(text, &conf), E_CONF);
    strcpy(text, "trusted = [ 1");
    for (int i = 0; i < CONF_ITEMS_MAX; i++)
        strcat(text, ", 1");
    strcat(text, " ];");
    assert_int_equal(load(text, &conf), E_CONF);
    assert_non_null(strstr(wrong, "too long"));
    snprintf(text, 2000, "mail: { from = \"%01025d\"; };", 0);
    assert_int_equal(load(text, &conf), E_CONF);
    assert_null(conf);
    /* A short buffer is cut, not passed. */
    memset(wrong, 'x', sizeof(wrong));
    assert_int_equal(conf_load("/nowhere/a", table, COUNT(table), &conf, wrong, 8), E_NOTFOUND);
    assert_string_equal(wrong, "/now...");
    assert_int_equal(wrong[8], 'x');
    free(text);
}

static char *printed(const struct conf *conf)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_int_equal(conf_print(conf, out), 0);
    fclose(out);
    return text;
}

/* Print, load, print: the same text, so the same values. */
static void prints_what_it_loads(void **state)
{
    static const char *const texts[] = {
        "",
        "name = \"a\\\"\\\\b\\n\\x01\";",
        "large = 9000000000L; reserved = [ \"a b\", \"\", \"c\" ]; trusted = [];",
        "store: { pool: { lazy = false; }; uri = \"# no comment\"; };",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct conf *conf = NULL, *again = NULL;
        if (load(texts[i], &conf) < 0)
            fail_msg("%s", wrong);
        char *first = printed(conf);
        if (load(first, &again) < 0)
            fail_msg("%s", wrong);
        char *second = printed(again);
        assert_string_equal(first, second);
        for (size_t j = 0; j < COUNT(table); j++)
            assert_non_null(strstr(first, j == 8 ? "# Languages." : table[j].sentence));
        assert_non_null(strstr(first, "an integer from 100 to 60000. Default: 5000."));
        assert_int_equal(strcmp(conf_string(conf, "store.uri"), conf_string(again, "store.uri")),
                         0);
        assert_int_equal(conf_string_list(again, "reserved").count, i == 2 ? 3 : 0);
        free(first);
        free(second);
        conf_free(conf);
        conf_free(again);
    }
}

static void print_failure(void **state)
{
    struct conf *conf = conf_defaults(table, COUNT(table));
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_int_equal(conf_print(conf, full), E_IO);
    fclose(full);
    conf_free(conf);
}

/* What looks like a number or an @include, but stands in a string, a name or a comment. */
static void looks_like(void **state)
{
    struct conf *conf = NULL;

    (void)state;
    if (load("# 99999999999 @include\n// 99999999999\n/* 99999999999\n @ */\n"
             "name = \"9\\\"@9999\"; large = -2147483648; trusted = ( 0x10, +5, 2147483647 );",
             &conf) < 0)
        fail_msg("%s", wrong);
    assert_string_equal(conf_string(conf, "name"), "9\"@9999");
    assert_true(conf_int(conf, "large") == INT32_MIN);
    assert_int_equal(conf_int_list(conf, "trusted").items[0], 16);
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),      cmocka_unit_test(values),
        cmocka_unit_test(errors),        cmocka_unit_test(difference),
        cmocka_unit_test(hostile),       cmocka_unit_test(prints_what_it_loads),
        cmocka_unit_test(print_failure), cmocka_unit_test(looks_like),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
