/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file format of the published rights table (DESIGN 7), shared by its writer and its readers:
 * a header page, then membership slots, organizations, the catalogue with its index, a filter of
 * who has a platform membership, and the profiles. Offsets follow from three sizes and are never
 * stored, so there is none to trust. Everything that changes is a 64-bit word, read and written
 * atomically. Native byte order: the file does not outlive the boot it was made in.
 */
#ifndef USHER_CACHE_LAYOUT_H
#define USHER_CACHE_LAYOUT_H

#include "base/bitset.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_MAGIC         UINT64_C(0x7374686769727375) /* "usrights" */
#define LAYOUT_FORMAT        1
#define LAYOUT_PAGE          4096
#define LAYOUT_BOOT_MAX      40
#define LAYOUT_RECORDS_MAX   (UINT32_C(1) << 30)
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
    uint64_t records; /* keys that may be held: memberships and organizations, also removed ones */
    uint64_t profiles;
    uint64_t bits;

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
    uint64_t used_organizations;  /* highest number + 1 */
    uint64_t used_profiles;       /* highest number + 1 */
    uint64_t used_bits;           /* highest bit + 1 */
    uint64_t memberships;         /* not removed */
    uint64_t permissions;         /* not removed */
};

/* Sequences: 0 never written, 1 written for the first time and not complete (its key may be half),
 * other odd numbers being written (its key stands), even complete. */

#define SLOT_DEAD          1 /* removed; the key stays */
#define SLOT_ORGANIZATION  2 /* else a membership */
#define SLOT_ACTIVE        4
#define SLOT_PERSON_ACTIVE 8
#define SLOT_SCOPED        16

/* One membership, or the name of an organization: one cache line. */
struct layout_slot {
    uint64_t sequence;
    struct layout_key key;
    uint64_t state;      /* SLOT_... in the low 32 bits, the profile in the high */
    uint64_t not_before; /* int64_t, ms since 1970 */
    uint64_t not_after;
    uint64_t organization; /* its number */
    uint64_t spare;
};

/* What there is to know of an organization is one word, at its number: close together, since nearly
 * every question looks there, and changed without touching its members. */
#define ORGANIZATION_KNOWN  1
#define ORGANIZATION_ACTIVE 2

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

/* A profile: its sequence, then for each 64 bits of the catalogue two words: granted, denied. */
#define PROFILE_GRANTED(word) (1 + 2 * (word))
#define PROFILE_DENIED(word)  (2 + 2 * (word))

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

/* Lays out a file for so many keys, profiles and bits. E_LIMIT when no file can hold that. */
int layout_plan(uint64_t records, uint64_t profiles, uint64_t bits, struct layout *ret);

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
