/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From names to the entries that they mean. A membership that is named as another person than the
 * one it is for is read, so that it can be named, and counts for nobody.
 */
#include "cache/viewing.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/member.h"

#include <string.h>

static struct slice fold(struct slice name, char buf[TREE_NAME_MAX])
{
    if (name.len > TREE_NAME_MAX)
        return (struct slice){0};
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        buf[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    name.data = buf;
    return tree_name_valid(name) ? name : (struct slice){0};
}

void viewing_fold(struct slice organization, struct slice uid, struct slice event_organization,
                  struct slice event, struct viewing_names *ret)
{
    ret->organization = fold(organization, ret->bytes[0]);
    ret->uid = fold(uid, ret->bytes[1]);
    ret->event_organization = fold(event_organization, ret->bytes[2]);
    ret->event = fold(event, ret->bytes[3]);
    ret->on_event = event.len > 0;
}

/* Reads the entry at dn if it was made (err) and is of this kind. Clears dn. */
static void read_at(struct view *view, int err, struct buffer *dn, enum tree_kind kind,
                    struct entry *ret)
{
    *ret = (struct entry){.kind = TREE_OTHER};
    if (err != 0)
        batch_fail(&view->batch, err);
    else if (!index_at(&view->batch, buffer_slice(dn), kind, NULL, ret))
        *ret = (struct entry){.kind = TREE_OTHER};
    buffer_clear(dn);
}

static void read_organization(struct view *view, struct slice name, struct entry *ret)
{
    struct buffer dn;

    *ret = (struct entry){.kind = TREE_OTHER};
    buffer_init(&dn);
    if (name.len > 0)
        read_at(view, tree_organization_dn(view->batch.base, name, &dn), &dn, TREE_ORGANIZATION,
                ret);
}

static void read_person(struct view *view, struct slice uid, struct entry *ret)
{
    struct buffer dn;

    *ret = (struct entry){.kind = TREE_OTHER};
    buffer_init(&dn);
    if (uid.len > 0)
        read_at(view, tree_person_dn(view->batch.base, uid, &dn), &dn, TREE_PERSON, ret);
}

static void read_event(struct view *view, const struct viewing_names *names, struct entry *ret)
{
    struct buffer dn;

    *ret = (struct entry){.kind = TREE_OTHER};
    buffer_init(&dn);
    if (names->event_organization.len > 0 && names->event.len > 0)
        read_at(view, tree_event_dn(view->batch.base, names->event_organization, names->event, &dn),
                &dn, TREE_EVENT, ret);
}

/* event empty: of the organization. */
static void read_membership(struct view *view, struct slice organization, struct slice event,
                            struct slice uid, struct entry *ret)
{
    enum tree_kind kind = event.len > 0 ? TREE_EVENT_MEMBERSHIP : TREE_MEMBERSHIP;
    struct buffer dn;

    *ret = (struct entry){.kind = TREE_OTHER};
    buffer_init(&dn);
    if (organization.len > 0 && uid.len > 0)
        read_at(view, tree_membership_dn(view->batch.base, organization, event, uid, &dn), &dn,
                kind, ret);
}

static struct window window_of(const struct entry *entry, bool present)
{
    if (entry->kind == TREE_OTHER)
        return (struct window){0};
    return (struct window){
        .present = present,
        .active = entry->active,
        .not_before = entry->not_before,
        .not_after = entry->not_after,
    };
}

/* Whether a list of DNs names the organization. */
static bool names_organization(const struct view *view, const struct entry_values *dns,
                               struct slice organization)
{
    struct tree_place place;

    for (size_t i = 0; i < dns->count; i++)
        if (tree_place(dns->values[i], view->batch.base, &place) == 0 &&
            place.kind == TREE_ORGANIZATION && slice_equal(place.name, organization))
            return true;
    return false;
}

static void read_event_facts(struct view *view, const struct viewing_names *names,
                             struct viewing_entries *entries, struct subject *subject)
{
    read_event(view, names, &entries->event);
    read_organization(view, names->event_organization, &entries->event_owner);
    if (entries->event.kind == TREE_OTHER)
        return;
    subject->event_known = true;
    subject->event_foreign = !slice_equal(names->event_organization, names->organization);
    subject->event_open =
        !subject->event_foreign ||
        names_organization(view, &entries->event_owner.lists[ENTRY_PRIMARY], names->organization) ||
        names_organization(view, &entries->event.lists[ENTRY_SHARED], names->organization);
    subject->event = window_of(&entries->event, true);
    read_membership(view, names->event_organization, names->event, names->uid,
                    &entries->membership[MEMBERSHIP_EVENT]);
}

void viewing_read(struct view *view, const struct viewing_names *names, struct viewing_entries *ret,
                  struct subject *ret_subject)
{
    struct subject subject = {0};

    *ret = (struct viewing_entries){0};
    read_organization(view, names->organization, &ret->organization);
    read_person(view, names->uid, &ret->person);
    if (names->on_event)
        read_event_facts(view, names, ret, &subject);
    read_membership(view, names->organization, (struct slice){0}, names->uid,
                    &ret->membership[MEMBERSHIP_OWN]);
    read_membership(view, slice_of(TREE_PLATFORM), (struct slice){0}, names->uid,
                    &ret->membership[MEMBERSHIP_PLATFORM]);
    subject.organization_known = ret->organization.kind != TREE_OTHER;
    subject.organization_active = ret->organization.active;
    subject.person_known = ret->person.kind != TREE_OTHER;
    subject.person_active = ret->person.active;
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        subject.membership[kind] =
            window_of(&ret->membership[kind], member_named(&view->batch, &ret->membership[kind]));
    *ret_subject = subject;
}
