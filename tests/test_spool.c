/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The spool: there and back, modes, the lock, what a crash leaves, what is no mail, and its bounds.
 */
#include "base/err.h"
#include "notify/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID       "0123456789abcdef0123456789abcdef"
#define HEAD     "usher-mail 1\nkind x\nto a@example.org\nmade 5\nuntil 9\nsecret 1\nbytes 3\n\n"

static char top[] = "/tmp/usher-spool-XXXXXX", folder[64], error[SPOOL_ERROR_MAX];

static void put_file(const char *name, const char *text, size_t len)
{
    char path[160];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    fclose(out);
}

static mode_t mode_of(const char *name)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static struct spool *open_spool(void)
{
    struct spool *spool = NULL;

    if (spool_open(folder, &spool, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    return spool;
}

static int on_name(void *context, const char *name)
{
    (void)name;
    ++*(int *)context;
    return 0;
}

static int count(struct spool *spool)
{
    int found = 0;

    assert_int_equal(spool_list(spool, on_name, &found), 0);
    return found;
}

static int on_stop(void *context, const char *name)
{
    (void)context;
    (void)name;
    return E_AGAIN;
}

static void there_and_back(void **state)
{
    struct spool_item item = {
        .kind = "notice", .to = "bob@example.org", .made_ms = 17, .until_ms = 18, .secret = true};
    struct spool_item back;
    struct spool *spool = open_spool();
    struct slice message;
    char *bytes;

    (void)state;
    assert_int_equal(letter_id(item.id), 0);
    assert_int_equal(spool_put(spool, &item, slice_of("Subject: x\r\n\r\nhello\r\n")), 0);
    assert_int_equal(count(spool), 1);
    assert_int_equal(spool_list(spool, on_stop, NULL), E_AGAIN);
    spool_close(spool);
    spool = open_spool(); /* as after a restart */
    assert_int_equal(spool_read(spool, item.id, &back, &bytes, &message), 0);
    assert_true(slice_is(message, "Subject: x\r\n\r\nhello\r\n"));
    assert_string_equal(back.id, item.id);
    assert_string_equal(back.kind, item.kind);
    assert_string_equal(back.to, item.to);
    assert_true(back.made_ms == 17 && back.until_ms == 18 && back.secret && back.size == item.size);
    spool_bytes_free(bytes);
    assert_int_equal(spool_bury(spool, item.id), 0);
    assert_int_equal(count(spool), 0);
    assert_int_equal(spool_dead(spool), 1);
    assert_int_equal(spool_read(spool, item.id, &back, &bytes, &message), E_NOTFOUND);
    assert_int_equal(letter_id(item.id), 0);
    assert_int_equal(spool_put(spool, &item, slice_of("")), 0);
    assert_int_equal(spool_put(spool, &item, slice_of("again")), 0); /* the same id: replaced */
    assert_int_equal(count(spool), 1);
    assert_int_equal(spool_drop(spool, item.id), 0);
    assert_int_equal(spool_drop(spool, item.id), 0);
    assert_int_equal(count(spool), 0);
    spool_close(spool);
}

static void folders(void **state)
{
    static const char *const names[] = {"", "tmp", "queue", "dead"};
    struct spool *spool = open_spool(), *second;
    char path[160];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(mode_of(names[i]), 0700);
    assert_int_equal(spool_open(folder, &second, error, sizeof(error)), E_BUSY);
    spool_close(spool);
    put_file("tmp/" ID, "half of a ma", 12);
    spool = open_spool();
    assert_int_equal(mode_of("tmp/" ID), 0); /* gone */
    spool_close(spool);
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(chmod(path, 0710), 0);
        assert_int_equal(spool_open(folder, &second, error, sizeof(error)), E_CONF);
        assert_non_null(strstr(error, folder));
        assert_int_equal(chmod(path, 0700), 0);
    }
    assert_int_equal(spool_open("/nonexistent/folder", &second, error, sizeof(error)), E_NOTFOUND);
}

static void no_mails(void **state)
{
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {HEAD "abc", 0},
        {HEAD "ab", E_SYNTAX},
        {HEAD "abcd", E_SYNTAX},
        {"", E_SYNTAX},
        {"usher-mail 1\n", E_SYNTAX},
        {"usher-mail 2\nkind x\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes 0\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes 0\n\n", 0},
        {"usher-mail 1\nkind xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nto a@b\nmade 5\nuntil 9\nsecret 1\n"
         "bytes 0\n\n",
         E_SYNTAX},
        {"usher-mail 1\nkind X\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes 0\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b>c\nmade 5\nuntil 9\nsecret 1\nbytes 0\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 4\nsecret 1\nbytes 0\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade -5\nuntil 9\nsecret 1\nbytes 0\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 99999999999999999999\nsecret 1\nbytes 0\n\n",
         E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes 99999999\n\n", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes -3\n\nabc", E_SYNTAX},
        {"usher-mail 1\nkind x\nto a@b\nmade 5\nuntil 9\nsecret 1\nbytes 0", E_SYNTAX},
    };
    static const char *const ids[] = {"", "x", "../dead/" ID, ID "0", "0123456789ABCDEF"};
    struct spool *spool = open_spool();
    struct spool_item item;
    struct slice message;
    char *bytes;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int err;
        put_file("queue/" ID, cases[i].text, strlen(cases[i].text));
        err = spool_read(spool, ID, &item, &bytes, &message);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_name(err));
        if (err == 0)
            spool_bytes_free(bytes);
    }
    for (size_t i = 0; i < COUNT(ids); i++)
        assert_int_equal(spool_read(spool, ids[i], &item, &bytes, &message), E_SYNTAX);
    assert_int_equal(spool_drop(spool, ID), 0);
    assert_int_equal(spool_read(spool, ID, &item, &bytes, &message), E_NOTFOUND);
    spool_close(spool);
}

static void bounds(void **state)
{
    struct spool_item item = {.kind = "x", .to = "a@example.org", .until_ms = 1};
    struct spool *spool = open_spool();
    char *large = calloc(1, SPOOL_FILE_MAX + 1), name[64];

    (void)state;
    memset(large, 'x', SPOOL_FILE_MAX);
    assert_int_equal(letter_id(item.id), 0);
    assert_int_equal(spool_put(spool, &item, slice_of(large)), E_LIMIT);
    assert_int_equal(count(spool), 0);
    free(large);
    for (size_t i = spool_dead(spool); i < SPOOL_DEAD_MAX; i++) {
        snprintf(name, sizeof(name), "dead/%032zx", i + 0xffff);
        put_file(name, "", 0);
    }
    assert_int_equal(spool_put(spool, &item, slice_of("x")), 0);
    assert_int_equal(spool_bury(spool, item.id), E_LIMIT); /* dropped, and said so */
    assert_int_equal(spool_dead(spool), SPOOL_DEAD_MAX);
    assert_int_equal(count(spool), 0);
    spool_close(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(folders),
        cmocka_unit_test(no_mails),
        cmocka_unit_test(bounds),
    };
    char command[96];
    int failed;

    if (mkdtemp(top) == NULL)
        return 1;
    snprintf(folder, sizeof(folder), "%s/mail", top);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof(command), "rm -r %s", top);
    return system(command) == 0 ? failed : 1;
}
