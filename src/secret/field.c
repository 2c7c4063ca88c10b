/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret/field.h"

#include "base/err.h"

#include <string.h>

int field_next(struct slice *rest, struct slice *ret_word)
{
    const char *space = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = space != NULL ? (size_t)(space - rest->data) : rest->len;

    if (len == 0)
        return E_SYNTAX;
    *ret_word = (struct slice){rest->data, len};
    rest->data += space != NULL ? len + 1 : len;
    rest->len -= space != NULL ? len + 1 : len;
    /* A space at the very end announces a word that is not there. */
    return space != NULL && rest->len == 0 ? E_SYNTAX : 0;
}

int field_number(struct slice word, int64_t *ret)
{
    int64_t number = 0;

    if (word.len == 0 || word.len > 18 || (word.data[0] == '0' && word.len > 1))
        return E_SYNTAX;
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return E_SYNTAX;
        number = number * 10 + (word.data[i] - '0');
    }
    *ret = number;
    return 0;
}

int field_next_number(struct slice *rest, int64_t *ret)
{
    struct slice word;
    int err = field_next(rest, &word);

    return err < 0 ? err : field_number(word, ret);
}
