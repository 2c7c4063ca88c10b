/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers and configurations in tables, and commands that are really run: what they are given, how
 * they fail, and that nothing of them outlives its time. The hook is tested in test_sms.py.
 */
#include "base/clock.h"
#include "base/err.h"
#include "notify/sms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define PATIENCE_MS 60000 /* for what must happen: a loaded machine stalls for seconds */

static char folder[] = "/tmp/usher-sms-XXXXXX";

static void numbers(void **state)
{
    static const struct {
        const char *text, *number; /* NULL: none */
    } cases[] = {
        {"+4512345678", "+4512345678"},
        {"+45 12 34-56.78", "+4512345678"},
        {"+44 (20) 7946/0000", "+442079460000"},
        {"+1234567", "+1234567"},
        {"+123456789012345", "+123456789012345"},
        {"", NULL},
        {"+", NULL},
        {"12345678", NULL},
        {"004512345678", NULL},
        {"+045123456", NULL},
        {"+123456", NULL},
        {"+1234567890123456", NULL},
        {"+45 1234567x", NULL},
        {"+45123456;rm -rf", NULL},
        {"-oProxy=+4512345678", NULL},
        {"+45\n12345678", NULL},
        {"+4512345678\xd9\xa3", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char number[SMS_NUMBER_MAX] = "untouched";
        int err = sms_number(slice_of(cases[i].text), number);
        assert_int_equal(err, cases[i].number != NULL ? 0 : E_SYNTAX);
        assert_string_equal(number, cases[i].number != NULL ? cases[i].number : "untouched");
    }
    assert_int_equal(sms_number((struct slice){"+4512345678\0", 12}, (char[SMS_NUMBER_MAX]){0}),
                     E_SYNTAX);
}

static void configurations(void **state)
{
    static const char *const relative[] = {"send-sms"}, *const absolute[] = {"/usr/bin/true"};
    static const char *const many[SMS_WORDS_MAX + 1] = {"/usr/bin/true"};
    static const struct {
        struct sms_gateway gateway;
        int err;
        bool configured;
    } cases[] = {
        {{.url = ""}, 0, false},
        {{.url = NULL}, 0, false},
        {{.command = absolute, .command_count = 1}, 0, true},
        {{.command = relative, .command_count = 1}, E_SYNTAX, true},
        {{.command = many, .command_count = SMS_WORDS_MAX + 1}, E_LIMIT, true},
        {{.url = "https://sms.example.org/send"}, 0, true},
        {{.url = "http://127.0.0.1:8080/"}, 0, true},
        {{.url = "http://localhost/"}, 0, true},
        {{.url = "http://sms.example.org/"}, E_CONFIDENTIAL, true},
        {{.url = "http://127.0.0.1.example.org/"}, E_CONFIDENTIAL, true},
        {{.url = "http://127.0.0.1@example.org/"}, E_CONFIDENTIAL, true},
        {{.url = "ftp://127.0.0.1/"}, E_SYNTAX, true},
        {{.url = "file:///etc/passwd"}, E_SYNTAX, true},
        {{.url = "nonsense"}, E_SYNTAX, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char wrong[SMS_ERROR_MAX] = "";
        assert_int_equal(sms_check(&cases[i].gateway, wrong, sizeof(wrong)), cases[i].err);
        assert_int_equal(wrong[0] != '\0', cases[i].err < 0);
        assert_int_equal(sms_configured(&cases[i].gateway), cases[i].configured);
    }
}

/* Runs a shell script as the command, with its own path as a word of the configuration. */
static int run(const char *script, const char *number, const char *text, long timeout_ms,
               const _Atomic bool *stop, char *wrong)
{
    const char *command[] = {"/bin/sh", "-c", script, folder};
    struct sms_gateway gateway = {
        .command = command, .command_count = COUNT(command), .timeout_ms = timeout_ms};

    return sms_send(&gateway, number, text, stop, wrong, SMS_ERROR_MAX);
}

static char *contents(const char *name)
{
    static char text[4096];
    char path[128];
    FILE *in;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    in = fopen(path, "r");
    if (in == NULL)
        return NULL;
    len = fread(text, 1, sizeof(text) - 1, in);
    text[len] = '\0';
    fclose(in);
    unlink(path);
    return text;
}

static void what_a_command_is_given(void **state)
{
    char wrong[SMS_ERROR_MAX] = "";
    char text[SMS_TEXT_MAX + 2];

    (void)state;
    setenv("SECRET_OF_THE_DAEMON", "x", 1);
    assert_int_equal(
        run("cat >\"$0/text\"; { echo \"$#\" \"$1\"; pwd; env | sort; ls /proc/self/fd | "
            "wc -l; } >\"$0/rest\"; echo noise; echo noise >&2",
            "+4512345678", "123456 er din kode \xc3\xa6; $(reboot)\nx", PATIENCE_MS, NULL, wrong),
        0);
    assert_string_equal(contents("text"), "123456 er din kode \xc3\xa6; $(reboot)\nx");
    /* the descriptors: 0, 1, 2 and the folder that ls reads */
    assert_string_equal(contents("rest"),
                        "1 +4512345678\n/\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nPWD=/\n4\n");
    memset(text, 'x', sizeof(text));
    text[SMS_TEXT_MAX] = '\0';
    assert_int_equal(run("wc -c >\"$0/text\"", "+4512345678", text, PATIENCE_MS, NULL, wrong), 0);
    assert_string_equal(contents("text"), "1024\n");
    text[SMS_TEXT_MAX] = 'x';
    text[SMS_TEXT_MAX + 1] = '\0';
    assert_int_equal(run("exit 0", "+4512345678", text, PATIENCE_MS, NULL, wrong), E_LIMIT);
}

#define LATE "nohup sleep 60 & echo $! >\"$0/child\"; wait"

static void failures(void **state)
{
    static const struct {
        const char *script;
        long timeout_ms;
        int err;
        const char *says;
    } cases[] = {
        {"exit 3", PATIENCE_MS, E_MAIL, "status 3"},
        {"kill -TERM $$", PATIENCE_MS, E_MAIL, "signal 15"},
        {"exec 0<&-; exit 0", PATIENCE_MS, 0, ""}, /* reads nothing, says it is sent */
        {LATE, 1000, E_TIMEOUT, "killed"},
    };
    static const char *const missing[] = {"/nonexistent/send"};
    struct sms_gateway none = {.command = missing, .command_count = 1, .timeout_ms = PATIENCE_MS};
    char wrong[SMS_ERROR_MAX] = "";
    _Atomic bool stop = true;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        wrong[0] = '\0';
        assert_int_equal(
            run(cases[i].script, "+4512345678", "code 123456", cases[i].timeout_ms, NULL, wrong),
            cases[i].err);
        if (strstr(wrong, cases[i].says) == NULL || strstr(wrong, "123456") != NULL ||
            strstr(wrong, "4512345678") != NULL)
            fail_msg("case %zu: %s", i, wrong);
    }
    assert_int_equal(sms_send(&none, "+4512345678", "x", NULL, wrong, sizeof(wrong)), E_MAIL);
    assert_int_equal(run("sleep 60", "+4512345678", "x", 60000, &stop, wrong), E_CANCELED);
    assert_int_equal(run("exit 0", "4512345678", "x", 1000, NULL, wrong), E_SYNTAX);
}

/* What a late command had started is gone with it. */
static void nothing_outlives(void **state)
{
    char *child = contents("child"), wrong[SMS_ERROR_MAX], path[64];
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    struct stat st;

    (void)state;
    while (child == NULL || *child == '\0') { /* killed before it had written that: once more */
        assert_int_equal(run(LATE, "+4512345678", "x", 1000, NULL, wrong), E_TIMEOUT);
        assert_true(clock_monotonic_ms() < deadline_ms);
        child = contents("child");
    }
    snprintf(path, sizeof(path), "/proc/%d", atoi(child));
    while (stat(path, &st) == 0) {
        char line[256] = "";
        FILE *in;
        snprintf(path, sizeof(path), "/proc/%d/stat", atoi(child));
        in = fopen(path, "r");
        if (in == NULL || fgets(line, sizeof(line), in) == NULL || strstr(line, ") Z ") != NULL ||
            strstr(line, "(sleep)") == NULL) {
            if (in != NULL)
                fclose(in);
            break; /* gone, a zombie of init's, or somebody else by now */
        }
        fclose(in);
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(configurations),
        cmocka_unit_test(what_a_command_is_given),
        cmocka_unit_test(failures),
        cmocka_unit_test(nothing_outlives),
    };
    int failed;

    if (mkdtemp(folder) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
