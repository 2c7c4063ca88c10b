/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One table says how each attribute is read. Lists are kept also where the kind of the entry has no
 * use for them: a renamed parent may make it another kind, and then nobody sends them again.
 */
#include "cache/entry.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/state.h"
#include "ldap/dn.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

enum flag { FLAG_ACTIVE, FLAG_EDITING, FLAG_FACTOR, FLAGS };
enum instant { INSTANT_BEFORE, INSTANT_AFTER };

/* How an attribute is read; detail is an enum entry_list, flag or instant. */
enum reading { READ_CLASSES, READ_TEXT, READ_DN, READ_MEMBERS, READ_FLAG, READ_INSTANT };

const char *const state_attributes[] = {
    "objectclass",  "usheractive",  "ushermember",    "usherrole",
    "ushergrant",   "ushersetting", "ushernotbefore", "ushernotafter",
    "member",       "usherinclude", "usherprimary",   "ushersharedwith",
    "usherchannel", "usherediting", "usherfactor",    "usherrequires",
    NULL,
};

static const struct {
    enum reading reading;
    unsigned detail;
} readings[] = {
    {READ_CLASSES, 0},
    {READ_FLAG, FLAG_ACTIVE},
    {READ_DN, ENTRY_PERSON},
    {READ_DN, ENTRY_ROLES},
    {READ_TEXT, ENTRY_GRANTS},
    {READ_TEXT, ENTRY_SETTINGS},
    {READ_INSTANT, INSTANT_BEFORE},
    {READ_INSTANT, INSTANT_AFTER},
    {READ_MEMBERS, ENTRY_MEMBERS},
    {READ_DN, ENTRY_INCLUDES},
    {READ_DN, ENTRY_PRIMARY},
    {READ_DN, ENTRY_SHARED},
    {READ_TEXT, ENTRY_CHANNEL},
    {READ_FLAG, FLAG_EDITING},
    {READ_FLAG, FLAG_FACTOR},
    {READ_TEXT, ENTRY_REQUIRES},
};

#define READINGS (sizeof(readings) / sizeof(readings[0]))
_Static_assert(sizeof(state_attributes) / sizeof(state_attributes[0]) == READINGS + 1,
               "each attribute has a reading");

static const struct {
    const char *name;
    unsigned kinds;
} classes[] = {
    {"usherperson", 1U << TREE_PERSON},
    {"usherpermission", 1U << TREE_PERMISSION},
    {"usherrole", 1U << TREE_ROLE},
    {"usherservice", 1U << TREE_SERVICE},
    {"usherorganization", 1U << TREE_ORGANIZATION},
    {"ushermembership", 1U << TREE_MEMBERSHIP | 1U << TREE_EVENT_MEMBERSHIP},
    {"ushergroup", 1U << TREE_GROUP},
    {"usherevent", 1U << TREE_EVENT},
};

struct id id_of_dn(struct slice dn, const uint8_t secret[ID_SECRET])
{
    XXH128_canonical_t hash;
    struct id id;

    XXH128_canonicalFromHash(&hash, XXH3_128bits_withSecret(dn.data, dn.len, secret, ID_SECRET));
    memcpy(id.bytes, hash.digest, sizeof(id.bytes));
    return id;
}

int id_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

void entry_move(struct entry *entry, struct slice dn, struct slice base)
{
    entry->dn = dn;
    entry->kind = TREE_OTHER;
    entry->place = (struct tree_place){.kind = TREE_OTHER};
    if (tree_place(dn, base, &entry->place) == 0 && (entry->classes >> entry->place.kind & 1) != 0)
        entry->kind = entry->place.kind;
}

static void fault(struct entry *entry, struct arena *arena, enum entry_fault why,
                  struct slice value)
{
    struct entry_values *faults = &entry->lists[ENTRY_FAULTS];
    size_t len = value.len < ENTRY_FAULT_MAX ? value.len : ENTRY_FAULT_MAX;
    char *text;

    if (faults->count == ENTRY_FAULTS_MAX)
        return;
    if (faults->count == 0)
        faults->values = arena_alloc(arena, ENTRY_FAULTS_MAX * sizeof(*faults->values));
    text = arena_alloc(arena, len + 1);
    text[0] = (char)why;
    if (len > 0)
        memcpy(text + 1, value.data, len);
    faults->values[faults->count++] = (struct slice){.data = text, .len = len + 1};
}

static void read_classes(struct entry *entry, const struct attribute *attribute)
{
    for (size_t i = 0; i < attribute->value_count; i++)
        for (size_t j = 0; j < sizeof(classes) / sizeof(classes[0]); j++)
            if (slice_equal_fold(attribute->values[i], slice_of(classes[j].name)))
                entry->classes |= classes[j].kinds;
}

static void read_flag(struct entry *entry, enum flag flag, struct slice value, struct arena *arena)
{
    bool *flags[FLAGS] = {&entry->active, &entry->editing, &entry->factor};

    if (slice_equal_fold(value, slice_of("TRUE"))) {
        *flags[flag] = true;
    } else if (slice_equal_fold(value, slice_of("FALSE"))) {
        *flags[flag] = false;
    } else {
        /* An unreadable restriction restricts. */
        *flags[flag] = flag != FLAG_ACTIVE;
        fault(entry, arena, FAULT_FLAG, value);
    }
}

static void read_instant(struct entry *entry, enum instant which, struct slice value,
                         struct arena *arena)
{
    int64_t ms;

    if (clock_parse(value, &ms) != 0) {
        fault(entry, arena, FAULT_INSTANT, value);
        entry->active = false;
    } else if (which == INSTANT_BEFORE) {
        entry->not_before = ms;
    } else {
        entry->not_after = ms;
    }
}

static int slice_order(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* A value that is too long. One that restricts stays, cut short: no query and no permission meets
 * what is left of it, so that nobody may. */
static void read_long(struct entry *entry, enum entry_list list, bool is_dn, struct slice value,
                      struct arena *arena)
{
    struct entry_values *to = &entry->lists[list];

    fault(entry, arena, is_dn ? FAULT_DN : FAULT_LONG, value);
    if (list == ENTRY_CHANNEL || list == ENTRY_REQUIRES)
        to->values[to->count++] = (struct slice){.data = value.data, .len = ENTRY_VALUE_MAX};
}

static void read_list(struct entry *entry, enum entry_list list, bool is_dn,
                      const struct attribute *attribute, struct arena *arena)
{
    struct entry_values *to = &entry->lists[list];
    size_t count, kept = 0;
    char buf[DN_MAX];

    to->values = arena_alloc(arena, attribute->value_count * sizeof(*to->values));
    to->count = 0;
    for (size_t i = 0; i < attribute->value_count; i++) {
        struct slice value = attribute->values[i];

        if (value.len > ENTRY_VALUE_MAX)
            read_long(entry, list, is_dn, value, arena);
        else if (is_dn && dn_normalize(value, buf, &value) != 0)
            fault(entry, arena, FAULT_DN, value);
        else
            to->values[to->count++] = is_dn ? arena_copy(arena, value) : value;
    }
    count = to->count;
    if (count > 1)
        qsort(to->values, count, sizeof(*to->values), slice_order);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !slice_equal(to->values[i], to->values[kept - 1]))
            to->values[kept++] = to->values[i];
    to->count = kept;
}

static void read_members(const struct entry_reader *reader, struct entry *entry,
                         const struct attribute *attribute, struct arena *arena)
{
    struct id *ids = arena_alloc(arena, attribute->value_count * sizeof(*ids));
    struct entry_values *to = &entry->lists[ENTRY_MEMBERS];
    size_t count = 0, kept = 0;
    char buf[DN_MAX];
    struct slice dn;

    for (size_t i = 0; i < attribute->value_count; i++) {
        if (dn_normalize(attribute->values[i], buf, &dn) != 0)
            fault(entry, arena, FAULT_MEMBER, attribute->values[i]);
        else
            ids[count++] = id_of_dn(dn, reader->secret);
    }
    if (count > 1)
        qsort(ids, count, sizeof(*ids), id_compare);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || id_compare(&ids[i], &ids[kept - 1]) != 0)
            ids[kept++] = ids[i];
    to->count = kept > 0;
    to->values = arena_alloc(arena, sizeof(*to->values));
    to->values[0] = (struct slice){.data = (const char *)ids, .len = kept * sizeof(*ids)};
}

static void read_attribute(const struct entry_reader *reader, struct entry *entry,
                           const struct attribute *attribute, struct arena *arena)
{
    size_t row = 0;

    while (row < READINGS && !slice_equal_fold(attribute->name, slice_of(state_attributes[row])))
        row++;
    if (row == READINGS || attribute->value_count == 0)
        return;
    switch (readings[row].reading) {
    case READ_CLASSES:
        read_classes(entry, attribute);
        break;
    case READ_TEXT:
    case READ_DN:
        read_list(entry, readings[row].detail, readings[row].reading == READ_DN, attribute, arena);
        break;
    case READ_MEMBERS:
        read_members(reader, entry, attribute, arena);
        break;
    case READ_FLAG:
        read_flag(entry, readings[row].detail, attribute->values[0], arena);
        break;
    case READ_INSTANT:
        read_instant(entry, readings[row].detail, attribute->values[0], arena);
        break;
    }
}

int entry_read(const struct entry_reader *reader, struct slice dn,
               const struct attribute *attributes, size_t attribute_count, struct arena *arena,
               struct entry *ret)
{
    struct entry entry = {.active = true, .not_before = INT64_MIN, .not_after = INT64_MAX};
    struct entry_values *faults;
    bool active = true;
    size_t values = 0;

    for (size_t i = 0; i < attribute_count; i++)
        values += attributes[i].value_count;
    if (values > ENTRY_VALUES_MAX)
        return E_LIMIT;
    entry.dn = arena_copy(arena, dn);
    /* Each attribute may make it inactive; none makes it active again. */
    for (size_t i = 0; i < attribute_count; i++) {
        entry.active = true;
        read_attribute(reader, &entry, &attributes[i], arena);
        active = active && entry.active;
    }
    entry.active = active;
    entry_move(&entry, entry.dn, reader->base);
    faults = &entry.lists[ENTRY_FAULTS];
    if (faults->count > 1)
        qsort(faults->values, faults->count, sizeof(*faults->values), slice_order);
    *ret = entry;
    return 0;
}

const struct id *entry_members(const struct entry *entry, size_t *ret_count)
{
    struct slice bytes = entry_value(entry, ENTRY_MEMBERS);

    *ret_count = bytes.len / sizeof(struct id);
    return (const struct id *)bytes.data;
}

struct slice entry_value(const struct entry *entry, enum entry_list list)
{
    const struct entry_values *values = &entry->lists[list];

    return values->count > 0 ? values->values[0] : (struct slice){0};
}

bool entry_same_list(const struct entry *a, const struct entry *b, enum entry_list list)
{
    const struct entry_values *left = &a->lists[list], *right = &b->lists[list];

    if (left->count != right->count)
        return false;
    for (size_t i = 0; i < left->count; i++)
        if (!slice_equal(left->values[i], right->values[i]))
            return false;
    return true;
}
