/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From values to a file that a person can read and conf_load accepts.
 */
#include "base/conf.h"

#include "base/conf_value.h"
#include "base/err.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH 90 /* of a comment line, without its indentation */

static void print_indent(FILE *out, int depth)
{
    fprintf(out, "%*s", depth * 4, "");
}

/* A comment, broken between words. */
static void print_comment(FILE *out, int depth, const char *text)
{
    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > WIDTH) {
            for (len = WIDTH; len > 0 && text[len] != ' '; len--)
                continue;
            if (len == 0)
                len = strcspn(text, " ");
        }
        print_indent(out, depth);
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

static void print_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ' || c == 127)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void print_int(FILE *out, int64_t number)
{
    fprintf(out, "%" PRId64 "%s", number, number > INT32_MAX || number < INT32_MIN ? "L" : "");
}

static void print_list(FILE *out, const struct conf_value *value, bool numbers)
{
    /* Not [ ]: libconfig wants all numbers of an array in one size. */
    fputs("(", out);
    for (size_t i = 0; i < value->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (numbers)
            print_int(out, value->numbers[i]);
        else
            print_string(out, value->strings[i]);
    }
    fputs(")", out);
}

static void print_value(FILE *out, enum conf_type type, const struct conf_value *value)
{
    switch (type) {
    case CONF_STRING:
        print_string(out, value->string);
        return;
    case CONF_INT:
        print_int(out, value->number);
        return;
    case CONF_BOOL:
        fputs(value->number != 0 ? "true" : "false", out);
        return;
    case CONF_INT_LIST:
    case CONF_STRING_LIST:
        print_list(out, value, type == CONF_INT_LIST);
        return;
    }
}

static void print_option(FILE *out, const struct conf_option *option,
                         const struct conf_value *value, int depth, const char *name)
{
    char expected[256], about[512];

    conf_expected(option, expected, sizeof(expected));
    snprintf(about, sizeof(about), "Takes %s. Default: %s.%s", expected,
             option->preset[0] != '\0' ? option->preset : "none",
             option->change == CONF_RESTART ? " A change needs a restart." : "");
    print_comment(out, depth, option->sentence);
    print_comment(out, depth, about);
    print_indent(out, depth);
    fprintf(out, "%s = ", name);
    print_value(out, option->type, value);
    fputs(";\n", out);
}

/* How many bytes of whole groups two paths have in common, with the dot behind them. */
static size_t shared_groups(const char *a, const char *b)
{
    size_t shared = 0;

    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '.')
            shared = i + 1;
    return shared;
}

int conf_print(const struct conf *conf, FILE *out)
{
    const char *before = "";
    int depth = 0;

    for (size_t i = 0; i <= conf->count; i++) {
        const char *path = i < conf->count ? conf->table[i].path : "";
        size_t shared = shared_groups(before, path);
        for (const char *dot = strchr(before + shared, '.'); dot != NULL;
             dot = strchr(dot + 1, '.')) {
            print_indent(out, --depth);
            fputs("};\n", out);
        }
        if (i > 0 && i < conf->count)
            putc('\n', out);
        path += shared;
        for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
            print_indent(out, depth++);
            fprintf(out, "%.*s: {\n", (int)(dot - path), path);
        }
        if (i < conf->count) {
            print_option(out, &conf->table[i], &conf->values[i], depth, path);
            before = conf->table[i].path;
        }
    }
    return fflush(out) != 0 || ferror(out) ? E_IO : 0;
}
