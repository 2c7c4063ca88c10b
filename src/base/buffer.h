/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes that grow: what is to be sent, or what has been received. Never ends the process; E_NOMEM.
 */
#ifndef USHER_BASE_BUFFER_H
#define USHER_BASE_BUFFER_H

#include "base/mem.h"

struct buffer {
    char *data;
    size_t len;  /* bytes in use */
    size_t size; /* bytes allocated */
};

void buffer_init(struct buffer *buffer);

/* Wipes and frees; the buffer is empty and usable again. */
void buffer_clear(struct buffer *buffer);

/* Room for at least more bytes behind len. */
int buffer_reserve(struct buffer *buffer, size_t more);

int buffer_append(struct buffer *buffer, const void *bytes, size_t len);

/* The bytes in use, until it changes. */
static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return (struct slice){.data = buffer->data, .len = buffer->len};
}

/* Drops the first count bytes (count <= len); nothing of the buffer is left behind its end. */
void buffer_drop(struct buffer *buffer, size_t count);

#endif
