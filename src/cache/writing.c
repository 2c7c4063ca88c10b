/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Puts and removes records. Each goes odd, is written, goes even, whatever state a killed writer
 * left it in. A key, once complete, never leaves its slot, so a reader's search can only miss what
 * came after it began; what is removed is marked and may come back.
 */
#include "cache/writing.h"
#include "base/err.h"

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
        word_get(&slot->organization) == content->organization &&
        word_get(&slot->filter) == content->filter)
        return;
    word_set(&header->writing, 1);
    if (before == 0)
        counter_add(&header->used_records, 1);
    even = record_begin(&slot->sequence);
    if (before <= 1) {
        word_set(&slot->key.word[0], key->word[0]);
        word_set(&slot->key.word[1], key->word[1]);
    }
    word_set(&slot->state, content->state);
    word_set(&slot->not_before, content->not_before);
    word_set(&slot->not_after, content->not_after);
    word_set(&slot->organization, content->organization);
    word_set(&slot->filter, content->filter);
    word_set(&slot->sequence, even);
    counter_add(&header->memberships, (int64_t)slot_counts(slot) - (int64_t)counted);
    word_set(&header->writing, 0);
}

/* As slot_find, but E_LIMIT also when the table holds as many keys as it may. */
static int slot_claim(const struct table *table, const struct layout_key *key,
                      struct layout_slot **ret)
{
    struct layout_slot *slot = NULL;
    int err = slot_find(table, key, &slot);

    if (err == E_NOTFOUND && word_get(&slot->sequence) == 0 &&
        word_get(&table->header->used_records) >= table->header->records)
        err = E_LIMIT;
    if (err != E_LIMIT)
        *ret = slot;
    return err;
}

bool slot_stands(const struct table *table, const struct layout_key *key)
{
    struct layout_slot *slot;

    return slot_find(table, key, &slot) == 0;
}

int slot_put(struct table *table, const struct layout_key *key, const struct layout_slot *content)
{
    struct layout_slot *slot;

    if (slot_claim(table, key, &slot) == E_LIMIT)
        return E_LIMIT;
    slot_write(table, slot, key, content);
    return 0;
}

void slot_remove(struct table *table, const struct layout_key *key)
{
    struct layout_slot content;
    struct layout_slot *slot = NULL;

    if (slot_find(table, key, &slot) != 0)
        return;
    content = (struct layout_slot){
        .state = SLOT_DEAD,
        .organization = word_get(&slot->organization),
    };
    slot_write(table, slot, key, &content);
}

/* The number of an organization, which gets one here when it has none yet. */
static int organization_number(struct table *table, struct slice organization, uint64_t *ret)
{
    struct layout_slot content = {.state = SLOT_NAME};
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
    counter_raise(&table->header->used_organizations, content.organization + 1);
    err = slot_put(table, &key, &content);
    if (err != 0)
        return err;
    *ret = content.organization;
    return 0;
}

int table_put_organization(struct table *table, struct slice name,
                           const struct table_organization *organization)
{
    uint64_t word = ORGANIZATION_KNOWN | (organization->active ? ORGANIZATION_ACTIVE : 0) |
                    (uint64_t)organization->event_scope << SETTING_EVENT_SCOPE |
                    (uint64_t)organization->shared_events << SETTING_SHARED_EVENTS;
    uint64_t number, primary;
    int err;

    if (!key_name_valid(name))
        return E_SYNTAX;
    err = organization_number(table, name, &number);
    if (err == 0 && key_name_valid(organization->primary)) {
        err = organization_number(table, organization->primary, &primary);
        word |= (primary + 1) << ORGANIZATION_PRIMARY;
    }
    if (err == 0)
        word_set(&table->organizations[number], word);
    return err;
}

int table_remove_organization(struct table *table, struct slice name)
{
    struct layout_slot *slot = NULL;
    struct layout_key key;

    if (!key_name_valid(name))
        return 0;
    key = key_of_names(table->header->seed, KEY_ORGANIZATION, name, (struct slice){0});
    /* The name keeps its number, for its members' records have it. */
    if (slot_find(table, &key, &slot) == 0)
        word_set(&table->organizations[word_get(&slot->organization)], 0);
    return 0;
}

/* The word of a person, or a free one: E_LIMIT when there is none near. */
static int person_find(const struct table *table, uint64_t person, uint64_t **ret)
{
    uint64_t at = key_person_slot(person, table->layout.people);

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        uint64_t *word = &table->people[at];
        uint64_t value = word_get(word);

        if (value == 0 || (value & ~(uint64_t)PERSON_STATE) == person) {
            *ret = word;
            return 0;
        }
        at = at + 1 < table->layout.people ? at + 1 : 0;
    }
    return E_LIMIT;
}

int table_put_person(struct table *table, struct slice uid, bool active)
{
    struct layout_header *header = table->header;
    uint64_t *word = NULL;
    uint64_t person;
    int err;

    if (!key_name_valid(uid))
        return E_SYNTAX;
    person = key_person(header->seed, uid);
    err = person_find(table, person, &word);
    if (err == 0 && word_get(word) == 0) {
        if (word_get(&header->used_people) >= header->people)
            return E_LIMIT;
        word_set(&header->writing, 1);
        counter_add(&header->used_people, 1);
    }
    if (err == 0) {
        word_set(word, person | PERSON_KNOWN | (active ? PERSON_ACTIVE : 0));
        word_set(&header->writing, 0);
    }
    return err;
}

int table_remove_person(struct table *table, struct slice uid)
{
    uint64_t *word = NULL;
    uint64_t person;

    if (!key_name_valid(uid))
        return 0;
    person = key_person(table->header->seed, uid);
    if (person_find(table, person, &word) == 0 && word_get(word) != 0)
        word_set(word, person);
    return 0;
}

/* Only ever set: a membership that was removed costs a look in vain, and may come back. */
static void filter_set(struct table *table, unsigned bit)
{
    word_set(&table->filter[bit / 64], word_get(&table->filter[bit / 64]) | UINT64_C(1)
                                                                                << bit % 64);
}

/* The key of a membership. E_SYNTAX. */
static int record_key(const struct table *table, struct slice organization, struct slice event,
                      struct slice uid, struct layout_key *ret)
{
    uint64_t seed = table->header->seed;

    if (!key_name_valid(organization) || !key_name_valid(uid) ||
        (event.len > 0 && !key_name_valid(event)))
        return E_SYNTAX;
    *ret = event.len > 0 ? key_of_event(seed, KEY_EVENT_MEMBERSHIP, organization, event, uid)
                         : key_of_names(seed, KEY_MEMBERSHIP, organization, uid);
    return 0;
}

/* Puts what belongs to an organization, which gets a number; content has the rest. */
static int owned_put(struct table *table, const struct layout_key *key, struct slice organization,
                     struct layout_slot *content)
{
    struct layout_slot *slot;
    int err;

    /* Ask for its own room first, so that a full table takes no organization either. */
    err = slot_claim(table, key, &slot) == E_LIMIT ? E_LIMIT : 0;
    if (err == 0)
        err = organization_number(table, organization, &content->organization);
    return err != 0 ? err : slot_put(table, key, content);
}

int table_put_record(struct table *table, struct slice organization, struct slice event,
                     struct slice uid, const struct table_record *record)
{
    struct layout_slot content = {
        .state = (uint64_t)record->profile << 32 | (record->active ? SLOT_ACTIVE : 0) |
                 (record->person_active ? SLOT_PERSON_ACTIVE : 0),
        .not_before = (uint64_t)record->not_before,
        .not_after = (uint64_t)record->not_after,
    };
    struct layout_key key;
    int err;

    err = record_key(table, organization, event, uid, &key);
    if (err == 0)
        content.filter = key_filter(table->header->seed, uid);
    if (err == 0 && record->profile != TABLE_NO_PROFILE &&
        record->profile >= table->layout.profiles)
        err = E_LIMIT;
    if (err == 0 && event.len == 0 && slice_equal_fold(organization, slice_of(LAYOUT_PLATFORM)))
        filter_set(table, (unsigned)content.filter);
    return err != 0 ? err : owned_put(table, &key, organization, &content);
}

int table_remove_record(struct table *table, struct slice organization, struct slice event,
                        struct slice uid)
{
    struct layout_key key;

    if (record_key(table, organization, event, uid, &key) == 0)
        slot_remove(table, &key);
    return 0;
}

int table_put_event(struct table *table, struct slice organization, struct slice event,
                    const struct window *window)
{
    struct layout_slot content = {
        .state = SLOT_NAME | (window->active ? SLOT_ACTIVE : 0),
        .not_before = (uint64_t)window->not_before,
        .not_after = (uint64_t)window->not_after,
    };
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(event))
        return E_SYNTAX;
    key = key_of_names(table->header->seed, KEY_EVENT, organization, event);
    return owned_put(table, &key, organization, &content);
}

int table_remove_event(struct table *table, struct slice organization, struct slice event)
{
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(event))
        return 0;
    key = key_of_names(table->header->seed, KEY_EVENT, organization, event);
    slot_remove(table, &key);
    return 0;
}

int table_put_share(struct table *table, struct slice organization, struct slice event,
                    struct slice with)
{
    const struct layout_slot content = {.state = SLOT_NAME};
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(event) || !key_name_valid(with))
        return E_SYNTAX;
    key = key_of_event(table->header->seed, KEY_SHARE, organization, event, with);
    return slot_put(table, &key, &content);
}

int table_remove_share(struct table *table, struct slice organization, struct slice event,
                       struct slice with)
{
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(event) || !key_name_valid(with))
        return 0;
    key = key_of_event(table->header->seed, KEY_SHARE, organization, event, with);
    slot_remove(table, &key);
    return 0;
}
