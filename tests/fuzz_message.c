/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libFuzzer over the decoders of src/ldap. Not built by default:
 *   clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Itests tests/fuzz_message.c
 *       src/ldap/[a-z]*.c src/base/mem.c src/base/buffer.c -llber -o fuzz_message
 *   ./fuzz_message tests/corpus/message tests/corpus/exop
 */
#include "exercise_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exercise_all(data, size);
    return 0;
}
