/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The audit log: one line for each operation that is answered, of who asked for what, from where,
 * and what came of it. Users' text is quoted. A secret is never in it, nor a user name that the
 * tree does not hold (people type their passwords there): such a name is written as "?". The lines
 * are described in usherd(8).
 */
#ifndef USHER_SERVER_AUDIT_H
#define USHER_SERVER_AUDIT_H

#include "base/log.h"
#include "base/mem.h"
#include "cache/tree.h"

#include <stdbool.h>
#include <stdint.h>

struct request;
struct result;

/* A line quotes no more of it, the first name left out or not. */
#define AUDIT_TARGET_MAX (LOG_QUOTE_MAX + TREE_NAME_MAX + 4)

/* What is remembered of a request until it is answered. */
struct audit {
    const char *what; /* the operation's name, static */
    int step;         /* of a Compare: the step that decided; 0: none did */
    int64_t began_ns; /* monotonic; 0: not timed */
    char *detail;     /* more of the line, or NULL; freed by audit_end */
    char *who;        /* audit_keep; NULL: whoever is bound when the line is written */
    unsigned leaf;    /* bytes at the front of target that name a user, perhaps an unknown one */
    char target[AUDIT_TARGET_MAX]; /* the start of the normalized DN; empty: none */
};

/* At the front of an operation, with its message at hand. */
void audit_begin(struct request *request);

/* Of a request that is answered later: remembers who asks, as somebody else may be bound by then.
 * The caller frees audit.who. */
void audit_keep(struct request *request);

/* Adds "name=value" pairs by printf, once. The caller quotes. */
void audit_detail(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* With its answer: writes the line, where there is to be one, and counts the operation. */
void audit_end(struct request *request, const struct result *result);

#endif
