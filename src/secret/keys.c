/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The key file, and the locked memory that holds its keys. The text of the file passes through
 * locked memory too, never through stdio's buffers.
 */
#include "secret/keys.h"

#include "base/err.h"
#include "base/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 16384

static const char HEADING[] = "# Keys of usher. Who reads this file reads every sealed secret.\n"
                              "# One key a line; the last one seals, the others still open.\n";

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

/* A name made just now survives a power cut only when its folder is synced. */
static int sync_folder(const char *path)
{
    char *copy = mem_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? err_errno(errno) : fsync(fd) < 0 ? E_IO : 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

int keys_create(const char *path)
{
    unsigned char id[4], key[KEY_SIZE];
    char encoded[BASE64_SIZE(KEY_SIZE)], line[SEAL_KEY_ID_MAX + sizeof(encoded) + 3];
    int fd = -1, err = 0, len;

    if (RAND_bytes(id, sizeof(id)) != 1 || RAND_priv_bytes(key, sizeof(key)) != 1) {
        err = E_CRYPTO;
        goto out;
    }
    base64_encode(key, sizeof(key), encoded);
    len =
        snprintf(line, sizeof(line), "k%02x%02x%02x%02x %s\n", id[0], id[1], id[2], id[3], encoded);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        err = err_errno(errno);
        goto out;
    }
    err = write_all(fd, HEADING, sizeof(HEADING) - 1);
    if (err == 0)
        err = write_all(fd, line, (size_t)len);
    if (err == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0))
        err = E_IO;
    if (err == 0)
        err = sync_folder(path);
    if (err < 0)
        unlink(path);
out:
    if (fd >= 0)
        close(fd);
    mem_wipe(key, sizeof(key));
    mem_wipe(encoded, sizeof(encoded));
    mem_wipe(line, sizeof(line));
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

/* One line, without its end. Returns what is wrong with it, or NULL. */
static const char *take_line(struct keys *keys, struct slice line)
{
    const char *space;
    struct slice id, text;
    size_t len;

    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]) != NULL)
        line.len--;
    if (line.len == 0 || line.data[0] == '#')
        return NULL;
    space = memchr(line.data, ' ', line.len);
    if (space == NULL)
        return "expected a key id, a space and a key";
    id = (struct slice){line.data, (size_t)(space - line.data)};
    text = (struct slice){space + 1, line.len - id.len - 1};
    if (valid_id(id) < 0)
        return "a key id is 1 to 32 of a-z, 0-9 and -";
    if (keys_find(keys, id) != NULL)
        return "this key id is there twice";
    if (keys->count == SEAL_KEYS_MAX)
        return "too many keys";
    if (base64_decode(text, keys->key[keys->count].bytes, KEY_SIZE, &len) < 0 || len != KEY_SIZE)
        return "a key is the base64 of 32 bytes";
    memcpy(keys->key[keys->count].id, id.data, id.len);
    keys->count++;
    return NULL;
}

static int parse_keys(struct keys *keys, struct slice text, const char *path, char *errbuf,
                      size_t size)
{
    unsigned number = 0;

    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        const char *wrong = take_line(keys, (struct slice){text.data, len});

        number++;
        if (wrong != NULL) {
            snprintf(errbuf, size, "%s:%u: %s", path, number, wrong);
            return E_CONF;
        }
        len += end != NULL ? 1 : 0;
        text.data += len;
        text.len -= len;
    }
    if (keys->count == 0) {
        snprintf(errbuf, size, "%s: there is no key in this file", path);
        return E_CONF;
    }
    return 0;
}

/* Opens the file and refuses one that others could have read or written. */
static int open_private(const char *path, int *ret_fd, char *errbuf, size_t size)
{
    struct stat st;
    const char *wrong = NULL;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno != ELOOP) {
        int err = err_errno(errno);
        snprintf(errbuf, size, "%s: %s", path, strerror(errno));
        return err;
    }
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        wrong = "not a regular file";
    else if (st.st_uid != geteuid() && st.st_uid != 0)
        wrong = "belongs to another user";
    else if ((st.st_mode & 07777 & ~(mode_t)0600) != 0)
        wrong = "others may use it: its mode must be 0600";
    if (wrong != NULL) {
        snprintf(errbuf, size, "%s: %s", path, wrong);
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
            snprintf(errbuf, size, "%s: %s", path, strerror(errno));
            return E_IO;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    if (len > KEY_FILE_MAX) {
        snprintf(errbuf, size, "%s: larger than %d bytes", path, KEY_FILE_MAX);
        return E_LIMIT;
    }
    *ret_len = len;
    return 0;
}

int keys_load(const char *path, struct keys **ret_keys, char *errbuf, size_t size)
{
    struct keys *keys = locked_alloc(sizeof(*keys));
    char *text = locked_alloc(KEY_FILE_MAX + 1);
    size_t len = 0;
    int fd = -1, err;

    if (keys == NULL || text == NULL) {
        snprintf(errbuf, size, "%s: cannot lock memory for keys (RLIMIT_MEMLOCK): %s", path,
                 strerror(errno));
        err = E_IO;
        goto out;
    }
    err = open_private(path, &fd, errbuf, size);
    if (err == 0)
        err = read_all(fd, path, text, &len, errbuf, size);
    if (err == 0)
        err = parse_keys(keys, (struct slice){text, len}, path, errbuf, size);
    if (err == 0) {
        *ret_keys = keys;
        keys = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    locked_free(text, KEY_FILE_MAX + 1);
    keys_free(keys);
    return err;
}

void keys_free(struct keys *keys)
{
    locked_free(keys, sizeof(*keys));
}

const char *keys_current(const struct keys *keys)
{
    return keys->key[keys->count - 1].id;
}

const struct key *keys_find(const struct keys *keys, struct slice id)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (slice_is(id, keys->key[i].id))
            return &keys->key[i];
    return NULL;
}
