/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers from the mapped table. One try copies what the decision needs and notes the sequence of
 * all it saw; the decision counts when none of them has moved since. What a damaged file can do is
 * bounded: each index is checked against the layout, each search and each chain has an end.
 */
#include "cache/reading.h"
#include "base/err.h"

#define READ_TRIES      64
#define READ_PAUSES_MAX 64 /* between two tries; all tries together wait about 0.1 ms */

static bool reading_holds(const struct reading *reading)
{
    if (reading->again)
        return false;
    for (unsigned i = 0; i < reading->seen_count; i++)
        if (word_get(reading->seen[i].word) != reading->seen[i].value)
            return false;
    return true;
}

const struct layout_slot *reading_find(struct reading *reading, const struct layout_key *key)
{
    const struct rights *rights = reading->rights;
    uint64_t at = key_slot(key, rights->layout.slots);

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        const struct layout_slot *slot = &rights->slots[at];
        uint64_t sequence = word_get(&slot->sequence);

        if (sequence > 1 && key_equal(&slot->key, key))
            return slot;
        if (sequence <= 1)
            reading_saw(reading, &slot->sequence, sequence);
        if (sequence == 0)
            return NULL;
        at = at + 1 < rights->layout.slots ? at + 1 : 0;
    }
    return NULL;
}

const struct layout_slot *reading_slot(struct reading *reading, const struct layout_key *key,
                                       uint64_t *ret_state)
{
    const struct layout_slot *slot = reading_find(reading, key);
    uint64_t state;

    if (slot == NULL || !reading_enters(reading, &slot->sequence))
        return NULL;
    state = word_get(&slot->state);
    if (state & SLOT_DEAD)
        return NULL;
    *ret_state = state;
    return slot;
}

static void member_read(struct reading *reading, enum membership_kind kind,
                        const struct layout_key *key)
{
    struct member *member = &reading->members[kind];
    const struct layout_slot *slot;
    uint64_t state;

    slot = reading_slot(reading, key, &state);
    if (slot == NULL)
        return;
    member->present = true;
    member->person_active = (state & SLOT_PERSON_ACTIVE) != 0;
    member->window = (struct window){
        .present = true,
        .active = (state & SLOT_ACTIVE) != 0,
        .not_before = (int64_t)word_get(&slot->not_before),
        .not_after = (int64_t)word_get(&slot->not_after),
    };
    member->profile = (uint32_t)(state >> 32);
    member->organization = word_get(&slot->organization);
}

/* The number of the organization asked about: from the membership's record, else by its name.
 * E_NOTFOUND. */
static int organization_number(struct reading *reading, uint64_t *ret)
{
    const struct rights *rights = reading->rights;
    const struct layout_slot *slot;
    struct layout_key key;

    if (reading->members[MEMBERSHIP_OWN].present) {
        *ret = reading->members[MEMBERSHIP_OWN].organization;
        return 0;
    }
    if (!key_name_valid(reading->organization))
        return E_NOTFOUND;
    key = key_of_names(rights->seed, KEY_ORGANIZATION, reading->organization, (struct slice){0});
    slot = reading_find(reading, &key);
    if (slot == NULL || !reading_enters(reading, &slot->sequence))
        return E_NOTFOUND;
    *ret = word_get(&slot->organization);
    return 0;
}

static void organization_read(struct reading *reading, struct subject *subject)
{
    const struct rights *rights = reading->rights;
    uint64_t number, state;

    if (organization_number(reading, &number) != 0)
        return;
    if (number >= rights->layout.organizations) {
        reading->damaged = true;
        return;
    }
    state = word_get(&rights->organizations[number]);
    reading_saw(reading, &rights->organizations[number], state);
    reading->organization_number = number;
    reading->organization_word = state;
    subject->organization_known = (state & ORGANIZATION_KNOWN) != 0;
    subject->organization_active = (state & ORGANIZATION_ACTIVE) != 0;
}

/* The membership in the platform. Few people have one, which the filter tells from a small part of
 * the file that stays in the processor's cache. */
static void platform_read(struct reading *reading)
{
    const struct rights *rights = reading->rights;
    const uint64_t *word;
    struct layout_key key;
    uint64_t filter;
    unsigned bit;

    if (!key_name_valid(reading->uid))
        return;
    bit = key_filter(rights->seed, reading->uid);
    word = &rights->filter[bit / 64];
    filter = word_get(word);
    if ((filter >> bit % 64 & 1) == 0) {
        reading_saw(reading, word, filter);
        return;
    }
    key = key_of_names(rights->seed, KEY_MEMBERSHIP, slice_of(LAYOUT_PLATFORM), reading->uid);
    member_read(reading, MEMBERSHIP_PLATFORM, &key);
}

static int permission_read(struct reading *reading, unsigned bit, unsigned which,
                           struct permission *ret)
{
    const struct layout_permission *permission = &reading->rights->permissions[bit];
    uint64_t *channel = reading->channel[which];
    uint64_t state = word_get(&permission->state);
    uint64_t len = state >> 32;

    if (state & PERMISSION_DEAD)
        return E_NOTFOUND;
    if (len > LAYOUT_CHANNEL_MAX) {
        reading->damaged = true;
        return E_NOTFOUND;
    }
    for (unsigned i = 0; i * sizeof(uint64_t) < len; i++)
        channel[i] = word_get(&permission->channel[i]);
    *ret = (struct permission){
        .bit = bit,
        .channel = {.data = (const char *)channel, .len = len},
        .editing = (state & PERMISSION_EDITING) != 0,
        .factor = (state & PERMISSION_FACTOR) != 0,
        .requires = (int)word_get(&permission->requires),
    };
    return 0;
}

/* The permission at the place where it was found before, if it is still there. */
static bool permission_again(struct reading *reading, struct permission *ret)
{
    const struct rights *rights = reading->rights;
    unsigned bit;

    return reading->place != NULL && permission_place(rights, reading->place, &bit) &&
           reading_enters(reading, &rights->permissions[bit].sequence) &&
           permission_read(reading, bit, 0, ret) == 0;
}

/* The permission asked for: 0, or E_NOPERM. An identifier that was removed and came back at another
 * bit stands in the index twice. */
static int permission_find(struct reading *reading, struct permission *ret)
{
    const struct rights *rights = reading->rights;
    const struct layout_key *key = &reading->permission_key;
    uint64_t mask = rights->layout.index_words - 1;

    if (permission_again(reading, ret))
        return 0;
    if (!reading->hashed)
        reading->permission_key = key_of_permission(rights->seed, reading->query->permission);
    reading->hashed = true;
    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        const uint64_t *word = &rights->index[(key->word[1] + i) & mask];
        uint64_t value = word_get(word);
        unsigned bit = key_index_bit(value);

        if (value == 0) {
            reading_saw(reading, word, value);
            return E_NOPERM;
        }
        if (!key_index_same(key, value))
            continue;
        if (bit >= rights->layout.bits) {
            reading->damaged = true;
            return E_NOPERM;
        }
        if (!reading_enters(reading, &rights->permissions[bit].sequence))
            return E_NOPERM;
        if (key_equal(&rights->permissions[bit].key, key) &&
            permission_read(reading, bit, 0, ret) == 0) {
            permission_remember(reading->place, value);
            return 0;
        }
    }
    return E_NOPERM;
}

/* For decide(): the permission of a bit, good until the next one is asked for. */
static int on_permission(void *context, unsigned bit, struct permission *ret)
{
    struct reading *reading = context;

    if (bit >= reading->rights->layout.bits ||
        !reading_enters(reading, &reading->rights->permissions[bit].sequence))
        return E_NOTFOUND;
    return permission_read(reading, bit, 1, ret);
}

/* For decide(): what a profile says for the query's scope. */
static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    struct reading *reading = context;
    struct member *member = &reading->members[kind];
    const uint64_t *bits;

    if (bit >= reading->rights->layout.bits)
        return VERDICT_SILENT;
    if (!member->asked) {
        member->asked = true;
        member->bits = member_page(reading, member);
        if (scope->kind != SCOPE_NONE && member->bits != NULL)
            member->bits = scope_page(reading, member);
    }
    bits = member->bits;
    if (bits == NULL)
        return VERDICT_SILENT;
    if (word_get(&bits[PROFILE_DENIED(bit / 64)]) >> bit % 64 & 1)
        return VERDICT_DENY;
    return word_get(&bits[PROFILE_GRANTED(bit / 64)]) >> bit % 64 & 1 ? VERDICT_GRANT
                                                                      : VERDICT_SILENT;
}

/* Whether the own membership settles the answer, so that the platform's need not be looked up. For
 * an event its settings may count as well. */
static bool own_settles(struct reading *reading, const struct permission *permission)
{
    struct member *own = &reading->members[MEMBERSHIP_OWN];

    if (!own->present)
        return false;
    if (!own->person_active)
        return true;
    return !reading->on_event && permission->requires == REQUIRES_NOTHING &&
           window_open(&own->window, reading->now_ms) &&
           on_verdict(reading, MEMBERSHIP_OWN, permission->bit, &reading->query->scope) !=
               VERDICT_SILENT;
}

/* The person, whom no membership names: of the people there are, or not. */
static void person_read(struct reading *reading, struct subject *subject)
{
    const struct rights *rights = reading->rights;
    uint64_t person, at;

    if (!key_name_valid(reading->uid))
        return;
    person = key_person(rights->seed, reading->uid);
    at = key_person_slot(person, rights->layout.people);
    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        const uint64_t *word = &rights->people[at];
        uint64_t value = word_get(word);

        if (value == 0 || (value & ~(uint64_t)PERSON_STATE) == person) {
            reading_saw(reading, word, value);
            subject->person_known = (value & PERSON_KNOWN) != 0;
            subject->person_active = (value & PERSON_ACTIVE) != 0;
            return;
        }
        at = at + 1 < rights->layout.people ? at + 1 : 0;
    }
}

/* Hands over who the person is and what memberships there are. */
static void subject_fill(struct reading *reading, struct subject *subject)
{
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        const struct member *member = &reading->members[kind];

        if (!member->present)
            continue;
        subject->membership[kind] = member->window;
        subject->person_known = true;
        subject->person_active = member->person_active;
    }
}

/* Forgets the try before. */
static void reading_reset(struct reading *reading)
{
    reading->again = false;
    reading->damaged = false;
    reading->seen_count = 0;
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        struct member *member = &reading->members[kind];

        member->present = member->paged = member->asked = false;
    }
}

static struct decision reading_decide(struct reading *reading)
{
    const struct decide_source source = {reading, on_verdict, on_permission};
    struct subject subject = {0};
    struct permission permission;
    bool known, asked;

    reading_reset(reading);
    known = permission_find(reading, &permission) == 0;
    if (reading->named)
        member_read(reading, MEMBERSHIP_OWN, &reading->membership_key);
    organization_read(reading, &subject);
    asked = known && subject.organization_active;
    if (asked && reading->on_event)
        event_read(reading, &subject);
    if (subject.event_known && reading->named)
        member_read(reading, MEMBERSHIP_EVENT, &reading->event_membership_key);
    if (asked && !own_settles(reading, &permission))
        platform_read(reading);
    subject_fill(reading, &subject);
    if (asked && !subject.person_known)
        person_read(reading, &subject);
    if (subject.event_known)
        settings_read(reading, &subject);
    return decide(reading->query, known ? &permission : NULL, &subject, &source, reading->now_ms);
}

int reading_run(const struct rights *rights, struct slice organization, struct slice uid,
                const struct query *query, int64_t now_ms, _Atomic uint64_t *place, bool named,
                const struct layout_key *membership_key, struct decision *ret)
{
    struct decision decision;
    struct reading reading;
    struct query complete;

    if (query->scope.kind == SCOPE_EVENT && query->scope.organization.len == 0) {
        complete = *query;
        complete.scope.organization = organization;
        query = &complete;
    }
    reading.rights = rights;
    reading.organization = organization;
    reading.uid = uid;
    reading.query = query;
    reading.now_ms = now_ms;
    reading.named = named;
    reading.membership_key = *membership_key;
    reading.place = place;
    reading.hashed = false;
    reading.on_event = query->scope.kind == SCOPE_EVENT && event_begin(&reading);
    for (unsigned i = 0; i < READ_TRIES; i++) {
        decision = reading_decide(&reading);
        if (reading_holds(&reading)) {
            if (reading.damaged)
                return E_PROTO;
            *ret = decision;
            return decision.result;
        }
        pause_briefly(i < READ_PAUSES_MAX ? i + 1 : READ_PAUSES_MAX);
    }
    return E_BUSY;
}
