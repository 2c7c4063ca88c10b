/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes the rights table. Every record goes odd, is written, goes even, whatever state a killed writer
 * left it in; only the writer's own file is trusted, since nobody else can write it. Counters are
 * recounted at open when a writer died between a counter and its record.
 */
#include "cache/table.h"
#include "base/err.h"
#include "cache/key.h"
#include "cache/layout.h"
#include "cache/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE_MODE 0640

struct table {
    struct layout layout;
    unsigned char *map;
    struct layout_header *header;
    struct layout_slot *slots;
    uint64_t *index;
    struct layout_permission *permissions;
    uint64_t *filter;
    char *path;
    char *temporary; /* its name until it is published, else NULL */
};

/* Makes a record odd; returns the even number that completes it. */
static uint64_t record_begin(uint64_t *sequence)
{
    uint64_t odd = word_get(sequence) | 1;

    word_set(sequence, odd);
    return odd + 1;
}

static void count(uint64_t *counter, int64_t change)
{
    word_set(counter, word_get(counter) + (uint64_t) change);
}

static void raise_to(uint64_t *counter, uint64_t value)
{
    if (word_get(counter) < value)
        word_set(counter, value);
}

static bool slot_counts(const struct layout_slot *slot)
{
    return word_get(&slot->sequence) > 1 &&
           (word_get(&slot->state) & (SLOT_DEAD | SLOT_ORGANIZATION)) == 0;
}

static bool permission_counts(const struct layout_permission *permission)
{
    return word_get(&permission->sequence) > 1 &&
           (word_get(&permission->state) & PERMISSION_DEAD) == 0;
}

/* Sets the counters right from the records. */
static void table_recount(struct table *table)
{
    uint64_t used = 0, memberships = 0, permissions = 0;

    for (uint64_t i = 0; i < table->layout.slots; i++) {
        used += word_get(&table->slots[i].sequence) != 0;
        memberships += slot_counts(&table->slots[i]);
    }
    for (uint64_t i = 0; i < table->layout.bits; i++)
        permissions += permission_counts(&table->permissions[i]);
    word_set(&table->header->used_records, used);
    word_set(&table->header->memberships, memberships);
    word_set(&table->header->permissions, permissions);
    word_set(&table->header->writing, 0);
}

/* Maps the file; the table owns neither descriptor nor names yet. */
static int table_map(struct table *table, int fd)
{
    void *map = mmap(NULL, table->layout.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        return err_errno(errno);
    table->map = map;
    table->header = map;
    table->slots = (void *) (table->map + table->layout.slot_offset);
    table->index = (void *) (table->map + table->layout.index_offset);
    table->permissions = (void *) (table->map + table->layout.permission_offset);
    table->filter = (void *) (table->map + table->layout.filter_offset);
    return 0;
}

int table_open(const char *path, struct table **ret)
{
    struct layout_header header;
    struct table *table = NULL;
    struct stat status;
    int err = E_NOTFOUND;
    int fd;

    fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return E_NOTFOUND;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        pread(fd, &header, sizeof(header), 0) != (ssize_t) sizeof(header) || header.replaced != 0)
        goto out;
    table = mem_alloc(sizeof(*table));
    if (layout_check(&header, (uint64_t) status.st_size, &table->layout) != 0 ||
        table_map(table, fd) != 0)
        goto out;
    if (word_get(&table->header->writing) != 0)
        table_recount(table);
    table->path = mem_strdup(path);
    *ret = table;
    table = NULL;
    err = 0;
out:
    table_close(table);
    (void) close(fd);
    return err;
}

/* Gives a new file its size, owner and header. */
static int file_prepare(int fd, const struct layout *layout, uint64_t records, gid_t gid)
{
    struct layout_header header = {
        .magic = LAYOUT_MAGIC,
        .format = LAYOUT_FORMAT,
        .file_size = layout->file_size,
        .records = records,
        .profiles = layout->profiles,
        .bits = layout->bits,
        .heartbeat_ms = (uint64_t) layout_clock_ms(),
    };
    int err;

    err = layout_boot(header.boot);
    if (err != 0)
        return err;
    if (getrandom(&header.seed, sizeof(header.seed), 0) != (ssize_t) sizeof(header.seed))
        return E_IO;
    err = posix_fallocate(fd, 0, (off_t) layout->file_size);
    if (err != 0)
        return err == EFBIG ? E_LIMIT : err_errno(err);
    if (gid != (gid_t) -1 && fchown(fd, (uid_t) -1, gid) != 0)
        return err_errno(errno);
    if (fchmod(fd, TABLE_MODE) != 0)
        return err_errno(errno);
    if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t) sizeof(header))
        return E_IO;
    return 0;
}

int table_create(const char *path, struct table_size size, gid_t gid, struct table **ret)
{
    struct table *table = mem_alloc(sizeof(*table));
    int fd = -1;
    int err;

    err = layout_plan(size.records, size.profiles, size.bits, &table->layout);
    if (err != 0)
        goto out;
    /* One name, so that what a killed writer left there is swept up here. */
    table->path = mem_strdup(path);
    table->temporary = mem_printf("%s.new", path);
    (void) unlink(table->temporary);
    fd = open(table->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = err_errno(errno);
        goto out;
    }
    err = file_prepare(fd, &table->layout, size.records, gid);
    if (err == 0)
        err = table_map(table, fd);
    if (err != 0)
        goto out;
    *ret = table;
    table = NULL;
out:
    table_close(table);
    if (fd >= 0)
        (void) close(fd);
    return err;
}

/* Marks a file replaced if it is a table of ours. */
static void file_mark_replaced(int fd)
{
    const uint64_t replaced = 1;
    uint64_t start[2];

    if (pread(fd, start, sizeof(start), 0) != (ssize_t) sizeof(start) || start[0] != LAYOUT_MAGIC ||
        start[1] != LAYOUT_FORMAT)
        return;
    /* Should it fail, readers find out from the heartbeat, two seconds later. */
    if (pwrite(fd, &replaced, sizeof(replaced), offsetof(struct layout_header, replaced)) < 0)
        return;
}

int table_publish(struct table *table)
{
    int old, err = 0;

    if (table->temporary == NULL)
        return 0;
    table_beat(table);
    old = open(table->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (rename(table->temporary, table->path) != 0) {
        err = err_errno(errno);
        goto out;
    }
    mem_free(table->temporary);
    table->temporary = NULL;
    if (old >= 0)
        file_mark_replaced(old);
out:
    if (old >= 0)
        (void) close(old);
    return err;
}

void table_close(struct table *table)
{
    if (table == NULL)
        return;
    if (table->map != NULL)
        (void) munmap(table->map, table->layout.file_size);
    if (table->temporary != NULL)
        (void) unlink(table->temporary);
    mem_free(table->temporary);
    mem_free(table->path);
    mem_free(table);
}

void table_room(const struct table *table, struct table_size *ret_used, struct table_size *ret_size)
{
    const struct layout_header *header = table->header;

    *ret_used = (struct table_size){
        .records = word_get(&header->used_records),
        .profiles = (uint32_t) word_get(&header->used_profiles),
        .bits = (uint32_t) word_get(&header->used_bits),
    };
    *ret_size = (struct table_size){
        .records = header->records,
        .profiles = (uint32_t) table->layout.profiles,
        .bits = (uint32_t) table->layout.bits,
    };
}

/* The slot of a key: 0; E_NOTFOUND with the slot that it may take; E_LIMIT. A slot in its first
 * writing belongs to a writer that was killed, for there is no other: no reader ever used its key. */
static int slot_find(const struct table *table, const struct layout_key *key,
                     struct layout_slot **ret)
{
    uint64_t at = key_slot(key, table->layout.slots);
    struct layout_slot *vacant = NULL;

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        struct layout_slot *slot = &table->slots[at];
        uint64_t sequence = word_get(&slot->sequence);

        if (sequence > 1 && key_equal(&slot->key, key)) {
            *ret = slot;
            return 0;
        }
        if (sequence <= 1 && vacant == NULL)
            vacant = slot;
        if (sequence == 0)
            break;
        at = at + 1 < table->layout.slots ? at + 1 : 0;
    }
    if (vacant == NULL)
        return E_LIMIT;
    *ret = vacant;
    return E_NOTFOUND;
}

/* Writes a slot: a vacant one with its key, or one that holds the key already. */
static void slot_write(struct table *table, struct layout_slot *slot, const struct layout_key *key,
                       const struct layout_slot *content)
{
    struct layout_header *header = table->header;
    bool counted = slot_counts(slot);
    uint64_t before = word_get(&slot->sequence);
    uint64_t even;

    if (before != 0 && before % 2 == 0 && word_get(&slot->state) == content->state &&
        word_get(&slot->not_before) == content->not_before &&
        word_get(&slot->not_after) == content->not_after &&
        word_get(&slot->organization) == content->organization)
        return;
    word_set(&header->writing, 1);
    if (before == 0)
        count(&header->used_records, 1);
    even = record_begin(&slot->sequence);
    if (before <= 1) {
        word_set(&slot->key.word[0], key->word[0]);
        word_set(&slot->key.word[1], key->word[1]);
    }
    word_set(&slot->state, content->state);
    word_set(&slot->not_before, content->not_before);
    word_set(&slot->not_after, content->not_after);
    word_set(&slot->organization, content->organization);
    word_set(&slot->sequence, even);
    count(&header->memberships, (int64_t) slot_counts(slot) - (int64_t) counted);
    word_set(&header->writing, 0);
}

/* Finds or claims the slot of a key, if there is room. */
static int slot_put(struct table *table, const struct layout_key *key,
                    const struct layout_slot *content)
{
    struct layout_slot *slot = NULL;
    int err = slot_find(table, key, &slot);

    if (err == E_NOTFOUND && word_get(&slot->sequence) == 0 &&
        word_get(&table->header->used_records) >= table->header->records)
        err = E_LIMIT;
    if (err == E_LIMIT)
        return err;
    slot_write(table, slot, key, content);
    return 0;
}

static int slot_remove(struct table *table, const struct layout_key *key)
{
    struct layout_slot content;
    struct layout_slot *slot = NULL;
    int err = slot_find(table, key, &slot);

    if (err != 0)
        return 0;
    content = (struct layout_slot){
        .state = (word_get(&slot->state) & SLOT_ORGANIZATION) | SLOT_DEAD,
        .organization = word_get(&slot->organization),
    };
    slot_write(table, slot, key, &content);
    return 0;
}

int table_put_organization(struct table *table, struct slice organization, bool active)
{
    const struct layout_slot content = {
        .state = SLOT_ORGANIZATION | (active ? SLOT_ACTIVE : 0),
    };
    struct layout_key key;

    if (!key_name_valid(organization))
        return E_SYNTAX;
    key = key_of_names(table->header->seed, KEY_ORGANIZATION, organization, (struct slice){0});
    return slot_put(table, &key, &content);
}

int table_remove_organization(struct table *table, struct slice organization)
{
    struct layout_key key;

    if (!key_name_valid(organization))
        return 0;
    key = key_of_names(table->header->seed, KEY_ORGANIZATION, organization, (struct slice){0});
    return slot_remove(table, &key);
}

/* The number of the organization's slot, for its members' records. One that was not put yet gets a
 * slot that holds it as removed, so that the number stands. */
static int organization_slot(struct table *table, struct slice organization, uint64_t *ret)
{
    const struct layout_slot unknown = {.state = SLOT_ORGANIZATION | SLOT_DEAD};
    struct layout_key key =
        key_of_names(table->header->seed, KEY_ORGANIZATION, organization, (struct slice){0});
    struct layout_slot *slot = NULL;
    int err = slot_find(table, &key, &slot);

    if (err == E_NOTFOUND) {
        err = slot_put(table, &key, &unknown);
        if (err == 0)
            err = slot_find(table, &key, &slot);
    }
    if (err == 0)
        *ret = (uint64_t) (slot - table->slots);
    return err;
}

/* Only ever set: a membership that was removed costs a look in vain, and may come back. */
static void filter_set(struct table *table, const struct layout_key *key)
{
    unsigned bit = key_filter(key);

    word_set(&table->filter[bit / 64],
             word_get(&table->filter[bit / 64]) | UINT64_C(1) << bit % 64);
}

int table_put_record(struct table *table, struct slice organization, struct slice uid,
                     const struct table_record *record)
{
    struct layout_slot content = {
        .state = (uint64_t) record->profile << 32 | (record->active ? SLOT_ACTIVE : 0) |
                 (record->person_active ? SLOT_PERSON_ACTIVE : 0) |
                 (record->scoped ? SLOT_SCOPED : 0),
        .not_before = (uint64_t) record->not_before,
        .not_after = (uint64_t) record->not_after,
    };
    struct layout_slot *slot = NULL;
    struct layout_key key;
    int err;

    if (!key_name_valid(organization) || !key_name_valid(uid))
        return E_SYNTAX;
    if (record->profile != TABLE_NO_PROFILE && record->profile >= table->layout.profiles)
        return E_LIMIT;
    key = key_of_names(table->header->seed, KEY_MEMBERSHIP, organization, uid);
    /* Ask for the record's own room first, so that a full table takes no organization either. */
    if (slot_find(table, &key, &slot) != 0 &&
        word_get(&table->header->used_records) >= table->header->records)
        return E_LIMIT;
    err = organization_slot(table, organization, &content.organization);
    if (err != 0)
        return err;
    if (slice_equal_fold(organization, slice_of(LAYOUT_PLATFORM)))
        filter_set(table, &key);
    return slot_put(table, &key, &content);
}

int table_remove_record(struct table *table, struct slice organization, struct slice uid)
{
    struct layout_key key;

    if (!key_name_valid(organization) || !key_name_valid(uid))
        return 0;
    key = key_of_names(table->header->seed, KEY_MEMBERSHIP, organization, uid);
    return slot_remove(table, &key);
}

/* The word of a set that may be shorter or longer than the table's. */
static uint64_t profile_word(const uint64_t *words, size_t count_of_words, size_t word)
{
    return word < count_of_words ? words[word] : 0;
}

int table_put_profile(struct table *table, uint32_t number, const struct profile *profile)
{
    size_t words = BITSET_WORDS(table->layout.bits);
    uint64_t *record;
    uint64_t even;

    if (number >= table->layout.profiles)
        return E_LIMIT;
    for (size_t i = words; i < profile->words; i++)
        if ((profile->bits.granted[i] | profile->bits.denied[i]) != 0)
            return E_LIMIT;
    record = (void *) (table->map + table->layout.profile_offset +
                       number * table->layout.profile_stride);
    raise_to(&table->header->used_profiles, (uint64_t) number + 1);
    even = record_begin(record);
    for (size_t i = 0; i < words; i++) {
        word_set(&record[PROFILE_GRANTED(i)],
                 profile_word(profile->bits.granted, profile->words, i));
        word_set(&record[PROFILE_DENIED(i)],
                 profile_word(profile->bits.denied, profile->words, i));
    }
    word_set(record, even);
    return 0;
}

/* The index word that names the bit under this key, or a free one. */
static int index_find(const struct table *table, const struct layout_key *key, unsigned bit,
                      uint64_t **ret)
{
    uint64_t mask = table->layout.index_words - 1;

    for (unsigned i = 0; i < LAYOUT_PROBES; i++) {
        uint64_t *word = &table->index[(key->word[1] + i) & mask];
        uint64_t value = word_get(word);

        if (value == 0 || value == INDEX_WORD(key, bit)) {
            *ret = word;
            return 0;
        }
    }
    return E_LIMIT;
}

static void permission_write(struct table *table, struct layout_permission *record,
                             const struct permission *permission, const struct layout_key *key)
{
    uint64_t channel[LAYOUT_CHANNEL_WORDS] = {0};
    bool counted = permission_counts(record);
    uint64_t even;

    if (permission->channel.len > 0)
        memcpy(channel, permission->channel.data, permission->channel.len);
    word_set(&table->header->writing, 1);
    even = record_begin(&record->sequence);
    word_set(&record->key.word[0], key->word[0]);
    word_set(&record->key.word[1], key->word[1]);
    word_set(&record->state, (uint64_t) permission->channel.len << 32 |
                                 (permission->editing ? PERMISSION_EDITING : 0) |
                                 (permission->factor ? PERMISSION_FACTOR : 0));
    word_set(&record->requires, (uint64_t) (int64_t) permission->requires);
    for (unsigned i = 0; i < LAYOUT_CHANNEL_WORDS; i++)
        word_set(&record->channel[i], channel[i]);
    word_set(&record->sequence, even);
    count(&table->header->permissions, counted ? 0 : 1);
    word_set(&table->header->writing, 0);
}

int table_put_permission(struct table *table, const struct permission *permission, struct slice id)
{
    struct layout_permission *record;
    struct layout_key key;
    uint64_t *index = NULL;
    int err;

    if (id.len == 0 || id.len > PERMISSION_MAX || permission->channel.len > LAYOUT_CHANNEL_MAX)
        return E_SYNTAX;
    if (permission->bit >= table->layout.bits)
        return E_LIMIT;
    record = &table->permissions[permission->bit];
    key = key_of_permission(table->header->seed, id);
    if (word_get(&record->sequence) > 1 && !key_equal(&record->key, &key))
        return E_EXISTS;
    err = index_find(table, &key, permission->bit, &index);
    if (err != 0)
        return err;
    raise_to(&table->header->used_bits, (uint64_t) permission->bit + 1);
    permission_write(table, record, permission, &key);
    word_set(index, INDEX_WORD(&key, permission->bit));
    count(&table->header->generation, 1);
    return 0;
}

int table_remove_permission(struct table *table, unsigned bit)
{
    struct layout_permission *record;
    bool counted;
    uint64_t even;

    if (bit >= table->layout.bits || word_get(&table->permissions[bit].sequence) <= 1)
        return 0;
    record = &table->permissions[bit];
    counted = permission_counts(record);
    word_set(&table->header->writing, 1);
    even = record_begin(&record->sequence);
    word_set(&record->state, PERMISSION_DEAD);
    word_set(&record->sequence, even);
    count(&table->header->permissions, counted ? -1 : 0);
    word_set(&table->header->writing, 0);
    count(&table->header->generation, 1);
    return 0;
}

static void csn_write(struct table *table, const uint64_t csn[LAYOUT_CSN_WORDS])
{
    uint64_t even = record_begin(&table->header->csn_sequence);

    for (unsigned i = 0; i < LAYOUT_CSN_WORDS; i++)
        word_set(&table->header->csn[i], csn[i]);
    word_set(&table->header->csn_sequence, even);
}

void table_fresh(struct table *table, struct slice csn, int64_t max_age_ms)
{
    struct layout_header *header = table->header;
    uint64_t words[LAYOUT_CSN_WORDS] = {0};

    if (csn.len > 0 && csn.len < sizeof(words))
        memcpy(words, csn.data, csn.len);
    csn_write(table, words);
    word_set(&header->max_age_ms, (uint64_t) max_age_ms);
    word_set(&header->fresh_ms, (uint64_t) layout_clock_ms());
    word_set(&header->filled, 1);
}

void table_inherit(struct table *table, const struct table *from)
{
    uint64_t words[LAYOUT_CSN_WORDS];

    for (unsigned i = 0; i < LAYOUT_CSN_WORDS; i++)
        words[i] = word_get(&from->header->csn[i]);
    csn_write(table, words);
    word_set(&table->header->max_age_ms, word_get(&from->header->max_age_ms));
    word_set(&table->header->fresh_ms, word_get(&from->header->fresh_ms));
    count(&table->header->generation, (int64_t) word_get(&from->header->generation));
    word_set(&table->header->filled, word_get(&from->header->filled));
}

void table_beat(struct table *table)
{
    word_set(&table->header->heartbeat_ms, (uint64_t) layout_clock_ms());
}
