/* SPDX-License-Identifier: BSD-2-Clause
 *
 * With an old value the deletion of it is the comparison (the loser gets noSuchAttribute); without
 * one an assertion that the slot is empty (RFC 4528) is.
 */
#include "store/swap.h"
#include "base/err.h"
#include "cache/tree.h"
#include "ldap/filter.h"
#include "store/entry.h"

#include <string.h>

struct swap {
    struct slice dn;
    struct slice usher_id;
    struct slice attribute;
    struct slice old_value;
    struct slice new_value;
    const struct attribute *also;
    const char *assertion; /* NULL with an old value, which is assertion enough */
};

static bool value_fits(struct slice value, struct slice prefix)
{
    return value.data == NULL || prefix.len == 0 ||
           (value.len >= prefix.len && memcmp(value.data, prefix.data, prefix.len) == 0);
}

/* (!(attribute=prefix*)) */
static int assertion_make(struct arena *arena, const char *attribute, struct slice prefix,
                          const char **ret)
{
    struct buffer text;
    int err;

    buffer_init(&text);
    err = filter_escape(prefix, &text);
    if (err == 0)
        *ret = arena_printf(arena, "(!(%s=%.*s*))", attribute, (int)text.len,
                            text.len > 0 ? text.data : "");
    buffer_clear(&text);
    return err;
}

static int swap_modify(struct store *store, struct arena *arena, struct swap *swap,
                       int64_t deadline_ms)
{
    struct modification changes[3];
    size_t count = 0;

    if (swap->old_value.data != NULL)
        changes[count++] =
            (struct modification){.kind = 1, .attribute = {swap->attribute, &swap->old_value, 1}};
    if (swap->new_value.data != NULL)
        changes[count++] =
            (struct modification){.kind = 0, .attribute = {swap->attribute, &swap->new_value, 1}};
    if (swap->also != NULL)
        changes[count++] = (struct modification){.kind = 2, .attribute = *swap->also};
    return store_modify(store, arena, swap->dn, changes, count, swap->assertion, deadline_ms, NULL);
}

/* The entry does not exist: it is made with the value in it. */
static int swap_create(struct store *store, struct arena *arena, struct swap *swap,
                       int64_t deadline_ms)
{
    struct slice class = slice_of("usherLedger");
    struct attribute attributes[4] = {
        {slice_of("objectClass"), &class, 1},
        {slice_of("cn"), &swap->usher_id, 1},
        {swap->attribute, &swap->new_value, 1},
    };
    size_t count = 3;

    if (swap->also != NULL)
        attributes[count++] = *swap->also;
    return store_add(store, arena, swap->dn, attributes, count, deadline_ms, NULL);
}

static int swap_run(struct store *store, struct arena *arena, struct swap *swap,
                    int64_t deadline_ms)
{
    int err = swap_modify(store, arena, swap, deadline_ms);

    if (err != E_NOTFOUND)
        return err;
    if (swap->old_value.data != NULL)
        return E_CONFLICT; /* whatever it was, it is gone */
    err = swap_create(store, arena, swap, deadline_ms);
    if (err != E_EXISTS)
        return err;
    return swap_modify(store, arena, swap, deadline_ms);
}

int swap_value_also(struct store *store, struct arena *arena, struct slice base,
                    struct slice usher_id, const char *attribute, struct slice prefix,
                    struct slice old_value, struct slice new_value, const struct attribute *also,
                    int64_t deadline_ms)
{
    struct swap swap = {.usher_id = usher_id,
                        .attribute = slice_of(attribute),
                        .old_value = old_value,
                        .new_value = new_value,
                        .also = also};
    struct buffer dn;
    int err;

    if ((old_value.data == NULL && new_value.data == NULL) || !value_fits(old_value, prefix) ||
        !value_fits(new_value, prefix))
        return E_INTERNAL;
    buffer_init(&dn);
    err = tree_ledger_dn(base, usher_id, &dn);
    if (err == 0 && old_value.data == NULL)
        err = assertion_make(arena, attribute, prefix, &swap.assertion);
    if (err == 0) {
        swap.dn = buffer_slice(&dn);
        err = swap_run(store, arena, &swap, deadline_ms);
    }
    buffer_clear(&dn);
    return err;
}

int swap_value(struct store *store, struct arena *arena, struct slice base, struct slice usher_id,
               const char *attribute, struct slice prefix, struct slice old_value,
               struct slice new_value, int64_t deadline_ms)
{
    return swap_value_also(store, arena, base, usher_id, attribute, prefix, old_value, new_value,
                           NULL, deadline_ms);
}
