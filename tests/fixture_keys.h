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

/* Keys of a file that stays until the end, so that turning can have a new one seal. */
struct turning_keys {
    char dir[32], path[64];
    struct keys *keys;
};

static inline void turning_keys_begin(struct turning_keys *turning)
{
    char wrong[256] = "";

    *turning = (struct turning_keys){.dir = "/tmp/usher-keys-XXXXXX"};
    assert_non_null(mkdtemp(turning->dir));
    snprintf(turning->path, sizeof(turning->path), "%s/key", turning->dir);
    assert_int_equal(keys_create(turning->path), 0);
    if (keys_load(turning->path, &turning->keys, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
}

static inline void turning_keys_turn(struct turning_keys *turning)
{
    char wrong[256] = "";

    if (keys_add(turning->path, wrong, sizeof(wrong)) < 0 ||
        keys_promote(turning->path, wrong, sizeof(wrong)) < 0)
        fail_msg("%s", wrong);
}

static inline void turning_keys_end(struct turning_keys *turning)
{
    keys_free(turning->keys);
    unlink(turning->path);
    rmdir(turning->dir);
}

/* Keys whose file is gone already. */
static inline struct keys *fixture_keys(void)
{
    struct turning_keys turning;
    struct keys *keys;

    turning_keys_begin(&turning);
    keys = turning.keys;
    turning.keys = NULL;
    turning_keys_end(&turning);
    return keys;
}

#endif
