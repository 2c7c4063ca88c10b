/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An entry as the evaluator sees it: where it stands, what it is, and the values of the attributes
 * that matter (state_attributes), sorted and without repetition, DNs normalized. Its serialized
 * form is the same bytes for the same facts, so that a change of anything else is seen to be none.
 * Members of a group, of whom there may be a million, are kept as hashes of their DNs.
 */
#ifndef USHER_CACHE_ENTRY_H
#define USHER_CACHE_ENTRY_H

#include "cache/problem.h"
#include "cache/tree.h"
#include "ldap/message.h"

#include <stdint.h>

/* 128 bits that stand for an entry (its entryUUID) or for a DN (its hash under a secret of the
 * state, so that nobody can choose names that collide). */
struct id {
    uint8_t bytes[16];
};

#define ID_SECRET 192 /* bytes of the secret, at least 136 */

struct id id_of_dn(struct slice dn, const uint8_t secret[ID_SECRET]);
int id_compare(const void *a, const void *b); /* of struct id, by bytes */

enum entry_list {
    ENTRY_PERSON,   /* usherMember: a DN */
    ENTRY_ROLES,    /* usherRole: DNs */
    ENTRY_GRANTS,   /* usherGrant */
    ENTRY_SETTINGS, /* usherSetting */
    ENTRY_INCLUDES, /* usherInclude: DNs */
    ENTRY_PRIMARY,  /* usherPrimary: a DN */
    ENTRY_SHARED,   /* usherSharedWith: DNs */
    ENTRY_CHANNEL,  /* usherChannel */
    ENTRY_REQUIRES, /* usherRequires */
    ENTRY_MEMBERS,  /* member: the struct ids of all of them as one value, sorted */
    ENTRY_FAULTS,   /* values that could not be read: an enum entry_fault, and the value */
    ENTRY_LISTS,
};

/* Why a value was not taken as it stands. */
enum entry_fault {
    FAULT_FLAG = 'f',    /* neither TRUE nor FALSE */
    FAULT_INSTANT = 't', /* no time */
    FAULT_DN = 'd',      /* no DN */
    FAULT_LONG = 'l',    /* over ENTRY_VALUE_MAX */
    FAULT_MEMBER = 'm',  /* a member that is no DN */
};

struct entry_values {
    struct slice *values;
    size_t count;
};

struct entry {
    enum tree_kind kind; /* TREE_OTHER also where the object class is missing */
    unsigned classes;    /* bits of enum tree_kind: object classes that make such an entry */
    bool active;
    bool editing;
    bool factor;
    int64_t not_before; /* ms since 1970; INT64_MIN when absent */
    int64_t not_after;  /* INT64_MAX when absent */
    struct slice dn;    /* normalized */
    struct tree_place place;
    struct entry_values lists[ENTRY_LISTS];
};

/* What an entry is read with. */
struct entry_reader {
    struct slice base;
    const uint8_t *secret;
};

/* Reads attributes into memory of the arena (which also takes a copy of dn). A time or a flag that
 * does not parse makes the entry inactive, or restricts as the flag does; other values that cannot
 * be read are skipped; what they were stands in ENTRY_FAULTS. E_LIMIT for an entry beyond
 * ENTRY_VALUES_MAX values. */
#define ENTRY_VALUES_MAX 1000000
#define ENTRY_VALUE_MAX  4096 /* bytes; longer values are skipped, a restriction cut */
#define ENTRY_FAULTS_MAX 32   /* remembered of one entry, */
#define ENTRY_FAULT_MAX  200  /* with so many bytes of the value */
int entry_read(const struct entry_reader *reader, struct slice dn,
               const struct attribute *attributes, size_t attribute_count, struct arena *arena,
               struct entry *ret);

/* Gives the entry another place: dn must live as long as the entry. */
void entry_move(struct entry *entry, struct slice dn, struct slice base);

/* Serialized form, appended. E_NOMEM. */
int entry_encode(const struct entry *entry, struct buffer *out);

/* Whether a serialized entry can be of one of these kinds (bits, 1 << kind), by its classes. */
bool entry_may_be(struct slice bytes, unsigned kinds);

/* Points into bytes, which must live as long; lists go to the arena. E_PROTO for bytes that
 * entry_encode did not write. */
int entry_decode(struct slice bytes, struct slice base, struct arena *arena, struct entry *ret);

/* The members of a group, sorted. */
const struct id *entry_members(const struct entry *entry, size_t *ret_count);

/* The first value of a list, or the empty slice. */
struct slice entry_value(const struct entry *entry, enum entry_list list);

/* Whether a list says the same in both. */
bool entry_same_list(const struct entry *a, const struct entry *b, enum entry_list list);

#endif
