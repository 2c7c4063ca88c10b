/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers from the mapped table. The question most often asked has a way of its own: about no
 * object, a permission without conditions, and a person whose own membership stands and is open. It
 * is one pass through the few words that it needs, decided by the evaluator's own lines, and counts
 * when no sequence has moved meanwhile. Whatever is not so plain (also: not held, being written,
 * damaged) is asked of cache/reading.c, which knows everything and tries again.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/reading.h"
#include "model/decide_steps.h"

/* A permission, and where its sequence stood when it was read. */
struct plain_permission {
    const uint64_t *sequence;
    uint64_t at;
    uint64_t state;
    unsigned bit;
};

/* Whether what stands at this bit is a permission that holds everywhere and requires nothing. */
DECIDE_INLINE bool plain_enter(const struct rights *rights, unsigned bit,
                               struct plain_permission *ret)
{
    const struct layout_permission *record = &rights->permissions[bit];

    ret->sequence = &record->sequence;
    ret->at = word_get(&record->sequence);
    ret->state = word_get(&record->state);
    ret->bit = bit;
    return ret->at % 2 == 0 && ret->at != 0 && (ret->state & PERMISSION_DEAD) == 0 &&
           ret->state >> 32 == 0 && (int)word_get(&record->requires) == REQUIRES_NOTHING;
}

DECIDE_INLINE bool plain_permission(const struct rights *rights, struct slice id,
                                    _Atomic uint64_t *place, struct plain_permission *ret)
{
    uint64_t mask = rights->layout.index_words - 1;
    struct layout_key key;
    unsigned bit;

    if (place != NULL && permission_place(rights, place, &bit))
        return plain_enter(rights, bit, ret);
    key = key_of_permission(rights->seed, id);
    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        uint64_t word = word_get(&rights->index[(key.word[1] + i) & mask]);

        bit = key_index_bit(word);
        if (word == 0 || (key_index_same(&key, word) && bit >= rights->layout.bits))
            return false;
        if (!key_index_same(&key, word) || !key_equal(&rights->permissions[bit].key, &key))
            continue;
        permission_remember(place, word);
        return plain_enter(rights, bit, ret);
    }
    return false;
}

/* Whether the slot has the key, without a branch. */
DECIDE_INLINE bool plain_has(const struct layout_slot *slot, const struct layout_key *key)
{
    return ((word_get(&slot->key.word[0]) ^ key->word[0]) |
            (word_get(&slot->key.word[1]) ^ key->word[1])) == 0;
}

/* The slot of a key that is held and complete, else NULL. Nobody can foresee in which of its first
 * two slots a key is, and a processor that guesses wrong throws away what it has begun of the next
 * question: so which of them to enter is computed. All others are looked at in their order. */
DECIDE_INLINE const struct layout_slot *plain_slot(const struct rights *rights,
                                                   const struct layout_key *key, uint64_t *ret_at)
{
    uint64_t first = key_slot(key, rights->layout.slots);
    uint64_t at = first + ((uint64_t)(first + 1 < rights->layout.slots) &
                           !plain_has(&rights->slots[first], key));

    if (word_get(&rights->slots[at].sequence) <= 1 || !plain_has(&rights->slots[at], key))
        at = first;
    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        const struct layout_slot *slot = &rights->slots[at];
        uint64_t sequence = word_get(&slot->sequence);

        if (sequence <= 1)
            return NULL;
        if (key_equal(&slot->key, key)) {
            *ret_at = sequence;
            return sequence % 2 == 0 ? slot : NULL;
        }
        at = at + 1 < rights->layout.slots ? at + 1 : 0;
    }
    return NULL;
}

/* For decide(): what was found beforehand. */
DECIDE_INLINE enum verdict on_plain_verdict(void *context, enum membership_kind kind, unsigned bit,
                                            const struct scope *scope)
{
    (void)kind;
    (void)bit;
    (void)scope;
    return *(const enum verdict *)context;
}

DECIDE_INLINE int on_plain_permission(void *context, unsigned bit, struct permission *ret)
{
    (void)context;
    (void)bit;
    (void)ret;
    return E_NOTFOUND;
}

_Static_assert(VERDICT_SILENT == 0 && VERDICT_GRANT == 1 && VERDICT_DENY == 2, "plain_verdict");

/* Without a branch, as all that follows: nobody can foresee which way it would go. */
DECIDE_INLINE enum verdict plain_verdict(const uint64_t *page, unsigned bit)
{
    uint64_t denied = word_get(&page[PROFILE_DENIED(bit / 64)]) >> bit % 64 & 1;
    uint64_t granted = word_get(&page[PROFILE_GRANTED(bit / 64)]) >> bit % 64 & 1;

    return (enum verdict)(denied << 1 | (granted & ~denied));
}

/* Whether the membership in the slot is live, its person active and its time now. */
DECIDE_INLINE bool plain_open(const struct layout_slot *slot, uint64_t state, int64_t now_ms)
{
    int64_t not_before = (int64_t)word_get(&slot->not_before);
    int64_t not_after = (int64_t)word_get(&slot->not_after);

    if ((state & (SLOT_DEAD | SLOT_ACTIVE | SLOT_PERSON_ACTIVE)) !=
        (SLOT_ACTIVE | SLOT_PERSON_ACTIVE))
        return false;
    if (not_before == INT64_MIN && not_after == INT64_MAX)
        return true;
    if (now_ms == RIGHTS_NOW)
        now_ms = clock_coarse_ms();
    return not_before <= now_ms && now_ms < not_after;
}

/* The decision of the steps, given that everything else is in order. */
DECIDE_INLINE struct decision plain_decide(const struct query *query,
                                           const struct plain_permission *plain,
                                           enum verdict verdict)
{
    const struct query unscoped = {.factor = query->factor};
    const struct permission permission = {
        .bit = plain->bit,
        .editing = (plain->state & PERMISSION_EDITING) != 0,
        .factor = (plain->state & PERMISSION_FACTOR) != 0,
        .requires = REQUIRES_NOTHING,
    };
    const struct decide_source source = {&verdict, on_plain_verdict, on_plain_permission};
    const struct subject subject = {
        .organization_known = true,
        .organization_active = true,
        .person_known = true,
        .person_active = true,
        .membership[MEMBERSHIP_OWN] = WINDOW_ALWAYS,
    };

    return decide_inline(&unscoped, &permission, &subject, &source, 0);
}

/* A decision within one register, to choose among several without a branch. */
static inline uint64_t decision_pack(struct decision decision)
{
    return (uint64_t)(uint32_t)decision.result << 32 | (uint64_t)(unsigned)decision.step << 8 |
           (uint64_t)decision.kind;
}

static inline uint64_t mask_if(bool condition)
{
    return -(uint64_t)condition;
}

static inline struct decision decision_unpack(uint64_t packed)
{
    return decision_of((int32_t)(packed >> 32), (int)(packed >> 8 & 0xff),
                       (enum membership_kind)(packed & 0xff));
}

/* False: not plain. Whatever a word of the file says, no word outside the file is read. */
DECIDE_INLINE bool plain_check(const struct rights *rights, const struct layout_key *key,
                               const struct query *query, int64_t now_ms, _Atomic uint64_t *place,
                               struct decision *ret)
{
    const uint64_t *organization, *page, *filter;
    struct plain_permission permission;
    const struct layout_slot *slot;
    uint64_t slot_at, page_at, state, number, profile, word, bit, platform;
    uint64_t silent, grant, deny;
    enum verdict verdict;

    if (!plain_permission(rights, query->permission, place, &permission))
        return false;
    slot = plain_slot(rights, key, &slot_at);
    if (slot == NULL)
        return false;
    state = word_get(&slot->state);
    number = word_get(&slot->organization);
    profile = state >> 32;
    if (number >= rights->layout.organizations || profile >= rights->layout.profiles ||
        !plain_open(slot, state, now_ms))
        return false;
    organization = &rights->organizations[number];
    word = word_get(organization);
    page = rights_page(rights, (uint32_t)profile);
    page_at = word_get(page);
    if ((word & ORGANIZATION_KNOWN) == 0 || (word & ORGANIZATION_ACTIVE) == 0 || page_at % 2 != 0 ||
        page_at == 0)
        return false;
    verdict = plain_verdict(page, permission.bit);
    bit = word_get(&slot->filter) % (LAYOUT_FILTER_WORDS * 64);
    filter = &rights->filter[bit / 64];
    platform = word_get(filter) >> bit % 64 & 1;
    if ((verdict == VERDICT_SILENT) & platform)
        return false;
    silent = decision_pack(plain_decide(query, &permission, VERDICT_SILENT));
    grant = decision_pack(plain_decide(query, &permission, VERDICT_GRANT));
    deny = decision_pack(plain_decide(query, &permission, VERDICT_DENY));
    *ret = decision_unpack(silent ^ ((silent ^ grant) & mask_if(verdict == VERDICT_GRANT)) ^
                           ((silent ^ deny) & mask_if(verdict == VERDICT_DENY)));
    return word_get(permission.sequence) == permission.at && word_get(&slot->sequence) == slot_at &&
           word_get(organization) == word && word_get(page) == page_at &&
           (word_get(filter) >> bit % 64 & 1) == platform;
}

/* Whether the answers are as old as they may be at most. */
static inline bool rights_fresh(const struct rights *rights, int64_t clock_ms)
{
    const struct layout_header *header = rights->header;
    int64_t age_ms = (int64_t)((uint64_t)clock_ms - word_get(&header->fresh_ms));

    return word_get(&header->filled) == 1 && age_ms >= -CLOCK_SLACK_MS &&
           age_ms <= (int64_t)word_get(&header->max_age_ms);
}

DECIDE_INLINE int check_at(const struct rights *rights, struct slice organization, struct slice uid,
                           const struct query *query, int64_t now_ms, _Atomic uint64_t *place,
                           bool reopens, struct decision *ret)
{
    bool named = key_name_valid(organization) && key_name_valid(uid);
    struct layout_key key = {{0}};
    struct decision decision;
    int64_t clock_ms;

    if (named) {
        const struct layout_slot *slot;

        key = key_of_names(rights->seed, KEY_MEMBERSHIP, organization, uid);
        slot = &rights->slots[key_slot(&key, rights->layout.slots)];
        __builtin_prefetch(slot);
        __builtin_prefetch(slot + 1); /* where one in five is; past the end it does no harm */
    }
    clock_ms = layout_clock_ms();
    if (reopens && (word_get(&rights->header->replaced) != 0 ||
                    (!rights_beats(rights, clock_ms) && rights_moved(rights))))
        return E_UNAVAIL;
    if (!rights_fresh(rights, clock_ms))
        return E_STALE;
    if (named && query->scope.kind == SCOPE_NONE &&
        plain_check(rights, &key, query, now_ms, place, &decision)) {
        *ret = decision;
        return decision.result;
    }
    if (now_ms == RIGHTS_NOW)
        now_ms = clock_coarse_ms();
    return reading_run(rights, organization, uid, query, now_ms, place, named, &key, ret);
}

int rights_check_at(const struct rights *rights, struct slice organization, struct slice uid,
                    const struct query *query, int64_t now_ms, _Atomic uint64_t *place,
                    struct decision *ret)
{
    return check_at(rights, organization, uid, query, now_ms, place, true, ret);
}

int rights_check(const struct rights *rights, struct slice organization, struct slice uid,
                 const struct query *query, int64_t now_ms, struct decision *ret)
{
    return check_at(rights, organization, uid, query, now_ms, NULL, false, ret);
}
