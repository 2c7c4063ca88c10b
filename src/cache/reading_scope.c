/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a question about an event or another object needs beyond an unscoped one: the event with its
 * times and those it is open to, the settings that bear on it, and the narrowest scope of a profile
 * that holds the object (DESIGN 4). Each is a slot under a key of its own; the profile is entered
 * before its scopes are looked for, and is odd while they change.
 */
#include "cache/reading.h"

bool event_begin(struct reading *reading)
{
    const struct rights *rights = reading->rights;
    const struct scope *scope = &reading->query->scope;
    uint64_t seed = rights->seed;

    if (!key_name_valid(scope->organization) || !key_name_valid(scope->name))
        return false;
    reading->event_key = key_of_names(seed, KEY_EVENT, scope->organization, scope->name);
    __builtin_prefetch(&rights->slots[key_slot(&reading->event_key, rights->layout.slots)]);
    if (!key_name_valid(reading->uid))
        return true;
    reading->event_membership_key =
        key_of_event(seed, KEY_EVENT_MEMBERSHIP, scope->organization, scope->name, reading->uid);
    __builtin_prefetch(
        &rights->slots[key_slot(&reading->event_membership_key, rights->layout.slots)]);
    return true;
}

/* Whether the organization asked about is the owner's primary one. */
static bool event_of_secondary(struct reading *reading, uint64_t owner)
{
    const uint64_t *word = &reading->rights->organizations[owner];
    uint64_t state = word_get(word);

    reading_saw(reading, word, state);
    return state >> ORGANIZATION_PRIMARY == reading->organization_number + 1;
}

static bool event_shared(struct reading *reading)
{
    const struct scope *scope = &reading->query->scope;
    struct layout_key key = key_of_event(reading->rights->seed, KEY_SHARE, scope->organization,
                                         scope->name, reading->organization);
    uint64_t state;

    return reading_slot(reading, &key, &state) != NULL;
}

void event_read(struct reading *reading, struct subject *subject)
{
    const struct layout_slot *slot;
    uint64_t state, owner;

    slot = reading_slot(reading, &reading->event_key, &state);
    if (slot == NULL)
        return;
    owner = word_get(&slot->organization);
    if (owner >= reading->rights->layout.organizations) {
        reading->damaged = true;
        return;
    }
    subject->event_known = true;
    subject->event = (struct window){
        .present = true,
        .active = (state & SLOT_ACTIVE) != 0,
        .not_before = (int64_t)word_get(&slot->not_before),
        .not_after = (int64_t)word_get(&slot->not_after),
    };
    subject->event_foreign = owner != reading->organization_number;
    subject->event_open =
        !subject->event_foreign || event_of_secondary(reading, owner) || event_shared(reading);
}

/* What the member's layers say of a setting. */
static enum layout_setting member_setting(struct reading *reading, enum membership_kind kind,
                                          unsigned shift)
{
    const uint64_t *page = member_page(reading, &reading->members[kind]);

    return page != NULL ? layout_setting(word_get(&page[PROFILE_FLAGS]), shift) : SETTING_UNSET;
}

void settings_read(struct reading *reading, struct subject *subject)
{
    uint64_t organization = reading->organization_word;
    enum layout_setting setting = SETTING_UNSET;
    bool valid[MEMBERSHIP_KINDS];

    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        valid[kind] = subject_valid(subject, kind, true, reading->now_ms);
    if (!valid[MEMBERSHIP_EVENT] && !valid[MEMBERSHIP_PLATFORM]) {
        if (valid[MEMBERSHIP_OWN])
            setting = member_setting(reading, MEMBERSHIP_OWN, SETTING_EVENT_SCOPE);
        if (setting == SETTING_UNSET)
            setting = layout_setting(organization, SETTING_EVENT_SCOPE);
        subject->event_scope_specific = setting == SETTING_STRICT;
    }
    if (!subject->event_foreign)
        return;
    setting = SETTING_UNSET;
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS && setting == SETTING_UNSET; kind++)
        if (valid[kind])
            setting = member_setting(reading, kind, SETTING_SHARED_EVENTS);
    if (setting == SETTING_UNSET)
        setting = layout_setting(organization, SETTING_SHARED_EVENTS);
    subject->shared_read_only = setting == SETTING_STRICT;
}

const uint64_t *scope_page(struct reading *reading, const struct member *member)
{
    uint64_t flags = word_get(&member->page[PROFILE_FLAGS]), state;
    struct scope scope = reading->query->scope;
    struct layout_key key;

    for (; scope.kind != SCOPE_NONE; scope = scope_wider(&scope)) {
        if ((flags & PROFILE_NAMES(scope.kind)) == 0 ||
            !key_of_scope(reading->rights->seed, member->profile, &scope, &key))
            continue;
        if (reading_slot(reading, &key, &state) != NULL)
            return reading_page(reading, (uint32_t)(state >> 32));
        if (reading->again)
            return NULL;
    }
    return member->page;
}
