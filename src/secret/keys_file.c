/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The key file, read and written, and the locked memory that holds its keys. The text of the file
 * passes through locked memory too, never through stdio's buffers.
 */
#include "secret/keys.h"

#include "base/err.h"
#include "base/locked.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HEADING[] = "# Keys of usher. Who reads this file reads every sealed secret.\n"
                              "# One key a line; the last one seals, the others still open. One "
                              "marked next is to seal later.\n";

/* All of it, or the error. */
static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return E_IO;
        bytes += done;
        len -= (size_t)done;
    }
    return 0;
}

int keys_sync_folder(const char *path)
{
    char *copy = mem_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? err_errno(errno) : fsync(fd) < 0 ? E_IO : 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

struct key_table *table_new(void)
{
    return locked_alloc(sizeof(struct key_table));
}

void table_free(struct key_table *table)
{
    locked_free(table, sizeof(*table));
}

int key_make(struct key *ret)
{
    unsigned char id[4];

    if (RAND_bytes(id, sizeof(id)) != 1 || RAND_priv_bytes(ret->bytes, sizeof(ret->bytes)) != 1)
        return E_CRYPTO;
    (void)snprintf(ret->id, sizeof(ret->id), "k%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    return 0;
}

static int key_write(const struct key *key, int fd)
{
    char encoded[BASE64_SIZE(KEY_SIZE)];
    char line[SEAL_KEY_ID_MAX + sizeof(encoded) + sizeof(" ") + sizeof(" next\n")];
    int err, len;

    base64_encode(key->bytes, sizeof(key->bytes), encoded);
    len = snprintf(line, sizeof(line), "%s %s%s\n", key->id, encoded, key->next ? " next" : "");
    err = write_all(fd, line, (size_t)len);
    mem_wipe(encoded, sizeof(encoded));
    mem_wipe(line, sizeof(line));
    return err;
}

int table_write(const struct key_table *table, const char *path, const struct stat *owner)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), err;

    if (fd < 0)
        return err_errno(errno);
    err = write_all(fd, HEADING, sizeof(HEADING) - 1);
    for (unsigned i = 0; err == 0 && i < table->count; i++)
        err = key_write(&table->key[i], fd);
    if (err == 0 && owner != NULL && fchown(fd, owner->st_uid, owner->st_gid) < 0)
        err = err_errno(errno);
    if (err == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0))
        err = E_IO;
    close(fd);
    if (err == 0)
        err = keys_sync_folder(path);
    if (err < 0)
        unlink(path);
    return err;
}

int keys_create(const char *path)
{
    struct key_table *table = table_new();
    int err = table == NULL ? E_IO : key_make(&table->key[0]);

    if (err == 0) {
        table->count = 1;
        err = table_write(table, path, NULL);
    }
    table_free(table);
    return err;
}

static int valid_id(struct slice id)
{
    if (id.len == 0 || id.len > SEAL_KEY_ID_MAX)
        return E_SYNTAX;
    for (size_t i = 0; i < id.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", id.data[i]) == NULL ||
            id.data[i] == '\0')
            return E_SYNTAX;
    return 0;
}

/* The fields of a line: id, key, and perhaps the word next. Returns what is wrong, or NULL. */
static const char *split_line(struct slice line, struct slice *ret_id, struct slice *ret_text,
                              bool *ret_next)
{
    const char *space = memchr(line.data, ' ', line.len);

    if (space == NULL)
        return "expected a key id, a space and a key";
    *ret_id = (struct slice){line.data, (size_t)(space - line.data)};
    *ret_text = (struct slice){space + 1, line.len - ret_id->len - 1};
    space = memchr(ret_text->data, ' ', ret_text->len);
    *ret_next = space != NULL;
    if (space == NULL)
        return NULL;
    if (!slice_is((struct slice){space, line.len - (size_t)(space - line.data)}, " next"))
        return "behind the key there may stand the word next, and nothing else";
    ret_text->len = (size_t)(space - ret_text->data);
    return NULL;
}

/* One line, without its end. Returns what is wrong with it, or NULL. */
static const char *take_line(struct key_table *table, struct slice line)
{
    struct slice id, text;
    const char *wrong;
    struct key *key;
    size_t len;
    bool next;

    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]) != NULL)
        line.len--;
    if (line.len == 0 || line.data[0] == '#')
        return NULL;
    wrong = split_line(line, &id, &text, &next);
    if (wrong != NULL)
        return wrong;
    if (valid_id(id) < 0)
        return "a key id is 1 to 32 of a-z, 0-9 and -";
    if (table_find(table, id) != NULL)
        return "this key id is there twice";
    if (table->count == SEAL_KEYS_MAX)
        return "too many keys";
    key = &table->key[table->count];
    if (base64_decode(text, key->bytes, KEY_SIZE, &len) < 0 || len != KEY_SIZE)
        return "a key is the base64 of 32 bytes";
    memcpy(key->id, id.data, id.len);
    key->next = next;
    if (!next)
        table->current = table->count;
    table->count++;
    return NULL;
}

static int parse_keys(struct key_table *table, struct slice text, const char *path, char *errbuf,
                      size_t size)
{
    unsigned number = 0;

    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        const char *wrong = take_line(table, (struct slice){text.data, len});

        number++;
        if (wrong != NULL) {
            utf8_format(errbuf, size, "%s:%u: %s", path, number, wrong);
            return E_CONF;
        }
        len += end != NULL ? 1 : 0;
        text.data += len;
        text.len -= len;
    }
    if (table->count == 0 || table->key[table->current].next) {
        utf8_format(errbuf, size, "%s: there is no key in this file%s", path,
                    table->count == 0 ? "" : " that seals");
        return E_CONF;
    }
    return 0;
}

/* Opens the file and refuses one that others could have read or written; root sees to the files of
 * those whom usherd runs as. */
static int open_private(const char *path, int *ret_fd, char *errbuf, size_t size)
{
    struct stat st;
    const char *wrong = NULL;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno != ELOOP) {
        int err = err_errno(errno);
        utf8_format(errbuf, size, "%s: %s%s", path, strerror(errno),
                    err == E_ACCESS ? "; it must belong to the user who runs this program" : "");
        return err;
    }
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        wrong = "not a regular file";
    else if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        wrong = "belongs to another user";
    else if ((st.st_mode & 07777 & ~(mode_t)0600) != 0)
        wrong = "others may use it: its mode must be 0600";
    if (wrong != NULL) {
        utf8_format(errbuf, size, "%s: %s", path, wrong);
        if (fd >= 0)
            close(fd);
        return E_CONF;
    }
    *ret_fd = fd;
    return 0;
}

/* Fills text (KEY_FILE_MAX + 1 bytes, one more than is allowed). */
static int read_all(int fd, const char *path, char *text, size_t *ret_len, char *errbuf,
                    size_t size)
{
    size_t len = 0;

    while (len <= KEY_FILE_MAX) {
        ssize_t got = read(fd, text + len, KEY_FILE_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            utf8_format(errbuf, size, "%s: %s", path, strerror(errno));
            return E_IO;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    if (len > KEY_FILE_MAX) {
        utf8_format(errbuf, size, "%s: larger than %d bytes", path, KEY_FILE_MAX);
        return E_LIMIT;
    }
    *ret_len = len;
    return 0;
}

int table_read(const char *path, struct key_table *ret, char *errbuf, size_t size)
{
    char *text = locked_alloc(KEY_FILE_MAX + 1);
    size_t len = 0;
    int fd = -1, err;

    if (text == NULL) {
        utf8_format(errbuf, size, "%s: cannot lock memory for keys (RLIMIT_MEMLOCK): %s", path,
                    strerror(errno));
        return E_IO;
    }
    err = open_private(path, &fd, errbuf, size);
    if (err == 0)
        err = read_all(fd, path, text, &len, errbuf, size);
    if (err == 0)
        err = parse_keys(ret, (struct slice){text, len}, path, errbuf, size);
    if (fd >= 0)
        close(fd);
    locked_free(text, KEY_FILE_MAX + 1);
    return err;
}

const struct key *table_find(const struct key_table *table, struct slice id)
{
    for (unsigned i = 0; i < table->count; i++)
        if (slice_is(id, table->key[i].id))
            return &table->key[i];
    return NULL;
}
