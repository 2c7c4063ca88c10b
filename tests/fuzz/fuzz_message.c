/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages as the daemon and the client receive them: where one ends, requests, responses; and
 * what decodes, encoded and decoded again, is the same.
 */
#include "../exercise_message.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)exercise_wire(data, size);
    return 0;
}
