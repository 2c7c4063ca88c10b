/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What of a person's memberships counts, and what they require: read from the store, or taken from
 * where the person was found.
 */
#include "base/clock.h"
#include "base/err.h"
#include "cache/tree.h"
#include "rules/person.h"
#include "rules/person_entry.h"
#include "store/entry.h"

#include <string.h>

#define MEMBERSHIPS_MAX       4096 /* of one person */
#define ORGANIZATIONS_AT_ONCE 64   /* asked about in one search; more are asked about in the next */

static const char *const membership_attributes[] = {
    "usherMember", "usherActive", "usherNotBefore", "usherNotAfter", "usherPin", "cn", NULL};
static const char *const organization_attributes[] = {"usherActive", NULL};

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

    return person_entry_dn(arena, store_value(entry, "ushermember"), &member) == 0 &&
           slice_equal(member, person->dn) && value_bool(store_value(entry, "usheractive"), true) &&
           within_time(entry);
}

void membership_from(struct arena *arena, const struct store_entry *entry,
                     const struct person *person, struct membership *ret)
{
    ret->dn = entry->dn;
    ret->pin = store_value(entry, "usherpin");
    ret->valid = membership_is_of(arena, entry, person);
}

/* Reads whether an organization is active. */
static int organization_read(const struct login_context *context, struct arena *arena,
                             struct slice organization, bool *ret_active)
{
    struct store_entry entry;
    struct buffer dn;
    int rc;

    buffer_init(&dn);
    rc = tree_organization_dn(context->base, organization, &dn);
    if (rc == 0)
        rc = store_read(context->store, arena, buffer_slice(&dn), organization_attributes,
                        login_deadline(context), &entry);
    buffer_clear(&dn);
    *ret_active = rc == 0 && value_bool(store_value(&entry, "usheractive"), true);
    return rc == E_NOTFOUND ? 0 : rc;
}

int membership_read(const struct login_context *context, struct arena *arena,
                    const struct person *person, struct slice organization, struct membership *ret)
{
    struct store_entry entry;
    struct buffer dn;
    bool active;
    int rc;

    *ret = (struct membership){0};
    if (!tree_name_valid(organization))
        return 0;
    if (person->here.len > 0 && slice_equal(person->here, organization)) {
        *ret = person->membership;
        return 0;
    }
    buffer_init(&dn);
    rc = tree_membership_dn(context->base, organization, (struct slice){0}, person->uid, &dn);
    if (rc == 0)
        rc = store_read(context->store, arena, buffer_slice(&dn), membership_attributes,
                        login_deadline(context), &entry);
    buffer_clear(&dn);
    if (rc == E_NOTFOUND)
        return 0;
    if (rc < 0)
        return rc;
    membership_from(arena, &entry, person, ret);
    if (!ret->valid)
        return 0;
    rc = organization_read(context, arena, organization, &active);
    ret->valid = rc == 0 && active;
    return rc;
}

int membership_valid(const struct login_context *context, struct arena *arena,
                     const struct person *person, struct slice organization)
{
    struct membership membership;
    int rc = membership_read(context, arena, person, organization, &membership);

    if (rc == 0 && !membership.valid)
        rc = membership_read(context, arena, person, slice_of(TREE_PLATFORM), &membership);
    return rc < 0 ? rc : membership.valid ? 0 : E_DENIED;
}

/* Whether a membership counts for the person, and in which organization; in the arena. */
static bool membership_counts(const struct login_context *context, struct arena *arena,
                              const struct store_entry *entry, const struct person *person,
                              struct slice *ret_organization)
{
    struct tree_place place;
    struct slice dn;

    if (person_entry_dn(arena, entry->dn, &dn) < 0 || tree_place(dn, context->base, &place) < 0 ||
        place.kind != TREE_MEMBERSHIP || !slice_equal(place.name, person->uid) ||
        !membership_is_of(arena, entry, person))
        return false;
    *ret_organization = place.organization;
    return true;
}

/* Whether an active one among these organizations requires a factor: one search. */
static int organizations_require(const struct login_context *context, struct arena *arena,
                                 const struct slice *organizations, size_t count, bool *ret)
{
    struct store_entry *entries = NULL;
    struct buffer filter, dn;
    size_t found = 0;
    int rc;

    buffer_init(&filter);
    buffer_init(&dn);
    rc = buffer_append(&filter, "(&(usherRequireFactor=TRUE)(|", 29);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = tree_organization_dn(context->base, organizations[i], &dn);
        if (rc == 0)
            rc = person_filter(&filter, "entryDN", (struct slice){dn.data, dn.len});
        buffer_clear(&dn);
    }
    if (rc == 0)
        rc = buffer_append(&filter, "))", 3);
    if (rc == 0)
        rc = store_find(context->store, arena, context->base, 2, filter.data,
                        organization_attributes, count, login_deadline(context), &entries, &found);
    buffer_clear(&filter);
    for (size_t i = 0; rc == 0 && !*ret && i < found; i++)
        *ret = value_bool(store_value(&entries[i], "usheractive"), true);
    return rc;
}

/* The memberships that name the person, wherever they lie and whatever they are worth. */
static int memberships_find(const struct login_context *context, struct arena *arena,
                            const struct person *person, struct store_entry **ret,
                            size_t *ret_count)
{
    struct buffer filter;
    int rc;

    buffer_init(&filter);
    rc = person_filter(&filter, "usherMember", person->dn);
    if (rc == 0)
        rc = buffer_append(&filter, "", 1);
    if (rc == 0)
        rc = store_find(context->store, arena, context->base, 2, filter.data, membership_attributes,
                        MEMBERSHIPS_MAX, login_deadline(context), ret, ret_count);
    buffer_clear(&filter);
    return rc;
}

int person_factor_due(const struct login_context *context, struct arena *arena,
                      const struct person *person, bool *ret)
{
    struct slice organizations[ORGANIZATIONS_AT_ONCE];
    struct store_entry *entries = NULL;
    size_t count = 0, found = 0;
    int rc;

    *ret = person->second_factor != MEANS_DEFAULT;
    if (*ret)
        return 0;
    rc = memberships_find(context, arena, person, &entries, &found);
    for (size_t i = 0; rc == 0 && !*ret && i < found; i++) {
        if (membership_counts(context, arena, &entries[i], person, &organizations[count]))
            count++;
        if (count == ORGANIZATIONS_AT_ONCE || (count > 0 && i + 1 == found)) {
            rc = organizations_require(context, arena, organizations, count, ret);
            count = 0;
        }
    }
    return rc;
}
