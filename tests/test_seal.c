/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Key files that are good and bad, and sealing: what opens, and that nothing else does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "fixture_keys.h"
#include "key_folder.h"
#include "secret/base64.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define S(text) ((struct slice){text, sizeof(text) - 1})
#define KEY_A   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B   "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static _Atomic long ahead_s; /* of the monotonic clock, for whoever is in this process */

/* In the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ret);

    if (id == CLOCK_MONOTONIC)
        ret->tv_sec += ahead_s;
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void write_key_file(const char *text, size_t len, mode_t mode)
{
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_current(const struct keys *keys, const char *id)
{
    char current[SEAL_KEY_ID_MAX + 1];

    keys_current(keys, current);
    assert_string_equal(current, id);
}

static void key_files(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        int err;
        const char *says; /* current key, or part of the error */
    } cases[] = {
        {"a " KEY_A "\n", 0600, 0, "a"},
        {"a " KEY_A, 0400, 0, "a"},
        {"# old\na " KEY_A "\n\n# new\nb-2 " KEY_B "\r\n", 0600, 0, "b-2"},
        {"", 0600, E_CONF, "no key"},
        {"# only words\n", 0600, E_CONF, "no key"},
        {"a " KEY_A "\n", 0640, E_CONF, "0600"},
        {"a " KEY_A "\n", 0604, E_CONF, "0600"},
        {"a " KEY_A "\n", 0700, E_CONF, "0600"},
        {"a " KEY_A "\n", 04600, E_CONF, "0600"},
        {"a\n", 0600, E_CONF, ":1: expected"},
        {"\n\na " KEY_A "\na " KEY_B "\n", 0600, E_CONF, ":4: this key id is there twice"},
        {"A " KEY_A "\n", 0600, E_CONF, "key id"},
        {"a.b " KEY_A "\n", 0600, E_CONF, "key id"},
        {" " KEY_A "\n", 0600, E_CONF, "key id"},
        {"abcdefghijklmnopqrstuvwxyz0123456 " KEY_A "\n", 0600, E_CONF, "key id"},
        {"a AAAA\n", 0600, E_CONF, "32 bytes"},
        {"a AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0600, E_CONF, "32 bytes"},
        {"a AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", 0600, E_CONF, "32 bytes"},
        {"a  " KEY_A "\n", 0600, E_CONF, "the word next"},
        {"a " KEY_A "\nb " KEY_B " next\n", 0600, 0, "a"},
        {"b " KEY_B " next\na " KEY_A "\n", 0600, 0, "a"},
        {"a " KEY_A "\nb " KEY_B " last\n", 0600, E_CONF, ":2: behind the key"},
        {"a " KEY_A " next next\n", 0600, E_CONF, "the word next"},
        {"a " KEY_A " next\n", 0600, E_CONF, "no key in this file that seals"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct keys *keys = NULL;
        char wrong[256] = "";
        write_key_file(cases[i].text, strlen(cases[i].text), cases[i].mode);
        assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), cases[i].err);
        if (cases[i].err == 0)
            assert_current(keys, cases[i].says);
        else if (strstr(wrong, cases[i].says) == NULL || keys != NULL)
            fail_msg("case %zu says: %s", i, wrong);
        assert_null(strstr(wrong, "AAAAAA"));
        keys_free(keys);
    }
}

static void key_files_hostile(void **state)
{
    struct keys *keys = NULL;
    char wrong[256], large[20000], other[80];

    (void)state;
    memset(large, '#', sizeof(large));
    write_key_file(large, sizeof(large), 0600);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), E_LIMIT);
    write_key_file("a\0 " KEY_A "\n", 48, 0600);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), E_CONF);
    assert_int_equal(keys_load("/nowhere/key", &keys, wrong, sizeof(wrong)), E_NOTFOUND);
    assert_int_equal(keys_load(dir, &keys, wrong, sizeof(wrong)), E_CONF);
    write_key_file("a " KEY_A "\n", strlen("a " KEY_A "\n"), 0600);
    snprintf(other, sizeof(other), "%s/link", dir);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(keys_load(other, &keys, wrong, sizeof(wrong)), E_CONF);
    unlink(other);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(keys_load(other, &keys, wrong, sizeof(wrong)), E_CONF);
    unlink(other);
    assert_null(keys);
    keys_free(NULL);
}

static void key_file_made(void **state)
{
    struct stat st;
    struct keys *keys = NULL;
    char wrong[256], current[SEAL_KEY_ID_MAX + 1];

    (void)state;
    unlink(path);
    umask(0);
    assert_int_equal(keys_create(path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
    keys_current(keys, current);
    assert_int_equal(strlen(current), 9);
    assert_int_equal(keys_create(path), E_EXISTS);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 44);
    assert_int_equal(keys_create("/nowhere/key"), E_NOTFOUND);
    keys_free(keys);
}

static void base64_has_one_spelling(void **state)
{
    static const struct {
        const char *text;
        int err;
        size_t len;
    } cases[] = {
        {"AAAA", 0, 3},        {"AAA=", 0, 2},           {"AA==", 0, 1},
        {"", E_SYNTAX, 0},     {"AAA", E_SYNTAX, 0},     {"A===", E_SYNTAX, 0},
        {"====", E_SYNTAX, 0}, {"AAB=", E_SYNTAX, 0},    {"AB==", E_SYNTAX, 0},
        {"AA A", E_SYNTAX, 0}, {" AAA", E_SYNTAX, 0},    {"AAA\n", E_SYNTAX, 0},
        {"A-_A", E_SYNTAX, 0}, {"=AAA", E_SYNTAX, 0},    {"AA=A", E_SYNTAX, 0},
        {"AAAAAA==", 0, 4},    {"AAAAAAAA", E_LIMIT, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[5];
        size_t len = 0;
        int err = base64_decode(slice_of(cases[i].text), bytes, sizeof(bytes), &len);
        if (err != cases[i].err || len != cases[i].len)
            fail_msg("\"%s\": %s, %zu", cases[i].text, err_name(err), len);
    }
}

static void round_trips(void **state)
{
    static const size_t sizes[] = {0, 1, 6, 20, 63, 64, 1023, 1024};
    struct keys *keys = fixture_keys();
    struct seal_for what = {S(SEAL_PIN), S("person"), S("acme")};
    char plain[SEAL_PLAIN_MAX + 1], sealed[SEAL_MAX], twice[SEAL_MAX];
    struct secret back;

    (void)state;
    memset(plain, 7, sizeof(plain));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(seal_close(keys, &what, plain, sizes[i], sealed), 0);
        assert_int_equal(seal_close(keys, &what, plain, sizes[i], twice), 0);
        assert_string_not_equal(sealed, twice);
        assert_true(strlen(sealed) < SEAL_MAX_OF(sizes[i]));
        assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), 0);
        assert_int_equal(back.len, sizes[i]);
        assert_memory_equal(back.data, plain, sizes[i]);
    }
    assert_int_equal(seal_close(keys, &what, plain, SEAL_PLAIN_MAX + 1, sealed), E_LIMIT);
    secret_clear(&back);
    keys_free(keys);
}

/* Fields that move their border must not give the same additional data. */
static void opens_for_nothing_else(void **state)
{
    static const struct {
        const char *purpose, *person, *organization;
        int err;
    } cases[] = {
        {"usherPin", "p1", "acme", 0},        {"usherPin", "P1", "ACME", 0},
        {"usherpin", "p1", "acme", E_CRYPTO}, {"usherTotpSecret", "p1", "acme", E_CRYPTO},
        {"usherPin", "p2", "acme", E_CRYPTO}, {"usherPin", "p1", "", E_CRYPTO},
        {"usherPin", "p1", "acm", E_CRYPTO},  {"usherPin", "p1acme", "", E_CRYPTO},
        {"usherPin", "p", "1acme", E_CRYPTO}, {"usherPinp", "1", "acme", E_CRYPTO},
        {"usherPin", "", "acme", E_CRYPTO},   {"", "p1", "acme", E_CRYPTO},
    };
    struct keys *keys = fixture_keys(), *others = fixture_keys();
    struct seal_for what = {S("usherPin"), S("p1"), S("acme")};
    char sealed[SEAL_MAX], large[SEAL_FIELD_MAX + 2] = "";
    struct secret back;

    (void)state;
    assert_int_equal(seal_close(keys, &what, "secret", 6, sealed), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seal_for other = {slice_of(cases[i].purpose), slice_of(cases[i].person),
                                 slice_of(cases[i].organization)};
        back.len = 99;
        assert_int_equal(seal_open(keys, &other, slice_of(sealed), &back), cases[i].err);
        assert_int_equal(back.len, cases[i].err == 0 ? 6 : 99);
    }
    assert_int_equal(seal_open(others, &what, slice_of(sealed), &back), E_CRYPTO);
    memset(large, 'a', SEAL_FIELD_MAX + 1);
    what.organization = slice_of(large);
    assert_int_equal(seal_close(keys, &what, "", 0, sealed), E_LIMIT);
    what = (struct seal_for){S("usherPin"), S(""), S("")};
    assert_int_equal(seal_close(keys, &what, "", 0, sealed), E_LIMIT);
    secret_clear(&back);
    keys_free(keys);
    keys_free(others);
}

/* Each bit of each byte, each length, and what is near a sealed value. */
static void tampering(void **state)
{
    static const char *const near[] = {
        "",          "usher1.",       "usher1.a",      "usher1..AAAA",
        "usher1.a.", "usher2.a.AAAA", "usher1.a.AAAA", "007"};
    struct keys *keys = fixture_keys();
    struct seal_for what = {S(SEAL_TOTP), S("p1"), S("")};
    char sealed[SEAL_MAX], changed[SEAL_MAX + 1];
    struct secret back;
    char current[SEAL_KEY_ID_MAX + 1];
    struct slice id;
    size_t len;

    (void)state;
    assert_int_equal(seal_close(keys, &what, "12345678901234567890", 20, sealed), 0);
    len = strlen(sealed);
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            strcpy(changed, sealed);
            changed[i] = (char)(changed[i] ^ 1 << bit);
            assert_int_equal(seal_open(keys, &what, (struct slice){changed, len}, &back), E_CRYPTO);
        }
    for (size_t i = 0; i < len; i++)
        assert_int_equal(seal_open(keys, &what, (struct slice){sealed, i}, &back), E_CRYPTO);
    snprintf(changed, sizeof(changed), "%s\n", sealed);
    assert_int_equal(seal_open(keys, &what, slice_of(changed), &back), E_CRYPTO);
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        assert_int_equal(seal_open(keys, &what, slice_of(near[i]), &back), E_CRYPTO);
    assert_int_equal(seal_key_id(slice_of(sealed), &id), 0);
    keys_current(keys, current);
    assert_true(slice_is(id, current));
    assert_int_equal(seal_key_id(slice_of("scrypt$1"), &id), E_CRYPTO);
    assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), 0);
    secret_clear(&back);
    keys_free(keys);
}

static void change_key_file(const char *text)
{
    write_key_file(text, strlen(text), 0600);
}

/* The keys follow their file; what one that is gone has sealed still opens for a while. */
static void keys_follow_their_file(void **state)
{
    struct seal_for what = {S(SEAL_PIN), S("p1"), S("acme")};
    struct keys *keys = NULL, *fresh = NULL;
    char wrong[256], sealed[SEAL_MAX], again[SEAL_MAX];
    struct secret back;

    (void)state;
    change_key_file("a " KEY_A "\n");
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
    assert_int_equal(seal_close(keys, &what, "x", 1, sealed), 0);
    assert_memory_equal(sealed, "usher1.a.", 9);
    change_key_file("a " KEY_A "\nb " KEY_B " next\n");
    assert_int_equal(keys_known(keys, slice_of("b")), 0);
    assert_current(keys, "a");
    change_key_file("a " KEY_A "\nb " KEY_B "\n");
    assert_current(keys, "b");
    assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), 0);
    assert_int_equal(seal_again(keys, &what, slice_of(sealed), again), 0);
    assert_memory_equal(again, "usher1.b.", 9);
    assert_int_equal(seal_again(keys, &what, slice_of(again), sealed), E_EXISTS);
    what.person = slice_of("p2");
    assert_int_equal(seal_again(keys, &what, slice_of(sealed), again), E_CRYPTO);
    what.person = slice_of("p1");
    change_key_file("b " KEY_B "\n");
    assert_int_equal(keys_known(keys, slice_of("a")), E_NOTFOUND);
    assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), 0);
    assert_int_equal(keys_load(path, &fresh, wrong, sizeof(wrong)), 0);
    assert_int_equal(seal_open(fresh, &what, slice_of(sealed), &back), E_CRYPTO);
    assert_int_equal(seal_again(fresh, &what, slice_of(sealed), again), E_NOTFOUND);
    assert_int_equal(seal_again(fresh, &what, slice_of("scrypt$1"), again), E_CRYPTO);
    keys_free(fresh);
    change_key_file("b " KEY_B); /* still the same keys */
    assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), 0);
    change_key_file("a " KEY_B "\n"); /* another key of that id */
    assert_int_equal(seal_open(keys, &what, slice_of(sealed), &back), E_CRYPTO);
    change_key_file("a AAAA\n");
    assert_int_equal(keys_refresh(keys, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "32 bytes"));
    assert_current(keys, "a");
    unlink(path);
    assert_current(keys, "a");
    change_key_file("c " KEY_A "\n");
    assert_int_equal(keys_refresh(keys, wrong, sizeof(wrong)), 0);
    assert_current(keys, "c");
    keys_free(keys);
    secret_clear(&back);
}

/* A key that was taken out opens for five minutes, whatever becomes of the file meanwhile. */
static void a_key_taken_out_ends(void **state)
{
    static const char *const then[] = {"b " KEY_B "\n", "nonsense\n", NULL /* no file */};
    static const struct seal_for what = {S("pin"), S("alice"), S("acme")};

    (void)state;
    for (size_t i = 0; i < sizeof(then) / sizeof(then[0]); i++) {
        char sealed[SEAL_MAX], later[SEAL_MAX], wrong[256];
        struct keys *keys = NULL;
        struct secret plain;

        change_key_file("a " KEY_A "\n");
        assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
        assert_int_equal(seal_close(keys, &what, "x", 1, sealed), 0);
        change_key_file("b " KEY_B "\n");
        assert_int_equal(seal_close(keys, &what, "y", 1, later), 0);
        if (then[i] != NULL)
            change_key_file(then[i]);
        else
            assert_int_equal(unlink(path), 0);
        ahead_s += 299;
        assert_int_equal(seal_open(keys, &what, slice_of(sealed), &plain), 0);
        ahead_s += 2;
        assert_int_equal(seal_open(keys, &what, slice_of(sealed), &plain), E_CRYPTO);
        assert_int_equal(seal_open(keys, &what, slice_of(later), &plain), 0);
        secret_clear(&plain);
        assert_current(keys, "b");
        keys_free(keys);
    }
}

static void *seal_much(void *argument)
{
    struct keys *keys = argument;
    struct seal_for what = {S(SEAL_PIN), S("p1"), S("acme")};
    char sealed[SEAL_MAX];
    struct secret back;

    for (int i = 0; i < 500; i++)
        if (seal_close(keys, &what, &i, sizeof(i), sealed) < 0 ||
            seal_open(keys, &what, slice_of(sealed), &back) < 0 ||
            memcmp(back.data, &i, sizeof(i)) != 0)
            return "failed";
    return NULL;
}

/* While the keys are rotated under them. */
static void threads_share_keys(void **state)
{
    struct keys *keys = NULL;
    pthread_t threads[4];
    char wrong[256];

    (void)state;
    unlink(path);
    assert_int_equal(keys_create(path), 0);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, seal_much, keys), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(keys_add(path, wrong, sizeof(wrong)), 0);
        assert_int_equal(keys_promote(path, wrong, sizeof(wrong)), 0);
        assert_int_equal(keys_drop(path, wrong, sizeof(wrong)), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result = "not joined";
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_files),
        cmocka_unit_test(key_files_hostile),
        cmocka_unit_test(key_file_made),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(opens_for_nothing_else),
        cmocka_unit_test(tampering),
        cmocka_unit_test(keys_follow_their_file),
        cmocka_unit_test(a_key_taken_out_ends),

        cmocka_unit_test(threads_share_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
