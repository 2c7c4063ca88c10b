/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A folder for all tests of a program, dir, and in it the path of a key file that is not there yet.
 * The program's teardown removes it. Works in cmocka tests only, since it asserts.
 */
#ifndef USHER_TESTS_KEY_FOLDER_H
#define USHER_TESTS_KEY_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

static char dir[] = "/tmp/usher-keys-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
    return 0;
}

#endif
