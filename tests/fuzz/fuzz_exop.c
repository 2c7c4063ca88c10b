/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of extended operations and controls, requests and responses: each codec over the same
 * bytes; what decodes, encoded and decoded again, is the same.
 */
#include "../exercise_message.h"
#include "fuzz.h"
#include "ldap/paged.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer encoded = {0};
    struct paged paged, again;
    char *bytes = exact_copy(data, size);

    for (size_t i = 0; i < EXOP_CODEC_COUNT; i++)
        (void)exercise_exop(&exop_codecs[i], data, size);
    if (paged_decode((struct slice){bytes, size}, &paged) == 0) {
        HOLDS(paged.size >= 0);
        HOLDS(paged_encode(&paged, &encoded) == 0 && buffer_append(&encoded, "Z", 1) == 0);
        HOLDS(paged_decode((struct slice){encoded.data, encoded.len - 1}, &again) == 0);
        HOLDS(again.size == paged.size && slice_equal(again.cookie, paged.cookie));
    }
    buffer_clear(&encoded);
    free(bytes);
    return 0;
}
