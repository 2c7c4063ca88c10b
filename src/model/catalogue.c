/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows by bit, found by the hash of their id through chains of bits. usherRequires is kept as an id
 * and looked up when asked for, since what it names may come, go and come back at another bit.
 */
#include "model/catalogue.h"
#include "base/err.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

#define BUCKETS 8192 /* a power of two */
#define NO_BIT  UINT16_MAX

struct row {
    uint64_t hash;
    struct slice id; /* data NULL: a hole */
    struct slice channel;
    struct slice requires_id;
    bool editing;
    bool factor;
    uint16_t next; /* bit of the next row in the chain, or NO_BIT */
};

struct catalogue {
    struct row *rows;
    unsigned bits; /* one more than the highest in use */
    unsigned size; /* rows allocated */
    uint16_t buckets[BUCKETS];
};

struct catalogue *catalogue_new(void)
{
    struct catalogue *catalogue = mem_alloc(sizeof(*catalogue));

    for (size_t i = 0; i < BUCKETS; i++)
        catalogue->buckets[i] = NO_BIT;
    return catalogue;
}

static void row_clear(struct row *row)
{
    free((char *)row->id.data);
    free((char *)row->channel.data);
    free((char *)row->requires_id.data);
    *row = (struct row){0};
}

void catalogue_free(struct catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    for (unsigned bit = 0; bit < catalogue->bits; bit++)
        row_clear(&catalogue->rows[bit]);
    free(catalogue->rows);
    free(catalogue);
}

/* The bit of an id, or NO_BIT. */
static uint16_t bit_of(const struct catalogue *catalogue, struct slice id, uint64_t hash)
{
    uint16_t bit = catalogue->buckets[hash % BUCKETS];

    while (bit != NO_BIT) {
        const struct row *row = &catalogue->rows[bit];

        if (row->hash == hash && slice_equal(row->id, id))
            return bit;
        bit = row->next;
    }
    return NO_BIT;
}

static uint16_t find(const struct catalogue *catalogue, struct slice id)
{
    if (id.len == 0 || id.len > PERMISSION_MAX)
        return NO_BIT;
    return bit_of(catalogue, id, XXH3_64bits(id.data, id.len));
}

static void grow(struct catalogue *catalogue, unsigned bit)
{
    unsigned size = catalogue->size > 0 ? catalogue->size : 64;

    if (bit >= catalogue->size) {
        while (size <= bit)
            size *= 2;
        catalogue->rows = mem_grow(catalogue->rows, size, sizeof(struct row));
        for (unsigned i = catalogue->size; i < size; i++)
            catalogue->rows[i] = (struct row){0};
        catalogue->size = size;
    }
    if (bit >= catalogue->bits)
        catalogue->bits = bit + 1;
}

static struct slice copy(struct slice text)
{
    return (struct slice){.data = slice_dup(text), .len = text.len};
}

int catalogue_put(struct catalogue *catalogue, unsigned bit, struct slice id, struct slice channel,
                  bool editing, bool factor, struct slice requires_id)
{
    struct row row = {.editing = editing, .factor = factor};
    uint16_t old;

    if (bit >= CATALOGUE_MAX)
        return E_LIMIT;
    if (!permission_valid(id))
        return E_SYNTAX;
    row.hash = XXH3_64bits(id.data, id.len);
    old = bit_of(catalogue, id, row.hash);
    if (old != NO_BIT && old != bit)
        return E_EXISTS;
    row.id = copy(id);
    row.channel = copy(channel);
    row.requires_id = copy(requires_id);
    catalogue_remove(catalogue, bit);
    grow(catalogue, bit);
    row.next = catalogue->buckets[row.hash % BUCKETS];
    catalogue->rows[bit] = row;
    catalogue->buckets[row.hash % BUCKETS] = (uint16_t)bit;
    return 0;
}

void catalogue_remove(struct catalogue *catalogue, unsigned bit)
{
    uint16_t *link;
    struct row *row;

    if (bit >= catalogue->bits || catalogue->rows[bit].id.data == NULL)
        return;
    row = &catalogue->rows[bit];
    link = &catalogue->buckets[row->hash % BUCKETS];
    while (*link != bit)
        link = &catalogue->rows[*link].next;
    *link = row->next;
    row_clear(row);
    while (catalogue->bits > 0 && catalogue->rows[catalogue->bits - 1].id.data == NULL)
        catalogue->bits--;
}

static void describe(const struct catalogue *catalogue, unsigned bit, struct permission *ret)
{
    const struct row *row = &catalogue->rows[bit];
    uint16_t required = NO_BIT;

    if (row->requires_id.len > 0)
        required = find(catalogue, row->requires_id);
    *ret = (struct permission){
        .bit = bit,
        .channel = row->channel,
        .editing = row->editing,
        .factor = row->factor,
        .requires = row->requires_id.len == 0 ? REQUIRES_NOTHING
                    : required == NO_BIT      ? REQUIRES_UNKNOWN
                                              : required,
    };
}

int catalogue_find(const struct catalogue *catalogue, struct slice id, struct permission *ret)
{
    uint16_t bit = find(catalogue, id);

    if (bit == NO_BIT)
        return E_NOPERM;
    describe(catalogue, bit, ret);
    return 0;
}

int catalogue_at(const struct catalogue *catalogue, unsigned bit, struct permission *ret,
                 struct slice *ret_id)
{
    if (bit >= catalogue->bits || catalogue->rows[bit].id.data == NULL)
        return E_NOTFOUND;
    if (ret != NULL)
        describe(catalogue, bit, ret);
    if (ret_id != NULL)
        *ret_id = catalogue->rows[bit].id;
    return 0;
}

unsigned catalogue_bits(const struct catalogue *catalogue)
{
    return catalogue->bits;
}
