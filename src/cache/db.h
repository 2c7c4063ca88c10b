/* SPDX-License-Identifier: BSD-2-Clause
 *
 * LMDB, as much of it as the state needs. A transaction carries the first error that befell it:
 * after that every call does nothing, and db_commit returns it, so that callers check once. The
 * environment syncs data but not its meta page at each commit: whatever was committed survives
 * kill -9, and after a crash of the machine the last commit may be missing, never half there.
 * Values point into the map until the next change of the transaction, or its end.
 */
#ifndef USHER_CACHE_DB_H
#define USHER_CACHE_DB_H

#include "base/mem.h"

#include <stdint.h>

#define DB_TABLES_MAX 16
#define DB_KEY_MAX    511 /* bytes of a key, and of a value in a table with duplicates */

struct db;
struct MDB_txn;
struct MDB_cursor;

struct db_table {
    const char *name;
    bool duplicates; /* a key holds a sorted set of values, all of one length */
};

struct db_options {
    const char *directory; /* made 0700 when missing */
    size_t map_size;
    const struct db_table *tables; /* named by their index from here on */
    size_t table_count;            /* at most DB_TABLES_MAX */
};

/* Opens or makes it. What LMDB cannot read is thrown away and made anew, since all of it can be
 * fetched again. E_BUSY: another process has it open. */
int db_open(const struct db_options *options, struct db **ret);
void db_close(struct db *db); /* NULL is fine */

/* Whether LMDB has met damage since (E_IO): db_close, and db_open throws the data away. */
bool db_damaged(const struct db *db);

/* For a time in which everything would be fetched again anyway: commits do not wait for the disk,
 * till db_settle has made all of it durable. kill -9 loses nothing meanwhile; if the machine
 * crashes, the next db_open throws the data away. Both 0 when it is so already. */
int db_relax(struct db *db);
int db_settle(struct db *db);

struct db_txn {
    struct db *db;
    struct MDB_txn *txn;
    int err; /* E_LIMIT: the map is full; E_IO for the rest */
};

int db_begin(struct db *db, bool write, struct db_txn *ret);
int db_commit(struct db_txn *txn); /* after an error: aborts and returns it */
void db_abort(struct db_txn *txn); /* an ended one is fine */

/* False for what is not there, and after an error. */
bool db_get(struct db_txn *txn, unsigned table, struct slice key, struct slice *ret_value);
uint64_t db_count(struct db_txn *txn, unsigned table); /* pairs */

/* Puts or replaces; in a table with duplicates, adds to the set. */
void db_put(struct db_txn *txn, unsigned table, struct slice key, struct slice value);

/* Puts what is not there yet, in a table without duplicates. False: the key is there. */
bool db_add(struct db_txn *txn, unsigned table, struct slice key, struct slice value);

/* The whole key; the pair of a table with duplicates. What is not there is fine. */
void db_delete(struct db_txn *txn, unsigned table, struct slice key);
void db_delete_pair(struct db_txn *txn, unsigned table, struct slice key, struct slice value);
void db_empty(struct db_txn *txn, unsigned table);

/* Puts many pairs in ascending order of keys, and of values under one key: next to where the last
 * one went, which is found without a search; into an empty table without holes in its pages.
 * Meanwhile this table is not changed otherwise. */
struct db_load {
    struct db_txn *txn;
    struct MDB_cursor *cursor;
    bool append; /* the table was empty */
    size_t key_len;
    char key[DB_KEY_MAX]; /* the last one */
};

void db_load_begin(struct db_txn *txn, unsigned table, struct db_load *ret);
void db_load_put(struct db_load *load, struct slice key, struct slice value);
void db_load_end(struct db_load *load);

/* Walks the pairs whose key starts with prefix, in order. Meanwhile other tables may be changed
 * (copy the key and value first), this one not. */
struct db_cursor {
    struct db_txn *txn;
    struct MDB_cursor *cursor;
    bool begun;
    size_t prefix_len;
    char prefix[DB_KEY_MAX];
};

void db_walk(struct db_txn *txn, unsigned table, struct slice prefix, struct db_cursor *ret);
bool db_next(struct db_cursor *cursor, struct slice *ret_key, struct slice *ret_value);
void db_walk_end(struct db_cursor *cursor);

#endif
