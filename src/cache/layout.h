/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file format of the published rights table (DESIGN 7), shared by its writer and its readers:
 * a header page, then the slots (memberships and all else that has a name), organizations, people,
 * the catalogue with its index, a filter of who has a platform membership, and the pages (profiles
 * and their scopes). Offsets follow from four sizes and are never stored, so there is none to
 * trust. Everything that changes is a 64-bit word, read and written atomically. Native byte order:
 * the file does not outlive the boot it was made in.
 */
#ifndef USHER_CACHE_LAYOUT_H
#define USHER_CACHE_LAYOUT_H

#include "base/bitset.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_MAGIC         UINT64_C(0x7374686769727375) /* "usrights" */
#define LAYOUT_FORMAT        3
#define LAYOUT_PAGE          4096
#define LAYOUT_BOOT_MAX      40
#define LAYOUT_RECORDS_MAX   (UINT32_C(1) << 30)
#define LAYOUT_PEOPLE_MAX    (UINT32_C(1) << 30)
#define LAYOUT_PROFILES_MAX  (UINT32_C(1) << 28)
#define LAYOUT_PROBES        128 /* slots or index words looked at for one key, at most */
#define LAYOUT_CSN_WORDS     8
#define LAYOUT_FILTER_WORDS  1024
#define LAYOUT_CHANNEL_WORDS 11
#define LAYOUT_CHANNEL_MAX   (LAYOUT_CHANNEL_WORDS * sizeof(uint64_t))
#define LAYOUT_PLATFORM      "platform" /* the organization whose members count everywhere */

/* 128 bits of XXH3 under the seed of the file; see cache/key.h. */
struct layout_key {
    uint64_t word[2];
};

/* The start of the file. The first part never changes and is read once, at open; in it, sizes are
 * counts. Times are ms of layout_clock_ms. */
struct layout_header {
    uint64_t magic;
    uint64_t format;
    char boot[LAYOUT_BOOT_MAX]; /* the kernel's boot id, terminated */
    uint64_t seed;
    uint64_t file_size;
    uint64_t records; /* keys of slots that may be held, also removed ones */
    uint64_t profiles;
    uint64_t bits;
    uint64_t people; /* that may be held, also removed ones */

    alignas(64) uint64_t filled; /* 0 or 1 */
    uint64_t fresh_ms;           /* of the last proof of freshness */
    uint64_t max_age_ms;
    uint64_t replaced; /* 0 or 1 */
    uint64_t heartbeat_ms;
    uint64_t generation; /* of the catalogue: counts its changes */

    alignas(64) uint64_t csn_sequence;
    uint64_t csn[LAYOUT_CSN_WORDS]; /* text, terminated */

    alignas(64) uint64_t writing; /* 1 while the counters below and the slots may disagree */
    uint64_t used_records;        /* keys held, also of what was removed */
    uint64_t used_people;         /* likewise */
    uint64_t used_organizations;  /* highest number + 1 */
    uint64_t used_profiles;       /* highest number + 1 */
    uint64_t used_bits;           /* highest bit + 1 */
    uint64_t memberships;         /* not removed */
    uint64_t permissions;         /* not removed */
};

/* Sequences: 0 never written, 1 written for the first time and not complete (its key may be half),
 * other odd numbers being written (its key stands), even complete. */

#define SLOT_DEAD          1 /* removed; the key stays */
#define SLOT_NAME          2 /* of an organization, event, share or scope; else a membership */
#define SLOT_ACTIVE        4
#define SLOT_PERSON_ACTIVE 8

/* One cache line for what a key (cache/key.h) leads to:
 * - a membership of an organization or an event: the person's profile, the organization's number;
 * - an organization: its number;
 * - an event: its owner's number, its times;
 * - an organization that an event is shared with: that it is;
 * - a scope of a profile: the number of the page that answers for it, in place of the profile. */
struct layout_slot {
    uint64_t sequence;
    struct layout_key key;
    uint64_t state;      /* SLOT_... in the low 32 bits, the profile in the high */
    uint64_t not_before; /* int64_t, ms since 1970 */
    uint64_t not_after;
    uint64_t organization;
    uint64_t filter; /* of a membership: the person's bit of the platform filter */
};

/* What there is to know of an organization is one word, at its number: close together, since nearly
 * every question looks there, and changed without touching its members. The high 32 bits are the
 * number of its primary organization + 1, or 0. Its settings stand where a profile has them. */
#define ORGANIZATION_KNOWN   1
#define ORGANIZATION_ACTIVE  2
#define ORGANIZATION_PRIMARY 32 /* a shift */

/* Two settings, in a word of an organization or of a profile's flags. */
enum layout_setting { SETTING_UNSET, SETTING_DEFAULT, SETTING_STRICT };
#define SETTING_EVENT_SCOPE   8  /* shifts; strict: specific */
#define SETTING_SHARED_EVENTS 10 /* strict: read-only */

static inline enum layout_setting layout_setting(uint64_t word, unsigned shift)
{
    return (enum layout_setting)(word >> shift & 3);
}

/* A person is a word of an open hash table: 62 bits of the uid's hash above two of these. Asked
 * only why somebody without any membership is denied, so that two people of one hash do no harm. */
#define PERSON_KNOWN  1
#define PERSON_ACTIVE 2
#define PERSON_STATE  3

#define PERMISSION_DEAD    1
#define PERMISSION_EDITING 2
#define PERMISSION_FACTOR  4

/* One permission, at its bit. */
struct layout_permission {
    uint64_t sequence;
    struct layout_key key;
    uint64_t state; /* PERMISSION_... in the low 32 bits, the length of the channel in the high */
    uint64_t requires; /* int64_t: struct permission's */
    uint64_t channel[LAYOUT_CHANNEL_WORDS];
};

/* A page: its sequence, its flags, then for each 64 bits of the catalogue two words: granted,
 * denied. A profile is one; each scope that it names is another, found by its slot, with no flags.
 * The profile is odd for as long as the set of its scopes or any of them changes. */
#define PROFILE_FLAGS         1
#define PROFILE_GRANTED(word) (2 + 2 * (word))
#define PROFILE_DENIED(word)  (3 + 2 * (word))
#define PROFILE_NAMES(kind)   (UINT64_C(1) << (kind)) /* a flag: a scope of this enum scope_kind */

_Static_assert(sizeof(struct layout_header) <= LAYOUT_PAGE, "the header is one page");
_Static_assert(sizeof(struct layout_slot) == 64, "a slot is one cache line");
_Static_assert(sizeof(struct layout_permission) == 128, "a permission is two cache lines");
_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), NULL), "words are atomic");

/* Where the parts lie, in bytes from the start of the file, and how long they are. */
struct layout {
    uint64_t slot_offset;
    uint64_t slots;
    uint64_t organization_offset;
    uint64_t organizations;
    uint64_t people_offset;
    uint64_t people; /* words */
    uint64_t index_offset;
    uint64_t index_words; /* a power of two */
    uint64_t permission_offset;
    uint64_t bits;
    uint64_t filter_offset;
    uint64_t profile_offset;
    uint64_t profile_stride;
    uint64_t profiles;
    uint64_t file_size;
};

/* How much a file is to hold. */
struct layout_size {
    uint64_t records;
    uint64_t profiles;
    uint64_t bits;
    uint64_t people;
};

/* Lays out a file of this size. E_LIMIT when no file can hold that. */
int layout_plan(const struct layout_size *size, struct layout *ret);

/* Checks the constant part of a header read from a file of this size, and lays it out. E_PROTO: no
 * table of this format or damaged; E_STALE: of another boot. */
int layout_check(const struct layout_header *header, uint64_t file_size, struct layout *ret);

/* The boot id of the running kernel. E_IO. */
int layout_boot(char ret[LAYOUT_BOOT_MAX]);

/* The clock of the header's times: CLOCK_MONOTONIC_COARSE, the same for all processes of one boot
 * and seven times as cheap as the exact one. At most 10 ms late. */
int64_t layout_clock_ms(void);

/* Every load acquires and every store releases. With that a reader needs no fence: whoever saw a
 * word of a change also sees the odd sequence that was stored before it, when looking again. */
static inline uint64_t word_get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void word_set(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif
