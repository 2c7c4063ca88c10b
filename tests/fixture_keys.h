/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A fresh key file for a test, in a temporary folder that is removed again. Works in cmocka tests
 * only, since it asserts.
 */
#ifndef USHER_TESTS_FIXTURE_KEYS_H
#define USHER_TESTS_FIXTURE_KEYS_H

#include "secret/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline struct keys *fixture_keys(void)
{
    char dir[] = "/tmp/usher-keys-XXXXXX", path[64], wrong[256] = "";
    struct keys *keys = NULL;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
    assert_int_equal(keys_create(path), 0);
    if (keys_load(path, &keys, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
    unlink(path);
    rmdir(dir);
    return keys;
}

/* Keys of a file that stays, so that fixture_keys_turn can have a new one seal. */
static inline struct keys *fixture_keys_at(const char *path)
{
    struct keys *keys = NULL;
    char wrong[256] = "";

    assert_int_equal(keys_create(path), 0);
    if (keys_load(path, &keys, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
    return keys;
}

static inline void fixture_keys_turn(const char *path)
{
    char wrong[256] = "";

    if (keys_add(path, wrong, sizeof(wrong)) < 0 || keys_promote(path, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
}

#endif
