/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changing the key file, step by step: what becomes of the file, whose it is, and what is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "key_folder.h"
#include "secret/seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void rotation_steps(void **state)
{
    struct keys_state first, then;
    char wrong[256] = "", text[80];
    struct stat st;
    int fd;

    (void)state;
    unlink(path);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), E_NOTFOUND);
    assert_int_equal(keys_create(path), 0);
    assert_int_equal(keys_state(path, &first, wrong, sizeof(wrong)), 0);
    assert_int_equal(first.count, 1);
    assert_string_equal(first.next, "");
    assert_int_equal(keys_promote(path, wrong, sizeof(wrong)), E_NOTFOUND);
    assert_int_equal(keys_drop(path, wrong, sizeof(wrong)), 0); /* nothing to drop */
    snprintf(text, sizeof(text), "%s.new", path);               /* of one that was killed */
    fd = open(text, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), 0);
    assert_int_equal(access(text, F_OK), -1);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), E_EXISTS);
    assert_int_equal(keys_drop(path, wrong, sizeof(wrong)), E_EXISTS);
    assert_int_equal(keys_state(path, &then, wrong, sizeof(wrong)), 0);
    assert_int_equal(then.count, 2);
    assert_string_equal(then.current, first.current);
    assert_int_equal(keys_promote(path, wrong, sizeof(wrong)), 0);
    assert_int_equal(keys_state(path, &first, wrong, sizeof(wrong)), 0);
    assert_int_equal(first.count, 2);
    assert_string_equal(first.current, then.next);
    assert_string_equal(first.next, "");
    fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(keys_drop(path, wrong, sizeof(wrong)), E_BUSY);
    close(fd);
    assert_int_equal(keys_drop(path, wrong, sizeof(wrong)), 0);
    assert_int_equal(keys_state(path, &then, wrong, sizeof(wrong)), 0);
    assert_int_equal(then.count, 1);
    assert_string_equal(then.current, first.current);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "a AAAA\n", 7), 7);
    close(fd);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "32 bytes"));
    unlink(path);
}

/* Root changes the file of the user whom usherd runs as, and leaves it theirs; nobody else does. */
static void of_another_user(void **state)
{
    const uid_t uid = 61184;
    char wrong[256] = "";
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    unlink(path);
    assert_int_equal(keys_create(path), 0);
    assert_int_equal(chown(path, uid, uid), 0);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, uid);
    assert_int_equal(st.st_gid, uid);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(seteuid(uid + 1), 0);
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), E_ACCESS);
    assert_int_equal(seteuid(0), 0);
    assert_non_null(strstr(wrong, "Permission denied"));
    unlink(path);
}

static void no_more_than_the_table_holds(void **state)
{
    char wrong[256];

    (void)state;
    unlink(path);
    assert_int_equal(keys_create(path), 0);
    for (int i = 1; i < SEAL_KEYS_MAX; i++) {
        assert_int_equal(keys_add(path, wrong, sizeof(wrong)), 0);
        assert_int_equal(keys_promote(path, wrong, sizeof(wrong)), 0);
    }
    assert_int_equal(keys_add(path, wrong, sizeof(wrong)), E_LIMIT);
    unlink(path);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation_steps),
        cmocka_unit_test(of_another_user),
        cmocka_unit_test(no_more_than_the_table_holds),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
