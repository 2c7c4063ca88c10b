/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LMDB as the state uses it: sticky errors, walks, the lock, and what survives a kill.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "cache/db.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS    4000
#define COMMITS 8

enum { PLAIN, SETS, TABLES };

static const struct db_table tables[TABLES] = {{"plain", false}, {"sets", true}};

struct fixture {
    char directory[64];
    struct db_options options;
    struct db *db;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));

    strcpy(fixture->directory, "/tmp/usher-db-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    fixture->options = (struct db_options){.directory = fixture->directory,
                                           .map_size = 1 << 20,
                                           .tables = tables,
                                           .table_count = TABLES};
    *state = fixture;
    return db_open(&fixture->options, &fixture->db);
}

static int teardown(void **state)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "lock", "unsynced"};
    struct fixture *fixture = *state;

    db_close(fixture->db);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = mem_printf("%s/%s", fixture->directory, files[i]);

        (void)unlink(path);
        free(path);
    }
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static struct db_txn begin(struct fixture *fixture, bool write)
{
    struct db_txn txn;

    assert_int_equal(db_begin(fixture->db, write, &txn), 0);
    return txn;
}

static void expect(struct db_txn *txn, const char *key, const char *value)
{
    struct slice got;

    assert_int_equal(db_get(txn, PLAIN, slice_of(key), &got), value != NULL);
    if (value != NULL)
        assert_true(slice_is(got, value));
}

static void test_changes(void **state)
{
    struct fixture *fixture = *state;
    struct db_txn txn = begin(fixture, true);

    db_put(&txn, PLAIN, slice_of("a"), slice_of("1"));
    db_put(&txn, PLAIN, slice_of("b"), slice_of("2"));
    db_put(&txn, PLAIN, slice_of("a"), slice_of("3"));
    expect(&txn, "a", "3");
    assert_int_equal(db_commit(&txn), 0);
    assert_int_not_equal(db_commit(&txn), 0); /* once */
    txn = begin(fixture, true);
    db_delete(&txn, PLAIN, slice_of("a"));
    db_delete(&txn, PLAIN, slice_of("none"));
    expect(&txn, "a", NULL);
    db_abort(&txn);
    db_abort(&txn);
    txn = begin(fixture, false);
    expect(&txn, "a", "3");
    assert_int_equal(db_count(&txn, PLAIN), 2);
    db_abort(&txn);
    txn = begin(fixture, true);
    db_empty(&txn, PLAIN);
    assert_int_equal(db_commit(&txn), 0);
    db_close(fixture->db);
    fixture->db = NULL;
    assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
    txn = begin(fixture, false);
    assert_int_equal(db_count(&txn, PLAIN), 0);
    db_abort(&txn);
}

static void test_sticky(void **state)
{
    struct fixture *fixture = *state;
    char key[DB_KEY_MAX + 1];
    struct db_txn txn = begin(fixture, true);

    memset(key, 'k', sizeof(key));
    db_put(&txn, PLAIN, slice_of("a"), slice_of("1"));
    db_put(&txn, PLAIN, (struct slice){key, sizeof(key)}, slice_of("1")); /* too long */
    assert_int_equal(txn.err, E_IO);
    expect(&txn, "a", NULL); /* nothing works from here on */
    assert_int_equal(db_count(&txn, PLAIN), 0);
    assert_int_equal(db_commit(&txn), E_IO);
    txn = begin(fixture, false);
    expect(&txn, "a", NULL);
    db_put(&txn, PLAIN, slice_of("a"), slice_of("1")); /* reads only */
    assert_int_not_equal(txn.err, 0);
    db_abort(&txn);
}

static void test_full(void **state)
{
    struct fixture *fixture = *state;
    char *large = mem_alloc(2 << 20);
    struct db_txn txn = begin(fixture, true);

    db_put(&txn, PLAIN, slice_of("a"), (struct slice){large, 2 << 20});
    assert_int_equal(db_commit(&txn), E_LIMIT);
    txn = begin(fixture, true);
    db_put(&txn, PLAIN, slice_of("a"), slice_of("1"));
    assert_int_equal(db_commit(&txn), 0);
    free(large);
}

static void test_walks(void **state)
{
    static const struct {
        const char *prefix, *seen;
    } walks[] = {{"", "a,ab,abc,b,"}, {"a", "a,ab,abc,"}, {"ab", "ab,abc,"},
                 {"abd", ""},         {"c", ""},          {"abcd", ""}};
    static const char *const keys[] = {"b", "abc", "a", "ab"};
    struct fixture *fixture = *state;
    struct db_txn txn = begin(fixture, true);

    for (size_t i = 0; i < 4; i++)
        db_put(&txn, PLAIN, slice_of(keys[i]), slice_of("v"));
    for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
        struct db_cursor cursor;
        struct slice key, value;
        char seen[64] = "";

        db_walk(&txn, PLAIN, slice_of(walks[i].prefix), &cursor);
        while (db_next(&cursor, &key, &value)) {
            strncat(seen, key.data, key.len);
            strcat(seen, ",");
            db_put(&txn, SETS, key, slice_of("w")); /* another table may change */
        }
        db_walk_end(&cursor);
        db_walk_end(&cursor);
        assert_string_equal(seen, walks[i].seen);
    }
    assert_int_equal(db_commit(&txn), 0);
}

static void test_sets(void **state)
{
    static const char *const values[] = {"two", "one", "six", "two"};
    struct fixture *fixture = *state;
    struct db_txn txn = begin(fixture, true);
    struct db_cursor cursor;
    struct slice key, value;
    char seen[64] = "";

    for (size_t i = 0; i < 4; i++)
        db_put(&txn, SETS, slice_of("k"), slice_of(values[i]));
    db_put(&txn, SETS, slice_of("l"), slice_of("ten"));
    assert_int_equal(db_count(&txn, SETS), 4);
    db_delete_pair(&txn, SETS, slice_of("k"), slice_of("one"));
    db_delete_pair(&txn, SETS, slice_of("k"), slice_of("not"));
    db_walk(&txn, SETS, slice_of("k"), &cursor);
    while (db_next(&cursor, &key, &value))
        strncat(seen, value.data, value.len);
    db_walk_end(&cursor);
    assert_string_equal(seen, "sixtwo");
    db_delete(&txn, SETS, slice_of("k"));
    assert_int_equal(db_count(&txn, SETS), 1);
    assert_int_equal(db_commit(&txn), 0);
}

static void test_lock(void **state)
{
    struct fixture *fixture = *state;
    struct db *other = NULL;
    int status = 0;
    pid_t pid;

    assert_int_equal(db_open(&fixture->options, &other), E_BUSY);
    pid = fork();
    if (pid == 0)
        _exit(db_open(&fixture->options, &other) == E_BUSY ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    db_close(fixture->db);
    fixture->db = NULL;
    assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
}

/* Commits until it is killed, in the open and relaxed; what it said was committed is there. */
static void test_killed(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned relaxed = 0; relaxed < 2; relaxed++) {
        unsigned count = 0, said;
        struct db_txn txn;
        struct slice value;
        int pipes[2];
        pid_t pid;

        db_close(fixture->db);
        fixture->db = NULL;
        assert_int_equal(pipe(pipes), 0);
        pid = fork();
        if (pid == 0) {
            if (db_open(&fixture->options, &fixture->db) != 0 ||
                (relaxed != 0 && db_relax(fixture->db) != 0))
                _exit(1);
            for (unsigned i = 1;; i++) {
                struct db_txn mine = begin(fixture, true);

                db_put(&mine, PLAIN, slice_of("n"), (struct slice){(const char *)&i, sizeof(i)});
                if (db_commit(&mine) != 0 || write(pipes[1], &i, sizeof(i)) != sizeof(i))
                    _exit(1);
            }
        }
        close(pipes[1]);
        while (count < 50 && read(pipes[0], &count, sizeof(count)) == sizeof(count))
            continue;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(pipes[0], &count, sizeof(count)) == sizeof(count))
            continue;
        close(pipes[0]);
        assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
        txn = begin(fixture, false);
        assert_true(db_get(&txn, PLAIN, slice_of("n"), &value));
        memcpy(&said, value.data, sizeof(said));
        assert_in_range(said, count, count + 1);
        db_abort(&txn);
    }
    assert_int_equal(db_settle(fixture->db), 0);
}

static void spoil(struct fixture *fixture, const char *name, size_t len)
{
    char *path = mem_printf("%s/%s", fixture->directory, name), *junk = mem_alloc(len);
    int fd;

    memset(junk, 'x', len);
    db_close(fixture->db);
    fixture->db = NULL;
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, junk, len), (ssize_t)len);
    close(fd);
    free(junk);
    free(path);
}

/* Data that is damaged, or was left unsynced by another boot, is thrown away. */
static void test_damaged(void **state)
{
    static const struct {
        const char *file;
        size_t len;
    } damages[] = {{"data.mdb", 8192}, {"unsynced", 40}, {"unsynced", 3}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct db_txn txn = begin(fixture, true);

        db_put(&txn, PLAIN, slice_of("a"), slice_of("1"));
        assert_int_equal(db_commit(&txn), 0);
        spoil(fixture, damages[i].file, damages[i].len);
        assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
        txn = begin(fixture, false);
        expect(&txn, "a", NULL);
        db_abort(&txn);
        assert_int_equal(db_settle(fixture->db), 0);
    }
}

/* Many rows, in several commits, so that the pages that lead to others lie anywhere. Returns how
 * many pages the file has. */
static size_t fill_pages(struct fixture *fixture, const char *path)
{
    struct db_txn txn;
    struct stat file;

    for (int commit = 0; commit < COMMITS; commit++) {
        txn = begin(fixture, true);
        for (int i = 0; i < (commit == 0 ? ROWS : 1); i++) {
            char text[16];

            (void)snprintf(text, sizeof(text), "%d", i);
            db_put(&txn, PLAIN, slice_of(text), slice_of(text));
        }
        assert_int_equal(db_commit(&txn), 0);
    }
    assert_false(db_damaged(fixture->db));
    db_close(fixture->db);
    fixture->db = NULL;
    assert_int_equal(stat(path, &file), 0);
    return (size_t)file.st_size / (size_t)sysconf(_SC_PAGESIZE);
}

static int read_rows(struct fixture *fixture, size_t *ret_found)
{
    struct db_txn txn = begin(fixture, false);
    struct slice value;

    *ret_found = 0;
    for (int i = 0; i < ROWS; i++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", i);
        *ret_found += db_get(&txn, PLAIN, slice_of(text), &value);
    }
    db_abort(&txn);
    return txn.err;
}

/* A file that was cut is opened without SIGBUS and begun anew, at once or, where the damage is met
 * later, after an error. */
static void test_cut(void **state)
{
    struct fixture *fixture = *state;
    char *path = mem_printf("%s/data.mdb", fixture->directory);
    long page = sysconf(_SC_PAGESIZE);
    size_t found, late = 0;

    for (size_t cut = 2; cut < fill_pages(fixture, path); cut++) {
        assert_int_equal(truncate(path, (off_t)cut * page), 0);
        assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
        if (read_rows(fixture, &found) != 0) {
            late++;
            assert_true(db_damaged(fixture->db));
            db_close(fixture->db);
            assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
            assert_int_equal(read_rows(fixture, &found), 0);
            assert_int_equal(found, 0);
        }
        assert_false(db_damaged(fixture->db));
        assert_true(found == 0 || found == ROWS); /* a page that was cut may be a free one */
        spoil(fixture, "unsynced", 3);            /* each cut on new data */
        assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
        assert_int_equal(db_settle(fixture->db), 0);
    }
    assert_true(late > 0);
    assert_int_equal(db_open(&fixture->options, &fixture->db), 0);
    free(path);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_changes), CASE(test_sticky),  CASE(test_full),
        CASE(test_walks),   CASE(test_sets),    CASE(test_lock),
        CASE(test_killed),  CASE(test_damaged), CASE(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
