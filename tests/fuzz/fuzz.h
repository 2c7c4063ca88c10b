/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the fuzz targets share. Each file fuzz_NAME.c is one target for libFuzzer (make fuzz); with
 * replay.c as its main program it runs over tests/fuzz/corpus/NAME in make check instead. A target
 * with several parts takes the part from the first byte, a letter, so that seeds can be read.
 */
#ifndef USHER_TESTS_FUZZ_H
#define USHER_TESTS_FUZZ_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "../holds.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct fuzz_input {
    const char *data;
    size_t len;
};

/* The first byte, or 0 at the end. */
static inline char fuzz_letter(struct fuzz_input *input)
{
    if (input->len == 0)
        return 0;
    input->len--;
    return *input->data++;
}

/* The bytes up to the next separator, which is dropped; without one, all that are left. */
static inline struct slice fuzz_part(struct fuzz_input *input, char separator)
{
    const char *end = input->len > 0 ? memchr(input->data, separator, input->len) : NULL;
    struct slice part = {input->data, end != NULL ? (size_t)(end - input->data) : input->len};
    size_t used = part.len + (end != NULL ? 1 : 0);

    input->data += used;
    input->len -= used;
    return part;
}

/* A terminated copy, cut at the first byte 0. The caller frees it. */
static inline char *fuzz_string(struct slice part)
{
    char *text = exact_copy(part.data, part.len);

    text[part.len] = '\0';
    return text;
}

/* The path of a file with these bytes, mode 0600, in a folder of this process; the folders on the
 * way are made. The same name gives the same path. */
const char *fuzz_file(const char *name, const void *data, size_t size);

/* The folder. */
const char *fuzz_folder(void);

#endif
