/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The evaluator is asked once for each permission and for each scope that a value of the person
 * names. For "every object of a type" and "every event" it is asked about an object that no value
 * can name: its name is "*".
 */
#include "rules/holding.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct view *view;
    const struct tree_place *place;
    int64_t now_ms;
    struct arena *arena;
    struct view_subject subject; /* without an event */
    struct scope *scopes;        /* that the subject's values name, wider ones first */
    size_t scope_count;
    int *answers; /* of the permission in hand, for each scope */
    struct holding *out;
};

static int holding_add(struct listing *listing, const char *text)
{
    struct holding *out = listing->out;

    if (out->count == HOLDING_MAX)
        return E_LIMIT;
    if (out->count == out->room) {
        struct slice *old = out->values;

        out->room = out->room == 0 ? 64 : out->room * 2;
        out->values = arena_alloc(listing->arena, out->room * sizeof(out->values[0]));
        if (old != NULL)
            memcpy(out->values, old, out->count * sizeof(old[0]));
    }
    out->values[out->count++] = slice_of(text);
    return 0;
}

/* The channel in which a permission can hold: its own, or that of one that it requires. */
static struct slice channel_of(const struct view *view, struct permission permission)
{
    for (int i = 0;
         i < REQUIRES_CHAIN_MAX && permission.channel.len == 0 && permission.requires >= 0; i++)
        if (catalogue_at(view_catalogue(view), (unsigned)permission.requires, &permission, NULL) !=
            0)
            break;
    return permission.channel;
}

static const char *scope_text(struct arena *arena, const struct scope *scope)
{
    switch (scope->kind) {
    case SCOPE_OBJECT:
        return arena_printf(arena, "%.*s/%.*s", SLICE_ARG(scope->type), SLICE_ARG(scope->name));
    case SCOPE_TYPE:
        return arena_printf(arena, "%.*s/*", SLICE_ARG(scope->type));
    case SCOPE_EVENT:
        return arena_printf(arena, "event/%.*s/%.*s", SLICE_ARG(scope->organization),
                            SLICE_ARG(scope->name));
    case SCOPE_EVENT_ORGANIZATION:
        return arena_printf(arena, "event/%.*s/*", SLICE_ARG(scope->organization));
    default:
        return "event/*";
    }
}

static int width(const struct scope *scope)
{
    static const enum scope_kind order[] = {SCOPE_NONE, SCOPE_EVENT_ALL, SCOPE_EVENT_ORGANIZATION,
                                            SCOPE_TYPE, SCOPE_EVENT,     SCOPE_OBJECT};
    int i = 0;

    while (order[i] != scope->kind)
        i++;
    return i;
}

static int compare_scopes(const void *a, const void *b)
{
    const struct scope *one = a, *other = b;
    int order = width(one) - width(other);

    return order != 0 ? order : scope_compare(one, other);
}

/* The scopes that the values of valid memberships name; that of all events too where events are for
 * those with an event membership only. */
static void find_scopes(struct listing *listing)
{
    const struct view_subject *subject = &listing->subject;
    size_t count = 1, kept = 0;

    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        if (subject->has_profile[kind])
            count += subject->profile[kind].scope_count;
    listing->scopes = arena_alloc(listing->arena, count * sizeof(listing->scopes[0]));
    listing->answers = arena_alloc(listing->arena, count * sizeof(listing->answers[0]));
    count = 0;
    if (subject->subject.event_scope_specific && !subject->has_profile[MEMBERSHIP_PLATFORM])
        listing->scopes[count++] = (struct scope){.kind = SCOPE_EVENT_ALL};
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        for (size_t i = 0; subject->has_profile[kind] && i < subject->profile[kind].scope_count;
             i++)
            listing->scopes[count++] = subject->profile[kind].scopes[i].scope;
    qsort(listing->scopes, count, sizeof(listing->scopes[0]), compare_scopes);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_scopes(&listing->scopes[kept - 1], &listing->scopes[i]) != 0)
            listing->scopes[kept++] = listing->scopes[i];
    listing->scope_count = kept;
}

/* The scope of a query about anything that no narrower scope names. */
static struct scope scope_sample(const struct scope *scope)
{
    struct slice other = slice_of("*");

    switch (scope->kind) {
    case SCOPE_TYPE:
        return (struct scope){.kind = SCOPE_OBJECT, .type = scope->type, .name = other};
    case SCOPE_EVENT_ORGANIZATION:
        return (struct scope){
            .kind = SCOPE_EVENT, .organization = scope->organization, .name = other};
    case SCOPE_EVENT_ALL:
        return (struct scope){.kind = SCOPE_EVENT, .organization = other, .name = other};
    default:
        return *scope;
    }
}

/* The subject of a query about some event of many: one that is there and open. */
static void subject_sample(const struct listing *listing, const struct scope *scope,
                           struct view_subject *ret)
{
    *ret = listing->subject;
    ret->subject.event_known = true;
    ret->subject.event_open = true;
    ret->subject.event = WINDOW_ALWAYS;
    ret->subject.event_foreign =
        scope->kind == SCOPE_EVENT_ORGANIZATION &&
        !slice_equal_fold(scope->organization, listing->place->organization);
}

static int subject_for(struct listing *listing, const struct scope *scope, struct arena *arena,
                       struct view_subject *ret)
{
    switch (scope->kind) {
    case SCOPE_EVENT:
        return view_subject(listing->view, listing->place->organization, listing->place->name,
                            scope->organization, scope->name, listing->now_ms, arena, ret);
    case SCOPE_EVENT_ALL:
    case SCOPE_EVENT_ORGANIZATION:
        subject_sample(listing, scope, ret);
        return 0;
    default:
        *ret = listing->subject;
        return 0;
    }
}

/* Whether it holds, once every factor has been given. */
static bool holds(const struct listing *listing, const struct view_subject *subject,
                  struct slice id, struct slice channel, const struct scope *scope)
{
    struct query query = {.permission = id, .channel = channel, .factor = FACTOR_TOTP};
    struct decision decision;

    query.scope = scope_sample(scope);
    return view_ask(listing->view, listing->place->organization, subject, &query, listing->now_ms,
                    &decision) == 0;
}

/* The index of the next wider scope in the list, or -1 for the unscoped answer. */
static int wider_listed(const struct listing *listing, size_t index)
{
    struct scope wider = scope_wider(&listing->scopes[index]);

    for (; wider.kind != SCOPE_NONE; wider = scope_wider(&wider)) {
        const struct scope *found = bsearch(&wider, listing->scopes, listing->scope_count,
                                            sizeof(listing->scopes[0]), compare_scopes);

        if (found != NULL)
            return (int)(found - listing->scopes);
    }
    return -1;
}

/* One permission as it is written. */
struct wording {
    struct slice id;
    const char *channel, *factor;
};

static int add_line(struct listing *listing, const struct wording *wording,
                    const struct scope *scope, bool allowed)
{
    return holding_add(listing, arena_printf(listing->arena, "%s%.*s%s%s%s%s", allowed ? "" : "-",
                                             SLICE_ARG(wording->id), scope != NULL ? "@" : "",
                                             scope != NULL ? scope_text(listing->arena, scope) : "",
                                             allowed ? wording->channel : "",
                                             allowed ? wording->factor : ""));
}

static void wording_of(const struct listing *listing, const struct permission *permission,
                       struct slice id, struct slice *ret_channel, struct wording *ret)
{
    struct slice channel = channel_of(listing->view, *permission);

    ret->id = id;
    ret->channel =
        channel.len > 0 ? arena_printf(listing->arena, ";channel=%.*s", SLICE_ARG(channel)) : "";
    ret->factor = permission->factor ? ";factor=due" : "";
    *ret_channel = channel;
}

/* A permission of the catalogue: the unscoped answer, then each scope's that differs. subjects: one
 * for each scope. */
static int list_permission(struct listing *listing, const struct view_subject *subjects,
                           unsigned bit)
{
    const struct scope none = {.kind = SCOPE_NONE};
    struct permission permission;
    struct wording wording;
    struct slice id, channel;
    bool unscoped;
    int rc = 0;

    if (catalogue_at(view_catalogue(listing->view), bit, &permission, &id) < 0)
        return 0;
    wording_of(listing, &permission, id, &channel, &wording);
    unscoped = holds(listing, &listing->subject, id, channel, &none);
    if (unscoped)
        rc = add_line(listing, &wording, NULL, true);
    for (size_t i = 0; rc == 0 && i < listing->scope_count; i++) {
        int wider = wider_listed(listing, i);
        bool expected = wider < 0 ? unscoped : listing->answers[wider] != 0;

        listing->answers[i] = holds(listing, &subjects[i], id, channel, &listing->scopes[i]);
        if ((listing->answers[i] != 0) != expected)
            rc = add_line(listing, &wording, &listing->scopes[i], !expected);
    }
    return rc;
}

static int list_membership(struct listing *listing)
{
    struct view_subject *subjects;
    unsigned bits = catalogue_bits(view_catalogue(listing->view));
    int rc = 0;

    find_scopes(listing);
    subjects = arena_alloc(listing->arena, (listing->scope_count + 1) * sizeof(subjects[0]));
    for (size_t i = 0; rc == 0 && i < listing->scope_count; i++)
        rc = subject_for(listing, &listing->scopes[i], listing->arena, &subjects[i]);
    for (unsigned bit = 0; rc == 0 && bit < bits; bit++)
        rc = list_permission(listing, subjects, bit);
    return rc;
}

/* On one event: the queries carry it, the lines do not. */
static int list_event(struct listing *listing)
{
    const struct scope event = {.kind = SCOPE_EVENT,
                                .organization = listing->place->organization,
                                .name = listing->place->event};
    unsigned bits = catalogue_bits(view_catalogue(listing->view));
    int rc = 0;

    for (unsigned bit = 0; rc == 0 && bit < bits; bit++) {
        struct permission permission;
        struct wording wording;
        struct slice id, channel;

        if (catalogue_at(view_catalogue(listing->view), bit, &permission, &id) < 0)
            continue;
        wording_of(listing, &permission, id, &channel, &wording);
        if (holds(listing, &listing->subject, id, channel, &event))
            rc = add_line(listing, &wording, NULL, true);
    }
    return rc;
}

static int listing_open(struct view *view, const struct tree_place *place, int64_t now_ms,
                        struct arena *arena, struct holding *out, struct listing *ret)
{
    bool event = place->kind == TREE_EVENT_MEMBERSHIP;

    *ret = (struct listing){
        .view = view, .place = place, .now_ms = now_ms, .arena = arena, .out = out};
    return view_subject(view, place->organization, place->name,
                        event ? place->organization : (struct slice){0}, place->event, now_ms,
                        arena, &ret->subject);
}

int holding_permissions(struct view *view, const struct tree_place *place, int64_t now_ms,
                        struct arena *arena, struct holding *ret)
{
    struct holding out = {0};
    struct listing listing;
    int rc = listing_open(view, place, now_ms, arena, &out, &listing);

    if (rc == 0)
        rc =
            place->kind == TREE_EVENT_MEMBERSHIP ? list_event(&listing) : list_membership(&listing);
    if (rc == 0)
        *ret = out;
    return rc;
}

/* Adds those of the profile that no higher one has set. */
static int add_settings(struct listing *listing, const struct profile *profile,
                        const struct profile *const *higher, size_t higher_count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < profile->setting_count; i++) {
        const struct profile_setting *setting = &profile->settings[i];
        bool hidden = false;

        for (size_t h = 0; h < higher_count; h++)
            hidden = hidden || profile_setting(higher[h], setting->name).data != NULL;
        if (!hidden)
            rc = holding_add(listing,
                             arena_printf(listing->arena, "%.*s=%.*s", SLICE_ARG(setting->name),
                                          SLICE_ARG(setting->value)));
    }
    return rc;
}

int holding_settings(struct view *view, const struct tree_place *place, int64_t now_ms,
                     struct arena *arena, struct holding *ret)
{
    const struct profile *layers[MEMBERSHIP_KINDS + 1];
    struct holding out = {0};
    struct listing listing;
    size_t count = 0;
    int rc = listing_open(view, place, now_ms, arena, &out, &listing);

    if (rc < 0)
        return rc;
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        if (listing.subject.has_profile[kind])
            layers[count++] = &listing.subject.profile[kind];
    if (count > 0) /* nobody's settings are not the organization's */
        layers[count++] = &listing.subject.organization;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_settings(&listing, layers[i], layers, i);
    if (rc == 0)
        *ret = out;
    return rc;
}
