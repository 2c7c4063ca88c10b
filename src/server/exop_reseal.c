/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usherReseal: what a rotation of keys asks of a gateway. It says which key it seals with, and
 * whether it knows another; or goes through the store and seals anew what an older key has sealed.
 * For the administrator. A whole store may take minutes: the client has to wait that long.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "ldap/exop.h"
#include "rules/reseal.h"
#include "server/access.h"
#include "server/daemon.h"
#include "server/dispatch.h"
#include "server/exop_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PASS_ENDED 1

struct resealing {
    struct job job; /* first */
    struct request *request;
    enum reseal_step step;
    struct secret key; /* to be known; empty: any */
    struct settings *settings;
    struct reseal reseal;
    int64_t wait_ms;
    int err;
    char current[SEAL_KEY_ID_MAX + 1];
    char text[REQUEST_TEXT_MAX];
};

static int on_wait(void *context)
{
    const struct resealing *resealing = context;
    const struct conn *conn = resealing->request->conn;

    return conn->closed || resealing->request->abandoned || conn->loop->daemon->stopping
               ? PASS_ENDED
               : 0;
}

static void resealing_run(struct job *job)
{
    struct resealing *resealing = (struct resealing *)job;
    const struct login_context *context = &resealing->settings->login;
    struct slice key = secret_slice(&resealing->key);
    int rc = keys_refresh(context->keys, resealing->text, sizeof(resealing->text));

    if (rc == 0 && key.len > 0 && keys_known(context->keys, key) < 0) {
        rc = E_NOTFOUND;
        utf8_format(resealing->text, sizeof(resealing->text),
                    "the key file of this gateway has no key \"%.*s\": keys.file is another file",
                    SLICE_ARG(key));
    }
    keys_current(context->keys, resealing->current);
    resealing->wait_ms = reseal_wait_ms(context);
    if (rc == 0 && resealing->step == RESEAL_RUN) {
        resealing->reseal.on_wait = on_wait;
        resealing->reseal.context = resealing;
        rc = reseal_store(context, &resealing->reseal);
        if (rc != 0)
            utf8_format(resealing->text, sizeof(resealing->text),
                        "not all is sealed anew, begin again: %s", err_text(rc));
    }
    resealing->err = rc == PASS_ENDED ? E_UNAVAIL : rc;
}

static void resealing_done(struct job *job)
{
    struct resealing *resealing = (struct resealing *)job;
    const struct reseal *reseal = &resealing->reseal;
    struct reseal_response response = {.key = slice_of(resealing->current),
                                       .resealed = reseal->resealed,
                                       .left = reseal->left,
                                       .dead = reseal->dead,
                                       .wait_ms = resealing->wait_ms};
    struct result result = {.code = err_ldap(resealing->err), .text = slice_of(resealing->text)};
    struct buffer value;

    buffer_init(&value);
    if (resealing->err == 0 && reseal_response_encode(&response, &value) == 0) {
        result.has_value = true;
        result.value = buffer_slice(&value);
    }
    if (resealing->step == RESEAL_RUN)
        log_info("sealed anew with the key %s: %s; resealed=%" PRId64 " left=%" PRId64
                 " dead=%" PRId64,
                 resealing->current, err_name(resealing->err), reseal->resealed, reseal->left,
                 reseal->dead);
    request_finish(resealing->request, &result);
    buffer_clear(&value);
    settings_release(resealing->settings);
    free(resealing);
}

enum handled exop_reseal(struct request *request, struct result *ret)
{
    const struct conn *conn = request->conn;
    struct reseal_request asked;
    struct resealing *resealing;

    if (reseal_request_decode(request->message->extended.value, &asked) < 0 ||
        asked.key.len > SEAL_KEY_ID_MAX)
        return exop_refuse_value(request, ret, "usherReseal");
    if (!conn->peer.admin || !access_operator(request) || conn->identity.kind == IDENTITY_SERVICE) {
        request_fail(request, ret, E_ACCESS, "only the administrator has secrets sealed anew");
        return REPLY;
    }
    resealing = mem_alloc(sizeof(*resealing));
    resealing->settings = daemon_settings(conn->loop->daemon);
    resealing->step = asked.step;
    (void)secret_set(&resealing->key, asked.key.data, asked.key.len);
    resealing->err = E_UNAVAIL; /* should it never run, at shutdown */
    resealing->job.run = resealing_run;
    resealing->job.done = resealing_done;
    resealing->job.loop = conn->loop;
    resealing->request = request_defer(request, ret);
    if (resealing->request != NULL &&
        request_submit(resealing->request, &resealing->job, request, ret) == LATER)
        return LATER;
    settings_release(resealing->settings);
    free(resealing);
    return REPLY;
}
