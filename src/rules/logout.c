/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Logging out everywhere: usherAuthEpoch is raised by swap, and whatever was handed out under an
 * older one, tickets today, is refused from then on by every gateway. Knows no connections.
 */
#include "base/err.h"
#include "rules/login.h"
#include "rules/person.h"
#include "store/entry.h"

#include <inttypes.h>
#include <stdlib.h>

#define EPOCH_TRIES 32 /* swaps lost to others before we say busy */

static int epoch_raise_once(const struct login_context *context, struct login *login)
{
    static const char *const attributes[] = {"usherAuthEpoch", NULL};
    struct modification changes[2];
    struct store_entry entry;
    struct slice old, raised;
    size_t count = 0;
    int64_t epoch = 0;
    int rc = store_read(context->store, login->arena, login->person->dn, attributes,
                        login_deadline(context), &entry);

    if (rc < 0)
        return rc;
    old = store_value(&entry, "usherauthepoch");
    if (old.len > 0 && old.len < 19)
        epoch = strtoll(old.data, NULL, 10);
    if (epoch < 0 || epoch >= LOGIN_EPOCH_MOST)
        return E_LIMIT;
    raised = slice_of(arena_printf(login->arena, "%" PRId64, epoch + 1));
    if (old.len > 0)
        changes[count++] =
            (struct modification){.kind = 1, .attribute = {slice_of("usherAuthEpoch"), &old, 1}};
    changes[count++] =
        (struct modification){.kind = 0, .attribute = {slice_of("usherAuthEpoch"), &raised, 1}};
    return store_modify(context->store, login->arena, login->person->dn, changes, count,
                        old.len > 0 ? NULL : "(!(usherAuthEpoch=*))", login_deadline(context),
                        NULL);
}

void login_logout(const struct login_context *context, struct login *login)
{
    bool self = login->person != NULL && login->peer.person[0] != '\0' &&
                slice_is(login->person->uid, login->peer.person);
    int rc = E_CONFLICT;

    if (!login->peer.admin && !self) {
        login_fail(login, E_ACCESS, "you may log out only yourself");
        return;
    }
    if (login->person == NULL) {
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
        return;
    }
    for (int i = 0; rc == E_CONFLICT && i < EPOCH_TRIES; i++)
        rc = epoch_raise_once(context, login);
    if (rc == 0) {
        login->err = 0;
        login->state = VERIFY_STATE_COMPLETE;
    } else if (rc == E_LIMIT)
        login_fail(login, rc, "the usherAuthEpoch of \"%s\" cannot be raised any further",
                   login->uid);
    else
        login_unavailable(login, rc == E_CONFLICT ? E_BUSY : rc);
}
