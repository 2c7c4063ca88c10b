/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/person.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "ldap/filter.h"
#include "store/entry.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERSHIPS_MAX 4096 /* of one person */

static const char *const person_attributes[] = {"objectClass",
                                                "usherId",
                                                "uid",
                                                "cn",
                                                "displayName",
                                                "mail",
                                                "usherActive",
                                                "preferredLanguage",
                                                "usherMailVerified",
                                                "usherSecondFactor",
                                                "usherMustChange",
                                                "usherTotpSecret",
                                                "usherAuthEpoch",
                                                "usherHome",
                                                NULL};
static const char *const membership_attributes[] = {
    "usherMember", "usherActive", "usherNotBefore", "usherNotAfter", "usherPin", "cn", NULL};
static const char *const organization_attributes[] = {"usherActive", "usherRequireFactor", NULL};

static const struct {
    const char *word;
    enum means means;
} factors[] = {{"totp", MEANS_TOTP}, {"email", MEANS_EMAIL}, {"sms", MEANS_SMS}};

int64_t login_deadline(const struct login_context *context)
{
    return clock_monotonic_ms() + context->timeout_ms;
}

bool value_bool(struct slice value, bool preset)
{
    return value.len == 0 ? preset : slice_equal_fold(value, slice_of("TRUE"));
}

static struct slice fold(struct arena *arena, struct slice text)
{
    struct slice copy = arena_copy(arena, text);

    for (size_t i = 0; i < copy.len; i++)
        if (copy.data[i] >= 'A' && copy.data[i] <= 'Z')
            ((char *)copy.data)[i] = (char)(copy.data[i] - 'A' + 'a');
    return copy;
}

/* The DN of an entry in its normalized form, in the arena. */
static int normalize(struct arena *arena, struct slice dn, struct slice *ret)
{
    char buf[DN_MAX];
    struct slice normalized;
    int rc = dn_normalize(dn, buf, &normalized);

    if (rc == 0)
        *ret = arena_copy(arena, normalized);
    return rc;
}

/* The filter that finds a user by what was typed: a DN of ours, a mail, or a uid. E_SYNTAX: nobody.
 */
static int person_filter(const struct login_context *context, const char *user, struct buffer *ret)
{
    const char *by = strchr(user, '@') != NULL ? "mail" : "uid";
    struct slice name, dn;
    char buf[DN_MAX];
    struct tree_place place;
    int rc;

    if (strncmp(user, "dn:", 3) == 0) /* an authzId (RFC 4513 5.2.1.8) */
        user += 3;
    else if (strncmp(user, "u:", 2) == 0)
        user += 2;
    name = slice_of(user);
    rc = name.len == 0 ? E_SYNTAX : 0;
    if (memchr(name.data, '=', name.len) != NULL) {
        if (dn_normalize(name, buf, &dn) < 0 || tree_place(dn, context->base, &place) < 0 ||
            place.kind != TREE_PERSON)
            return E_SYNTAX;
        name = place.name;
        by = "uid";
    }
    if (rc == 0)
        rc = buffer_append(ret, "(&(objectClass=usherPerson)(", 28);
    if (rc == 0)
        rc = buffer_append(ret, by, strlen(by));
    if (rc == 0)
        rc = buffer_append(ret, "=", 1);
    if (rc == 0)
        rc = filter_escape(name, ret);
    return rc == 0 ? buffer_append(ret, "))", 3) : rc; /* with the byte 0 */
}

static int person_from(struct arena *arena, const struct store_entry *entry,
                       const struct login_context *context, struct person **ret)
{
    struct person *person = arena_alloc(arena, sizeof(*person));
    struct slice word, display;
    struct tree_place place;
    int rc = normalize(arena, entry->dn, &person->dn);

    if (rc == 0)
        rc = tree_place(person->dn, context->base, &place);
    if (rc < 0 || place.kind != TREE_PERSON)
        return E_SYNTAX;
    person->uid = place.name; /* the uid in the RDN is the name of memberships */
    person->usher_id = fold(arena, store_value(entry, "usherid"));
    if (person->usher_id.len == 0)
        return E_SYNTAX;
    display = store_value(entry, "displayname");
    person->name = display.len > 0 ? display : store_value(entry, "cn");
    person->mail = store_value(entry, "mail");
    person->language = store_value(entry, "preferredlanguage");
    person->active = value_bool(store_value(entry, "usheractive"), true);
    person->mail_verified = value_bool(store_value(entry, "ushermailverified"), false);
    person->must_change = value_bool(store_value(entry, "ushermustchange"), false);
    person->totp = store_value(entry, "ushertotpsecret");
    person->home = store_value(entry, "usherhome");
    word = store_value(entry, "ushersecondfactor");
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
        if (slice_equal_fold(word, slice_of(factors[i].word)))
            person->second_factor = factors[i].means;
    word = store_value(entry, "usherauthepoch");
    if (word.len > 0 && word.len < 19)
        person->auth_epoch = strtoll(word.data, NULL, 10);
    *ret = person;
    return 0;
}

int person_find(const struct login_context *context, struct arena *arena, const char *user,
                struct person **ret)
{
    struct store_entry *entries = NULL;
    struct buffer filter;
    struct slice people;
    size_t count = 0;
    int rc;

    *ret = NULL;
    buffer_init(&filter);
    rc = person_filter(context, user, &filter);
    if (rc < 0) {
        buffer_clear(&filter);
        return rc == E_SYNTAX ? 0 : rc;
    }
    people.data = arena_printf(arena, "ou=people,%.*s", SLICE_ARG(context->base));
    people.len = strlen(people.data);
    rc = store_find(context->store, arena, people, 1, filter.data, person_attributes, 1,
                    login_deadline(context), &entries, &count);
    buffer_clear(&filter);
    if (rc == E_LIMIT || rc == E_NOTFOUND || rc == E_SYNTAX || (rc == 0 && count == 0))
        return 0;
    if (rc < 0)
        return rc;
    rc = person_from(arena, &entries[0], context, ret);
    return rc == E_SYNTAX ? 0 : rc; /* an entry out of place or without usherId is nobody */
}

bool person_enrolled(const struct person *person)
{
    switch (person->second_factor) {
    case MEANS_TOTP:
        return person->totp.len > 0;
    case MEANS_EMAIL:
    case MEANS_SMS: /* falls back to mail */
        return person->mail.len > 0 && person->mail_verified;
    default:
        return false;
    }
}

/* Whether now lies within the entry's usherNotBefore and usherNotAfter; a time that does not parse
 * shuts. */
static bool within_time(const struct store_entry *entry)
{
    struct slice from = store_value(entry, "ushernotbefore");
    struct slice until = store_value(entry, "ushernotafter");
    int64_t now_ms = clock_now_ms(), ms;

    if (from.len > 0 && (clock_parse(from, &ms) < 0 || now_ms < ms))
        return false;
    return until.len == 0 || (clock_parse(until, &ms) == 0 && now_ms < ms);
}

static bool membership_is_of(struct arena *arena, const struct store_entry *entry,
                             const struct person *person)
{
    struct slice member;

    return normalize(arena, store_value(entry, "ushermember"), &member) == 0 &&
           slice_equal(member, person->dn) && value_bool(store_value(entry, "usheractive"), true) &&
           within_time(entry);
}

/* Reads an organization: whether it is active, whether it requires a factor. */
static int organization_read(const struct login_context *context, struct arena *arena,
                             struct slice organization, bool *ret_active, bool *ret_require)
{
    struct store_entry entry;
    struct buffer dn;
    int rc;

    buffer_init(&dn);
    rc = tree_organization_dn(context->base, organization, &dn);
    if (rc == 0)
        rc = store_read(context->store, arena, (struct slice){dn.data, dn.len},
                        organization_attributes, login_deadline(context), &entry);
    buffer_clear(&dn);
    *ret_active = rc == 0 && value_bool(store_value(&entry, "usheractive"), true);
    *ret_require = rc == 0 && value_bool(store_value(&entry, "usherrequirefactor"), false);
    return rc == E_NOTFOUND ? 0 : rc;
}

int membership_read(const struct login_context *context, struct arena *arena,
                    const struct person *person, struct slice organization, struct membership *ret)
{
    struct store_entry entry;
    struct buffer dn;
    bool active, require;
    int rc;

    *ret = (struct membership){0};
    if (!tree_name_valid(organization))
        return 0;
    buffer_init(&dn);
    rc = tree_membership_dn(context->base, organization, (struct slice){0}, person->uid, &dn);
    if (rc == 0)
        rc = store_read(context->store, arena, (struct slice){dn.data, dn.len},
                        membership_attributes, login_deadline(context), &entry);
    buffer_clear(&dn);
    if (rc == E_NOTFOUND)
        return 0;
    if (rc < 0)
        return rc;
    ret->dn = entry.dn;
    ret->pin = store_value(&entry, "usherpin");
    if (!membership_is_of(arena, &entry, person))
        return 0;
    rc = organization_read(context, arena, organization, &active, &require);
    ret->valid = rc == 0 && active;
    return rc;
}

int person_factor_due(const struct login_context *context, struct arena *arena,
                      const struct person *person, bool *ret)
{
    struct store_entry *entries = NULL;
    struct buffer filter;
    size_t count = 0;
    int rc;

    *ret = person->second_factor != MEANS_DEFAULT;
    if (*ret)
        return 0;
    buffer_init(&filter);
    rc = buffer_append(&filter, "(usherMember=", 13);
    if (rc == 0)
        rc = filter_escape(person->dn, &filter);
    if (rc == 0)
        rc = buffer_append(&filter, ")", 2);
    if (rc == 0)
        rc = store_find(context->store, arena, context->base, 2, filter.data, membership_attributes,
                        MEMBERSHIPS_MAX, login_deadline(context), &entries, &count);
    buffer_clear(&filter);
    for (size_t i = 0; rc == 0 && !*ret && i < count; i++) {
        struct tree_place place;
        struct slice dn;
        bool active, require;

        if (normalize(arena, entries[i].dn, &dn) < 0 || tree_place(dn, context->base, &place) < 0 ||
            place.kind != TREE_MEMBERSHIP || !membership_is_of(arena, &entries[i], person))
            continue;
        rc = organization_read(context, arena, place.organization, &active, &require);
        *ret = active && require;
    }
    return rc;
}
