/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A text as long as a test wants it.
 */
#ifndef USHER_TESTS_LETTERS_H
#define USHER_TESTS_LETTERS_H

#include <stdlib.h>
#include <string.h>

/* len letters; of the heap, so that a sanitizer sees a read beyond them. */
static inline char *letters(size_t len)
{
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, 'a', len);
    text[len] = '\0';
    return text;
}

#endif
