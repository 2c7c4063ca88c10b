/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What must hold of any bytes whatever, for fuzzers and the tests that replay them: a violation
 * aborts, so that both notice. And bytes copied so that AddressSanitizer sees one too many read.
 */
#ifndef USHER_TESTS_HOLDS_H
#define USHER_TESTS_HOLDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy of exactly len + 1 bytes, the last one no terminator. */
static inline char *exact_copy(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    HOLDS(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = 'Z';
    return copy;
}

#endif
