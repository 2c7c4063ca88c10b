/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values have no equality at the store, so a change replaces all of them, only if the entry is
 * as it was read (entryCSN, RFC 4528).
 */
#include "rules/app_password.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "rules/person.h"
#include "rules/verify.h"
#include "store/entry.h"

#include <string.h>

#define CHANGE_TRIES 32 /* changes lost to others before we say busy */

/* The person's values and the state of the entry that they were read in. */
struct kept {
    struct slice *values;
    size_t count;
    struct slice csn;
};

static int kept_read(const struct login_context *context, struct login *login, struct kept *ret)
{
    static const char *const attributes[] = {"usherAppPassword", "entryCSN", NULL};
    const struct attribute *found;
    struct store_entry entry;
    int rc = store_read(context->store, login->arena, login->person->dn, attributes,
                        login_deadline(context), &entry);

    if (rc < 0)
        return rc;
    found = store_attribute(&entry, "usherapppassword");
    *ret = (struct kept){.csn = store_value(&entry, "entrycsn")};
    if (found != NULL) {
        ret->values = found->values;
        ret->count = found->value_count;
    }
    return 0;
}

static int kept_write(const struct login_context *context, struct login *login,
                      const struct kept *kept, struct slice *values, size_t count)
{
    struct modification change = {.kind = 2,
                                  .attribute = {slice_of("usherAppPassword"), values, count}};

    return store_modify(context->store, login->arena, login->person->dn, &change, 1,
                        arena_printf(login->arena, "(entryCSN=%.*s)", SLICE_ARG(kept->csn)),
                        login_deadline(context), NULL);
}

/* Whether a value is kept by now: nobody else has one sealed like it. */
static bool kept_has(const struct login_context *context, struct login *login, struct slice value)
{
    struct kept kept;
    bool found = false;

    if (kept_read(context, login, &kept) < 0)
        return false;
    for (size_t i = 0; i < kept.count; i++)
        found |= slice_equal(kept.values[i], value);
    return found;
}

/* The service that the login is for; empty: none can be told. A peer's claim counts where the peer
 * is trusted. */
static const char *login_service_name(const struct login *login)
{
    if (login->bind)
        return APP_PASSWORD_BIND;
    if (login->peer.service)
        return login->peer.service_name;
    return login->peer.trusted || login->peer.admin ? login->service : "";
}

/* The password is right: whether it counts here. */
static int app_scope(const struct login_context *context, struct login *login,
                     const struct app_password *password)
{
    int rc;

    if (!login->person->active || strcmp(login_service_name(login), password->service) != 0 ||
        (!login->bind && strcmp(login->organization, password->organization) != 0))
        return E_AUTH;
    rc = membership_valid(context, login->arena, login->person, slice_of(password->organization));
    return rc == E_DENIED ? E_AUTH : rc;
}

static int app_find(const struct login_context *context, struct login *login, const char *letters,
                    struct app_password *ret)
{
    struct kept kept;
    int rc = kept_read(context, login, &kept), found = E_AUTH;

    for (size_t i = 0; rc == 0 && i < kept.count; i++)
        if (app_password_check(context->keys, login->person->usher_id, kept.values[i], letters,
                               ret) == 0)
            found = 0;
    return rc < 0 ? rc : found;
}

bool app_password_login(const struct login_context *context, struct login *login)
{
    struct slice given = secret_slice(&login->secret);
    char letters[APP_PASSWORD_LETTERS];
    struct app_password password;
    int rc;

    if (login->person == NULL || login->factor != VERIFY_PASSWORD ||
        app_password_letters(given, letters) < 0)
        return false;
    rc = app_find(context, login, letters, &password);
    mem_wipe(letters, sizeof(letters));
    if (rc == 0)
        rc = app_scope(context, login, &password);
    if (rc == E_AUTH || rc == E_NOTFOUND)
        return false; /* and wrong as a password, or so it is to be hoped */
    if (rc < 0) {
        login_unavailable(login, rc);
        return true;
    }
    login->app = true;
    (void)login_set(login->organization, sizeof(login->organization),
                    slice_of(password.organization));
    verify_complete(context, login, TICKET_APP);
    return true;
}

/* Who may do this: the administrator for anybody, a person who has come in whole for themself.
 * Answers and returns false when not. */
static bool app_access(struct login *login)
{
    bool self = login->person != NULL && login->peer.person[0] != '\0' &&
                !login->peer.person_enrolling && slice_is(login->person->uid, login->peer.person);

    if (!login->peer.admin && !self)
        login_fail(login, E_ACCESS, "you may see and change only your own application passwords");
    else if (login->person == NULL)
        login_fail(login, E_NOTFOUND, "no such user: \"%s\"", login->user);
    else
        return true;
    return false;
}

static void app_answer(struct login *login, int rc)
{
    if (rc == 0) {
        login->err = 0;
        login->state = VERIFY_STATE_COMPLETE;
    } else if (rc == E_CONFLICT || rc == E_BUSY || rc == E_UNAVAIL || rc == E_TIMEOUT)
        login_unavailable(login, rc == E_CONFLICT ? E_BUSY : rc);
    else
        login_fail(login, rc, "%s", err_text(rc));
}

/* Puts what every value says into the answer. One that does not open is left out, and told. */
static int app_list(const struct login_context *context, struct login *login)
{
    struct kept kept;
    int rc = kept_read(context, login, &kept);

    if (rc < 0)
        return rc;
    login->apps = arena_alloc(login->arena, (kept.count + 1) * sizeof(*login->apps));
    for (size_t i = 0; i < kept.count; i++) {
        if (app_password_open(context->keys, login->person->usher_id, kept.values[i],
                              &login->apps[login->app_count]) == 0)
            login->app_count++;
        else
            log_warning("an application password of %s does not open", login->uid);
    }
    return 0;
}

static int app_create(const struct login_context *context, struct login *login)
{
    char sealed[SEAL_MAX];
    int rc = E_CONFLICT;

    login->app_asked.created_ms = clock_now_ms();
    for (int i = 0; rc == E_CONFLICT && i < CHANGE_TRIES; i++) {
        struct slice *values;
        struct kept kept;

        rc = kept_read(context, login, &kept);
        if (rc < 0)
            break;
        if (kept.count >= APP_PASSWORDS_MAX)
            return E_LIMIT;
        values = arena_alloc(login->arena, (kept.count + 1) * sizeof(*values));
        if (kept.count > 0)
            memcpy(values, kept.values, kept.count * sizeof(*values));
        rc = app_password_new(context->keys, login->person->usher_id, &login->app_asked,
                              login->app_text, sealed);
        if (rc < 0)
            break;
        values[kept.count] = arena_copy(login->arena, slice_of(sealed));
        rc = kept_write(context, login, &kept, values, kept.count + 1);
        if (rc == E_UNAVAIL && kept_has(context, login, values[kept.count]))
            rc = 0; /* the answer was lost */
    }
    if (rc < 0)
        mem_wipe(login->app_text, sizeof(login->app_text));
    return rc;
}

static int app_revoke(const struct login_context *context, struct login *login)
{
    int rc = E_CONFLICT;

    for (int i = 0; rc == E_CONFLICT && i < CHANGE_TRIES; i++) {
        struct app_password password;
        struct slice *values;
        struct kept kept;
        size_t count = 0;

        rc = kept_read(context, login, &kept);
        if (rc < 0)
            break;
        values = arena_alloc(login->arena, (kept.count + 1) * sizeof(*values));
        for (size_t j = 0; j < kept.count; j++)
            if (app_password_open(context->keys, login->person->usher_id, kept.values[j],
                                  &password) < 0 ||
                strcmp(password.id, login->app_asked.id) != 0)
                values[count++] = kept.values[j];
        if (count == kept.count)
            return E_NOTFOUND;
        rc = kept_write(context, login, &kept, values, count);
    }
    return rc;
}

/* A new one has to be of some use. Answers and returns false when not. */
static bool app_useful(const struct login_context *context, struct login *login)
{
    const struct app_password *asked = &login->app_asked;
    int rc;

    if (!app_password_name(slice_of(asked->organization)) ||
        !app_password_name(slice_of(asked->service)) || asked->label[0] == '\0') {
        login_fail(
            login, E_SYNTAX,
            "an application password needs an organization and a service, 1 to 64 of a-z 0-9 "
            ". _ -, and a label");
        return false;
    }
    rc = membership_valid(context, login->arena, login->person, slice_of(asked->organization));
    if (rc == E_DENIED)
        login_fail(login, E_NOTFOUND, "\"%s\" has no valid membership in \"%s\"", login->uid,
                   asked->organization);
    else if (rc < 0)
        app_answer(login, rc);
    return rc == 0;
}

void login_app_password(const struct login_context *context, struct login *login)
{
    static int (*const actions[])(const struct login_context *, struct login *) = {
        [APP_CREATE] = app_create,
        [APP_LIST] = app_list,
        [APP_REVOKE] = app_revoke,
    };
    int rc;

    if (!app_access(login))
        return;
    if (login->app_action == APP_CREATE && !app_useful(context, login))
        return;
    rc = actions[login->app_action](context, login);
    if (rc == E_LIMIT)
        login_fail(login, rc, "a person has at most %d application passwords: revoke one first",
                   APP_PASSWORDS_MAX);
    else if (rc == E_SYNTAX)
        login_fail(login, rc, "a label is 1 to 64 bytes without control characters");
    else if (rc == E_NOTFOUND && login->app_action == APP_REVOKE)
        login_fail(login, rc, "\"%s\" has no application password \"%s\"", login->uid,
                   login->app_asked.id);
    else
        app_answer(login, rc);
}
