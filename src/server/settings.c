/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/settings.h"
#include "base/err.h"
#include "base/log.h"

#include <stdlib.h>

/* The keys of before stay where their file does: they follow it, and know which key was dropped a
 * moment ago. */
static int settings_keys(struct settings *settings, const struct settings *before)
{
    const char *path = conf_string(settings->conf, "keys.file");
    char error[CONF_ERROR_MAX];
    int rc;

    if (before != NULL && keys_of(before->keys, path)) {
        settings->keys = keys_share(before->keys);
        rc = keys_refresh(settings->keys, error, sizeof(error));
    } else {
        rc = keys_load(path, &settings->keys, error, sizeof(error));
    }

    if (rc == E_NOTFOUND)
        log_error("keys.file: %s does not exist; make it with: usherctl key init %s", path, path);
    else if (rc < 0)
        log_error("keys.file: %s", error);
    return rc;
}

static void settings_limits(struct settings *settings)
{
    const struct conf *conf = settings->conf;

    settings->limits = (struct limits){
        .message_bytes = (size_t)conf_int(conf, "limits.message_size"),
        .message_bytes_anonymous = (size_t)conf_int(conf, "limits.message_size_anonymous"),
        .connections = (unsigned)conf_int(conf, "limits.connections"),
        .requests = (unsigned)conf_int(conf, "limits.operations"),
        .idle_ms = conf_int(conf, "limits.idle_timeout") * 1000,
        .partial_ms = conf_int(conf, "limits.message_timeout") * 1000,
        .refuse_after_ms = conf_int(conf, "login.refuse_after"),
        .logins_address = (unsigned)conf_int(conf, "limits.logins_address"),
        .challenges_person = (unsigned)conf_int(conf, "limits.challenges_person"),
        .challenges_peer = (unsigned)conf_int(conf, "limits.challenges_peer"),
        .challenges_address = (unsigned)conf_int(conf, "limits.challenges_address"),
    };
    settings->trusted_uids = conf_int_list(conf, "peers.trusted_uids");
    settings->admin_uids = conf_int_list(conf, "peers.admin_uids");
    settings->audit_compare = (enum audit_compare)conf_word(conf, "audit.compare");
    settings->audit_search = conf_bool(conf, "audit.search");
}

static int settings_login(struct settings *settings)
{
    const struct conf *conf = settings->conf;
    struct login_context *login = &settings->login;

    login->keys = settings->keys;
    login->issuer = conf_string(conf, "login.issuer");
    login->lockout = (struct lockout_policy){
        .limit = conf_int(conf, "login.limit"),
        .first_ms = conf_int(conf, "login.lock_first") * 1000,
        .most_ms = conf_int(conf, "login.lock_most") * 1000,
    };
    login->pin_cost = (unsigned)conf_int(conf, "login.pin_cost");
    login->timeout_ms = conf_int(conf, "store.timeout");
    login->mailed_ms[MAILED_ACTIVATION] = conf_int(conf, "mail.activation_lifetime") * 1000;
    login->mailed_ms[MAILED_FORGOTTEN] = conf_int(conf, "mail.forgotten_lifetime") * 1000;
    login->sms =
        conf_string_list(conf, "sms.command").count > 0 || conf_string(conf, "sms.url")[0] != '\0';
    if (login->lockout.first_ms <= login->lockout.most_ms)
        return 0;
    log_error("login.lock_first: %lld is more than login.lock_most, which is %lld",
              (long long)conf_int(conf, "login.lock_first"),
              (long long)conf_int(conf, "login.lock_most"));
    return E_CONF;
}

int settings_open(const struct conf *conf, const struct login_context *fixed,
                  const struct settings *before, struct settings **ret)
{
    struct settings *settings = mem_alloc(sizeof(*settings));
    int rc;

    settings->owners = 1;
    settings->conf = conf_share(conf);
    settings->login = *fixed;
    rc = settings_keys(settings, before);
    if (rc == 0)
        rc = settings_login(settings);
    if (rc < 0) {
        settings_release(settings);
        return rc;
    }
    settings_limits(settings);
    *ret = settings;
    return 0;
}

struct settings *settings_share(struct settings *settings)
{
    atomic_fetch_add(&settings->owners, 1);
    return settings;
}

void settings_release(struct settings *settings)
{
    if (settings == NULL || atomic_fetch_sub(&settings->owners, 1) > 1)
        return;
    keys_free(settings->keys);
    conf_free(settings->conf);
    free(settings);
}
