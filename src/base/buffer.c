/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buffer.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 512

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->data != NULL)
        mem_wipe(buffer->data, buffer->size);
    free(buffer->data);
    buffer_init(buffer);
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t size = buffer->size > 0 ? buffer->size : BUFFER_FIRST;
    char *data;

    if (buffer->size - buffer->len >= more)
        return 0;
    if (more > SIZE_MAX / 4 - buffer->len)
        return E_NOMEM;
    while (size - buffer->len < more)
        size *= 2;
    data = malloc(size); /* not realloc: what is left behind would not be wiped */
    if (data == NULL)
        return E_NOMEM;
    if (buffer->len > 0)
        memcpy(data, buffer->data, buffer->len);
    if (buffer->data != NULL)
        mem_wipe(buffer->data, buffer->size);
    free(buffer->data);
    buffer->data = data;
    buffer->size = size;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
    int rc = buffer_reserve(buffer, len);

    if (rc < 0)
        return rc;
    if (len > 0)
        memcpy(buffer->data + buffer->len, bytes, len);
    buffer->len += len;
    return 0;
}

void buffer_drop(struct buffer *buffer, size_t count)
{
    buffer->len -= count;
    if (buffer->len > 0)
        memmove(buffer->data, buffer->data + count, buffer->len);
    if (count > 0) /* where the last bytes stood before they moved: there may be a secret */
        mem_wipe(buffer->data + buffer->len, count);
}
