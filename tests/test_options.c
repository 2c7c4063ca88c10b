/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The range of each option of usher.conf, from the daemon's own table: the ends are taken, what
 * lies beyond them is refused with the option's name, what was found and what is expected. And the
 * bounds of the configuration engine.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "server/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/usher-options-XXXXXX";
static char wrong[CONF_ERROR_MAX];

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

/* What conf_load says of a file that sets just this: value as it stands in the file. */
static int load(const char *option, const char *value)
{
    char *name = mem_strdup(option), *at = name, *dot;
    struct conf *conf = NULL;
    FILE *out = fopen(path, "w");
    size_t depth = 0;
    int rc;

    assert_non_null(out);
    for (; (dot = strchr(at, '.')) != NULL; at = dot + 1, depth++)
        fprintf(out, "%.*s: {\n", (int)(dot - at), at);
    fprintf(out, "%s = %s;\n", at, value);
    for (; depth > 0; depth--)
        fprintf(out, "};\n");
    assert_int_equal(fclose(out), 0);
    free(name);
    wrong[0] = '\0';
    rc = conf_load(path, server_options, server_option_count, &conf, wrong, sizeof(wrong));
    conf_free(conf);
    return rc;
}

static void takes(const struct conf_option *option, const char *value)
{
    if (load(option->path, value) != 0)
        fail_msg("%s", wrong);
}

static void refuses(const struct conf_option *option, const char *value)
{
    assert_int_equal(load(option->path, value), E_CONF);
    if (strstr(wrong, option->path) == NULL || strstr(wrong, "expected") == NULL ||
        strstr(wrong, "found") == NULL)
        fail_msg("%s = %s: %s", option->path, value, wrong);
}

static void check_number(const struct conf_option *option)
{
    const struct {
        int64_t number;
        bool fits;
    } rows[] = {{option->min, true},
                {option->max, true},
                {option->min - 1, false},
                {option->max + 1, false},
                {INT64_MAX, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *format = option->type == CONF_INT ? "%" PRId64 "L" : "[ %" PRId64 "L ]";
        char text[32];

        (void)snprintf(text, sizeof(text), format, rows[i].number);
        (rows[i].fits ? takes : refuses)(option, text);
    }
}

static void check_string(const struct conf_option *option)
{
    size_t max = option->max > 0 ? (size_t)option->max : CONF_STRING_MAX;
    char *text = mem_alloc(max + 4);

    text[0] = '"';
    memset(text + 1, 'a', max + 1);
    strcpy(text + 1 + max, "\"");
    takes(option, text);
    strcpy(text + 1 + max, "a\"");
    refuses(option, text);
    if (option->min > 0) {
        strcpy(text + option->min, "\"");
        refuses(option, text);
    }
    free(text);
}

static void every_range_is_kept(void **state)
{
    (void)state;
    assert_true(server_option_count > 30);
    for (size_t i = 0; i < server_option_count; i++) {
        const struct conf_option *option = &server_options[i];

        if (option->words != NULL)
            refuses(option, "\"nonsense\"");
        else if (option->type == CONF_INT || option->type == CONF_INT_LIST)
            check_number(option);
        else if (option->type == CONF_STRING)
            check_string(option);
        if (option->type != CONF_INT)
            refuses(option, "1");
    }
}

/* Groups within groups, and a name longer than any. */
static void depth_and_names(void **state)
{
    char name[CONF_DEPTH_MAX * 2 + 400];

    (void)state;
    for (size_t depth = 1; depth < CONF_DEPTH_MAX + 3; depth++) {
        for (size_t i = 0; i <= depth; i++)
            memcpy(name + 2 * i, "a.", 2);
        name[2 * depth + 1] = '\0';
        assert_int_equal(load(name, "1"), E_CONF);
        assert_non_null(strstr(wrong, "a"));
    }
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(load(name, "1"), E_CONF);
    assert_non_null(strstr(wrong, ":1:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range_is_kept),
        cmocka_unit_test(depth_and_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
