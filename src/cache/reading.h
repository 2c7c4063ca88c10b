/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the reading half share: the mapping, opened by cache/rights.c, and one try at a
 * question, made by cache/reading.c with cache/reading_scope.c for events and scopes. A try notes
 * the sequence of all it saw; its answer counts when none of them has moved since. Private to them;
 * everybody else sees cache/rights.h.
 */
#ifndef USHER_CACHE_READING_H
#define USHER_CACHE_READING_H

#include "cache/key.h"
#include "cache/rights.h"

#include <sys/types.h>

#define CLOCK_SLACK_MS    1000 /* how far a time in the header may lie ahead */
#define HEARTBEAT_LATE_MS 2000
#define SEEN_MAX          128 /* words that one try may rest on */

struct rights {
    struct layout layout;
    uint64_t seed;
    const unsigned char *map;
    const struct layout_header *header;
    const struct layout_slot *slots;
    const uint64_t *organizations;
    const uint64_t *people;
    const uint64_t *index;
    const struct layout_permission *permissions;
    const uint64_t *filter;
    const unsigned char *pages;
    bool mapped; /* by us, not into space of the caller's */
    dev_t device;
    ino_t inode;
    char path[];
};

/* Whether the writer gave a sign of life lately, at this layout_clock_ms. */
static inline bool rights_beats(const struct rights *rights, int64_t clock_ms)
{
    int64_t silent_ms = (int64_t)((uint64_t)clock_ms - word_get(&rights->header->heartbeat_ms));

    return silent_ms >= -CLOCK_SLACK_MS && silent_ms < HEARTBEAT_LATE_MS;
}

/* Whether the path names another file by now. */
bool rights_moved(const struct rights *rights);

/* A membership, copied. */
struct member {
    bool present;
    bool person_active;
    bool paged, asked; /* page and bits are settled */
    struct window window;
    uint32_t profile;
    uint64_t organization;
    const uint64_t *page; /* the profile in the map; NULL: silent */
    const uint64_t *bits; /* the page that answers for the scope asked about; NULL: silent */
};

/* A question and one try at it. */
struct reading {
    const struct rights *rights;
    struct slice organization;
    struct slice uid;
    const struct query *query;
    int64_t now_ms;
    bool named;    /* both names can be names at all */
    bool on_event; /* the query is */
    struct layout_key membership_key;
    struct layout_key permission_key; /* once hashed */
    bool hashed;
    _Atomic uint64_t *place;     /* rights_check_at's, or NULL */
    struct layout_key event_key; /* both if on_event */
    struct layout_key event_membership_key;

    bool again;   /* met a record that is being written */
    bool damaged; /* met what no writer writes */
    struct member members[MEMBERSHIP_KINDS];
    uint64_t organization_number;
    uint64_t organization_word;
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
const struct layout_slot *reading_find(struct reading *reading, const struct layout_key *key);

/* The live slot of a key, entered; NULL also when it is removed or being written. */
const struct layout_slot *reading_slot(struct reading *reading, const struct layout_key *key,
                                       uint64_t *ret_state);

/* Where the permission was found before: false when the place is of another table. A bit belongs to
 * one identifier for the life of a file, and an index word has 48 bits of a key under the seed of
 * its file: in another file it fits nothing. What stands at the bit is still to be entered. */
static inline bool permission_place(const struct rights *rights, _Atomic uint64_t *place,
                                    unsigned *ret_bit)
{
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    unsigned bit = key_index_bit(word);
    struct layout_key key;

    if (word == 0 || bit >= rights->layout.bits)
        return false;
    key.word[0] = word_get(&rights->permissions[bit].key.word[0]);
    *ret_bit = bit;
    return key_index_same(&key, word);
}

static inline void permission_remember(_Atomic uint64_t *place, uint64_t index_word)
{
    if (place != NULL)
        atomic_store_explicit(place, index_word, memory_order_relaxed);
}

/* The page of a number that is one. */
static inline const uint64_t *rights_page(const struct rights *rights, uint32_t number)
{
    return (const void *)(rights->pages + number * rights->layout.profile_stride);
}

/* The page of this number, entered, or NULL. */
static inline const uint64_t *reading_page(struct reading *reading, uint32_t number)
{
    const struct layout *layout = &reading->rights->layout;
    const uint64_t *page;

    if (number >= layout->profiles) {
        reading->damaged = true;
        return NULL;
    }
    page = rights_page(reading->rights, number);
    return reading_enters(reading, page) ? page : NULL;
}

/* The member's profile, entered once however much of it is asked for; NULL: silent. */
static inline const uint64_t *member_page(struct reading *reading, struct member *member)
{
    if (!member->paged) {
        member->paged = true;
        member->page =
            member->profile == UINT32_MAX ? NULL : reading_page(reading, member->profile);
    }
    return member->page;
}

/* Of the member's profile, the page that answers for the query's scope; the profile's own when it
 * names none that holds the query's object. */
const uint64_t *scope_page(struct reading *reading, const struct member *member);

/* Makes the keys of the event asked about, and sends for their slots. False: it cannot be one. */
bool event_begin(struct reading *reading);

/* Reads the event and who may use it. The organization has been read. */
void event_read(struct reading *reading, struct subject *subject);

/* Reads the settings that bear on an event query. Memberships and event have been read. */
void settings_read(struct reading *reading, struct subject *subject);

/* Asks for everything there is to ask: what rights_check does with a fresh table. named: both names
 * can be names; membership_key is then that of the membership asked about. */
int reading_run(const struct rights *rights, struct slice organization, struct slice uid,
                const struct query *query, int64_t now_ms, _Atomic uint64_t *place, bool named,
                const struct layout_key *membership_key, struct decision *ret);

/* Waits for about this many tens of nanoseconds, off the core's other thread's way. */
static inline void pause_briefly(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#else
        __asm__ volatile("");
#endif
}

#endif
