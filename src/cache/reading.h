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

#define CLOCK_SLACK_MS 1000 /* how far a time in the header may lie ahead */
#define SEEN_MAX       128  /* words that one try may rest on */

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
    dev_t device;
    ino_t inode;
    char path[];
};

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
    struct layout_key permission_key;
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

/* The page of this number, entered, or NULL. */
static inline const uint64_t *reading_page(struct reading *reading, uint32_t number)
{
    const struct layout *layout = &reading->rights->layout;
    const uint64_t *page;

    if (number >= layout->profiles) {
        reading->damaged = true;
        return NULL;
    }
    page = (const uint64_t *)(const void *)(reading->rights->map + layout->profile_offset +
                                            number * layout->profile_stride);
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
