/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mail templates: good and bad files, languages and their fallback, hostile values; and the
 * templates that are shipped (in $srcdir/conf/mail).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "notify/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))
#define GOOD      "Subject: s\n\nb\n"

static const struct template_kind kinds[] = {
    {"code", {"name", "code", "minutes", "organization", NULL}, false},
};

static char folder[] = "/tmp/usher-template-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static void put(const char *name, const char *text, size_t len)
{
    char path[128];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    *strrchr(path, '/') = '\0';
    mkdir(path, 0755);
    path[strlen(path)] = '/';
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    fclose(out);
}

static void drop(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static int tear_down(void **state)
{
    (void)state;
    drop("en/code.txt");
    drop("da/code.txt");
    drop("da-DK/code.txt");
    return rmdir(folder);
}

static void texts(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {GOOD, NULL},
        {"Subject: {code}\n\n{name}{code}{minutes} {{name} {organization}}", NULL},
        {"", "first line"},
        {"\n\nb", "first line"},
        {"Subject:s\n\nb", "first line"},
        {"Subject: \n\nb", "first line"},
        {"Subject: s", "first line"},
        {"Subject: s\nb\n", "second line"},
        {"Subject: s\nX: y\n\nb\n", "second line"},
        {"Subject: s\n\n", "no body"},
        {"Subject: {nam}\n\nb", "does not have"},
        {"Subject: s\n\n{Name}", "neither"},
        {"Subject: s\n\n{}", "neither"},
        {"Subject: s\n\n{name", "neither"},
        {"Subject: s\n\n{na me}", "neither"},
        {"Subject: s\n\n{", "neither"},
        {"Subject: s\n\n{password}", "does not have"},
        {"Subject: s\r\n\r\nb", "second line"},
        {"Subject: s\x01\n\nb", "control"},
        {"Subject: s\n\n\xff", "UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct templates *templates = NULL;
        char wrong[256] = "";
        put("en/code.txt", cases[i].text, strlen(cases[i].text));
        int err = templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong));
        assert_int_equal(err, cases[i].says == NULL ? 0 : E_CONF);
        if (cases[i].says != NULL &&
            (strstr(wrong, cases[i].says) == NULL || strstr(wrong, "/en/code.txt: ") == NULL))
            fail_msg("case %zu: %s", i, wrong);
        templates_free(templates);
    }
}

static void files(void **state)
{
    static char large[TEMPLATE_FILE_MAX + 1];
    struct templates *templates = NULL;
    char wrong[256];

    (void)state;
    put("en/code.txt", "Subject: s\n\nb\0b", 15);
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), E_CONF);
    memset(large, 'b', sizeof(large));
    memcpy(large, "Subject: s\n\n", 12);
    put("en/code.txt", large, sizeof(large));
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), E_LIMIT);
    put("en/code.txt", large, sizeof(large) - 1);
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), 0);
    templates_free(templates);
    templates = NULL;
    put("en/coed.txt", GOOD, strlen(GOOD));
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "coed.txt: there is no mail"));
    drop("en/coed.txt");
    drop("en/code.txt");
    put("da/code.txt", GOOD, strlen(GOOD));
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "/en/code.txt is missing"));
    drop("da/code.txt");
    assert_int_equal(templates_load("/nowhere", kinds, 1, &templates, wrong, sizeof(wrong)),
                     E_NOTFOUND);
    assert_null(templates);
    templates_free(NULL);
}

static const struct template_value values[] = {
    {"code", "123456"}, {"name", "{code}"}, {"minutes", "5"}, {"organization", "ACME"}};

static void languages(void **state)
{
    static const struct {
        const char *asked, *given;
    } cases[] = {
        {"da-DK", "da-DK"}, {"DA-dk", "da-DK"}, {"da-GL", "da"}, {"da", "da"}, {"da_DK", "da"},
        {"en-GB", "en"},    {"it", "en"},       {"", "en"},      {NULL, "en"}, {"../en", "en"},
        {"d", "en"},        {"-", "en"},        {"dan", "en"},
    };
    struct templates *templates = NULL;
    char wrong[256];

    (void)state;
    put("en/code.txt", "Subject: {code}\n\nen{{ {name} {minutes}", 38);
    put("da/code.txt", "Subject: {code}\n\nda", 19);
    put("da-DK/code.txt", "Subject: {code}\n\nda-DK", 22);
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *subject = NULL, *body = NULL;
        assert_int_equal(template_fill(templates, "code", cases[i].asked, values, COUNT(values),
                                       &subject, &body),
                         0);
        assert_string_equal(subject, "123456");
        /* What a value says is text, not another word. */
        assert_string_equal(body,
                            strcmp(cases[i].given, "en") == 0 ? "en{ {code} 5" : cases[i].given);
        template_text_free(subject);
        template_text_free(body);
    }
    templates_free(templates);
}

static void hostile_values(void **state)
{
    static char large[TEMPLATE_VALUE_MAX + 2];
    static const struct {
        const char *kind;
        struct template_value name;
        int err;
    } cases[] = {
        {"code", {"name", "\xc3\x98yvind"}, 0},       {"code", {"name", ""}, 0},
        {"code", {"name", "x\nBcc: y"}, E_SYNTAX},    {"code", {"name", "x\r"}, E_SYNTAX},
        {"code", {"name", "\xff"}, E_SYNTAX},         {"code", {"name", "\xc2\x85"}, E_SYNTAX},
        {"code", {"name", "\xe2\x80\xa8"}, E_SYNTAX}, {"code", {"name", NULL}, E_NOTFOUND},
        {"code", {"nam", "x"}, E_NOTFOUND},           {"code", {"name", large}, E_LIMIT},
        {"other", {"name", "x"}, E_NOTFOUND},
    };
    struct templates *templates = NULL;
    char wrong[256];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    put("en/code.txt", "Subject: {code}\n\n{name}", 23);
    assert_int_equal(templates_load(folder, kinds, 1, &templates, wrong, sizeof(wrong)), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct template_value some[4] = {values[0], cases[i].name, values[2], values[3]};
        char *subject = NULL, *body = NULL;
        int err = template_fill(templates, cases[i].kind, "en", some, 4, &subject, &body);
        if (err != cases[i].err || (err < 0 && (subject != NULL || body != NULL)))
            fail_msg("case %zu: %s", i, err_name(err));
        if (err == 0)
            assert_string_equal(body, cases[i].name.text);
        template_text_free(subject);
        template_text_free(body);
    }
    templates_free(templates);
}

static void bare(void **state)
{
    static const struct template_kind sms[] = {{"code", {"code", NULL}, false},
                                               {"sms", {"code", NULL}, true}};
    struct templates *templates = NULL;
    char wrong[600] = "", *subject = NULL, *body = NULL;

    (void)state;
    put("en/code.txt", GOOD, strlen(GOOD));
    put("en/sms.txt", "{code} it is\n", 13);
    assert_int_equal(templates_load(folder, sms, 2, &templates, wrong, sizeof(wrong)), 0);
    assert_int_equal(template_fill(templates, "sms", "en", values, COUNT(values), &subject, &body),
                     0);
    assert_string_equal(subject, "");
    assert_string_equal(body, "123456 it is\n");
    template_text_free(subject);
    template_text_free(body);
    templates_free(templates);
    put("en/sms.txt", "{name} it is\n", 13);
    assert_int_equal(templates_load(folder, sms, 2, &templates, wrong, sizeof(wrong)), E_CONF);
    put("en/sms.txt", "", 0);
    assert_int_equal(templates_load(folder, sms, 2, &templates, wrong, sizeof(wrong)), E_CONF);
    drop("en/sms.txt");
}

static void shipped(void **state)
{
    static const struct {
        const char *language, *subject;
    } cases[] = {
        {"en", "123456 is your code for ACME"},
        {"da-DK", "123456 er din kode til ACME"},
        {"it", "123456 \xc3\xa8 il tuo codice per ACME"},
    };
    static const struct template_kind all[] = {
        {"code", {"name", "code", "minutes", "organization", NULL}, false},
        {"code-sms", {"name", "code", "minutes", "organization", NULL}, true},
        {"password-changed", {"name", "organization", "time", NULL}, false},
        {"pin-changed", {"name", "organization", "time", NULL}, false},
        {"app-confirmed", {"name", "organization", "time", NULL}, false},
        {"app-removed", {"name", "organization", "time", NULL}, false},
        {"recovery-used", {"name", "organization", "time", "left", NULL}, false},
        {"enroll", {"name", "organization", "minutes", "key", NULL}, false},
        {"activation", {"name", "user", "organization", "until", "token", NULL}, false},
        {"activation-link", {"name", "user", "organization", "until", "link", NULL}, false},
        {"forgotten", {"name", "user", "organization", "until", "token", NULL}, false},
        {"forgotten-link", {"name", "user", "organization", "until", "link", NULL}, false},
    };
    struct templates *templates = NULL;
    char path[512], wrong[600] = "";

    (void)state;
    snprintf(path, sizeof(path), "%s/conf/mail", getenv("srcdir") != NULL ? getenv("srcdir") : ".");
    if (templates_load(path, all, COUNT(all), &templates, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *subject = NULL, *body = NULL;
        assert_int_equal(template_fill(templates, "code", cases[i].language, values, COUNT(values),
                                       &subject, &body),
                         0);
        assert_string_equal(subject, cases[i].subject);
        for (size_t j = 0; j < COUNT(values); j++)
            assert_non_null(strstr(body, values[j].text));
        template_text_free(subject);
        template_text_free(body);
    }
    templates_free(templates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),          cmocka_unit_test(files), cmocka_unit_test(languages),
        cmocka_unit_test(hostile_values), cmocka_unit_test(bare),  cmocka_unit_test(shipped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
