/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Puts and removes records. Each goes odd, is written, goes even, whatever state a killed writer
 * left it in. A key, once complete, never leaves its slot, so a reader's search can only miss what
 * came after it began; what is removed is marked and may come back.
 */
#include "cache/writing.h"
#include "base/err.h"
#include "cache/key.h"

#include <string.h>

static void count(uint64_t *counter, int64_t change)
{
    word_set(counter, word_get(counter) + (uint64_t)change);
}

static void raise_to(uint64_t *counter, uint64_t value)
{
    if (word_get(counter) < value)
        word_set(counter, value);
}

/* The slot of a key: 0; E_NOTFOUND with the slot that it may take; E_LIMIT. A slot in its first
 * writing belongs to a writer that was killed, for there is no other: no reader ever used its key.
 */
static int slot_find(const struct table *table, const struct layout_key *key,
                     struct layout_slot **ret)
{
    uint64_t at = key_slot(key, table->layout.slots);
    struct layout_slot *vacant = NULL;

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        struct layout_slot *slot = &table->slots[at];
        uint64_t sequence = word_get(&slot->sequence);

        if (sequence > 1 && key_equal(&slot->key, key)) {
            *ret = slot;
            return 0;
        }
        if (sequence <= 1 && vacant == NULL)
            vacant = slot;
        if (sequence == 0)
            break;
        at = at + 1 < table->layout.slots ? at + 1 : 0;
    }
    if (vacant == NULL)
        return E_LIMIT;
    *ret = vacant;
    return E_NOTFOUND;
}

/* Writes a slot: a vacant one with its key, or one that holds the key already. */
static void slot_write(struct table *table, struct layout_slot *slot, const struct layout_key *key,
                       const struct layout_slot *content)
{
    struct layout_header *header = table->header;
    bool counted = slot_counts(slot);
    uint64_t before = word_get(&slot->sequence);
    uint64_t even;

    if (before != 0 && before % 2 == 0 && word_get(&slot->state) == content->state &&
        word_get(&slot->not_before) == content->not_before &&
        word_get(&slot->not_after) == content->not_after &&
        word_get(&slot->organization) == content->organization)
        return;
    word_set(&header->writing, 1);
    if (before == 0)
        count(&header->used_records, 1);
    even = record_begin(&slot->sequence);
    if (before <= 1) {
        word_set(&slot->key.word[0], key->word[0]);
        word_set(&slot->key.word[1], key->word[1]);
    }
    word_set(&slot->state, content->state);
    word_set(&slot->not_before, content->not_before);
    word_set(&slot->not_after, content->not_after);
    word_set(&slot->organization, content->organization);
    word_set(&slot->sequence, even);
    count(&header->memberships, (int64_t)slot_counts(slot) - (int64_t)counted);
    word_set(&header->writing, 0);
}

/* Finds or claims the slot of a key, if there is room. */
static int slot_put(struct table *table, const struct layout_key *key,
                    const struct layout_slot *content)
{
    struct layout_slot *slot = NULL;
    int err = slot_find(table, key, &slot);

    if (err == E_NOTFOUND && word_get(&slot->sequence) == 0 &&
        word_get(&table->header->used_records) >= table->header->records)
        err = E_LIMIT;
    if (err == E_LIMIT)
        return err;
    slot_write(table, slot, key, content);
    return 0;
}

static int slot_remove(struct table *table, const struct layout_key *key)
{
    struct layout_slot content;
    struct layout_slot *slot = NULL;
    int err = slot_find(table, key, &slot);

    if (err != 0)
        return 0;
    content = (struct layout_slot){
        .state = SLOT_DEAD,
        .organization = word_get(&slot->organization),
    };
    slot_write(table, slot, key, &content);
    return 0;
}

/* The number of an organization, which gets one here when it has none yet. */
static int organization_number(struct table *table, struct slice organization, uint64_t *ret)
{
    struct layout_slot content = {.state = SLOT_ORGANIZATION};
    struct layout_key key =
        key_of_names(table->header->seed, KEY_ORGANIZATION, organization, (struct slice){0});
    struct layout_slot *slot = NULL;
    int err = slot_find(table, &key, &slot);

    if (err == 0)
        content.organization = word_get(&slot->organization);
    else
        content.organization = word_get(&table->header->used_organizations);
    if (content.organization >= table->layout.organizations)
        return E_LIMIT;
    /* First, so that a writer killed here loses a number and never gives it twice. */
    raise_to(&table->header->used_organizations, content.organization + 1);
    err = slot_put(table, &key, &content);
    if (err != 0)
        return err;
    *ret = content.organization;
    return 0;
}

int table_put_organization(struct table *table, struct slice organization, bool active)
{
    uint64_t number;
    int err;

    if (!key_name_valid(organization))
        return E_SYNTAX;
    err = organization_number(table, organization, &number);
    if (err != 0)
        return err;
    word_set(&table->organizations[number],
             ORGANIZATION_KNOWN | (active ? ORGANIZATION_ACTIVE : 0));
    return 0;
}

int table_remove_organization(struct table *table, struct slice organization)
{
    struct layout_slot *slot = NULL;
    struct layout_key key;

    if (!key_name_valid(organization))
        return 0;
    key = key_of_names(table->header->seed, KEY_ORGANIZATION, organization, (struct slice){0});
    /* The name keeps its number, for its members' records have it. */
    if (slot_find(table, &key, &slot) == 0)
        word_set(&table->organizations[word_get(&slot->organization)], 0);
    return 0;
}

/* Only ever set: a membership that was removed costs a look in vain, and may come back. */
static void filter_set(struct table *table, struct slice uid)
{
    unsigned bit = key_filter(table->header->seed, uid);

    word_set(&table->filter[bit / 64], word_get(&table->filter[bit / 64]) | UINT64_C(1)
                                                                                << bit % 64);
}

int table_put_record(struct table *table, struct slice organization, struct slice uid,
                     const struct table_record *record)
{
    struct layout_slot content = {
        .state = (uint64_t)record->profile << 32 | (record->active ? SLOT_ACTIVE : 0) |
                 (record->person_active ? SLOT_PERSON_ACTIVE : 0) |
                 (record->scoped ? SLOT_SCOPED : 0),
        .not_before = (uint64_t)record->not_before,
        .not_after = (uint64_t)record->not_after,
    };
    struct layout_slot *slot = NULL;
    struct layout_key key;
    int err;

    if (!key_name_valid(organization) || !key_name_valid(uid))
        return E_SYNTAX;
    if (record->profile != TABLE_NO_PROFILE && record->profile >= table->layout.profiles)
        return E_LIMIT;
    key = key_of_names(table->header->seed, KEY_MEMBERSHIP, organization, uid);
    /* Ask for the record's own room first, so that a full table takes no organization either. */
    if (slot_find(table, &key, &slot) != 0 &&
        word_get(&table->header->used_records) >= table->header->records)
        return E_LIMIT;
    err = organization_number(table, organization, &content.organization);
    if (err != 0)
        return err;
    if (slice_equal_fold(organization, slice_of(LAYOUT_PLATFORM)))
        filter_set(table, uid);
    return slot_put(table, &key, &content);
}

int table_remove_record(struct table *table, struct slice organization, struct slice uid)
{
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(uid))
        return 0;
    key = key_of_names(table->header->seed, KEY_MEMBERSHIP, organization, uid);
    return slot_remove(table, &key);
}

/* The word of a set that may be shorter or longer than the table's. */
static uint64_t profile_word(const uint64_t *words, size_t count_of_words, size_t word)
{
    return word < count_of_words ? words[word] : 0;
}

int table_put_profile(struct table *table, uint32_t number, const struct profile *profile)
{
    size_t words = BITSET_WORDS(table->layout.bits);
    uint64_t *record;
    uint64_t even;

    if (number >= table->layout.profiles)
        return E_LIMIT;
    for (size_t i = words; i < profile->words; i++)
        if ((profile->bits.granted[i] | profile->bits.denied[i]) != 0)
            return E_LIMIT;
    record =
        (void *)(table->map + table->layout.profile_offset + number * table->layout.profile_stride);
    raise_to(&table->header->used_profiles, (uint64_t)number + 1);
    even = record_begin(record);
    for (size_t i = 0; i < words; i++) {
        word_set(&record[PROFILE_GRANTED(i)],
                 profile_word(profile->bits.granted, profile->words, i));
        word_set(&record[PROFILE_DENIED(i)], profile_word(profile->bits.denied, profile->words, i));
    }
    word_set(record, even);
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
    count(&table->header->permissions, counted ? 0 : 1);
    word_set(&table->header->writing, 0);
    count(&table->header->generation, 1);
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
    raise_to(&table->header->used_bits, (uint64_t)permission->bit + 1);
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
    count(&table->header->permissions, counted ? -1 : 0);
    word_set(&table->header->writing, 0);
    count(&table->header->generation, 1);
    return 0;
}
