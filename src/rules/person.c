/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/person.h"
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "ldap/filter.h"
#include "rules/person_entry.h"
#include "store/entry.h"

#include <stdlib.h>
#include <string.h>

#define NAMESAKES_MAX 16 /* entries that answer to one name, people or not */

static const char *const person_attributes[] = {"objectClass",
                                                "usherId",
                                                "uid",
                                                "cn",
                                                "displayName",
                                                "mail",
                                                "mobile",
                                                "usherActive",
                                                "preferredLanguage",
                                                "usherMailVerified",
                                                "usherSecondFactor",
                                                "usherMustChange",
                                                "usherTotpSecret",
                                                "usherAuthEpoch",
                                                "pwdChangedTime",
                                                "usherHome",
                                                "usherMember", /* and of a membership */
                                                "usherNotBefore",
                                                "usherNotAfter",
                                                "usherPin",
                                                NULL};

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

int person_entry_dn(struct arena *arena, struct slice dn, struct slice *ret)
{
    char buf[DN_MAX];
    struct slice normalized;
    int rc = dn_normalize(dn, buf, &normalized);

    if (rc == 0)
        *ret = arena_copy(arena, normalized);
    return rc;
}

/* What a user may have typed: a DN of ours, a mail, or a uid, also as an authzId. */
struct asked_name {
    const char *by; /* the attribute that is searched */
    struct slice name;
    struct slice uid; /* folded; empty where the name does not tell it */
};

/* E_SYNTAX: nobody. */
static int name_parse(const struct login_context *context, struct arena *arena, const char *user,
                      struct asked_name *ret)
{
    struct slice dn;
    char buf[DN_MAX];
    struct tree_place place;

    if (strncmp(user, "dn:", 3) == 0) /* RFC 4513 5.2.1.8 */
        user += 3;
    else if (strncmp(user, "u:", 2) == 0)
        user += 2;
    *ret = (struct asked_name){.by = "uid", .name = slice_of(user)};
    if (strchr(user, '=') != NULL) {
        if (dn_normalize(ret->name, buf, &dn) < 0 || tree_place(dn, context->base, &place) < 0 ||
            place.kind != TREE_PERSON)
            return E_SYNTAX;
        ret->name = arena_copy(arena, place.name);
    } else if (strchr(user, '@') != NULL) {
        ret->by = "mail";
        return 0;
    }
    ret->uid = fold(arena, ret->name);
    if (!tree_name_valid(ret->uid))
        ret->uid = (struct slice){0};
    return ret->name.len > 0 ? 0 : E_SYNTAX;
}

static int person_from(struct arena *arena, const struct store_entry *entry,
                       const struct login_context *context, struct person **ret)
{
    struct person *person = arena_alloc(arena, sizeof(*person));
    struct slice word, display;
    struct tree_place place;
    int rc = person_entry_dn(arena, entry->dn, &person->dn);

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
    person->mobile = store_value(entry, "mobile");
    person->language = store_value(entry, "preferredlanguage");
    person->active = value_bool(store_value(entry, "usheractive"), true);
    person->mail_verified = value_bool(store_value(entry, "ushermailverified"), false);
    person->must_change = value_bool(store_value(entry, "ushermustchange"), false);
    person->totp = store_value(entry, "ushertotpsecret");
    person->home = store_value(entry, "usherhome");
    person->password_changed = store_value(entry, "pwdchangedtime");
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

/* Whether the class is among the entry's. Not part of the filter: the index of a class that a
 * million entries have costs more than the look. */
static bool entry_is(const struct store_entry *entry, const char *class)
{
    const struct attribute *classes = store_attribute(entry, "objectclass");

    for (size_t i = 0; classes != NULL && i < classes->value_count; i++)
        if (slice_equal_fold(classes->values[i], slice_of(class)))
            return true;
    return false;
}

/* What is asked about a person: one search. Where the name tells the uid and an organization is
 * given, the entries of the membership and of the organization are asked for in the same one, by
 * their DNs, which slapd finds as directly as it reads an entry. */
struct asking {
    struct asked_name asked;
    struct slice here;                     /* empty: the person alone */
    struct slice membership, organization; /* DNs, normalized, in the arena */
    const char *filter;
};

int person_filter(struct buffer *filter, const char *name, struct slice value)
{
    int rc = buffer_append(filter, "(", 1);

    if (rc == 0)
        rc = buffer_append(filter, name, strlen(name));
    if (rc == 0)
        rc = buffer_append(filter, "=", 1);
    if (rc == 0)
        rc = filter_escape(value, filter);
    return rc == 0 ? buffer_append(filter, ")", 1) : rc;
}

/* The DNs of the membership and its organization. */
static int asking_here(const struct login_context *context, struct arena *arena,
                       struct slice organization, struct asking *asking)
{
    struct slice uid = asking->asked.uid;
    struct buffer dn;
    int rc;

    if (uid.len == 0 || !tree_name_valid(organization))
        return 0;
    buffer_init(&dn);
    rc = tree_membership_dn(context->base, organization, (struct slice){0}, uid, &dn);
    asking->membership = arena_copy(arena, buffer_slice(&dn));
    buffer_clear(&dn);
    if (rc == 0)
        rc = tree_organization_dn(context->base, organization, &dn);
    asking->organization = arena_copy(arena, buffer_slice(&dn));
    buffer_clear(&dn);
    asking->here = organization;
    return rc;
}

static int asking_init(const struct login_context *context, struct arena *arena, const char *user,
                       struct slice organization, struct asking *ret)
{
    struct asking asking = {.filter = NULL};
    struct buffer filter;
    int rc;

    buffer_init(&filter);
    rc = name_parse(context, arena, user, &asking.asked);
    if (rc == 0)
        rc = asking_here(context, arena, organization, &asking);
    if (rc == 0 && asking.here.len > 0)
        rc = buffer_append(&filter, "(|", 2);
    if (rc == 0)
        rc = person_filter(&filter, asking.asked.by, asking.asked.name);
    if (rc == 0 && asking.here.len > 0) {
        rc = person_filter(&filter, "entryDN", asking.membership);
        if (rc == 0)
            rc = person_filter(&filter, "entryDN", asking.organization);
        if (rc == 0)
            rc = buffer_append(&filter, ")", 1);
    }
    if (rc == 0) {
        asking.filter = arena_copy(arena, buffer_slice(&filter)).data;
        *ret = asking;
    }
    buffer_clear(&filter);
    return rc;
}

/* The one person among what was found. E_SYNTAX: none, several, or one out of place. */
static int person_among(const struct login_context *context, struct arena *arena,
                        const struct store_entry *entries, size_t count, struct person **ret)
{
    const struct store_entry *found = NULL;
    struct tree_place place;
    struct slice dn;

    for (size_t i = 0; i < count; i++) {
        if (!entry_is(&entries[i], "usherPerson") ||
            person_entry_dn(arena, entries[i].dn, &dn) < 0 ||
            tree_place(dn, context->base, &place) < 0 || place.kind != TREE_PERSON)
            continue;
        if (found != NULL)
            return E_SYNTAX;
        found = &entries[i];
    }
    return found != NULL ? person_from(arena, found, context, ret) : E_SYNTAX;
}

/* Takes the membership that was asked for along with the person, if it is the person's. */
static void person_here(struct arena *arena, const struct asking *asking,
                        const struct store_entry *entries, size_t count, struct person *person)
{
    bool active = false;

    if (asking->here.len == 0 || !slice_equal(person->uid, asking->asked.uid))
        return;
    person->here = asking->here;
    for (size_t i = 0; i < count; i++) {
        struct slice dn;

        if (person_entry_dn(arena, entries[i].dn, &dn) < 0)
            continue;
        if (slice_equal(dn, asking->organization))
            active = value_bool(store_value(&entries[i], "usheractive"), true);
        else if (slice_equal(dn, asking->membership))
            membership_from(arena, &entries[i], person, &person->membership);
    }
    person->membership.valid = person->membership.valid && active;
}

int person_find(const struct login_context *context, struct arena *arena, const char *user,
                const char *organization, struct person **ret)
{
    struct store_entry *entries = NULL;
    struct person *person = NULL;
    struct asking asking;
    struct slice where;
    size_t count = 0;
    int rc;

    *ret = NULL;
    rc = asking_init(context, arena, user, arena_copy(arena, slice_of(organization)), &asking);
    if (rc < 0)
        return rc == E_SYNTAX ? 0 : rc;
    where = asking.here.len > 0
                ? context->base
                : slice_of(arena_printf(arena, "ou=people,%.*s", SLICE_ARG(context->base)));
    rc = store_find(context->store, arena, where, asking.here.len > 0 ? 2 : 1, asking.filter,
                    person_attributes, NAMESAKES_MAX, login_deadline(context), &entries, &count);
    if (rc == 0)
        rc = person_among(context, arena, entries, count, &person);
    if (rc == 0) {
        person_here(arena, &asking, entries, count, person);
        *ret = person;
    }
    return rc == E_LIMIT || rc == E_NOTFOUND || rc == E_SYNTAX ? 0 : rc;
}

int person_find_id(const struct login_context *context, struct arena *arena, const char *usher_id,
                   struct person **ret)
{
    struct slice where = slice_of(arena_printf(arena, "ou=people,%.*s", SLICE_ARG(context->base)));
    struct store_entry *entries = NULL;
    struct buffer filter;
    size_t count = 0;
    int rc;

    *ret = NULL;
    buffer_init(&filter);
    rc = person_filter(&filter, "usherId", slice_of(usher_id));
    if (rc == 0)
        rc =
            store_find(context->store, arena, where, 1,
                       arena_copy(arena, (struct slice){filter.data, filter.len}).data,
                       person_attributes, NAMESAKES_MAX, login_deadline(context), &entries, &count);
    buffer_clear(&filter);
    if (rc == 0)
        rc = person_among(context, arena, entries, count, ret);
    return rc == E_LIMIT || rc == E_NOTFOUND || rc == E_SYNTAX ? 0 : rc;
}

bool person_enrolled(const struct person *person)
{
    switch (person->second_factor) {
    case MEANS_TOTP:
        return person->totp.len > 0;
    case MEANS_SMS: /* falls back to mail */
        if (person->mobile.len > 0)
            return true;
        return person->mail.len > 0 && person->mail_verified;
    case MEANS_EMAIL:
        return person->mail.len > 0 && person->mail_verified;
    default:
        return false;
    }
}
