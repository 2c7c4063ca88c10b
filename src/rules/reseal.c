/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sealed attributes have no equality, so the comparison of the swap is the entry's entryCSN (RFC
 * 4528): whatever else happened to the entry meanwhile, it is read again. One table says which
 * attribute holds which kind of record.
 */
#include "rules/reseal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/tree.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "rules/verify.h"
#include "secret/code.h"
#include "secret/mailed.h"
#include "store/entry.h"
#include "store/find.h"

#include <string.h>

#define SILENCE_MS     30000
#define RESEAL_TRIES   32
#define RESEAL_VALUES  128 /* of one attribute */
#define RESEAL_CHANGES 4

/* Whose values an entry holds. */
struct owner {
    struct slice person;
    struct slice organization;
};

/* Writes the value anew into ret (SEAL_MAX bytes more than the value); errors as seal_again. */
typedef int reseal_value(const struct keys *keys, const struct owner *owner, struct slice value,
                         char *ret);

static int reseal_for(const struct keys *keys, const char *purpose, struct slice person,
                      struct slice organization, struct slice value, char *ret)
{
    struct seal_for what = {slice_of(purpose), person, organization};

    return seal_again(keys, &what, value, ret);
}

static int reseal_pin(const struct keys *keys, const struct owner *owner, struct slice value,
                      char *ret)
{
    return reseal_for(keys, SEAL_PIN, owner->person, owner->organization, value, ret);
}

static int reseal_totp(const struct keys *keys, const struct owner *owner, struct slice value,
                       char *ret)
{
    return reseal_for(keys, SEAL_TOTP, owner->person, (struct slice){0}, value, ret);
}

static int reseal_app(const struct keys *keys, const struct owner *owner, struct slice value,
                      char *ret)
{
    return reseal_for(keys, SEAL_APP_PASSWORD, owner->person, (struct slice){0}, value, ret);
}

static int reseal_recovery(const struct keys *keys, const struct owner *owner, struct slice value,
                           char *ret)
{
    return reseal_for(keys, SEAL_RECOVERY, owner->person, (struct slice){0}, value, ret);
}

static int reseal_challenge(const struct keys *keys, const struct owner *owner, struct slice value,
                            char *ret)
{
    size_t mark = verify_challenge_used(&value) ? strlen(VERIFY_USED) : 0;
    int rc = code_again(keys, owner->person, value, ret + mark);

    if (rc == 0)
        memcpy(ret, VERIFY_USED, mark); /* NOLINT(bugprone-not-null-terminated-result): in front */
    return rc;
}

/* The word of the slot says what kind of record it holds; nobody's opens for the ledger's owner. */
static int reseal_token(const struct keys *keys, const struct owner *owner, struct slice value,
                        char *ret)
{
    struct slice record, word = ledger_slot_word(value, &record);
    size_t head = word.len + 1;
    enum mailed_kind kind;
    int rc = E_CRYPTO;

    if (record.data == NULL)
        return E_CRYPTO;
    if (slice_is(word, LEDGER_ENROLL))
        rc = enrolment_again(keys, owner->person, record, ret + head);
    else if (mailed_kind(word, &kind) == 0)
        rc = mailed_again(keys, owner->person, kind, record, ret + head);
    if (rc == 0)
        memcpy(ret, value.data, head); /* NOLINT(bugprone-not-null-terminated-result): in front */
    return rc;
}

static const struct sealed_attribute {
    const char *name;
    const char *lower;
    reseal_value *again;
} people[] = {{"usherTotpSecret", "ushertotpsecret", reseal_totp},
              {"usherAppPassword", "usherapppassword", reseal_app},
              {NULL, NULL, NULL}},
  memberships[] = {{"usherPin", "usherpin", reseal_pin}, {NULL, NULL, NULL}},
  ledger[] = {{"usherChallenge", "usherchallenge", reseal_challenge},
              {"usherToken", "ushertoken", reseal_token},
              {"usherRecoveryCode", "usherrecoverycode", reseal_recovery},
              {NULL, NULL, NULL}};

struct walk;
typedef int owner_find(struct walk *walk, struct arena *arena, const struct store_entry *entry,
                       struct owner *ret);

struct walk {
    const struct login_context *context;
    struct reseal *reseal;
    const struct sealed_attribute *attributes;
    owner_find *owner;
    const char *names[RESEAL_CHANGES + 3]; /* what is read of an entry */
    struct arena *arena;                   /* of the entry in hand */
};

/* What has become of an entry's values. */
struct outcome {
    int64_t changed, old, dead;
};

static int owner_person(struct walk *walk, struct arena *arena, const struct store_entry *entry,
                        struct owner *ret)
{
    (void)walk, (void)arena;
    ret->person = store_value(entry, "usherid");
    return 0;
}

static int owner_ledger(struct walk *walk, struct arena *arena, const struct store_entry *entry,
                        struct owner *ret)
{
    (void)walk, (void)arena;
    ret->person = store_value(entry, "cn");
    return 0;
}

/* Of a membership: the usherId of its person, its organization. */
static int owner_membership(struct walk *walk, struct arena *arena, const struct store_entry *entry,
                            struct owner *ret)
{
    static const char *const attributes[] = {"usherId", NULL};
    const struct login_context *context = walk->context;
    struct tree_place place;
    struct store_entry person;
    struct slice dn;
    char buf[DN_MAX];
    int rc;

    if (dn_normalize(entry->dn, buf, &dn) < 0)
        return 0;
    dn = arena_copy(arena, dn);
    if (tree_place(dn, context->base, &place) < 0 || place.kind != TREE_MEMBERSHIP)
        return 0;
    rc = store_read(context->store, arena, store_value(entry, "ushermember"), attributes,
                    login_deadline(context), &person);
    if (rc == E_NOTFOUND || rc == E_SYNTAX)
        return 0;
    if (rc < 0)
        return rc;
    ret->person = store_value(&person, "usherid");
    ret->organization = place.organization;
    return 0;
}

/* The values of one attribute, sealed anew where they are not yet. ret has the same count. */
static void values_again(struct walk *walk, struct arena *arena, const struct attribute *found,
                         const struct sealed_attribute *sealed, const struct owner *owner,
                         struct outcome *outcome, struct slice *ret)
{
    for (size_t i = 0; i < found->value_count; i++) {
        char *text = arena_alloc(arena, found->values[i].len + SEAL_MAX);
        int rc = E_CRYPTO;

        ret[i] = found->values[i];
        if (owner->person.len > 0)
            rc = sealed->again(walk->context->keys, owner, found->values[i], text);
        if (rc == 0) {
            ret[i] = slice_of(text);
            outcome->changed++;
        } else if (rc != E_EXISTS)
            outcome->dead++;
    }
}

/* Changes one entry as it was read. E_CONFLICT: it is another one by now. */
static int entry_again(struct walk *walk, struct arena *arena, const struct store_entry *entry,
                       struct outcome *ret)
{
    struct modification changes[RESEAL_CHANGES];
    struct slice csn = store_value(entry, "entrycsn");
    const struct login_context *context = walk->context;
    struct owner owner = {0};
    size_t count = 0;
    int rc = walk->owner(walk, arena, entry, &owner);

    *ret = (struct outcome){0};
    for (const struct sealed_attribute *a = walk->attributes; rc == 0 && a->name != NULL; a++) {
        const struct attribute *found = store_attribute(entry, a->lower);
        int64_t before = ret->changed;
        struct slice *values;

        if (found == NULL || found->value_count == 0)
            continue;
        if (found->value_count > RESEAL_VALUES)
            return E_LIMIT;
        values = arena_alloc(arena, found->value_count * sizeof(*values));
        values_again(walk, arena, found, a, &owner, ret, values);
        if (ret->changed > before)
            changes[count++] = (struct modification){
                .kind = 2, .attribute = {slice_of(a->name), values, found->value_count}};
    }
    if (rc == 0 && count > 0)
        rc = store_modify(context->store, arena, entry->dn, changes, count,
                          arena_printf(arena, "(entryCSN=%.*s)", SLICE_ARG(csn)),
                          login_deadline(context), NULL);
    return rc;
}

/* One entry until it is done: as it was found, and then as it is now. */
static int entry_settle(struct walk *walk, const struct store_entry *found)
{
    const struct login_context *context = walk->context;
    struct arena *arena = walk->arena;
    struct slice dn = arena_copy(arena, found->dn);
    struct store_entry entry = *found;
    struct outcome outcome;
    char quoted[LOG_QUOTE_MAX];
    int rc = entry_again(walk, arena, &entry, &outcome);

    for (int i = 1; rc == E_CONFLICT && i < RESEAL_TRIES; i++) {
        rc = store_read(context->store, arena, dn, walk->names, login_deadline(context), &entry);
        if (rc == 0)
            rc = entry_again(walk, arena, &entry, &outcome);
    }
    if (rc == E_NOTFOUND)
        return 0; /* it is gone */
    if (rc == E_LIMIT)
        log_error("%s: more than %d values of one attribute to seal anew", log_quote(dn, quoted),
                  RESEAL_VALUES);
    if (rc == 0)
        walk->reseal->resealed += outcome.changed;
    else if (rc == E_CONFLICT) {
        walk->reseal->left += outcome.changed;
        rc = 0;
    }
    if (rc == 0 && outcome.dead > 0) {
        walk->reseal->dead += outcome.dead;
        log_warning("%s: %lld sealed values open with no key for who and where they are",
                    log_quote(dn, quoted), (long long)outcome.dead);
    }
    return rc;
}

/* Entries of a search come with names as the store writes them. */
static void entry_lower(struct arena *arena, const struct store_entry *found,
                        struct store_entry *ret)
{
    *ret = *found;
    ret->attributes = arena_alloc(arena, (found->attribute_count + 1) * sizeof(*ret->attributes));
    for (size_t i = 0; i < found->attribute_count; i++) {
        struct slice name = arena_copy(arena, found->attributes[i].name);

        for (size_t j = 0; j < name.len; j++)
            if (name.data[j] >= 'A' && name.data[j] <= 'Z')
                ((char *)name.data)[j] = (char)(name.data[j] - 'A' + 'a');
        ret->attributes[i] = found->attributes[i];
        ret->attributes[i].name = name;
    }
}

static int on_entry(void *context, const struct store_entry *found)
{
    struct walk *walk = context;
    struct store_entry entry;
    int rc = walk->reseal->on_wait(walk->reseal->context);

    if (rc != 0)
        return rc;
    arena_reset(walk->arena);
    entry_lower(walk->arena, found, &entry);
    return entry_settle(walk, &entry);
}

static int on_wait(void *context)
{
    struct walk *walk = context;

    return walk->reseal->on_wait(walk->reseal->context);
}

static int walk_run(const struct login_context *context, struct reseal *reseal, const char *below,
                    int scope, const struct sealed_attribute *attributes, owner_find *owner,
                    const char *owner_attribute)
{
    struct walk walk = {.context = context,
                        .reseal = reseal,
                        .attributes = attributes,
                        .owner = owner,
                        .arena = arena_new(),
                        .names = {owner_attribute, "entryCSN"}};
    struct arena *arena = arena_new();
    struct store_search search = {
        .base = arena_printf(arena, "%s%.*s", below, SLICE_ARG(context->base)),
        .scope = scope,
        .filter = "(|",
        .attributes = walk.names,
        .silence_ms = SILENCE_MS,
        .deadline_ms = INT64_MAX,
        .on_entry = on_entry,
        .on_wait = on_wait,
        .context = &walk};
    int rc;

    for (size_t i = 0; attributes[i].name != NULL; i++) {
        walk.names[i + 2] = attributes[i].name;
        search.filter = arena_printf(arena, "%s(%s=*)", search.filter, attributes[i].name);
    }
    search.filter = arena_printf(arena, "%s)", search.filter);
    rc = store_each(context->store, &search);
    arena_free(walk.arena);
    arena_free(arena);
    return rc;
}

int reseal_store(const struct login_context *context, struct reseal *reseal)
{
    int rc = walk_run(context, reseal, "ou=people,", 1, people, owner_person, "usherId");

    if (rc == 0)
        rc = walk_run(context, reseal, "", 2, memberships, owner_membership, "usherMember");
    if (rc == 0)
        rc = walk_run(context, reseal, "ou=ledger,", 1, ledger, owner_ledger, "cn");
    return rc;
}

int64_t reseal_wait_ms(const struct login_context *context)
{
    int64_t landed_ms = keys_changed_ms(context->keys) + 2 * context->timeout_ms + 1000;
    int64_t wait_ms = landed_ms - clock_now_ms();

    return wait_ms > 0 ? wait_ms : 0;
}
