/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "base/err.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 4096
#define ROOM_FIRST  16 /* items */

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(16) char data[];
};

struct arena {
    struct arena_block *blocks;
};

static void *mem_check(void *data)
{
    if (data == NULL) {
        fputs("usher: out of memory\n", stderr);
        _Exit(2);
    }
    return data;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_fold(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    if (a.len > 0 && memcmp(a.data, b.data, a.len) == 0) /* most are written alike */
        return true;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

char *slice_dup(struct slice a)
{
    char *copy = mem_alloc(a.len + 1);

    if (a.len > 0)
        memcpy(copy, a.data, a.len);
    return copy;
}

void *mem_alloc(size_t size)
{
    return mem_check(calloc(1, size > 0 ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
    return mem_check(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
    return mem_check(reallocarray(old, count > 0 ? count : 1, size > 0 ? size : 1));
}

void *mem_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room > 0 ? *room * 2 : ROOM_FIRST;
    return mem_grow(array, *room, size);
}

char *mem_strdup(const char *text)
{
    return mem_check(strdup(text));
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return mem_check(text);
}

void mem_wipe(void *data, size_t size)
{
    if (size > 0)
        explicit_bzero(data, size);
}

int mem_compare_secret(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    volatile unsigned char different = 0;

    for (size_t i = 0; i < size; i++)
        different |= (unsigned char)(left[i] ^ right[i]);
    return different != 0;
}

struct arena *arena_new(void)
{
    return mem_alloc(sizeof(struct arena));
}

static void arena_release(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    arena_release(arena->blocks);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *last = arena->blocks;

    if (last == NULL)
        return;
    arena_release(last->next);
    last->next = NULL;
    last->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    void *data;

    size = (size + 15) & ~(size_t)15;
    if (block == NULL || block->size - block->used < size) {
        size_t want = size > ARENA_BLOCK ? size : ARENA_BLOCK;

        block = mem_check(malloc(sizeof(*block) + want));
        block->next = arena->blocks;
        block->size = want;
        block->used = 0;
        arena->blocks = block;
    }
    data = memset(block->data + block->used, 0, size);
    block->used += size;
    return data;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);

    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return (struct slice){.data = copy, .len = bytes.len};
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text, first[256];
    int len;

    va_start(args, format);
    len = vsnprintf(first, sizeof(first), format, args);
    va_end(args);
    text = arena_alloc(arena, (size_t)(len > 0 ? len : 0) + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)(len > 0 ? len : 0) + 1, format, args);
    va_end(args);
    return text;
}

int secret_set(struct secret *secret, const void *bytes, size_t len)
{
    secret_clear(secret);
    if (len > SECRET_MAX)
        return E_LIMIT;
    if (len > 0)
        memcpy(secret->data, bytes, len);
    secret->len = len;
    return 0;
}

void secret_clear(struct secret *secret)
{
    mem_wipe(secret, sizeof(*secret));
}
