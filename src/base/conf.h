/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration engine over libconfig. Every option is one row of one table, and the table
 * alone says what may stand in a file: a key it does not name, another type or a value out of range
 * is an error that names file, line, key, what was found and what was expected. A loaded
 * configuration never changes: to reload is to load a new one and swap; the table says which
 * options then count. Knows no option of its own, reads no environment and logs nothing.
 */
#ifndef USHER_BASE_CONF_H
#define USHER_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_FILE_MAX   1048576 /* bytes of a file */
#define CONF_STRING_MAX 1024    /* bytes of a string without a limit of its own */
#define CONF_ITEMS_MAX  256     /* items of a list */
#define CONF_DEPTH_MAX  8       /* groups within groups */
#define CONF_ERROR_MAX  512     /* enough for every error text */

enum conf_type { CONF_STRING, CONF_INT, CONF_BOOL, CONF_INT_LIST, CONF_STRING_LIST };

/* When a changed value counts: after a reload, for new work, or only after a restart. */
enum conf_change { CONF_RELOAD, CONF_RESTART };

/* One option. path is its groups and its name with dots between, in the letters a-z, 0-9, _ and -
 * ("store.uri"); rows of one group stand together. preset is the default as text: a string as it
 * is, an int in decimal, true or false, the items of a list with one space between ("" for none).
 * min and max bound an int, each int of a list, or the bytes of a string and of each string of a
 * list (both 0: any int64_t, CONF_STRING_MAX bytes). words, if not NULL, are the strings allowed,
 * with '|' between; min and max then say nothing. sentence is for people and ends with a full stop.
 */
struct conf_option {
    const char *path;
    enum conf_type type;
    enum conf_change change;
    const char *preset;
    int64_t min;
    int64_t max;
    const char *words;
    const char *sentence;
};

/* All options of one table with a value each. Refers to the table, which must live as long.
 * Unchanging: threads may share it. */
struct conf;

struct conf_ints {
    size_t count;
    const int64_t *items;
};

struct conf_strings {
    size_t count;
    const char *const *items;
};

/* Every option at its default. The caller frees it with conf_free. */
struct conf *conf_defaults(const struct conf_option *table, size_t count);

/* Reads a file; what it leaves out has its default. E_CONF for what is wrong in it, E_NOTFOUND,
 * E_ACCESS, E_IO and E_LIMIT for the file itself, all with one line of text in errbuf, "file:line:
 * ..." where there is a line. An integer beyond 32 bits is written with an L behind it; @include is
 * refused. */
int conf_load(const char *file, const struct conf_option *table, size_t count, struct conf **ret,
              char *errbuf, size_t size);

/* Another owner of the same configuration, who frees it too. Any thread. */
struct conf *conf_share(const struct conf *conf);

/* Frees with the last owner. NULL is fine. Any thread. */
void conf_free(struct conf *conf);

/* The options of kind change whose values differ between two configurations of one table, as
 * "a, b"; "" for none. The caller frees the text. */
char *conf_difference(const struct conf *a, const struct conf *b, enum conf_change change);

/* The value of an option. The path must be in the table with that type: anything else is our own
 * bug and stops the program. What is returned belongs to conf. A string is never NULL; "" when not
 * set. */
const char *conf_string(const struct conf *conf, const char *path);
int64_t conf_int(const struct conf *conf, const char *path);
bool conf_bool(const struct conf *conf, const char *path);
struct conf_ints conf_int_list(const struct conf *conf, const char *path);
struct conf_strings conf_string_list(const struct conf *conf, const char *path);

/* Which of its words a string has, counted from 0 in the order of the row. */
unsigned conf_word(const struct conf *conf, const char *path);

/* Writes the configuration as a file that conf_load accepts and that gives the same values, with
 * the sentence, the range and the default above each option. Secrets among the values are written
 * too. E_IO. */
int conf_print(const struct conf *conf, FILE *out);

#endif
