/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cookies are gathered in pending and become committed with the batch. A batch is opened when there
 * is something to put into it, so that a cookie that says nothing new costs no transaction.
 */
#include "store/apply.h"
#include "base/err.h"

/* What an entry is to the evaluator. Nothing stands below a leaf, and every login writes it. */
enum standing { STANDING_OTHER, STANDING_OURS, STANDING_LEAF };

static const struct {
    const char *name;
    enum standing standing;
} apply_classes[] = {
    {"usherPerson", STANDING_OURS},       {"usherMembership", STANDING_OURS},
    {"usherGroup", STANDING_OURS},        {"usherRole", STANDING_OURS},
    {"usherOrganization", STANDING_OURS}, {"usherPermission", STANDING_OURS},
    {"usherEvent", STANDING_OURS},        {"usherService", STANDING_OURS},
    {"usherLedger", STANDING_LEAF},
};

int apply_init(struct apply *apply, struct state *state)
{
    struct arena *arena = arena_new();
    struct slice cookie = {NULL, 0};
    int err = state_cookie(state, arena, &cookie);

    if (err == 0) {
        *apply = (struct apply){.state = state, .watching = true};
        if (csn_set_add_cookie(&apply->committed, cookie) != 0)
            apply->committed.count = 0;
        apply->pending = apply->committed;
    }
    arena_free(arena);
    return err;
}

static int apply_open(struct apply *apply)
{
    int err = apply->open ? 0 : state_begin(apply->state);

    apply->open = apply->open || err == 0;
    return err;
}

int apply_refresh(struct apply *apply)
{
    int err = apply_open(apply);

    if (err == 0)
        err = state_refresh_begin(apply->state);
    if (err != 0)
        return err;
    apply->refreshing = true;
    apply->asked = apply->committed.count > 0;
    apply->purge = !apply->asked;
    apply->watching = apply->watching && apply->asked;
    apply->full += apply->purge ? 1 : 0;
    apply->pending = apply->committed;
    return 0;
}

/* Persist phase: a message carries the CSN of its own server id alone, so sets are joined. */
static int cookie_take(struct apply *apply, struct slice cookie)
{
    if (cookie.data == NULL || apply->refreshing)
        return 0;
    if (csn_set_add_cookie(&apply->pending, cookie) != 0)
        return E_PROTO;
    return csn_set_covers(&apply->committed, &apply->pending) ? 0 : apply_open(apply);
}

static size_t entry_weight(const struct store_entry *entry)
{
    size_t bytes = entry->dn.len;

    for (size_t i = 0; i < entry->attribute_count; i++)
        for (size_t j = 0; j < entry->attributes[i].value_count; j++)
            bytes += entry->attributes[i].values[j].len;
    return bytes;
}

static enum standing entry_standing(const struct store_entry *entry)
{
    const struct attribute *classes = store_attribute(entry, "objectclass");
    enum standing standing = STANDING_OTHER;

    for (size_t i = 0; classes != NULL && i < classes->value_count; i++)
        for (size_t j = 0; j < sizeof(apply_classes) / sizeof(apply_classes[0]); j++)
            if (apply_classes[j].standing > standing &&
                slice_equal_fold(classes->values[i], slice_of(apply_classes[j].name)))
                standing = apply_classes[j].standing;
    return standing;
}

static int entry_put(struct apply *apply, const uint8_t *uuid, const struct store_entry *entry)
{
    enum standing standing = entry_standing(entry);
    bool other = standing == STANDING_OTHER;

    if (standing == STANDING_LEAF)
        return state_delete(apply->state, uuid);
    if (apply->watching &&
        state_moves(apply->state, uuid, entry->dn, other && apply->vain < APPLY_VAIN_MAX)) {
        apply->vain++;
        return E_STALE;
    }
    if (other)
        return state_put_other(apply->state, uuid, entry->dn);
    return state_put(apply->state, uuid, entry->dn, entry->attributes, entry->attribute_count);
}

int apply_entry(struct apply *apply, const struct syncmsg_state *message,
                const struct store_entry *entry)
{
    int err = apply_open(apply);

    if (err != 0)
        return err;
    apply->entries++;
    apply->received++;
    switch (message->kind) {
    case SYNCMSG_ADD:
    case SYNCMSG_MODIFY:
        apply->bytes += entry_weight(entry);
        err = entry_put(apply, message->uuid, entry);
        break;
    case SYNCMSG_DELETE:
        err = state_delete(apply->state, message->uuid);
        break;
    case SYNCMSG_PRESENT:
        err = apply->asked ? E_STALE : state_present(apply->state, message->uuid);
        break;
    }
    return err != 0 ? err : cookie_take(apply, message->cookie);
}

static int refresh_finish(struct apply *apply, struct slice cookie)
{
    int err = apply->purge ? state_refresh_end(apply->state) : 0;

    if (err == 0)
        err = state_refresh_done(apply->state);
    if (err != 0)
        return err;
    apply->refreshing = false;
    apply->refreshed = true;
    apply->watching = true;
    return cookie_take(apply, cookie);
}

void apply_proven(struct apply *apply)
{
    apply->watching = false;
    apply->vain = 0;
}

static int id_set_take(struct apply *apply, const struct syncmsg_info *message)
{
    int err = 0;

    if (!message->deletes && apply->asked)
        return E_STALE;
    for (size_t i = 0; err == 0 && i < message->uuid_count; i++) {
        const uint8_t *uuid = message->uuids + i * SYNCMSG_UUID;

        err =
            message->deletes ? state_delete(apply->state, uuid) : state_present(apply->state, uuid);
    }
    apply->entries += message->uuid_count;
    return err;
}

int apply_info(struct apply *apply, const struct syncmsg_info *message)
{
    int err;

    if (message->tag == SYNCMSG_NEW_COOKIE)
        return cookie_take(apply, message->cookie);
    if ((err = apply_open(apply)) != 0)
        return err;
    if (message->tag == SYNCMSG_ID_SET) {
        err = id_set_take(apply, message);
        return err != 0 ? err : cookie_take(apply, message->cookie);
    }
    if (!apply->refreshing)
        return E_PROTO;
    if (message->tag == SYNCMSG_REFRESH_PRESENT)
        apply->purge = true;
    return message->done ? refresh_finish(apply, message->cookie) : 0;
}

bool apply_full(const struct apply *apply)
{
    size_t max = state_filled(apply->state) ? APPLY_ENTRIES_MAX : APPLY_FILL_MAX;

    return apply->entries >= max || apply->bytes >= APPLY_BYTES_MAX;
}

static void apply_closed(struct apply *apply)
{
    apply->open = false;
    apply->refreshed = false;
    apply->entries = 0;
    apply->bytes = 0;
}

/* Commits, unless err says that something failed before. The batch is over either way. */
static int apply_end(struct apply *apply, int err)
{
    if (err == 0) {
        err = state_commit(apply->state);
        apply->open = false;
    }
    if (err != 0)
        apply_abort(apply);
    return err;
}

int apply_commit(struct apply *apply)
{
    char cookie[CSN_COOKIE_MAX];
    int err = 0;

    if (!apply->open)
        return 0;
    if (!csn_set_covers(&apply->committed, &apply->pending))
        err = state_set_cookie(apply->state, slice_of(csn_set_cookie(&apply->pending, cookie)));
    err = apply_end(apply, err);
    if (err != 0)
        return err;
    apply->committed = apply->pending;
    apply->batches++;
    apply->refreshes += apply->refreshed ? 1 : 0;
    apply_closed(apply);
    return 0;
}

void apply_abort(struct apply *apply)
{
    if (apply->open)
        state_abort(apply->state);
    apply->pending = apply->committed;
    apply->refreshing = false;
    apply_closed(apply);
}

int apply_forget(struct apply *apply)
{
    int err;

    apply_abort(apply);
    err = apply_open(apply);
    if (err == 0)
        err = state_set_cookie(apply->state, (struct slice){"", 0});
    err = apply_end(apply, err);
    if (err != 0)
        return err;
    apply->committed.count = 0;
    apply->pending.count = 0;
    apply_closed(apply);
    return 0;
}
