/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The texts of the naive evaluator: grants and queries of DESIGN 4, cut at their separators and
 * each part held against a regular expression. Fixed buffers, C strings.
 */
#ifndef USHER_TESTS_NAIVE_TEXT_H
#define USHER_TESTS_NAIVE_TEXT_H

#include <stdbool.h>

#define NAIVE_TEXT_MAX 512

struct naive_scope {
    bool present;
    char buffer[NAIVE_TEXT_MAX + 1];
    const char *type;
    const char *organization; /* NULL: a one-name event, or no event */
    const char *name;         /* or "*" */
};

struct naive_value {
    bool denial;
    char buffer[NAIVE_TEXT_MAX + 1];
    const char *resource; /* "*", "a.b" or "a.b.*" */
    const char *action;   /* or "*" */
    struct naive_scope scope;
};

struct naive_query {
    char permission[NAIVE_TEXT_MAX + 1];
    bool on_event;
    struct naive_scope scope;
    char channel[NAIVE_TEXT_MAX + 1]; /* empty: absent */
    char factor[NAIVE_TEXT_MAX + 1];  /* empty: absent */
};

bool naive_read_grant(const char *text, struct naive_value *ret);
bool naive_read_query(const char *text, struct naive_query *ret);

/* Whether text is resource:action. */
bool naive_is_permission(const char *text);

/* Whether the value's pattern covers the permission. */
bool naive_covers(const struct naive_value *value, const char *permission);

#endif
