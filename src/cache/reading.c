/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers from the mapped table. One try copies what the decision needs and notes the sequence of
 * all it saw; the decision counts when none of them has moved since. What a damaged file can do is
 * bounded: each index is checked against the layout, each search and each chain has an end.
 */
#include "cache/reading.h"
#include "base/err.h"
#include "cache/key.h"

#define READ_TRIES      64
#define READ_PAUSES_MAX 64 /* between two tries; all tries together wait about 0.1 ms */
#define SEEN_MAX        128

/* A membership, copied. */
struct member {
    bool present;
    bool person_active;
    struct window window;
    uint32_t profile;
    uint64_t organization;
    const uint64_t *bits; /* the profile in the map, once it was asked; NULL: silent */
    bool asked;
};

/* A question and one try at it. */
struct reading {
    const struct rights *rights;
    struct slice organization;
    struct slice uid;
    const struct query *query;
    int64_t now_ms;
    bool named; /* both names can be names at all */
    struct layout_key membership_key;
    struct layout_key permission_key;

    bool again;   /* met a record that is being written */
    bool damaged; /* met what no writer writes */
    struct member members[MEMBERSHIP_KINDS];
    uint64_t channel[2][LAYOUT_CHANNEL_WORDS]; /* of the permission asked, and of one required */
    unsigned seen_count;
    struct {
        const uint64_t *word;
        uint64_t value;
    } seen[SEEN_MAX];
};

/* The decision rests on this word having this value. */
static inline void reading_saw(struct reading *reading, const uint64_t *word, uint64_t value)
{
    if (reading->seen_count == SEEN_MAX) {
        reading->damaged = true;
        return;
    }
    reading->seen[reading->seen_count].word = word;
    reading->seen[reading->seen_count++].value = value;
}

static bool reading_holds(const struct reading *reading)
{
    if (reading->again)
        return false;
    for (unsigned i = 0; i < reading->seen_count; i++)
        if (word_get(reading->seen[i].word) != reading->seen[i].value)
            return false;
    return true;
}

/* Notes the sequence of a record whose key stands. False: it is being written, or never was. */
static inline bool reading_enters(struct reading *reading, const uint64_t *sequence)
{
    uint64_t value = word_get(sequence);

    if (value % 2 != 0)
        reading->again = true;
    else if (value == 0)
        reading->damaged = true;
    else
        reading_saw(reading, sequence, value);
    return value % 2 == 0 && value != 0;
}

/* The slot of a key, or NULL: not held. A slot that is written for the first time is passed by;
 * should it turn out to be this key's, its sequence has moved. */
static const struct layout_slot *slot_find(struct reading *reading, const struct layout_key *key)
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

static void member_read(struct reading *reading, enum membership_kind kind,
                        const struct layout_key *key)
{
    struct member *member = &reading->members[kind];
    const struct layout_slot *slot = slot_find(reading, key);
    uint64_t state;

    if (slot == NULL || !reading_enters(reading, &slot->sequence))
        return;
    state = word_get(&slot->state);
    if (state & SLOT_DEAD)
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
    slot = slot_find(reading, &key);
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

/* The permission asked for: 0, or E_NOPERM. An identifier that was removed and came back at another
 * bit stands in the index twice. */
static int permission_find(struct reading *reading, struct permission *ret)
{
    const struct rights *rights = reading->rights;
    const struct layout_key *key = &reading->permission_key;
    uint64_t mask = rights->layout.index_words - 1;

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
            permission_read(reading, bit, 0, ret) == 0)
            return 0;
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

/* The member's profile, noted once however many of its bits are asked for. */
static const uint64_t *member_bits(struct reading *reading, struct member *member)
{
    const struct layout *layout = &reading->rights->layout;
    const uint64_t *bits;

    if (member->asked)
        return member->bits;
    member->asked = true;
    member->bits = NULL;
    if (member->profile == UINT32_MAX)
        return NULL;
    if (member->profile >= layout->profiles) {
        reading->damaged = true;
        return NULL;
    }
    bits = (const uint64_t *)(const void *)(reading->rights->map + layout->profile_offset +
                                            member->profile * layout->profile_stride);
    if (reading_enters(reading, bits))
        member->bits = bits;
    return member->bits;
}

/* For decide(): what a profile says. The scope is none; others never come here. */
static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    struct reading *reading = context;
    const uint64_t *bits;

    (void)scope;
    if (bit >= reading->rights->layout.bits)
        return VERDICT_SILENT;
    bits = member_bits(reading, &reading->members[kind]);
    if (bits == NULL)
        return VERDICT_SILENT;
    if (word_get(&bits[PROFILE_DENIED(bit / 64)]) >> bit % 64 & 1)
        return VERDICT_DENY;
    return word_get(&bits[PROFILE_GRANTED(bit / 64)]) >> bit % 64 & 1 ? VERDICT_GRANT
                                                                      : VERDICT_SILENT;
}

/* Whether the own membership settles the answer, so that the platform's need not be looked up. */
static bool own_settles(struct reading *reading, const struct permission *permission)
{
    struct member *own = &reading->members[MEMBERSHIP_OWN];

    if (!own->present)
        return false;
    if (!own->person_active)
        return true;
    return permission->requires == REQUIRES_NOTHING && window_open(&own->window, reading->now_ms) &&
           on_verdict(reading, MEMBERSHIP_OWN, permission->bit, &reading->query->scope) !=
               VERDICT_SILENT;
}

static struct decision reading_decide(struct reading *reading)
{
    const struct decide_source source = {reading, on_verdict, on_permission};
    struct member *own = &reading->members[MEMBERSHIP_OWN];
    struct member *platform = &reading->members[MEMBERSHIP_PLATFORM];
    struct subject subject = {0};
    struct permission permission;
    bool known;

    reading->again = false;
    reading->damaged = false;
    reading->seen_count = 0;
    own->present = platform->present = false;
    own->asked = platform->asked = false;

    known = permission_find(reading, &permission) == 0;
    if (reading->named)
        member_read(reading, MEMBERSHIP_OWN, &reading->membership_key);
    organization_read(reading, &subject);
    if (known && subject.organization_active && !own_settles(reading, &permission))
        platform_read(reading);

    subject.person_known = own->present || platform->present;
    subject.person_active =
        own->present ? own->person_active : platform->present && platform->person_active;
    if (own->present)
        subject.membership[MEMBERSHIP_OWN] = own->window;
    if (platform->present)
        subject.membership[MEMBERSHIP_PLATFORM] = platform->window;
    return decide(reading->query, known ? &permission : NULL, &subject, &source, reading->now_ms);
}

/* Hashes the names, and sends for the record while the rest is looked up. */
static void reading_begin(struct reading *reading)
{
    const struct rights *rights = reading->rights;

    reading->named = key_name_valid(reading->organization) && key_name_valid(reading->uid);
    if (reading->named) {
        reading->membership_key =
            key_of_names(rights->seed, KEY_MEMBERSHIP, reading->organization, reading->uid);
        __builtin_prefetch(
            &rights->slots[key_slot(&reading->membership_key, rights->layout.slots)]);
    }
    reading->permission_key = key_of_permission(rights->seed, reading->query->permission);
}

/* 0, or E_STALE. */
static int rights_fresh(const struct rights *rights)
{
    const struct layout_header *header = rights->header;
    int64_t age_ms, max_age_ms;

    if (word_get(&header->filled) != 1)
        return E_STALE;
    age_ms = (int64_t)((uint64_t)layout_clock_ms() - word_get(&header->fresh_ms));
    max_age_ms = (int64_t)word_get(&header->max_age_ms);
    return age_ms >= -CLOCK_SLACK_MS && age_ms <= max_age_ms ? 0 : E_STALE;
}

int rights_check(const struct rights *rights, struct slice organization, struct slice uid,
                 const struct query *query, int64_t now_ms, struct decision *ret)
{
    struct decision decision;
    struct reading reading;

    if (query->scope.kind != SCOPE_NONE)
        return E_UNWILLING;
    if (rights_fresh(rights) != 0)
        return E_STALE;
    reading.rights = rights;
    reading.organization = organization;
    reading.uid = uid;
    reading.query = query;
    reading.now_ms = now_ms;
    reading_begin(&reading);
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
