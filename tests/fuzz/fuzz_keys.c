/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Key files: what loads can seal and open, and an error is one line that holds no key.
 */
#include "fuzz.h"
#include "secret/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct seal_for what = {slice_of(SEAL_PIN), slice_of("p"), slice_of("acme")};
    const char *path = fuzz_file("keys", data, size);
    char wrong[256] = "", sealed[SEAL_MAX], current[SEAL_KEY_ID_MAX + 1];
    struct keys *keys = NULL;
    struct secret plain = {0};
    struct slice id;
    int rc = keys_load(path, &keys, wrong, sizeof(wrong));

    HOLDS(rc == 0 || rc == E_CONF || rc == E_LIMIT);
    HOLDS((rc == 0) == (keys != NULL));
    if (rc == 0) {
        HOLDS(seal_close(keys, &what, "1234", 4, sealed) == 0);
        keys_current(keys, current);
        HOLDS(seal_key_id(slice_of(sealed), &id) == 0 && slice_is(id, current));
        HOLDS(seal_open(keys, &what, slice_of(sealed), &plain) == 0);
        HOLDS(plain.len == 4 && memcmp(plain.data, "1234", 4) == 0);
        secret_clear(&plain);
    } else {
        HOLDS(strncmp(wrong, path, strlen(path)) == 0 && strchr(wrong, '\n') == NULL);
    }
    keys_free(keys);
    return 0;
}
