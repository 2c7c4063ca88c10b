/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A view is a snapshot with its catalogue and the pool of roles and groups met so far, which many
 * people share. What a call reads lies in the snapshot's arena till the next call.
 */
#include "cache/view.h"
#include "base/bitset.h"
#include "base/err.h"
#include "cache/index.h"
#include "cache/member.h"
#include "cache/permissions.h"
#include "cache/snapshot.h"
#include "cache/viewing.h"

#include <stdlib.h>
#include <string.h>

int view_open(struct state *state, struct view **ret)
{
    struct view *view = mem_alloc(sizeof(*view));
    int err = snapshot_begin(state, &view->batch);

    if (err == 0) {
        view->catalogue = permissions_load(&view->batch);
        view->pool = pool_new(&view->batch);
        err = view->batch.txn.err;
    }
    if (err != 0) {
        view_close(view);
        return err;
    }
    *ret = view;
    return 0;
}

void view_close(struct view *view)
{
    if (view == NULL)
        return;
    pool_free(view->pool);
    catalogue_free(view->catalogue);
    snapshot_end(&view->batch);
    free(view);
}

const struct catalogue *view_catalogue(const struct view *view)
{
    return view->catalogue;
}

/* An organization's own settings are the one layer of a profile. */
static int organization_profile(struct view *view, const struct entry *organization,
                                struct arena *arena, struct profile *ret)
{
    const struct entry_values *settings = &organization->lists[ENTRY_SETTINGS];
    const struct resolve_input input = {
        .values = {.settings = settings->values, .setting_count = settings->count}};

    return resolve(view->catalogue, &input, arena, NULL, NULL, ret);
}

/* Denies what there is, as the table does for what cannot be resolved. */
static struct profile profile_denied(const struct view *view, struct arena *arena)
{
    unsigned bits = catalogue_bits(view->catalogue);
    struct profile profile = {.words = BITSET_WORDS(bits)};

    profile.bits.granted = arena_alloc(arena, profile.words * sizeof(uint64_t));
    profile.bits.denied = arena_alloc(arena, profile.words * sizeof(uint64_t));
    for (unsigned bit = 0; bit < bits; bit++)
        bitset_set(profile.bits.denied, bit);
    return profile;
}

static int membership_profile(struct view *view, const struct entry *membership,
                              struct arena *arena, struct profile *ret, bool *ret_denied_all)
{
    struct pool_input input;
    struct sources sources;
    int err;

    member_sources(&view->batch, membership, &sources);
    pool_input(view->pool, &sources, &input);
    if (view->batch.txn.err != 0)
        return view->batch.txn.err;
    err = resolve(view->catalogue, &input.input, arena, NULL, NULL, ret);
    if (err == E_LIMIT) {
        *ret = profile_denied(view, arena);
        *ret_denied_all = true;
        err = 0;
    }
    return err;
}

/* Whether the setting's effective value is this, the organization's own coming last. */
static bool setting_is(const struct view_subject *subject, bool own_only, const char *name,
                       const char *value)
{
    for (enum membership_kind kind = 0; kind < MEMBERSHIP_KINDS; kind++) {
        struct slice found;

        if (!subject->has_profile[kind] || (own_only && kind != MEMBERSHIP_OWN))
            continue;
        found = profile_setting(&subject->profile[kind], slice_of(name));
        if (found.data != NULL)
            return slice_is(found, value);
    }
    return slice_is(profile_setting(&subject->organization, slice_of(name)), value);
}

static int fill_subject(struct view *view, const struct viewing_names *names, int64_t now_ms,
                        struct arena *arena, struct view_subject *out)
{
    struct viewing_entries entries;
    int err;

    viewing_read(view, names, &entries, &out->subject);
    err = organization_profile(view, &entries.organization, arena, &out->organization);
    for (enum membership_kind kind = 0; err == 0 && kind < MEMBERSHIP_KINDS; kind++) {
        if (entries.membership[kind].kind == TREE_OTHER)
            continue;
        out->membership_dn[kind] = arena_copy(arena, entries.membership[kind].dn);
        out->has_profile[kind] = subject_valid(&out->subject, kind, names->on_event, now_ms);
        if (out->has_profile[kind])
            err = membership_profile(view, &entries.membership[kind], arena, &out->profile[kind],
                                     &out->denied_all[kind]);
    }
    out->subject.event_scope_specific = setting_is(out, true, "event-scope", "specific");
    out->subject.shared_read_only = setting_is(out, false, "shared-events", "read-only");
    return err != 0 ? err : view->batch.txn.err;
}

int view_subject(struct view *view, struct slice organization, struct slice uid,
                 struct slice event_organization, struct slice event, int64_t now_ms,
                 struct arena *arena, struct view_subject *ret)
{
    struct view_subject out = {0};
    struct viewing_names names;
    int err;

    arena_reset(view->batch.arena);
    viewing_fold(organization, uid, event_organization, event, &names);
    err = fill_subject(view, &names, now_ms, arena, &out);
    if (err == 0)
        *ret = out;
    return err;
}

struct asked {
    const struct view *view;
    const struct view_subject *subject;
};

static enum verdict on_verdict(void *context, enum membership_kind kind, unsigned bit,
                               const struct scope *scope)
{
    const struct asked *asked = context;

    return profile_verdict(&asked->subject->profile[kind], bit, scope);
}

static int on_permission(void *context, unsigned bit, struct permission *ret)
{
    const struct asked *asked = context;

    return catalogue_at(asked->view->catalogue, bit, ret, NULL);
}

int view_ask(const struct view *view, struct slice organization, const struct view_subject *subject,
             const struct query *query, int64_t now_ms, struct decision *ret)
{
    struct asked asked = {.view = view, .subject = subject};
    struct decide_source source = {&asked, on_verdict, on_permission};
    struct query complete = *query;
    struct permission permission;
    bool known = catalogue_find(view->catalogue, query->permission, &permission) == 0;

    if (complete.scope.kind == SCOPE_EVENT && complete.scope.organization.len == 0)
        complete.scope.organization = organization;
    *ret = decide(&complete, known ? &permission : NULL, &subject->subject, &source, now_ms);
    return ret->result;
}

int view_decide(struct view *view, struct slice organization, struct slice uid,
                const struct query *query, int64_t now_ms, struct decision *ret)
{
    bool on_event = query->scope.kind == SCOPE_EVENT;
    struct slice event = on_event ? query->scope.name : (struct slice){0};
    struct slice owner = on_event ? query->scope.organization : (struct slice){0};
    struct arena *arena = arena_new();
    struct view_subject subject;
    int err;

    if (on_event && owner.len == 0)
        owner = organization;
    err = view_subject(view, organization, uid, owner, event, now_ms, arena, &subject);
    if (err == 0)
        err = view_ask(view, organization, &subject, query, now_ms, ret);
    arena_free(arena);
    return err;
}

struct members {
    struct batch *batch;
    struct slice organization;
    struct slice event;
    int (*on_member)(void *context, struct slice uid, struct slice dn);
    void *context;
};

static int on_name(void *context, struct slice uid)
{
    const struct members *members = context;
    struct buffer dn;
    int err;

    buffer_init(&dn);
    err = tree_membership_dn(members->batch->base, members->organization, members->event, uid, &dn);
    if (err == 0)
        err = members->on_member(members->context, uid, buffer_slice(&dn));
    buffer_clear(&dn);
    return err;
}

int view_members(struct view *view, struct slice organization, struct slice event,
                 int (*on_member)(void *context, struct slice uid, struct slice dn), void *context)
{
    struct viewing_names names;
    struct members members = {.batch = &view->batch, .on_member = on_member, .context = context};
    struct buffer dn;
    int err;

    viewing_fold(organization, (struct slice){0}, organization, event, &names);
    if (names.organization.len == 0 || (names.on_event && names.event.len == 0))
        return 0;
    members.organization = names.organization;
    members.event = names.event;
    buffer_init(&dn);
    err = tree_members_dn(view->batch.base, names.organization, names.event, &dn);
    if (err == 0)
        err = index_names(&view->batch, buffer_slice(&dn),
                          names.on_event ? TREE_EVENT_MEMBERSHIP : TREE_MEMBERSHIP, on_name,
                          &members);
    buffer_clear(&dn);
    return err != 0 ? err : view->batch.txn.err;
}
