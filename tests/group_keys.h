/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fresh keys for all tests of a program: keys, between group_keys_set_up and group_keys_tear_down.
 * Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_GROUP_KEYS_H
#define USHER_TESTS_GROUP_KEYS_H

#include "fixture_keys.h"

static struct keys *keys;

static int group_keys_set_up(void **state)
{
    (void)state;
    keys = fixture_keys();
    return 0;
}

static int group_keys_tear_down(void **state)
{
    (void)state;
    keys_free(keys);
    return 0;
}

#endif
