/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The lock is ours (flock on a file beside the data): LMDB would let a second process write too. It
 * is taken before LMDB looks at anything, and goes with the process however that ends. While the
 * data is not synced, a file beside it says so and in which boot: pages written in this boot are
 * there, whoever was killed; those of another may be torn.
 */
#include "cache/db.h"
#include "base/err.h"
#include "cache/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct db {
    MDB_env *env;
    char *directory;
    int lock;
    bool relaxed; /* not synced at commit */
    bool damaged;
    MDB_dbi tables[DB_TABLES_MAX];
};

static int db_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return 0;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return E_LIMIT;
    case ENOMEM:
        return E_NOMEM;
    case MDB_READERS_FULL:
        return E_BUSY;
    default:
        return E_IO;
    }
}

static MDB_val val_of(struct slice bytes)
{
    return (MDB_val){.mv_size = bytes.len, .mv_data = (void *)bytes.data};
}

static struct slice slice_of_val(const MDB_val *val)
{
    return (struct slice){.data = val->mv_data, .len = val->mv_size};
}

static int lock_take(const char *directory, int *ret_fd)
{
    char *path = mem_printf("%s/lock", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int err = 0;

    free(path);
    if (fd < 0)
        return err_errno(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? E_BUSY : err_errno(errno);
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

static int tables_open(struct db *db, const struct db_options *options)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(db->env, NULL, 0, &txn);

    if (code != 0)
        return code;
    for (size_t i = 0; code == 0 && i < options->table_count; i++) {
        unsigned flags = MDB_CREATE;

        if (options->tables[i].duplicates)
            flags |= MDB_DUPSORT | MDB_DUPFIXED;
        code = mdb_dbi_open(txn, options->tables[i].name, flags, &db->tables[i]);
    }
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* LMDB trusts the file to be as long as its meta page says and reads it mapped: beyond its end that
 * is SIGBUS. Pages at the end that were never written may be missing; where somebody cut the file,
 * LMDB meets zeros there, which it calls damaged. Returns LMDB's code. */
static int env_lengthen(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    mdb_filehandle_t fd;
    off_t wanted;
    int code = mdb_env_info(env, &info);

    if (code == 0)
        code = mdb_env_stat(env, &stat);
    if (code == 0)
        code = mdb_env_get_fd(env, &fd);
    if (code == 0 && fstat(fd, &file) != 0)
        code = errno;
    if (code != 0)
        return code;
    wanted = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
    if (wanted > (off_t)info.me_mapsize)
        return MDB_CORRUPTED;
    return file.st_size >= wanted || ftruncate(fd, wanted) == 0 ? 0 : errno;
}

/* Returns LMDB's code; the environment is closed again after an error. */
static int env_open(struct db *db, const struct db_options *options)
{
    int code = mdb_env_create(&db->env);

    if (code == 0)
        code = mdb_env_set_mapsize(db->env, options->map_size);
    if (code == 0)
        code = mdb_env_set_maxdbs(db->env, DB_TABLES_MAX);
    if (code == 0)
        code = mdb_env_open(db->env, options->directory, MDB_NOMETASYNC | MDB_NOTLS, 0600);
    if (code == 0)
        code = env_lengthen(db->env);
    if (code == 0)
        code = tables_open(db, options);
    if (code != 0 && db->env != NULL) {
        mdb_env_close(db->env);
        db->env = NULL;
    }
    return code;
}

/* Whether the data file is to blame, and not the machine. */
static bool is_damaged(int code)
{
    return code == MDB_INVALID || code == MDB_VERSION_MISMATCH || code == MDB_CORRUPTED ||
           code == MDB_PAGE_NOTFOUND || code == MDB_INCOMPATIBLE || code == MDB_PANIC;
}

static void data_remove(const char *directory)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = mem_printf("%s/%s", directory, names[i]);

        (void)unlink(path);
        free(path);
    }
}

static int directory_sync(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd >= 0 && fsync(fd) == 0 ? 0 : err_errno(errno);

    if (fd >= 0)
        close(fd);
    return err;
}

static char *mark_path(const char *directory)
{
    return mem_printf("%s/unsynced", directory);
}

/* Says on disk that the data is not synced, in this boot. */
static int mark_write(const char *directory)
{
    char *path = mark_path(directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    char boot[LAYOUT_BOOT_MAX] = {0};
    int err = fd >= 0 ? layout_boot(boot) : err_errno(errno);

    if (err == 0 && write(fd, boot, sizeof(boot)) != (ssize_t)sizeof(boot))
        err = E_IO;
    if (err == 0 && fsync(fd) != 0)
        err = err_errno(errno);
    if (fd >= 0)
        close(fd);
    free(path);
    return err != 0 ? err : directory_sync(directory);
}

/* Whether the data is marked; *ret_torn: and may be torn. */
static bool mark_read(const char *directory, bool *ret_torn)
{
    char *path = mark_path(directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char boot[LAYOUT_BOOT_MAX] = {0}, marked[LAYOUT_BOOT_MAX] = {0};

    free(path);
    if (fd < 0)
        return false;
    *ret_torn = read(fd, marked, sizeof(marked)) != (ssize_t)sizeof(marked) ||
                layout_boot(boot) != 0 || memcmp(boot, marked, sizeof(boot)) != 0;
    close(fd);
    return true;
}

int db_relax(struct db *db)
{
    int err = db->relaxed ? 0 : mark_write(db->directory);

    if (err == 0)
        err = db_error(mdb_env_set_flags(db->env, MDB_NOSYNC, 1));
    db->relaxed = db->relaxed || err == 0;
    return err;
}

int db_settle(struct db *db)
{
    char *path;
    int err = 0;

    if (!db->relaxed || db->damaged) /* the mark stays on what is damaged */
        return 0;
    err = db_error(mdb_env_sync(db->env, 1));
    if (err == 0)
        err = db_error(mdb_env_set_flags(db->env, MDB_NOSYNC, 0));
    if (err != 0)
        return err;
    path = mark_path(db->directory);
    if (unlink(path) != 0 && errno != ENOENT)
        err = err_errno(errno);
    free(path);
    if (err == 0)
        err = directory_sync(db->directory);
    db->relaxed = err != 0;
    return err;
}

int db_open(const struct db_options *options, struct db **ret)
{
    struct db *db = mem_alloc(sizeof(*db));
    bool torn = false;
    int code, err = 0;

    db->lock = -1;
    db->directory = mem_strdup(options->directory);
    if (options->table_count > DB_TABLES_MAX)
        err = E_LIMIT;
    else if (mkdir(options->directory, 0700) != 0 && errno != EEXIST)
        err = err_errno(errno);
    if (err == 0)
        err = lock_take(options->directory, &db->lock);
    if (err != 0)
        goto out;
    db->relaxed = mark_read(options->directory, &torn);
    if (torn)
        data_remove(options->directory);
    code = env_open(db, options);
    if (is_damaged(code)) {
        data_remove(options->directory);
        code = env_open(db, options);
    }
    err = db_error(code);
out:
    if (err != 0) {
        db_close(db);
        return err;
    }
    *ret = db;
    return 0;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    if (db->env != NULL)
        mdb_env_close(db->env);
    if (db->lock >= 0)
        close(db->lock);
    free(db->directory);
    free(db);
}

/* The error for a code that stands in the way. Damage is marked on disk, as data of a boot that
 * never was: the next db_open throws it away. */
static int db_fail(struct db *db, int code)
{
    if (is_damaged(code) && !db->damaged) {
        char *path = mark_path(db->directory);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd >= 0)
            close(fd);
        free(path);
        db->damaged = true;
    }
    return db_error(code);
}

bool db_damaged(const struct db *db)
{
    return db->damaged;
}

int db_begin(struct db *db, bool write, struct db_txn *ret)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(db->env, NULL, write ? 0 : MDB_RDONLY, &txn);

    if (code != 0)
        return db_fail(db, code);
    *ret = (struct db_txn){.db = db, .txn = txn};
    return 0;
}

int db_commit(struct db_txn *txn)
{
    int err = txn->err;

    if (txn->txn == NULL)
        return err != 0 ? err : E_INTERNAL;
    if (err != 0)
        mdb_txn_abort(txn->txn);
    else
        err = db_fail(txn->db, mdb_txn_commit(txn->txn));
    txn->txn = NULL;
    return err;
}

void db_abort(struct db_txn *txn)
{
    if (txn->txn != NULL)
        mdb_txn_abort(txn->txn);
    txn->txn = NULL;
}

/* Notes the first error; true when the call did its work. */
static bool check(struct db_txn *txn, int code)
{
    if (code == 0)
        return true;
    if (code != MDB_NOTFOUND && txn->err == 0)
        txn->err = db_fail(txn->db, code);
    return false;
}

bool db_get(struct db_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
    MDB_val k = val_of(key), v;

    if (txn->err != 0 || !check(txn, mdb_get(txn->txn, txn->db->tables[table], &k, &v)))
        return false;
    *ret_value = slice_of_val(&v);
    return true;
}

uint64_t db_count(struct db_txn *txn, unsigned table)
{
    MDB_stat stat;

    if (txn->err != 0 || !check(txn, mdb_stat(txn->txn, txn->db->tables[table], &stat)))
        return 0;
    return stat.ms_entries;
}

void db_put(struct db_txn *txn, unsigned table, struct slice key, struct slice value)
{
    MDB_val k = val_of(key), v = val_of(value);

    if (txn->err == 0)
        (void)check(txn, mdb_put(txn->txn, txn->db->tables[table], &k, &v, 0));
}

bool db_add(struct db_txn *txn, unsigned table, struct slice key, struct slice value)
{
    MDB_val k = val_of(key), v = val_of(value);
    int code = MDB_SUCCESS;

    if (txn->err == 0)
        code = mdb_put(txn->txn, txn->db->tables[table], &k, &v, MDB_NOOVERWRITE);
    return code != MDB_KEYEXIST && check(txn, code) && txn->err == 0;
}

void db_delete(struct db_txn *txn, unsigned table, struct slice key)
{
    MDB_val k = val_of(key);

    if (txn->err == 0)
        (void)check(txn, mdb_del(txn->txn, txn->db->tables[table], &k, NULL));
}

void db_delete_pair(struct db_txn *txn, unsigned table, struct slice key, struct slice value)
{
    MDB_val k = val_of(key), v = val_of(value);

    if (txn->err == 0)
        (void)check(txn, mdb_del(txn->txn, txn->db->tables[table], &k, &v));
}

void db_empty(struct db_txn *txn, unsigned table)
{
    if (txn->err == 0)
        (void)check(txn, mdb_drop(txn->txn, txn->db->tables[table], 0));
}

void db_load_begin(struct db_txn *txn, unsigned table, struct db_load *ret)
{
    *ret = (struct db_load){.txn = txn, .append = db_count(txn, table) == 0};
    if (txn->err == 0)
        (void)check(txn, mdb_cursor_open(txn->txn, txn->db->tables[table], &ret->cursor));
}

void db_load_put(struct db_load *load, struct slice key, struct slice value)
{
    MDB_val k = val_of(key), v = val_of(value);
    bool same = key.len == load->key_len && memcmp(key.data, load->key, key.len) == 0;
    unsigned flags = !load->append ? 0 : same ? MDB_APPENDDUP : MDB_APPEND;

    if (load->txn->err != 0 || load->cursor == NULL || key.len > sizeof(load->key))
        return;
    (void)check(load->txn, mdb_cursor_put(load->cursor, &k, &v, flags));
    memcpy(load->key, key.data, key.len);
    load->key_len = key.len;
}

void db_load_end(struct db_load *load)
{
    if (load->cursor != NULL)
        mdb_cursor_close(load->cursor);
    load->cursor = NULL;
}

void db_walk(struct db_txn *txn, unsigned table, struct slice prefix, struct db_cursor *ret)
{
    ret->txn = txn;
    ret->cursor = NULL;
    ret->begun = false;
    ret->prefix_len = prefix.len;
    if (prefix.len > sizeof(ret->prefix)) {
        txn->err = txn->err != 0 ? txn->err : E_LIMIT;
        return;
    }
    if (prefix.len > 0)
        memcpy(ret->prefix, prefix.data, prefix.len);
    if (txn->err == 0)
        (void)check(txn, mdb_cursor_open(txn->txn, txn->db->tables[table], &ret->cursor));
}

bool db_next(struct db_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
    MDB_val k = {.mv_size = cursor->prefix_len, .mv_data = cursor->prefix}, v;
    MDB_cursor_op op = cursor->begun ? MDB_NEXT : MDB_SET_RANGE;

    if (cursor->cursor == NULL || cursor->txn->err != 0)
        return false;
    if (!cursor->begun && cursor->prefix_len == 0)
        op = MDB_FIRST;
    cursor->begun = true;
    if (!check(cursor->txn, mdb_cursor_get(cursor->cursor, &k, &v, op)))
        return false;
    if (k.mv_size < cursor->prefix_len ||
        (cursor->prefix_len > 0 && memcmp(k.mv_data, cursor->prefix, cursor->prefix_len) != 0))
        return false;
    *ret_key = slice_of_val(&k);
    *ret_value = slice_of_val(&v);
    return true;
}

void db_walk_end(struct db_cursor *cursor)
{
    if (cursor->cursor != NULL)
        mdb_cursor_close(cursor->cursor);
    cursor->cursor = NULL;
}
