/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows of the state as a rotten disk may give them. Part e: an entry; s: the sources of a profile;
 * n: the names of a record. What decodes comes back the same from what it encodes to.
 */
#include "cache/record.h"
#include "cache/sources.h"
#include "entry_again.h"

static void read_entry(struct slice bytes, struct arena *arena)
{
    struct slice base = slice_of("dc=example,dc=org");
    struct entry entry;
    size_t members, sum = 0;

    if (entry_decode(bytes, base, arena, &entry) < 0)
        return;
    for (unsigned i = 0; i < ENTRY_LISTS; i++)
        for (size_t j = 0; j < entry.lists[i].count; j++)
            for (size_t k = 0; k < entry.lists[i].values[j].len; k++)
                sum += (unsigned char)entry.lists[i].values[j].data[k];
    HOLDS(sum <= 255 * bytes.len);
    if (entry_members(&entry, &members) != NULL)
        HOLDS(members * sizeof(struct id) <= bytes.len);
    entry_again(&entry, base, arena);
}

static void read_sources(struct slice bytes, struct arena *arena)
{
    struct buffer encoded = {0};
    struct sources sources;

    if (sources_decode(bytes, arena, &sources) < 0)
        return;
    HOLDS(sources_encode(&sources, &encoded) == 0);
    HOLDS(encoded.len == bytes.len && memcmp(encoded.data, bytes.data, bytes.len) == 0);
    buffer_clear(&encoded);
}

static void read_names(struct slice bytes)
{
    struct slice names[NAMES_MAX];
    size_t count = names_split(bytes, names);

    HOLDS(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        HOLDS(names[i].data >= bytes.data &&
              names[i].data + names[i].len <= bytes.data + bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char part = fuzz_letter(&input);
    char *bytes = exact_copy(input.data, input.len);
    struct slice rest = {bytes, input.len};
    struct arena *arena = arena_new();

    if (part == 'e')
        read_entry(rest, arena);
    else if (part == 's')
        read_sources(rest, arena);
    else if (part == 'n')
        read_names(rest);
    arena_free(arena);
    free(bytes);
    return 0;
}
