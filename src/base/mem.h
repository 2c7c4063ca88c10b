/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory. A slice is bytes that somebody else owns; an arena gives many small allocations one
 * owner and one free; a secret is a bounded buffer that wipes itself. mem_alloc and its kin are for
 * the daemon and the tools, which die when memory ends; libusher and the PAM modules use malloc.
 */
#ifndef USHER_BASE_MEM_H
#define USHER_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes owned by somebody else, not terminated. data may be NULL only when len is 0. */
struct slice {
    const char *data;
    size_t len;
};

/* The slice of a C string; NULL gives the empty slice. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){.data = text, .len = text != NULL ? strlen(text) : 0};
}

/* The same bytes. */
bool slice_equal(struct slice a, struct slice b);

/* The same bytes once ASCII A-Z is folded to a-z. */
bool slice_equal_fold(struct slice a, struct slice b);

/* The same bytes as this C string. */
bool slice_is(struct slice a, const char *text);

/* Order by bytes, the shorter first when one is the start of the other: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);

/* A terminated copy on the heap; a byte 0 inside is copied too. Dies when memory ends. */
char *slice_dup(struct slice a);

/* For printf: printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).len, (s).data

/* Allocation that ends the process with a message when memory ends. Zeroed. */
void *mem_alloc(size_t size);
void *mem_array(size_t count, size_t size);
void *mem_grow(void *old, size_t count, size_t size);

/* The array with room for one more item behind count of them: where all *room are taken, it is
 * grown twofold. size: of an item. */
void *mem_room(void *array, size_t count, size_t *room, size_t size);

char *mem_strdup(const char *text);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites memory in a way that the compiler keeps. NULL with size 0 is fine. */
void mem_wipe(void *data, size_t size);

/* Compares in a time that depends on size alone. 0 when equal. */
int mem_compare_secret(const void *a, const void *b, size_t size);

/* An arena: allocations that live and die together. Zeroed memory, aligned to 16. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
void arena_reset(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size);
struct slice arena_copy(struct arena *arena, struct slice bytes); /* copy is also terminated */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A secret: at most SECRET_MAX bytes, terminated, wiped by secret_clear. */
#define SECRET_MAX 1024
struct secret {
    size_t len;
    char data[SECRET_MAX + 1];
};

/* Copies bytes in; E_LIMIT when they do not fit (secret left empty). */
int secret_set(struct secret *secret, const void *bytes, size_t len);
void secret_clear(struct secret *secret);

/* Its bytes, as long as it stands. */
static inline struct slice secret_slice(const struct secret *secret)
{
    return (struct slice){.data = secret->data, .len = secret->len};
}

#endif
