/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDIF moved under another base: the lines stay as many, and what was moved once stays as it is.
 */
#include "embed/ldif_base.h"
#include "fuzz.h"

static int move(const char *text, size_t size, char **ret, size_t *ret_size)
{
    FILE *in = fmemopen((void *)text, size, "r"), *out = open_memstream(ret, ret_size);
    int rc;

    HOLDS(in != NULL && out != NULL);
    rc = ldif_base_move(in, "input", "o=venue,c=dk", out);
    HOLDS(fclose(in) == 0 && fclose(out) == 0);
    return rc;
}

static size_t lines(const char *text, size_t size)
{
    size_t count = size > 0 && text[size - 1] != '\n';

    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first = NULL, *second = NULL;
    size_t first_size = 0, second_size = 0;

    if (size > 0) {
        HOLDS(move((const char *)data, size, &first, &first_size) == 0);
        HOLDS(lines(first, first_size) == lines((const char *)data, size));
        HOLDS(first_size == 0 || move(first, first_size, &second, &second_size) == 0);
        HOLDS(first_size == second_size && memcmp(first, second, first_size) == 0);
    }
    free(first);
    free(second);
    return 0;
}
