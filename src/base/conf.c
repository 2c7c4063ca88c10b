/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values and their getters. How a file becomes values is in conf_load.c, how values become a
 * file in conf_print.c.
 */
#include "base/conf.h"

#include "base/conf_value.h"
#include "base/err.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct conf *conf_new(const struct conf_option *table, size_t count)
{
    struct conf *conf = mem_alloc(sizeof(*conf));

    conf->table = table;
    conf->count = count;
    conf->values = mem_array(count, sizeof(*conf->values));
    conf->arena = arena_new();
    conf->owners = 1;
    return conf;
}

struct conf *conf_share(const struct conf *conf)
{
    struct conf *shared = (struct conf *)conf; /* the count of owners is no value */

    atomic_fetch_add(&shared->owners, 1);
    return shared;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL || atomic_fetch_sub(&conf->owners, 1) > 1)
        return;
    arena_free(conf->arena);
    free(conf->values);
    free(conf);
}

/* The items of a list default: words with one space between. */
static size_t split_preset(const char *preset, struct slice *ret)
{
    size_t count = 0;

    while (*preset != '\0') {
        size_t len = strcspn(preset, " ");
        assert(len > 0 && count < CONF_ITEMS_MAX);
        ret[count++] = (struct slice){preset, len};
        preset += len;
        preset += *preset == ' ' ? 1 : 0;
    }
    return count;
}

static int64_t preset_int(struct slice text)
{
    char *end = NULL;
    int64_t number = strtoll(text.data, &end, 10);

    assert(text.len > 0 && end == text.data + text.len);
    return number;
}

static void set_preset(struct conf *conf, size_t index)
{
    const struct conf_option *option = &conf->table[index];
    struct conf_value *value = &conf->values[index];
    struct slice items[CONF_ITEMS_MAX];

    switch (option->type) {
    case CONF_STRING:
        value->string = option->preset;
        return;
    case CONF_INT:
        value->number = preset_int(slice_of(option->preset));
        return;
    case CONF_BOOL:
        value->number = strcmp(option->preset, "true") == 0;
        return;
    case CONF_INT_LIST:
        value->count = split_preset(option->preset, items);
        value->numbers = arena_alloc(conf->arena, value->count * sizeof(*value->numbers));
        for (size_t i = 0; i < value->count; i++)
            value->numbers[i] = preset_int(items[i]);
        return;
    case CONF_STRING_LIST:
        value->count = split_preset(option->preset, items);
        value->strings = arena_alloc(conf->arena, value->count * sizeof(*value->strings));
        for (size_t i = 0; i < value->count; i++)
            value->strings[i] = arena_copy(conf->arena, items[i]).data;
        return;
    }
}

struct conf *conf_defaults(const struct conf_option *table, size_t count)
{
    struct conf *conf = conf_new(table, count);

    for (size_t i = 0; i < count; i++)
        set_preset(conf, i);
    return conf;
}

/* Asking for what is not in the table is a bug of the caller, whatever the build. */
static const struct conf_value *value_of(const struct conf *conf, const char *path,
                                         enum conf_type type)
{
    for (size_t i = 0; i < conf->count; i++)
        if (strcmp(conf->table[i].path, path) == 0 && conf->table[i].type == type)
            return &conf->values[i];
    fprintf(stderr, "usher: no option %s of this type\n", path);
    abort();
}

const char *conf_string(const struct conf *conf, const char *path)
{
    return value_of(conf, path, CONF_STRING)->string;
}

int64_t conf_int(const struct conf *conf, const char *path)
{
    return value_of(conf, path, CONF_INT)->number;
}

bool conf_bool(const struct conf *conf, const char *path)
{
    return value_of(conf, path, CONF_BOOL)->number != 0;
}

struct conf_ints conf_int_list(const struct conf *conf, const char *path)
{
    const struct conf_value *value = value_of(conf, path, CONF_INT_LIST);

    return (struct conf_ints){value->count, value->numbers};
}

struct conf_strings conf_string_list(const struct conf *conf, const char *path)
{
    const struct conf_value *value = value_of(conf, path, CONF_STRING_LIST);

    return (struct conf_strings){value->count, value->strings};
}

int conf_word_index(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (int index = 0;; index++) {
        size_t here = strcspn(words, "|");
        if (here == len && memcmp(words, word, len) == 0)
            return index;
        if (words[here] == '\0')
            return E_NOTFOUND;
        words += here + 1;
    }
}

unsigned conf_word(const struct conf *conf, const char *path)
{
    const struct conf_value *value = value_of(conf, path, CONF_STRING);
    const struct conf_option *option = &conf->table[value - conf->values];
    int index = option->words != NULL ? conf_word_index(option->words, value->string) : E_NOTFOUND;

    assert(index >= 0);
    return (unsigned)index;
}

static bool value_same(enum conf_type type, const struct conf_value *a, const struct conf_value *b)
{
    if (type == CONF_STRING)
        return strcmp(a->string, b->string) == 0;
    if (type == CONF_INT || type == CONF_BOOL)
        return a->number == b->number;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (type == CONF_INT_LIST ? a->numbers[i] != b->numbers[i]
                                  : strcmp(a->strings[i], b->strings[i]) != 0)
            return false;
    return true;
}

char *conf_difference(const struct conf *a, const struct conf *b, enum conf_change change)
{
    char *list = mem_strdup("");

    assert(a->table == b->table && a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct conf_option *option = &a->table[i];
        char *longer;

        if (option->change != change || value_same(option->type, &a->values[i], &b->values[i]))
            continue;
        longer = mem_printf("%s%s%s", list, list[0] != '\0' ? ", " : "", option->path);
        free(list);
        list = longer;
    }
    return list;
}

void conf_expected(const struct conf_option *option, char *buf, size_t size)
{
    static const char *const kinds[] = {
        [CONF_STRING] = "a string",
        [CONF_INT] = "an integer",
        [CONF_BOOL] = "true or false",
        [CONF_INT_LIST] = "a list of integers",
        [CONF_STRING_LIST] = "a list of strings",
    };
    const char *kind = kinds[option->type];
    bool bounded = option->min != 0 || option->max != 0;
    bool numbers = option->type == CONF_INT || option->type == CONF_INT_LIST;

    if (option->words != NULL)
        snprintf(buf, size, "%s, of: %s", kind, option->words);
    else if (bounded && option->type != CONF_BOOL)
        snprintf(buf, size, "%s%s from %lld to %lld%s", kind, numbers ? "" : ",",
                 (long long)option->min, (long long)option->max, numbers ? "" : " bytes long");
    else
        snprintf(buf, size, "%s", kind);
}
