/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/login.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cache/tree.h"
#include "rules/ledger.h"
#include "rules/person.h"
#include "store/entry.h"
#include "store/password.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

int login_set(char *field, size_t size, struct slice value)
{
    size_t len = value.len < size ? value.len : size - 1;
    bool whole = value.len < size;

    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        whole = false;
    if (len > 0)
        memcpy(field, value.data, len);
    field[len] = '\0';
    return whole ? 0 : E_LIMIT;
}

void login_clear(struct login *login)
{
    arena_free(login->arena);
    mem_wipe(login, sizeof(*login));
}

void login_answer(struct login *login, int err, enum verify_state state, enum text text)
{
    login->err = err;
    login->state = state;
    utf8_format(login->text, sizeof(login->text), "%s", text_in(login->language, text));
}

void login_fail(struct login *login, int err, const char *format, ...)
{
    va_list args;

    login->err = err;
    login->state = VERIFY_STATE_REFUSED;
    va_start(args, format);
    utf8_vformat(login->text, sizeof(login->text), format, args);
    va_end(args);
}

void login_unavailable(struct login *login, int err)
{
    login_answer(login, err, VERIFY_STATE_REFUSED, TEXT_UNAVAILABLE);
    log_debug("a login could not be checked: %s", err_name(err));
}

/* Organization names are compared folded everywhere. */
static void fold_text(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

int login_find(const struct login_context *context, struct login *login)
{
    struct slice owner;
    int rc;

    if (login->arena == NULL)
        login->arena = arena_new();
    arena_reset(login->arena);
    login->person = NULL;
    login->uid[0] = '\0';
    login->dn_len = 0;
    fold_text(login->organization);
    rc = login->by_id
             ? person_find_id(context, login->arena, login->user, &login->person)
             : person_find(context, login->arena, login->user, login->organization, &login->person);
    if (rc < 0) {
        login_unavailable(login, rc);
        return rc;
    }
    owner = ledger_owner(login->arena, login->person, login->user);
    login->key = XXH3_64bits_withSeed(owner.data, owner.len, (XXH64_hash_t)login->factor + 1);
    if (login->key == 0)
        login->key = 1;
    if (login->factor == VERIFY_NONE)
        login->key = 0; /* tries nothing */
    if (login->person != NULL) {
        (void)login_set(login->uid, sizeof(login->uid), login->person->uid);
        (void)login_set(login->dn, sizeof(login->dn), login->person->dn);
        login->dn_len = login->person->dn.len;
    }
    login->err = 0;
    return 0;
}

void login_step(const struct login_context *context, struct login *login,
                void (*first)(const struct login_context *context, struct login *login))
{
    void (*step)(const struct login_context *, struct login *) =
        login->hashed != NULL ? login->hashed : first;

    login->hashed = NULL;
    step(context, login);
    step = login->proven;
    if (login->hash != NULL || step == NULL)
        return;
    login->proven = NULL;
    step(context, login);
}

void login_hash(const struct login_context *context, struct login *login)
{
    login->hash(context, login);
    login->hash = NULL;
}

void login_unhashed(struct login *login, int err)
{
    login->pin.err = err;
    login->hash = NULL;
}

bool login_is_somebody(const struct login *login)
{
    return login->person != NULL && login->person->active;
}

struct slice login_limit_key(const struct login *login)
{
    char *name;

    if (login->person != NULL)
        return login->person->usher_id;
    name = arena_printf(login->arena, "%s", login->user);
    fold_text(name);
    return slice_of(name);
}

/* Whether the store has this service, and an active one. Errors are the store's. */
static int service_read(const struct login_context *context, struct login *login, struct slice dn,
                        bool *ret_known, bool *ret_active)
{
    static const char *const attributes[] = {"objectClass", "usherActive", NULL};
    struct store_entry entry;
    int rc =
        store_read(context->store, login->arena, dn, attributes, login_deadline(context), &entry);

    *ret_known = rc == 0;
    *ret_active = rc == 0 && value_bool(store_value(&entry, "usheractive"), true);
    return rc == E_NOTFOUND ? 0 : rc;
}

/* The password, counted; a service that is not there shares its entry with other names of nobody.
 */
static int service_check(const struct login_context *context, struct login *login, struct slice dn)
{
    const char *key = login->peer.local ? "password@local" : "password@net";
    struct lockout mine;
    struct slice owner;
    bool known, active;
    int rc = service_read(context, login, dn, &known, &active);

    if (rc < 0)
        return rc;
    owner = known ? slice_of(arena_printf(login->arena, "service-%016llx",
                                          (unsigned long long)XXH3_64bits(dn.data, dn.len)))
                  : ledger_owner(login->arena, NULL, login->user);
    rc = ledger_reserve(context, login->arena, owner, key, &mine);
    login->locked = rc == E_DENIED;
    if (rc < 0)
        return rc;
    rc = store_bind_check(context->store, dn, secret_slice(&login->secret), login_deadline(context),
                          NULL);
    if (rc < 0 && rc != E_AUTH)
        (void)ledger_uncount(context, login->arena, owner, &mine);
    if (rc == 0 && !active)
        rc = E_AUTH;
    return rc == 0 ? ledger_success(context, login->arena, owner, &mine, true) : rc;
}

void login_service(const struct login_context *context, struct login *login)
{
    struct slice dn = slice_of(login->user);
    struct tree_place place;
    int rc = E_AUTH;

    login->arena = arena_new();
    if (tree_place(dn, context->base, &place) == 0 && place.kind == TREE_SERVICE)
        rc = service_check(context, login, dn);
    if (rc == E_AUTH || rc == E_DENIED || rc == E_NOTFOUND || rc == E_UNWILLING) {
        login_answer(login, E_AUTH, VERIFY_STATE_REFUSED, TEXT_REFUSED);
        return;
    }
    if (rc < 0) {
        login_unavailable(login, rc);
        return;
    }
    (void)login_set(login->uid, sizeof(login->uid), place.name);
    (void)login_set(login->organization, sizeof(login->organization), place.organization);
    (void)login_set(login->dn, sizeof(login->dn), dn);
    login->dn_len = dn.len;
    login->err = 0;
}
