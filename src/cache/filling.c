/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memberships are taken in the order of BATCH_ENTRY, which is that of BATCH_RECORD too. Most have a
 * profile that another one had a moment ago: sources met lately lead to its number without a look
 * at the state, and how many uses they come to is written when they make room.
 */
#include "cache/filling.h"
#include "base/err.h"
#include "cache/backref.h"
#include "cache/grouping.h"
#include "cache/index.h"
#include "cache/member.h"
#include "cache/permissions.h"
#include "cache/profiles.h"
#include "cache/record.h"
#include "cache/table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#define MET_MAX  (128 * 1024) /* sources remembered, */
#define MET_SIZE 512          /* each of at most as many bytes */

struct met {
    char *sources; /* encoded; NULL: none */
    size_t len;
    uint32_t number;
    uint32_t uses; /* not written yet */
};

struct filling {
    struct pool *pool;
    struct db_load records;
    struct buffer encoded;
    struct met *met;
    size_t met_size;
};

static void met_write(struct batch *batch, struct met *met)
{
    if (met->uses > 0)
        profile_use(batch, met->number, met->uses);
    met->uses = 0;
}

static void met_keep(struct batch *batch, struct met *met, struct slice encoded, uint32_t number)
{
    met_write(batch, met);
    free(met->sources);
    *met = (struct met){.sources = slice_dup(encoded), .len = encoded.len, .number = number};
}

static uint32_t profile_of(struct batch *batch, struct filling *filling,
                           const struct sources *sources)
{
    struct slice encoded;
    struct met *met;
    uint32_t number;

    filling->encoded.len = 0;
    if (sources_encode(sources, &filling->encoded) != 0) {
        batch_fail(batch, E_NOMEM);
        return TABLE_NO_PROFILE;
    }
    encoded = buffer_slice(&filling->encoded);
    met = &filling->met[XXH3_64bits(encoded.data, encoded.len) % filling->met_size];
    if (met->sources != NULL &&
        slice_equal(encoded, (struct slice){.data = met->sources, .len = met->len})) {
        met->uses++;
        return met->number;
    }
    number = profile_take(batch, filling->pool, sources);
    if (encoded.len <= MET_SIZE)
        met_keep(batch, met, encoded, number);
    return number;
}

static void on_membership(struct batch *batch, const struct id *uuid, const struct entry *entry,
                          void *context)
{
    struct filling *filling = context;
    struct record record = {.profile = TABLE_NO_PROFILE};
    struct sources sources;

    if (!member_counts(batch, entry))
        return;
    member_sources(batch, entry, &sources);
    if (!sources_empty(&sources))
        record.profile = profile_of(batch, filling, &sources);
    record_name(&entry->place, &record);
    record_load(&filling->records, uuid, &record);
}

static void fill_records(struct batch *batch)
{
    struct filling filling = {.pool = pool_new(batch)};
    size_t entries = db_count(&batch->txn, BATCH_ENTRY);

    filling.met_size = entries < MET_MAX ? entries + 1 : MET_MAX;
    filling.met = mem_array(filling.met_size, sizeof(*filling.met));
    buffer_init(&filling.encoded);
    db_load_begin(&batch->txn, BATCH_RECORD, &filling.records);
    index_entries(batch, 1U << TREE_MEMBERSHIP | 1U << TREE_EVENT_MEMBERSHIP, on_membership,
                  &filling);
    db_load_end(&filling.records);
    for (size_t i = 0; i < filling.met_size; i++) {
        met_write(batch, &filling.met[i]);
        free(filling.met[i].sources);
        arena_reset(batch->arena);
    }
    free(filling.met);
    buffer_clear(&filling.encoded);
    pool_free(filling.pool);
}

void filling_compute(struct batch *batch)
{
    static const enum batch_table computed[] = {
        BATCH_RECORD, BATCH_PROFILE, BATCH_SOURCE,     BATCH_DEPENDENCY,
        BATCH_SCOPE,  BATCH_FREE,    BATCH_PERMISSION, BATCH_TODO,
    };

    for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++)
        db_empty(&batch->txn, computed[i]);
    batch->numbers.next_profile = 0;
    batch->grouping = grouping_new();
    backref_build(batch);
    permissions_number(batch);
    fill_records(batch);
    grouping_free(batch->grouping);
    batch->grouping = NULL;
    db_empty(&batch->txn, BATCH_TODO);
    todo_add(batch, TODO_TABLE, (struct slice){0});
    batch->numbers.filled = 1;
}
