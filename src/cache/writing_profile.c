/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Puts profiles with their scopes, and the catalogue that their bits belong to. A profile's own
 * page is odd from before the first of its scopes changes until after the last, and a reader enters
 * it first: so no reader answers from one scope as it was and another as it is.
 */
#include "cache/writing.h"
#include "base/err.h"

#include <string.h>

/* The word of a set that may be shorter or longer than the table's. */
static uint64_t profile_word(const uint64_t *words, size_t count_of_words, size_t word)
{
    return word < count_of_words ? words[word] : 0;
}

static uint64_t *page_of(const struct table *table, uint32_t number)
{
    return (void *)(table->map + table->layout.profile_offset +
                    number * table->layout.profile_stride);
}

/* Completes a page that record_begin made odd. */
static void page_write(struct table *table, uint64_t *page, uint64_t even, uint64_t flags,
                       const struct profile *profile, struct profile_bits bits)
{
    size_t words = BITSET_WORDS(table->layout.bits);

    word_set(&page[PROFILE_FLAGS], flags);
    for (size_t i = 0; i < words; i++) {
        word_set(&page[PROFILE_GRANTED(i)], profile_word(bits.granted, profile->words, i));
        word_set(&page[PROFILE_DENIED(i)], profile_word(bits.denied, profile->words, i));
    }
    word_set(page, even);
}

/* Whether the table has room for these bits. */
static bool bits_fit(const struct table *table, const struct profile *profile,
                     struct profile_bits bits)
{
    for (size_t i = BITSET_WORDS(table->layout.bits); i < profile->words; i++)
        if ((bits.granted[i] | bits.denied[i]) != 0)
            return false;
    return true;
}

static int scope_key(const struct table *table, uint32_t number, const struct scope *scope,
                     struct layout_key *ret)
{
    return key_of_scope(table->header->seed, number, scope, ret) ? 0 : E_SYNTAX;
}

/* Whether everything has room, before the first word changes. */
static int profile_room(const struct table *table, uint32_t number, const struct profile *profile,
                        const struct table_scopes *scopes)
{
    const struct layout_header *header = table->header;
    size_t vacant = header->records - word_get(&header->used_records), more = 0;
    struct layout_key key;
    int err = 0;

    if (number >= table->layout.profiles || !bits_fit(table, profile, profile->bits))
        return E_LIMIT;
    for (size_t i = 0; err == 0 && i < profile->scope_count; i++) {
        if (scopes->pages[i] >= table->layout.profiles ||
            !bits_fit(table, profile, profile->scopes[i].bits))
            return E_LIMIT;
        err = scope_key(table, number, &profile->scopes[i].scope, &key);
        if (err == 0)
            more += !slot_stands(table, &key);
    }
    return err != 0 || more <= vacant ? err : E_LIMIT;
}

enum layout_setting table_setting(const struct profile *settings, unsigned setting)
{
    bool scope = setting == SETTING_EVENT_SCOPE;
    struct slice value =
        profile_setting(settings, slice_of(scope ? "event-scope" : "shared-events"));

    if (value.data == NULL)
        return SETTING_UNSET;
    return slice_is(value, scope ? "specific" : "read-only") ? SETTING_STRICT : SETTING_DEFAULT;
}

static uint64_t profile_flags(const struct profile *profile)
{
    uint64_t flags = (uint64_t)table_setting(profile, SETTING_EVENT_SCOPE) << SETTING_EVENT_SCOPE |
                     (uint64_t)table_setting(profile, SETTING_SHARED_EVENTS)
                         << SETTING_SHARED_EVENTS;

    for (size_t i = 0; i < profile->scope_count; i++)
        flags |= PROFILE_NAMES(profile->scopes[i].scope.kind);
    return flags;
}

static int put_scope(struct table *table, uint32_t number, const struct profile *profile, size_t i,
                     uint32_t page)
{
    const struct layout_slot content = {.state = (uint64_t)page << 32 | SLOT_NAME};
    uint64_t *record = page_of(table, page);
    struct layout_key key;
    int err;

    counter_raise(&table->header->used_profiles, (uint64_t)page + 1);
    page_write(table, record, record_begin(record), 0, profile, profile->scopes[i].bits);
    err = scope_key(table, number, &profile->scopes[i].scope, &key);
    return err != 0 ? err : slot_put(table, &key, &content);
}

int table_put_profile(struct table *table, uint32_t number, const struct profile *profile,
                      const struct table_scopes *scopes)
{
    uint64_t *page;
    uint64_t even;
    int err;

    err = profile_room(table, number, profile, scopes);
    if (err != 0)
        return err;
    page = page_of(table, number);
    counter_raise(&table->header->used_profiles, (uint64_t)number + 1);
    even = record_begin(page);
    for (size_t i = 0; i < scopes->gone_count; i++)
        (void)table_remove_scope(table, number, &scopes->gone[i]);
    /* Should the slots near one key be full in spite of all, the page stays odd: no answer. */
    for (size_t i = 0; err == 0 && i < profile->scope_count; i++)
        err = put_scope(table, number, profile, i, scopes->pages[i]);
    if (err == 0)
        page_write(table, page, even, profile_flags(profile), profile, profile->bits);
    return err;
}

int table_remove_scope(struct table *table, uint32_t profile, const struct scope *scope)
{
    struct layout_key key;

    if (scope_key(table, profile, scope, &key) == 0)
        slot_remove(table, &key);
    return 0;
}

/* The index word that names the bit under this key, or a free one. */
static int index_find(const struct table *table, const struct layout_key *key, unsigned bit,
                      uint64_t **ret)
{
    uint64_t mask = table->layout.index_words - 1;

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        uint64_t *word = &table->index[(key->word[1] + i) & mask];
        uint64_t value = word_get(word);

        if (value == 0 || value == key_index_word(key, bit)) {
            *ret = word;
            return 0;
        }
    }
    return E_LIMIT;
}

static bool permission_same(const struct layout_permission *record, uint64_t state,
                            uint64_t requires, const uint64_t *channel)
{
    uint64_t sequence = word_get(&record->sequence);

    if (sequence == 0 || sequence % 2 != 0 || word_get(&record->state) != state ||
        word_get(&record->requires) != requires)
        return false;
    for (unsigned i = 0; i < LAYOUT_CHANNEL_WORDS; i++)
        if (word_get(&record->channel[i]) != channel[i])
            return false;
    return true;
}

static void permission_write(struct table *table, struct layout_permission *record,
                             const struct permission *permission, const struct layout_key *key)
{
    uint64_t state = (uint64_t)permission->channel.len << 32 |
                     (permission->editing ? PERMISSION_EDITING : 0) |
                     (permission->factor ? PERMISSION_FACTOR : 0);
    uint64_t requires = (uint64_t)(int64_t)permission->requires;
    uint64_t channel[LAYOUT_CHANNEL_WORDS] = {0};
    bool counted = permission_counts(record);
    uint64_t even;

    if (permission->channel.len > 0)
        memcpy(channel, permission->channel.data, permission->channel.len);
    if (permission_same(record, state, requires, channel))
        return;
    word_set(&table->header->writing, 1);
    even = record_begin(&record->sequence);
    word_set(&record->key.word[0], key->word[0]);
    word_set(&record->key.word[1], key->word[1]);
    word_set(&record->state, state);
    word_set(&record->requires, requires);
    for (unsigned i = 0; i < LAYOUT_CHANNEL_WORDS; i++)
        word_set(&record->channel[i], channel[i]);
    word_set(&record->sequence, even);
    counter_add(&table->header->permissions, counted ? 0 : 1);
    word_set(&table->header->writing, 0);
    counter_add(&table->header->generation, 1);
}

int table_put_permission(struct table *table, const struct permission *permission, struct slice id)
{
    struct layout_permission *record;
    struct layout_key key;
    uint64_t *index = NULL;
    int err;

    if (id.len == 0 || id.len > PERMISSION_MAX || permission->channel.len > LAYOUT_CHANNEL_MAX)
        return E_SYNTAX;
    if (permission->bit >= table->layout.bits)
        return E_LIMIT;
    record = &table->permissions[permission->bit];
    key = key_of_permission(table->header->seed, id);
    if (word_get(&record->sequence) > 1 && !key_equal(&record->key, &key))
        return E_EXISTS;
    err = index_find(table, &key, permission->bit, &index);
    if (err != 0)
        return err;
    counter_raise(&table->header->used_bits, (uint64_t)permission->bit + 1);
    permission_write(table, record, permission, &key);
    word_set(index, key_index_word(&key, permission->bit));
    return 0;
}

int table_remove_permission(struct table *table, unsigned bit)
{
    struct layout_permission *record;
    bool counted;
    uint64_t even;

    if (bit >= table->layout.bits || word_get(&table->permissions[bit].sequence) <= 1)
        return 0;
    record = &table->permissions[bit];
    counted = permission_counts(record);
    word_set(&table->header->writing, 1);
    even = record_begin(&record->sequence);
    word_set(&record->state, PERMISSION_DEAD);
    word_set(&record->sequence, even);
    counter_add(&table->header->permissions, counted ? -1 : 0);
    word_set(&table->header->writing, 0);
    counter_add(&table->header->generation, 1);
    return 0;
}
