/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/spool.h"

#include "base/err.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAX 512 /* bytes of what stands above the mail */

enum folder { TMP, QUEUE, DEAD, FOLDERS };

static const char *const names[FOLDERS] = {"tmp", "queue", "dead"};

struct spool {
    int lock;
    int folder[FOLDERS];
};

static int folder_open(int parent, const char *name, int *ret)
{
    struct stat st;
    int fd;

    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return err_errno(errno);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(errno);
    if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        (void)close(fd);
        return E_CONF;
    }
    *ret = fd;
    return 0;
}

/* Calls on_name for every file of a folder, until it returns other than 0. */
static int folder_each(int fd, int (*on_name)(void *context, const char *name), void *context)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *item;

    if (dir == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return E_IO;
    }
    while (rc == 0 && (item = readdir(dir)) != NULL)
        if (item->d_name[0] != '.')
            rc = on_name(context, item->d_name);
    (void)closedir(dir);
    return rc;
}

static int on_leftover(void *context, const char *name)
{
    const struct spool *spool = context;

    (void)unlinkat(spool->folder[TMP], name, 0);
    return 0;
}

static int spool_lock(struct spool *spool, int root)
{
    spool->lock = openat(root, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (spool->lock < 0)
        return err_errno(errno);
    return flock(spool->lock, LOCK_EX | LOCK_NB) == 0 ? 0 : E_BUSY;
}

int spool_open(const char *folder, struct spool **ret, char *errbuf, size_t size)
{
    struct spool *spool = mem_alloc(sizeof(*spool));
    int root = -1, rc;

    spool->lock = -1;
    for (int i = 0; i < FOLDERS; i++)
        spool->folder[i] = -1;
    rc = folder_open(AT_FDCWD, folder, &root);
    if (rc == 0)
        rc = spool_lock(spool, root);
    for (int i = 0; rc == 0 && i < FOLDERS; i++)
        rc = folder_open(root, names[i], &spool->folder[i]);
    if (rc == 0)
        rc = folder_each(spool->folder[TMP], on_leftover, spool);
    if (root >= 0)
        (void)close(root);
    if (rc == 0) {
        *ret = spool;
        return 0;
    }
    utf8_format(errbuf, size, "%s: %s", folder,
                rc == E_CONF   ? "it and what is in it must be ours and of mode 0700"
                : rc == E_BUSY ? "another process uses it"
                               : err_text(rc));
    spool_close(spool);
    return rc;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    for (int i = 0; i < FOLDERS; i++)
        if (spool->folder[i] >= 0)
            (void)close(spool->folder[i]);
    if (spool->lock >= 0)
        (void)close(spool->lock);
    free(spool);
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.data, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return E_IO;
        bytes.data += done;
        bytes.len -= (size_t)done;
    }
    return 0;
}

int spool_put(struct spool *spool, struct spool_item *item, struct slice message)
{
    char head[HEAD_MAX];
    int len =
        snprintf(head, sizeof(head),
                 "usher-mail 1\nkind %s\nto %s\nmade %" PRId64 "\nuntil %" PRId64
                 "\nsecret %d\nbytes %zu\n\n",
                 item->kind, item->to, item->made_ms, item->until_ms, item->secret, message.len);
    int fd, rc;

    if (len < 0 || (size_t)len >= sizeof(head) || (size_t)len + message.len > SPOOL_FILE_MAX)
        return E_LIMIT;
    fd = openat(spool->folder[TMP], item->id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return E_IO;
    rc = write_all(fd, (struct slice){head, (size_t)len});
    if (rc == 0)
        rc = write_all(fd, message);
    if (rc == 0 && fsync(fd) < 0)
        rc = E_IO;
    (void)close(fd);
    if (rc == 0 && renameat(spool->folder[TMP], item->id, spool->folder[QUEUE], item->id) < 0)
        rc = E_IO;
    if (rc < 0) {
        (void)unlinkat(spool->folder[TMP], item->id, 0);
        return rc;
    }
    item->size = (size_t)len + message.len;
    return fsync(spool->folder[QUEUE]) == 0 ? 0 : E_IO;
}

static bool is_id(const char *name)
{
    return strlen(name) == LETTER_ID_SIZE - 1 &&
           strspn(name, "0123456789abcdef") == LETTER_ID_SIZE - 1;
}

/* Takes the head apart. E_SYNTAX for what spool_put does not write. */
static int head_parse(const char *text, size_t len, struct spool_item *ret, size_t *ret_head)
{
    int64_t made, until;
    size_t bytes;
    int secret, end = 0;

    /* NOLINTNEXTLINE(cert-err34-c): the widths leave no number room to overflow */
    if (sscanf(text,
               "usher-mail 1\nkind %31[a-z-]\nto %254s\nmade %18" SCNd64 "\nuntil %18" SCNd64
               "\nsecret %1d\nbytes %7zu%n",
               ret->kind, ret->to, &made, &until, &secret, &bytes, &end) != 6 ||
        strncmp(text + end, "\n\n", 2) != 0 || made < 0 || until < made ||
        mail_address_check(slice_of(ret->to)) < 0 || (size_t)end + 2 + bytes != len)
        return E_SYNTAX;
    ret->made_ms = made;
    ret->until_ms = until;
    ret->secret = secret != 0;
    ret->size = len;
    *ret_head = (size_t)end + 2;
    return 0;
}

/* The bytes of a file, terminated. */
static int file_read(int folder, const char *name, char **ret, size_t *ret_len)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = 0;
    struct stat st;
    char *bytes = NULL;
    size_t len = 0;

    if (fd < 0)
        return errno == ENOENT ? E_NOTFOUND : errno == ELOOP ? E_SYNTAX : E_IO;
    if (fstat(fd, &st) < 0)
        rc = E_IO;
    else if (!S_ISREG(st.st_mode) || st.st_size > SPOOL_FILE_MAX)
        rc = E_SYNTAX;
    else
        bytes = mem_alloc((size_t)st.st_size + 1);
    while (rc == 0 && len < (size_t)st.st_size) {
        ssize_t got = read(fd, bytes + len, (size_t)st.st_size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            rc = got < 0 ? E_IO : E_SYNTAX;
        else
            len += (size_t)got;
    }
    (void)close(fd);
    if (rc < 0) {
        free(bytes);
        return rc;
    }
    *ret = bytes;
    *ret_len = len;
    return 0;
}

int spool_read(struct spool *spool, const char *id, struct spool_item *ret, char **ret_bytes,
               struct slice *ret_message)
{
    struct spool_item item = {0};
    char *bytes = NULL;
    size_t len, head;
    int rc;

    if (!is_id(id))
        return E_SYNTAX;
    rc = file_read(spool->folder[QUEUE], id, &bytes, &len);
    if (rc == 0)
        rc = head_parse(bytes, len, &item, &head);
    if (rc < 0) {
        spool_bytes_free(bytes);
        return rc;
    }
    (void)snprintf(item.id, sizeof(item.id), "%s", id);
    *ret = item;
    *ret_bytes = bytes;
    *ret_message = (struct slice){bytes + head, len - head};
    return 0;
}

void spool_bytes_free(char *bytes)
{
    if (bytes != NULL)
        mem_wipe(bytes, strlen(bytes));
    free(bytes);
}

int spool_list(struct spool *spool, int (*on_name)(void *context, const char *name), void *context)
{
    return folder_each(spool->folder[QUEUE], on_name, context);
}

int spool_drop(struct spool *spool, const char *id)
{
    if (unlinkat(spool->folder[QUEUE], id, 0) < 0 && errno != ENOENT)
        return E_IO;
    return fsync(spool->folder[QUEUE]) == 0 ? 0 : E_IO;
}

int spool_bury(struct spool *spool, const char *id)
{
    if (spool_dead(spool) >= SPOOL_DEAD_MAX) {
        int rc = spool_drop(spool, id);
        return rc == 0 ? E_LIMIT : rc;
    }
    if (renameat(spool->folder[QUEUE], id, spool->folder[DEAD], id) < 0 && errno != ENOENT)
        return E_IO;
    return fsync(spool->folder[DEAD]) == 0 && fsync(spool->folder[QUEUE]) == 0 ? 0 : E_IO;
}

static int on_dead(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
    return 0;
}

size_t spool_dead(struct spool *spool)
{
    size_t count = 0;

    (void)folder_each(spool->folder[DEAD], on_dead, &count);
    return count;
}
