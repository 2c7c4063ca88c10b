/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys in force: one table at a time, read anew when the file is another one. Looking whether
 * it is costs a microsecond a use, and spares every gateway a message and a restart.
 */
#include "secret/keys.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/locked.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Which file was read. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* What is behind keys: one table at a time, and the lock around it. */
struct ring {
    pthread_rwlock_t lock;
    char *path;
    struct stamp stamp;
    struct key_table *table;
    int err; /* of the last reading */
    char wrong[256];
};

struct keys {
    _Atomic unsigned owners;
    struct ring *ring;
};

/* 0 with the stamp of the file, or E_NOTFOUND: then the keys in hand go on. */
static int stamp_read(const char *path, struct stamp *ret)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return E_NOTFOUND;
    *ret = (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    return 0;
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Takes over what the old table has and the new one has not, as far as there is room. */
static void retire(const struct key_table *from, struct key_table *table, int64_t now_ms)
{
    for (unsigned i = 0; from != NULL && i < from->count; i++) {
        const struct key *old = &from->key[i];

        if (table_find(table, slice_of(old->id)) != NULL || table->count == SEAL_KEYS_MAX)
            continue;
        table->key[table->count] = *old;
        if (old->retired_ms == 0)
            table->key[table->count].retired_ms = now_ms;
        table->count++;
    }
}

/* Was it taken out long enough ago? */
static bool key_ended(const struct key *key, int64_t now_ms)
{
    return key->retired_ms != 0 && now_ms - key->retired_ms >= KEYS_RETIRED_MS;
}

static bool table_due(const struct key_table *table, int64_t now_ms)
{
    for (unsigned i = 0; i < table->count; i++)
        if (key_ended(&table->key[i], now_ms))
            return true;
    return false;
}

/* Under the lock: what was taken out long enough ago goes, whatever has become of the file. Retired
 * keys stand last. */
static void purge(struct key_table *table, int64_t now_ms)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < table->count; i++)
        if (!key_ended(&table->key[i], now_ms)) {
            if (kept != i)
                table->key[kept] = table->key[i];
            kept++;
        }
    mem_wipe(&table->key[kept], (table->count - kept) * sizeof(table->key[0]));
    table->count = kept;
}

/* Under the lock: reads the file. What cannot be read leaves the keys in force. */
static void ring_read(struct ring *ring, const struct stamp *stamp, int64_t now_ms)
{
    struct key_table *table = table_new();

    ring->stamp = *stamp;
    if (table == NULL) {
        ring->err = E_IO;
        utf8_format(ring->wrong, sizeof(ring->wrong),
                    "%s: cannot lock memory for keys (RLIMIT_MEMLOCK)", ring->path);
        return;
    }
    ring->err = table_read(ring->path, table, ring->wrong, sizeof(ring->wrong));
    if (ring->err == 0) {
        struct key_table *old = ring->table;

        retire(old, table, now_ms);
        ring->table = table;
        table = old;
    }
    table_free(table);
}

/* Looks at the file, and reads it when it is another one than before. */
static void ring_refresh(struct ring *ring)
{
    struct stamp stamp;
    int64_t now_ms = clock_monotonic_ms();
    bool same, due;
    int found = stamp_read(ring->path, &stamp);

    pthread_rwlock_rdlock(&ring->lock);
    same = found < 0 || stamp_equal(&stamp, &ring->stamp);
    due = table_due(ring->table, now_ms);
    pthread_rwlock_unlock(&ring->lock);
    if (same && !due)
        return;
    pthread_rwlock_wrlock(&ring->lock);
    purge(ring->table, now_ms);
    if (found == 0 && !stamp_equal(&stamp, &ring->stamp))
        ring_read(ring, &stamp, now_ms);
    pthread_rwlock_unlock(&ring->lock);
}

int keys_load(const char *path, struct keys **ret_keys, char *errbuf, size_t size)
{
    struct keys *keys = mem_alloc(sizeof(*keys));
    struct ring *ring = mem_alloc(sizeof(*ring));
    int err;

    keys->owners = 1;
    keys->ring = ring;
    ring->path = mem_strdup(path);
    (void)pthread_rwlock_init(&ring->lock, NULL);
    (void)stamp_read(path, &ring->stamp);
    ring_read(ring, &ring->stamp, clock_monotonic_ms());
    err = ring->err;
    if (err < 0)
        utf8_format(errbuf, size, "%s", ring->wrong);
    else {
        *ret_keys = keys;
        keys = NULL;
    }
    keys_free(keys);
    return err;
}

struct keys *keys_share(struct keys *keys)
{
    atomic_fetch_add(&keys->owners, 1);
    return keys;
}

bool keys_of(const struct keys *keys, const char *path)
{
    return strcmp(keys->ring->path, path) == 0;
}

void keys_free(struct keys *keys)
{
    if (keys == NULL || atomic_fetch_sub(&keys->owners, 1) > 1)
        return;
    (void)pthread_rwlock_destroy(&keys->ring->lock);
    table_free(keys->ring->table);
    free(keys->ring->path);
    free(keys->ring);
    free(keys);
}

int keys_refresh(const struct keys *keys, char *errbuf, size_t size)
{
    struct ring *ring = keys->ring;
    int err;

    ring_refresh(ring);
    pthread_rwlock_rdlock(&ring->lock);
    err = ring->err;
    if (err < 0)
        utf8_format(errbuf, size, "%s", ring->wrong);
    pthread_rwlock_unlock(&ring->lock);
    return err;
}

const struct key *keys_use(const struct keys *keys, const struct slice *id)
{
    struct ring *ring = keys->ring;
    const struct key *key;

    ring_refresh(ring);
    pthread_rwlock_rdlock(&ring->lock);
    key = id != NULL ? table_find(ring->table, *id) : &ring->table->key[ring->table->current];
    if (key == NULL)
        pthread_rwlock_unlock(&ring->lock);
    return key;
}

void keys_done(const struct keys *keys)
{
    pthread_rwlock_unlock(&keys->ring->lock);
}

void keys_current(const struct keys *keys, char *ret)
{
    memcpy(ret, keys_use(keys, NULL)->id, SEAL_KEY_ID_MAX + 1);
    keys_done(keys);
}

int keys_known(const struct keys *keys, struct slice id)
{
    const struct key *key = keys_use(keys, &id);
    int err = key == NULL || key->retired_ms != 0 ? E_NOTFOUND : 0;

    if (key != NULL)
        keys_done(keys);
    return err;
}

int64_t keys_changed_ms(const struct keys *keys)
{
    struct ring *ring = keys->ring;
    int64_t changed_ms;

    ring_refresh(ring);
    pthread_rwlock_rdlock(&ring->lock);
    changed_ms = (int64_t)ring->stamp.changed.tv_sec * 1000 + ring->stamp.changed.tv_nsec / 1000000;
    pthread_rwlock_unlock(&ring->lock);
    return changed_ms;
}
