/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a file to values: libconfig parses, then the tree is walked and each setting is held against
 * the table.
 */
#include "base/conf.h"

#include "base/conf_value.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"

#include <assert.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_LEN 256 /* of an option's path; longer keys are in no table */

struct loader {
    const char *file;
    struct conf *conf;
    char *errbuf;
    size_t size;
};

static int fail_at(struct loader *loader, const config_setting_t *setting, const char *path,
                   const char *text)
{
    utf8_format(loader->errbuf, loader->size, "%s:%u: %s: %s", loader->file,
                config_setting_source_line(setting), path, text);
    return E_CONF;
}

/* Edits (insert, drop, change one letter) from a to b. */
static size_t distance(const char *a, const char *b)
{
    size_t row[PATH_MAX_LEN + 1], len = strlen(b);

    assert(len <= PATH_MAX_LEN);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[len];
}

/* An unknown key: the name without its groups may be right, or nearly the whole path. */
static int fail_unknown(struct loader *loader, const config_setting_t *setting, const char *path)
{
    const char *name = strrchr(path, '.'), *nearest = NULL;
    size_t best = strlen(path) / 3 + 2;
    char text[PATH_MAX_LEN + 64];

    name = name != NULL ? name + 1 : path;
    for (size_t i = 0; i < loader->conf->count; i++) {
        const char *known = loader->conf->table[i].path, *last = strrchr(known, '.');
        size_t edits = distance(path, known);
        if (strcmp(last != NULL ? last + 1 : known, name) == 0 && edits > 1)
            edits = 1;
        if (edits < best) {
            best = edits;
            nearest = known;
        }
    }
    snprintf(text, sizeof(text), "there is no such option%s%s%s",
             nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "?" : "");
    return fail_at(loader, setting, path, text);
}

/* What stands in the file, for an error text. */
static void found_text(const config_setting_t *setting, char *buf, size_t size)
{
    char quoted[LOG_QUOTE_MAX];

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        snprintf(buf, size, "the string %s",
                 log_quote(slice_of(config_setting_get_string(setting)), quoted));
        return;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        snprintf(buf, size, "the integer %lld", config_setting_get_int64(setting));
        return;
    case CONFIG_TYPE_FLOAT:
        snprintf(buf, size, "the number %g", config_setting_get_float(setting));
        return;
    case CONFIG_TYPE_BOOL:
        snprintf(buf, size, "%s", config_setting_get_bool(setting) ? "true" : "false");
        return;
    case CONFIG_TYPE_GROUP:
        snprintf(buf, size, "a group");
        return;
    default:
        snprintf(buf, size, "a list of %d items", config_setting_length(setting));
    }
}

static int fail_value(struct loader *loader, const config_setting_t *setting,
                      const struct conf_option *option)
{
    char found[LOG_QUOTE_MAX + 32], expected[256], text[sizeof(found) + sizeof(expected) + 32];

    found_text(setting, found, sizeof(found));
    conf_expected(option, expected, sizeof(expected));
    snprintf(text, sizeof(text), "found %s, expected %s", found, expected);
    return fail_at(loader, setting, option->path, text);
}

static int take_int(const config_setting_t *setting, const struct conf_option *option, int64_t *ret)
{
    int type = config_setting_type(setting);
    int64_t number;

    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return E_CONF;
    number = config_setting_get_int64(setting);
    if ((option->min != 0 || option->max != 0) && (number < option->min || number > option->max))
        return E_CONF;
    *ret = number;
    return 0;
}

static int take_string(struct conf *conf, const config_setting_t *setting,
                       const struct conf_option *option, const char **ret)
{
    bool bounded = option->min != 0 || option->max != 0;
    const char *text;
    size_t len;

    if (config_setting_type(setting) != CONFIG_TYPE_STRING)
        return E_CONF;
    text = config_setting_get_string(setting);
    len = strlen(text);
    if (option->words != NULL ? conf_word_index(option->words, text) < 0
        : bounded             ? len < (size_t)option->min || len > (size_t)option->max
                              : len > CONF_STRING_MAX)
        return E_CONF;
    *ret = arena_copy(conf->arena, (struct slice){text, len}).data;
    return 0;
}

static int take_list(struct loader *loader, const config_setting_t *setting,
                     const struct conf_option *option, struct conf_value *value)
{
    int count = config_setting_length(setting), err = 0;

    if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
        return fail_value(loader, setting, option);
    if (count > CONF_ITEMS_MAX)
        return fail_at(loader, setting, option->path, "the list is too long");
    value->numbers = arena_alloc(loader->conf->arena, (size_t)count * sizeof(*value->numbers));
    value->strings = arena_alloc(loader->conf->arena, (size_t)count * sizeof(*value->strings));
    value->count = (size_t)count;
    for (int i = 0; i < count; i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        if (option->type == CONF_INT_LIST)
            err = take_int(item, option, &value->numbers[i]);
        else
            err = take_string(loader->conf, item, option, &value->strings[i]);
        if (err < 0)
            return fail_value(loader, item, option);
    }
    return 0;
}

static int take_value(struct loader *loader, const config_setting_t *setting, size_t index)
{
    const struct conf_option *option = &loader->conf->table[index];
    struct conf_value *value = &loader->conf->values[index];
    int err = 0;

    switch (option->type) {
    case CONF_STRING:
        err = take_string(loader->conf, setting, option, &value->string);
        break;
    case CONF_INT:
        err = take_int(setting, option, &value->number);
        break;
    case CONF_BOOL:
        if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
            value->number = config_setting_get_bool(setting);
        else
            err = E_CONF;
        break;
    case CONF_INT_LIST:
    case CONF_STRING_LIST:
        return take_list(loader, setting, option, value);
    }
    return err < 0 ? fail_value(loader, setting, option) : 0;
}

static bool is_group(const struct conf *conf, const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < conf->count; i++)
        if (strncmp(conf->table[i].path, path, len) == 0 && conf->table[i].path[len] == '.')
            return true;
    return false;
}

static int take_group(struct loader *loader, const config_setting_t *group, const char *path,
                      int depth);

static int take_setting(struct loader *loader, const config_setting_t *setting, const char *path,
                        int depth)
{
    struct conf *conf = loader->conf;

    for (size_t i = 0; i < conf->count; i++)
        if (strcmp(conf->table[i].path, path) == 0)
            return take_value(loader, setting, i);
    if (!is_group(conf, path))
        return fail_unknown(loader, setting, path);
    if (!config_setting_is_group(setting))
        return fail_at(loader, setting, path, "this is a group of options: expected { ... }");
    if (depth == CONF_DEPTH_MAX)
        return fail_at(loader, setting, path, "too many groups within groups");
    return take_group(loader, setting, path, depth + 1);
}

static int take_group(struct loader *loader, const config_setting_t *group, const char *path,
                      int depth)
{
    int count = config_setting_length(group), err = 0;

    for (int i = 0; i < count && err == 0; i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        char inner[PATH_MAX_LEN];
        int len = snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] != '\0' ? "." : "",
                           config_setting_name(setting));
        if (len >= (int)sizeof(inner))
            err = fail_at(loader, setting, inner, "the name is too long");
        else
            err = take_setting(loader, setting, inner, depth);
    }
    return err;
}

int conf_load(const char *file, const struct conf_option *table, size_t count, struct conf **ret,
              char *errbuf, size_t size)
{
    struct loader loader = {.file = file, .errbuf = errbuf, .size = size};
    char *text = NULL;
    config_t config;
    int err;

    config_init(&config);
    err = conf_text_read(file, &text, errbuf, size);
    if (err < 0)
        goto out;
    if (config_read_string(&config, text) != CONFIG_TRUE) {
        utf8_format(errbuf, size, "%s:%d: %s", file, config_error_line(&config),
                    config_error_text(&config));
        err = E_CONF;
        goto out;
    }
    loader.conf = conf_defaults(table, count);
    err = take_group(&loader, config_root_setting(&config), "", 0);
    if (err < 0) {
        conf_free(loader.conf);
        goto out;
    }
    *ret = loader.conf;
out:
    config_destroy(&config);
    conf_text_free(text);
    return err;
}
