/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the configuration engine share, and nobody else includes: the values behind
 * struct conf, the text of a file, and the words of the errors.
 */
#ifndef USHER_BASE_CONF_VALUE_H
#define USHER_BASE_CONF_VALUE_H

#include "base/conf.h"
#include "base/mem.h"

struct conf_value {
    const char *string;
    int64_t number; /* also of a bool */
    size_t count;   /* of a list */
    int64_t *numbers;
    const char **strings;
};

struct conf {
    const struct conf_option *table;
    size_t count;
    struct conf_value *values; /* one for each row */
    struct arena *arena;       /* strings and lists */
    _Atomic unsigned owners;
};

/* No value set yet. */
struct conf *conf_new(const struct conf_option *table, size_t count);

/* The place of word among words; E_NOTFOUND. */
int conf_word_index(const char *words, const char *word);

/* Says what the option takes: "an integer from 1 to 10". */
void conf_expected(const struct conf_option *option, char *buf, size_t size);

/* The text of a regular file, checked for what libconfig gets wrong. The caller frees it with
 * conf_text_free. Errors as of conf_load, with their text. */
int conf_text_read(const char *file, char **ret, char *errbuf, size_t size);

/* Wipes (a configuration may hold passwords) and frees. NULL is fine. */
void conf_text_free(char *text);

#endif
