/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The steps but for the layers, each a function that says what it sees and decides or not. Words of
 * the asker are quoted, for they may be anything.
 */
#include "cache/explain.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cache/explaining.h"
#include "cache/index.h"
#include "ldap/dn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WHEN_MAX       32
#define LINE_MAX_BYTES 1024

_Static_assert(LINE_MAX_BYTES >= GRANT_MAX + PERMISSION_MAX + 3 * TREE_NAME_MAX + 64, "room");

static void add_line(struct explainer *explainer, int step, struct slice dn, bool deciding,
                     const char *format, va_list args)
{
    char text[LINE_MAX_BYTES];

    if (explainer->count >= EXPLAIN_STEPS_MAX - 1 && !deciding)
        return;
    if (explainer->count == explainer->size) {
        size_t size = explainer->size > 0 ? explainer->size * 2 : 16;
        struct explain_step *steps = arena_alloc(explainer->arena, size * sizeof(*steps));

        if (explainer->count > 0)
            memcpy(steps, explainer->steps, explainer->count * sizeof(*steps));
        explainer->steps = steps;
        explainer->size = size;
    }
    utf8_vformat(text, sizeof(text), format, args);
    explainer->steps[explainer->count++] = (struct explain_step){
        .step = step,
        .text = arena_copy(explainer->arena, slice_of(text)).data,
        .dn = arena_copy(explainer->arena, dn),
        .deciding = deciding,
    };
}

void explain_say(struct explainer *explainer, int step, struct slice dn, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(explainer, step, dn, false, format, args);
    va_end(args);
}

void explain_decide(struct explainer *explainer, int result, int step, struct slice dn,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_line(explainer, step, dn, true, format, args);
    va_end(args);
    explainer->decided = true;
    explainer->decision = (struct decision){.result = result, .step = step};
}

static char *when(int64_t ms, char buf[WHEN_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(buf, WHEN_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(buf, WHEN_MAX, "%lld ms", (long long)ms);
    return buf;
}

static struct slice permission_dn(const struct explainer *explainer, struct slice id)
{
    struct buffer dn;
    struct slice copy;
    int err;

    buffer_init(&dn);
    err = buffer_append(&dn, "cn=", 3);
    if (err == 0)
        err = dn_escape(id, &dn);
    copy = err == 0
               ? slice_of(arena_printf(explainer->arena, "%.*s,ou=permissions,%.*s", (int)dn.len,
                                       dn.data, SLICE_ARG(explainer->view->batch.base)))
               : (struct slice){0};
    buffer_clear(&dn);
    return copy;
}

/* Step 1. */
static void step_known(struct explainer *explainer, const struct permission *permission)
{
    const struct entry *organization = &explainer->entries.organization;
    struct slice id = explainer->query.permission, none = {0};

    if (permission == NULL) {
        explain_decide(explainer, E_NOPERM, 1, none,
                       "the catalogue holds no permission %.*s: an error", SLICE_ARG(id));
        return;
    }
    explain_say(explainer, 1, permission_dn(explainer, id),
                "the permission %.*s is in the catalogue", SLICE_ARG(id));
    if (organization->kind == TREE_OTHER || !organization->active) {
        explain_decide(explainer, E_NOTFOUND, 1, organization->dn,
                       organization->kind == TREE_OTHER
                           ? "there is no organization %s: an error"
                           : "the organization %s is inactive: an error",
                       explainer->organization);
        return;
    }
    explain_say(explainer, 1, organization->dn, "the organization %s is active",
                explainer->organization);
    if (!explainer->on_event)
        return;
    if (explainer->entries.event.kind == TREE_OTHER)
        explain_decide(
            explainer, E_NOTFOUND, 1, none, "the organization %.*s has no event %.*s: an error",
            SLICE_ARG(explainer->query.scope.organization), SLICE_ARG(explainer->query.scope.name));
    else
        explain_say(explainer, 1, explainer->entries.event.dn,
                    "the event %.*s of the organization %.*s is known",
                    SLICE_ARG(explainer->names.event),
                    SLICE_ARG(explainer->names.event_organization));
}

/* Step 2. */
static void step_person(struct explainer *explainer)
{
    const struct entry *person = &explainer->entries.person;
    struct slice none = {0};

    if (person->kind == TREE_OTHER)
        explain_decide(explainer, E_DENIED, 2, none, "there is no person %s: denied",
                       explainer->uid);
    else if (!person->active)
        explain_decide(explainer, E_DENIED, 2, person->dn, "the person %s is inactive: denied",
                       explainer->uid);
    else
        explain_say(explainer, 2, person->dn, "the person %s is active", explainer->uid);
}

/* What a window says at this time, in words. */
static void window_words(const struct window *window, int64_t now_ms, char *buf, size_t size)
{
    char from[WHEN_MAX], until[WHEN_MAX];
    bool begun = window->not_before <= now_ms, over = now_ms >= window->not_after;

    if (!window->present)
        (void)snprintf(buf, size, "is not for the person that it is named as");
    else if (!window->active)
        (void)snprintf(buf, size, "is inactive");
    else if (!begun)
        (void)snprintf(buf, size, "is valid only from %s on", when(window->not_before, from));
    else if (over)
        (void)snprintf(buf, size, "was valid until %s", when(window->not_after, until));
    else
        (void)snprintf(buf, size, "is valid%s%s%s%s",
                       window->not_before != INT64_MIN ? " since " : "",
                       window->not_before != INT64_MIN ? when(window->not_before, from) : "",
                       window->not_after != INT64_MAX ? " until " : "",
                       window->not_after != INT64_MAX ? when(window->not_after, until) : "");
}

static void say_membership(struct explainer *explainer, enum membership_kind kind, const char *name)
{
    const struct subject *subject = &explainer->subject.subject;
    const struct entry *entry = &explainer->entries.membership[kind];
    char words[128];

    if (entry->kind == TREE_OTHER) {
        explain_say(explainer, 3, entry->dn, "the membership in %s does not exist", name);
        return;
    }
    window_words(&subject->membership[kind], explainer->now_ms, words, sizeof(words));
    explain_say(explainer, 3, entry->dn, "the membership in %s %s", name, words);
    if (kind != MEMBERSHIP_EVENT || window_open(&subject->event, explainer->now_ms))
        return;
    window_words(&subject->event, explainer->now_ms, words, sizeof(words));
    explain_say(explainer, 3, explainer->entries.event.dn, "but the event itself %s", words);
}

/* Step 3. */
static void step_memberships(struct explainer *explainer)
{
    struct slice dn = {0};
    char name[96];

    (void)snprintf(name, sizeof(name), "the event %.*s", SLICE_ARG(explainer->names.event));
    if (explainer->on_event)
        say_membership(explainer, MEMBERSHIP_EVENT, name);
    (void)snprintf(name, sizeof(name), "the organization %.*s",
                   SLICE_ARG(explainer->names.organization));
    say_membership(explainer, MEMBERSHIP_OWN, name);
    say_membership(explainer, MEMBERSHIP_PLATFORM, "the platform");
    for (enum membership_kind kind = MEMBERSHIP_KINDS; kind-- > 0;) {
        if (explainer->valid[kind])
            return;
        if (explainer->entries.membership[kind].kind != TREE_OTHER)
            dn = explainer->entries.membership[kind].dn;
    }
    explain_decide(explainer, E_DENIED, 3, dn, "no membership is valid: denied");
}

/* Step 4. */
static void step_open(struct explainer *explainer)
{
    const struct subject *subject = &explainer->subject.subject;
    const struct viewing_names *names = &explainer->names;

    if (!explainer->on_event)
        explain_say(explainer, 4, (struct slice){0}, "the query is not about an event");
    else if (!subject->event_foreign)
        explain_say(explainer, 4, explainer->entries.event.dn,
                    "the event is the organization's own");
    else if (subject->event_open)
        explain_say(explainer, 4, explainer->entries.event.dn,
                    "the event of %.*s is open to %.*s: shared with it, or it is the primary "
                    "organization",
                    SLICE_ARG(names->event_organization), SLICE_ARG(names->organization));
    else
        explain_decide(explainer, E_DENIED, 4, explainer->entries.event.dn,
                       "the event of %.*s is not shared with %.*s, which is not the primary "
                       "organization either: denied",
                       SLICE_ARG(names->event_organization), SLICE_ARG(names->organization));
}

/* Step 5. */
static void step_event_scope(struct explainer *explainer)
{
    struct slice text = slice_of("all");
    const struct view_value *value = explain_setting(explainer, true, "event-scope", &text);
    struct slice dn = value != NULL ? value->dn : (struct slice){0};
    bool exempt = explainer->valid[MEMBERSHIP_EVENT] || explainer->valid[MEMBERSHIP_PLATFORM];

    if (!explainer->on_event)
        explain_say(explainer, 5, (struct slice){0}, "so event-scope does not matter");
    else if (!slice_is(text, "specific"))
        explain_say(explainer, 5, dn, "the setting event-scope is %.*s%s", SLICE_ARG(text),
                    value == NULL ? ", given nowhere" : "");
    else if (exempt)
        explain_say(explainer, 5, dn,
                    "the setting event-scope is specific, and there is a membership in the %s",
                    explainer->valid[MEMBERSHIP_EVENT] ? "event" : "platform");
    else
        explain_decide(explainer, E_DENIED, 5, dn,
                       "the setting event-scope is specific, and no membership in the event or "
                       "the platform is valid: denied");
}

/* Step 6. of: words before, for a permission that is required. */
static void step_channel(struct explainer *explainer, const struct permission *permission,
                         struct slice id, bool required)
{
    struct slice channel = explainer->query.channel, dn = permission_dn(explainer, id);
    int step = required ? 8 : 6;

    if (permission->channel.len == 0)
        explain_say(explainer, step, dn, "%.*s counts in every channel", SLICE_ARG(id));
    else if (slice_equal(permission->channel, channel))
        explain_say(explainer, step, dn, "%.*s counts in the channel %.*s, which the query names",
                    SLICE_ARG(id), SLICE_ARG(channel));
    else
        explain_decide(explainer, E_DENIED, step, dn,
                       "%.*s counts in the channel %.*s alone, and the query names %.*s: denied",
                       SLICE_ARG(id), SLICE_ARG(permission->channel),
                       channel.len > 0 ? (int)channel.len : 4,
                       channel.len > 0 ? channel.data : "none");
}

/* Step 7. */
static void step_editing(struct explainer *explainer, const struct permission *permission,
                         struct slice id, bool required)
{
    struct slice text = slice_of("edit"), dn = permission_dn(explainer, id);
    const struct view_value *value = explain_setting(explainer, false, "shared-events", &text);
    int step = required ? 8 : 7;

    if (!permission->editing)
        explain_say(explainer, step, dn, "%.*s is not for editing events", SLICE_ARG(id));
    else if (!explainer->on_event || !explainer->subject.subject.event_foreign)
        explain_say(explainer, step, dn,
                    "%.*s is for editing, and no other organization's event is asked about",
                    SLICE_ARG(id));
    else if (!slice_is(text, "read-only"))
        explain_say(explainer, step, value != NULL ? value->dn : dn,
                    "%.*s is for editing, and the setting shared-events is %.*s%s", SLICE_ARG(id),
                    SLICE_ARG(text), value == NULL ? ", given nowhere" : "");
    else
        explain_decide(explainer, E_DENIED, step, value->dn,
                       "%.*s is for editing, the event is another organization's, and the setting "
                       "shared-events is read-only: denied",
                       SLICE_ARG(id));
}

/* Steps 6 to 8 for one permission. True when they allow. */
static bool step_permission(struct explainer *explainer, const struct permission *permission,
                            struct slice id, bool required)
{
    step_channel(explainer, permission, id, required);
    if (!explainer->decided)
        step_editing(explainer, permission, id, required);
    return !explainer->decided && explain_layers(explainer, id, required);
}

/* The rest of step 8. */
static void step_requires(struct explainer *explainer, const struct permission *asked,
                          struct slice asked_id)
{
    const struct catalogue *catalogue = explainer->view->catalogue;
    struct permission permission = *asked;
    struct slice id = asked_id, next;

    for (int i = 0; permission.requires != REQUIRES_NOTHING; i++) {
        struct slice dn = permission_dn(explainer, id);

        if (i == REQUIRES_CHAIN_MAX)
            explain_decide(explainer, E_DENIED, 8, permission_dn(explainer, asked_id),
                           "what %.*s requires goes round in a circle or is over %d long: denied",
                           SLICE_ARG(asked_id), REQUIRES_CHAIN_MAX);
        else if (permission.requires < 0 ||
                 catalogue_at(catalogue, (unsigned)permission.requires, &permission, &next) != 0)
            explain_decide(explainer, E_DENIED, 8, dn,
                           "%.*s requires a permission that the catalogue does not hold: denied",
                           SLICE_ARG(id));
        else
            explain_say(explainer, 8, dn, "%.*s requires %.*s too", SLICE_ARG(id), SLICE_ARG(next));
        if (explainer->decided)
            return;
        id = next;
        if (!step_permission(explainer, &permission, id, true))
            return;
    }
}

/* Step 9, and the end. */
static void step_factor(struct explainer *explainer, const struct permission *permission,
                        struct slice id)
{
    struct slice dn = permission_dn(explainer, id);

    if (permission->factor && explainer->query.factor <= FACTOR_NONE) {
        explain_decide(explainer, E_STEPUP, 9, dn,
                       "%.*s needs a second factor, and the query names none: a second factor "
                       "first",
                       SLICE_ARG(id));
        return;
    }
    explain_say(explainer, 9, dn,
                permission->factor ? "%.*s needs a second factor, which the query names"
                                   : "%.*s needs no second factor",
                SLICE_ARG(id));
    explainer->steps[explainer->granting].deciding = true;
    explainer->decided = true;
    explainer->decision = (struct decision){.result = 0, .step = 8};
}

static void walk(struct explainer *explainer, const struct permission *permission)
{
    static void (*const about_people[])(struct explainer * explainer) = {
        step_person, step_memberships, step_open, step_event_scope};
    struct slice id = explainer->query.permission;

    step_known(explainer, permission);
    for (size_t i = 0; i < 4 && !explainer->decided; i++)
        about_people[i](explainer);
    if (explainer->decided || !step_permission(explainer, permission, id, false))
        return;
    step_requires(explainer, permission, id);
    if (!explainer->decided)
        step_factor(explainer, permission, id);
}

static struct slice quoted(struct arena *arena, struct slice text)
{
    char buf[LOG_QUOTE_MAX];

    return arena_copy(arena, slice_of(log_quote(text, buf)));
}

static void on_value(void *context, const struct view_value *value)
{
    struct explain_values *values = context;
    struct view_value *copy;

    if (values->count == values->size) {
        size_t size = values->size > 0 ? values->size * 2 : 64;

        copy = arena_alloc(values->arena, size * sizeof(*copy));
        if (values->count > 0)
            memcpy(copy, values->values, values->count * sizeof(*copy));
        values->values = copy;
        values->size = size;
    }
    copy = &values->values[values->count++];
    *copy = *value;
    copy->value = arena_copy(values->arena, value->value);
    copy->dn = arena_copy(values->arena, value->dn);
    copy->via = arena_copy(values->arena, value->via);
    copy->included_by = arena_copy(values->arena, value->included_by);
    copy->organization = arena_copy(values->arena, value->organization);
}

/* Everything that the steps look at. The entries come last: they stay till the view is asked
 * again. */
static int gather(struct explainer *explainer, struct slice organization, struct slice uid)
{
    struct view *view = explainer->view;
    struct slice owner = {0}, event = {0};
    struct subject ignored;
    int err;

    if (explainer->on_event) {
        owner = explainer->query.scope.organization;
        event = explainer->query.scope.name;
    }
    err = view_subject(view, organization, uid, owner, event, explainer->now_ms, explainer->arena,
                       &explainer->subject);
    if (err == 0)
        err = view_values(view, organization, uid, owner, event, explainer->now_ms, on_value,
                          &explainer->grants);
    if (err == 0)
        err = view_settings(view, organization, uid, owner, event, explainer->now_ms, on_value,
                            &explainer->settings);
    if (err != 0)
        return err;
    viewing_fold(organization, uid, owner, event, &explainer->names);
    arena_reset(view->batch.arena);
    viewing_read(view, &explainer->names, &explainer->entries, &ignored);
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++)
        explainer->valid[kind] = subject_valid(&explainer->subject.subject, kind,
                                               explainer->on_event, explainer->now_ms);
    return view->batch.txn.err;
}

static int explain_parsed(struct explainer *explainer, struct slice organization, struct slice uid)
{
    struct permission permission;
    struct decision decision;
    bool known;
    int err;

    explainer->on_event = explainer->query.scope.kind == SCOPE_EVENT;
    if (explainer->on_event && explainer->query.scope.organization.len == 0)
        explainer->query.scope.organization = organization;
    err = gather(explainer, organization, uid);
    if (err != 0)
        return err;
    known =
        catalogue_find(explainer->view->catalogue, explainer->query.permission, &permission) == 0;
    walk(explainer, known ? &permission : NULL);
    (void)view_ask(explainer->view, organization, &explainer->subject, &explainer->query,
                   explainer->now_ms, &decision);
    if (!explainer->decided || explainer->decision.result != decision.result ||
        explainer->decision.step != decision.step)
        return E_INTERNAL;
    explainer->decision.kind = decision.kind;
    return 0;
}

int explain(struct view *view, struct slice organization, struct slice uid, struct slice query,
            const enum factor *factor, int64_t now_ms, struct arena *arena, struct explanation *ret)
{
    struct explainer explainer = {
        .view = view,
        .arena = arena,
        .now_ms = now_ms,
        .organization = quoted(arena, organization).data,
        .uid = quoted(arena, uid).data,
        .grants = {.arena = arena},
        .settings = {.arena = arena},
    };
    int err = 0;

    if (query_parse(query, &explainer.query) != 0) {
        explain_decide(&explainer, E_SYNTAX, 1, (struct slice){0},
                       "the query %s is not resource:action[@scope][;channel=...][;factor=...]: "
                       "an error",
                       quoted(arena, query).data);
        explainer.decision.kind = MEMBERSHIP_KINDS;
    } else {
        if (factor != NULL)
            explainer.query.factor = *factor;
        err = explain_parsed(&explainer, organization, uid);
    }
    if (err != 0)
        return err;
    *ret = (struct explanation){
        .decision = explainer.decision, .steps = explainer.steps, .count = explainer.count};
    return 0;
}
