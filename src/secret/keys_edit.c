/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changing the key file: one whole new file takes the place of the old one by rename. Whoever
 * changes it holds a lock on the old one, so that of two at once one is told to wait.
 */
#include "secret/keys.h"

#include "base/err.h"
#include "base/locked.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct edit {
    const char *path;
    char *temporary;
    int fd; /* of the file in force, locked */
    struct stat st;
    struct key_table *table; /* what stands in it; changed and then written */
    char *errbuf;
    size_t size;
};

static void edit_end(struct edit *edit)
{
    if (edit->fd >= 0)
        close(edit->fd);
    table_free(edit->table);
    free(edit->temporary);
}

/* Says why a step on the system failed. */
static int edit_fail(const struct edit *edit, int err, const char *what)
{
    utf8_format(edit->errbuf, edit->size, "%s: %s", edit->path, what);
    return err;
}

static int edit_begin(struct edit *edit, const char *path, char *errbuf, size_t size)
{
    struct stat now;

    *edit = (struct edit){.path = path,
                          .fd = -1,
                          .errbuf = errbuf,
                          .size = size,
                          .temporary = mem_printf("%s.new", path)};
    edit->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (edit->fd < 0)
        return edit_fail(edit, err_errno(errno), strerror(errno));
    if (flock(edit->fd, LOCK_EX | LOCK_NB) < 0)
        return edit_fail(edit, E_BUSY, "somebody else is changing this file");
    if (fstat(edit->fd, &edit->st) < 0 || lstat(path, &now) < 0 || now.st_ino != edit->st.st_ino ||
        now.st_dev != edit->st.st_dev)
        return edit_fail(edit, E_BUSY, "somebody else has just changed this file");
    edit->table = table_new();
    if (edit->table == NULL)
        return edit_fail(edit, E_IO, "cannot lock memory for keys (RLIMIT_MEMLOCK)");
    return table_read(path, edit->table, errbuf, size);
}

/* The table takes the place of the file, for the same owner. */
static int edit_commit(struct edit *edit)
{
    int err;

    (void)unlink(edit->temporary); /* of one that was killed: we hold the lock */
    err = table_write(edit->table, edit->temporary, geteuid() == 0 ? &edit->st : NULL);
    if (err < 0)
        return edit_fail(edit, err, "the new file cannot be written beside it");
    if (rename(edit->temporary, edit->path) < 0) {
        (void)unlink(edit->temporary);
        return edit_fail(edit, E_IO, "the new file cannot take its place");
    }
    err = keys_sync_folder(edit->path);
    return err < 0 ? edit_fail(edit, err, "its folder cannot be written to the disk") : 0;
}

static struct key *table_next(struct key_table *table)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->key[i].next)
            return &table->key[i];
    return NULL;
}

static int change_add(struct edit *edit)
{
    struct key_table *table = edit->table;
    struct key *key = &table->key[table->count];
    int err;

    if (table_next(table) != NULL)
        return edit_fail(edit, E_EXISTS, "a key is marked next already");
    if (table->count == SEAL_KEYS_MAX)
        return edit_fail(edit, E_LIMIT, "too many keys");
    do {
        err = key_make(key);
    } while (err == 0 && table_find(table, slice_of(key->id)) != NULL);
    if (err < 0)
        return edit_fail(edit, err, "there is no randomness for a key");
    key->next = true;
    table->count++;
    return 0;
}

static int change_promote(struct edit *edit)
{
    struct key_table *table = edit->table;
    struct key *next = table_next(table), *last = &table->key[table->count - 1], promoted;

    if (next == NULL)
        return edit_fail(edit, E_NOTFOUND, "no key is marked next");
    promoted = *next;
    memmove(next, next + 1, (size_t)(last - next) * sizeof(*next));
    *last = promoted;
    last->next = false;
    mem_wipe(&promoted, sizeof(promoted));
    return 0;
}

static int change_drop(struct edit *edit)
{
    struct key_table *table = edit->table;

    if (table_next(table) != NULL)
        return edit_fail(edit, E_EXISTS, "a key is marked next: it has to seal first");
    if (table->current != 0)
        table->key[0] = table->key[table->current];
    table->current = 0;
    table->count = 1;
    return 0;
}

static int edit_run(const char *path, int (*change)(struct edit *edit), char *errbuf, size_t size)
{
    struct edit edit;
    int err = edit_begin(&edit, path, errbuf, size);

    assert(err != 0 || edit.table != NULL);
    if (err == 0)
        err = change(&edit);
    if (err == 0)
        err = edit_commit(&edit);
    edit_end(&edit);
    return err;
}

int keys_add(const char *path, char *errbuf, size_t size)
{
    return edit_run(path, change_add, errbuf, size);
}

int keys_promote(const char *path, char *errbuf, size_t size)
{
    return edit_run(path, change_promote, errbuf, size);
}

int keys_drop(const char *path, char *errbuf, size_t size)
{
    return edit_run(path, change_drop, errbuf, size);
}

int keys_state(const char *path, struct keys_state *ret, char *errbuf, size_t size)
{
    struct key_table *table = table_new();
    struct keys_state state = {0};
    const struct key *next;
    int err;

    if (table == NULL) {
        utf8_format(errbuf, size, "%s: cannot lock memory for keys (RLIMIT_MEMLOCK)", path);
        return E_IO;
    }
    err = table_read(path, table, errbuf, size);
    if (err == 0) {
        next = table_next(table);
        state.count = table->count;
        memcpy(state.current, table->key[table->current].id, sizeof(state.current));
        if (next != NULL)
            memcpy(state.next, next->id, sizeof(state.next));
        *ret = state;
    }
    table_free(table);
    return err;
}
