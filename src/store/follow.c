/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libldap is asked with a zero timeout until it has nothing more (ldap_result with LDAP_MSG_ONE):
 * what it has read but not handed out would not wake a poll.
 */
#include "store/follow.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS 200   /* the thread has a heart to beat */
#define BIND_MS    5000  /* for the store to answer the bind */
#define REFRESH_MS 60000 /* without any message, during a refresh */
#define HOLD_MS    200   /* a batch of a refresh is held open for more */

void follow_init(struct follow *follow)
{
    *follow = (struct follow){.upstream = {.fd = -1}, .arena = arena_new()};
}

void follow_clear(struct follow *follow)
{
    follow_close(follow);
    arena_free(follow->arena);
}

void follow_close(struct follow *follow)
{
    apply_abort(follow->apply);
    upstream_close(&follow->upstream);
    follow->stage = FOLLOW_CLOSED;
}

int follow_open(struct follow *follow, int64_t now_ms)
{
    int err = upstream_open(follow->target, now_ms + CONNECT_MS, &follow->upstream);

    follow->text[0] = '\0';
    follow->question = -1;
    if (err == 0)
        err = upstream_read_ahead(&follow->upstream);
    if (err == 0)
        err = upstream_start_external(&follow->upstream, follow->authzid, &follow->bind);
    if (err != 0) {
        upstream_close(&follow->upstream);
        return err;
    }
    follow->stage = FOLLOW_BINDING;
    follow->began_ms = now_ms;
    return 0;
}

/* Keeps what the server says about an error. */
static int answer_check(struct follow *follow, LDAPMessage *message)
{
    struct slice text = {NULL, 0};
    int err = upstream_answer(&follow->upstream, message, follow->arena, &text);

    if (err != 0)
        utf8_copy(text, follow->text, sizeof(follow->text));
    return err;
}

static int search_start(struct follow *follow, int64_t now_ms)
{
    char sync_oid[] = LDAP_CONTROL_SYNC, manage_oid[] = LDAP_CONTROL_MANAGEDSAIT;
    LDAPControl sync = {.ldctl_oid = sync_oid, .ldctl_iscritical = 1};
    LDAPControl manage = {.ldctl_oid = manage_oid}; /* referrals come as entries */
    LDAPControl *controls[] = {&sync, &manage, NULL};
    char cookie[CSN_COOKIE_MAX];
    struct slice value;
    int err = apply_refresh(follow->apply);

    if (err == 0)
        err = syncmsg_request(slice_of(csn_set_cookie(&follow->apply->committed, cookie)),
                              follow->arena, &value);
    if (err != 0)
        return err;
    sync.ldctl_value = (struct berval){value.len, (char *)(uintptr_t)value.data};
    err = upstream_error(ldap_search_ext(follow->upstream.ld, follow->base, LDAP_SCOPE_SUBTREE,
                                         follow->filter, (char **)(uintptr_t)state_attributes, 0,
                                         controls, NULL, NULL, LDAP_NO_LIMIT, &follow->search));
    follow->stage = FOLLOW_SEARCHING;
    follow->began_ms = follow->message_ms = now_ms;
    return err;
}

static int bind_step(struct follow *follow, int64_t now_ms)
{
    LDAPMessage *message = NULL;
    int err = upstream_wait(&follow->upstream, follow->bind, true, now_ms, &message);

    if (err == E_TIMEOUT)
        return now_ms - follow->began_ms > BIND_MS ? E_TIMEOUT : 0;
    if (err != 0)
        return err;
    err = answer_check(follow, message);
    ldap_msgfree(message);
    return err != 0 ? err : search_start(follow, now_ms);
}

static int entry_take(struct follow *follow, LDAPMessage *message)
{
    LDAPControl **controls = NULL, *control = NULL;
    struct store_entry entry = {.attribute_count = 0};
    struct syncmsg_state state;
    int err = upstream_error(ldap_get_entry_controls(follow->upstream.ld, message, &controls));

    if (err == 0 && (control = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL)) == NULL)
        err = E_PROTO;
    if (err == 0)
        err = syncmsg_state(
            (struct slice){control->ldctl_value.bv_val, control->ldctl_value.bv_len}, &state);
    if (err == 0 && (state.kind == SYNCMSG_ADD || state.kind == SYNCMSG_MODIFY))
        err = store_decode(follow->upstream.ld, message, follow->arena, &entry);
    if (err == 0)
        err = apply_entry(follow->apply, &state, &entry);
    if (err == E_STALE && entry.dn.len > 0)
        utf8_format(follow->text, sizeof(follow->text), "%.*s may have been renamed meanwhile",
                    SLICE_ARG(entry.dn));
    ldap_controls_free(controls);
    return err;
}

static int info_take(struct follow *follow, LDAPMessage *message)
{
    struct berval *value = NULL;
    struct syncmsg_info info;
    char *oid = NULL;
    int err = upstream_error(
        ldap_parse_intermediate(follow->upstream.ld, message, &oid, &value, NULL, 0));

    if (err == 0 && (oid == NULL || strcmp(oid, LDAP_SYNC_INFO) != 0 || value == NULL))
        err = E_PROTO;
    if (err == 0)
        err = syncmsg_info((struct slice){value->bv_val, value->bv_len}, follow->arena, &info);
    if (err == 0)
        err = apply_info(follow->apply, &info);
    ldap_memfree(oid);
    ber_bvfree(value);
    return err;
}

/* The search should never end. It does when the cookie is refused: e-syncRefreshRequired (4096), or
 * unwillingToPerform when the cookie is newer than what slapd has, or slapd has nothing. */
static int search_ended(struct follow *follow, LDAPMessage *message)
{
    int code = LDAP_OTHER;
    int err = answer_check(follow, message);

    (void)ldap_parse_result(follow->upstream.ld, message, &code, NULL, NULL, NULL, NULL, 0);
    if (code == LDAP_SYNC_REFRESH_REQUIRED ||
        (code == LDAP_UNWILLING_TO_PERFORM && follow->apply->committed.count > 0))
        return E_STALE;
    return err != 0 ? err : E_UNAVAIL;
}

static int search_take(struct follow *follow, LDAPMessage *message, int64_t now_ms)
{
    follow->message_ms = now_ms;
    switch (ldap_msgtype(message)) {
    case LDAP_RES_SEARCH_ENTRY:
        return entry_take(follow, message);
    case LDAP_RES_INTERMEDIATE:
        return info_take(follow, message);
    case LDAP_RES_SEARCH_RESULT:
        return search_ended(follow, message);
    default:
        return E_PROTO;
    }
}

/* The values of contextCSN, one for each server that ever wrote. */
static int question_entry(struct follow *follow, LDAPMessage *message)
{
    const struct attribute *values;
    struct store_entry entry;
    int err = store_decode(follow->upstream.ld, message, follow->arena, &entry);

    values = err == 0 ? store_attribute(&entry, "contextcsn") : NULL;
    for (size_t i = 0; err == 0 && values != NULL && i < values->value_count; i++)
        err = csn_set_add(&follow->answer, values->values[i]);
    return err == 0 ? 0 : E_PROTO;
}

static int question_take(struct follow *follow, LDAPMessage *message, int64_t now_ms)
{
    bool known;

    if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY)
        return question_entry(follow, message);
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_RESULT)
        return E_PROTO;
    known = answer_check(follow, message) == 0 && follow->answer.count > 0;
    if (!known && !follow->deaf)
        log_warning("contextCSN of %s cannot be read: nothing can prove that the cache is fresh",
                    follow->base);
    follow->deaf = !known;
    follow->question = -1;
    fresh_answered(follow->fresh, known ? &follow->answer : NULL, now_ms);
    return 0;
}

/* Takes one message, if there is one. */
static int message_take(struct follow *follow, int64_t now_ms, bool *ret_taken)
{
    struct timeval now = {0, 0};
    LDAPMessage *message = NULL;
    int type = ldap_result(follow->upstream.ld, LDAP_RES_ANY, LDAP_MSG_ONE, &now, &message);
    int err = 0;

    *ret_taken = type > 0;
    if (type < 0)
        return E_UNAVAIL;
    if (type == 0)
        return 0;
    if (ldap_msgid(message) == follow->search)
        err = search_take(follow, message, now_ms);
    else if (ldap_msgid(message) == follow->question)
        err = question_take(follow, message, now_ms);
    ldap_msgfree(message);
    arena_reset(follow->arena);
    return err;
}

/* Whether to commit now. A refresh names entries in no order of time: from a cookie it is held to
 * its end, or answers would be those of a mixture that the store never had. What else came before
 * the end of the connection is good. One that names everything is held open for a while alone: the
 * store and we take turns at being the slower one, and a commit waits for the disk. Nobody waits
 * for what the first refresh commits before its end. */
static bool batch_due(const struct follow *follow, int err, int64_t now_ms)
{
    if (err != 0)
        return err == E_UNAVAIL && !(follow->apply->refreshing && follow->apply->asked);
    return !follow->apply->refreshing || apply_full(follow->apply) ||
           (!follow->apply->asked && state_filled(follow->apply->state) &&
            now_ms - follow->commit_ms >= HOLD_MS);
}

int follow_step(struct follow *follow, int64_t now_ms, bool *ret_more)
{
    bool taken = true;
    int err = 0;

    *ret_more = false;
    if (follow->stage == FOLLOW_BINDING)
        return bind_step(follow, now_ms);
    while (err == 0 && taken && !apply_full(follow->apply))
        err = message_take(follow, now_ms, &taken);
    if (batch_due(follow, err, now_ms)) {
        int failed = apply_commit(follow->apply);

        if (failed != 0)
            return failed;
        follow->commit_ms = now_ms;
    }
    *ret_more = err == 0 && taken;
    if (err == 0 && follow->apply->refreshing && now_ms - follow->message_ms > REFRESH_MS)
        err = E_TIMEOUT;
    return err;
}

int follow_ask(struct follow *follow, int64_t now_ms)
{
    char name[] = "contextCSN";
    char *attributes[] = {name, NULL};
    int err = upstream_error(ldap_search_ext(follow->upstream.ld, follow->base, LDAP_SCOPE_BASE,
                                             "(objectClass=*)", attributes, 0, NULL, NULL, NULL,
                                             LDAP_NO_LIMIT, &follow->question));

    follow->answer.count = 0;
    if (err == 0)
        fresh_asked(follow->fresh, now_ms);
    return err;
}
