/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LDAP messages as the daemon and the client receive them: where one ends, requests, responses; and
 * what decodes, encoded and decoded again, is the same.
 */
#include "../exercise_message.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer encoded = {0};
    size_t needed = 0, taken = 0;
    char *bytes = exact_copy(data, size);
    int rc = message_length(bytes, size, 1 << 24, &needed);

    HOLDS(rc == 0 || rc == E_AGAIN || rc == E_PROTO || rc == E_LIMIT);
    HOLDS(rc < 0 ? needed == 0 : needed >= 2 && needed <= 1 << 24);
    taken += exercise_request(data, size, &encoded) == 0;
    taken += exercise_response(data, size) == 0;
    HOLDS(taken == 0 || (rc == 0 && needed == size));
    buffer_clear(&encoded);
    free(bytes);
    return 0;
}
