/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a reload may change, taken from one configuration and the key file that it names: bounds,
 * peers, keys, how logins are judged, what is audited. Settings never change and are counted: work
 * that has begun keeps those that it began with, and what nobody uses any more is wiped and freed.
 * What needs a restart stands in the daemon instead.
 */
#ifndef USHER_SERVER_SETTINGS_H
#define USHER_SERVER_SETTINGS_H

#include "base/conf.h"
#include "rules/login.h"

#include <stdatomic.h>

/* Bounds, from the configuration. */
struct limits {
    size_t message_bytes;           /* of a bound connection */
    size_t message_bytes_anonymous; /* of one that is not */
    unsigned connections;
    unsigned requests; /* deferred, of one connection */
    int64_t idle_ms;
    int64_t partial_ms;      /* for one message to arrive */
    int64_t refuse_after_ms; /* 0: a refusal is answered at once */
    unsigned logins_address; /* a minute; 0, here and below: any number */
    unsigned challenges_person, challenges_peer, challenges_address; /* an hour */
};

/* What is said of Compare in the audit log: nothing, a line, or a line with the step that decided.
 * In the order of the option's words. */
enum audit_compare { AUDIT_COMPARE_OFF, AUDIT_COMPARE_LINE, AUDIT_COMPARE_STEP };

struct settings {
    _Atomic unsigned owners;
    struct conf *conf;
    struct limits limits;
    struct conf_ints trusted_uids, admin_uids;
    struct keys *keys;
    struct login_context login; /* what logins share */
    enum audit_compare audit_compare;
    bool audit_search;
};

/* Reads the key file of conf and takes the rest from it; conf is shared. fixed gives what a reload
 * does not change: store, base and rights_path. before, or NULL: whose keys are kept and looked at
 * anew where the path is the same. An error (of keys_load; E_CONF) has been logged. */
int settings_open(const struct conf *conf, const struct login_context *fixed,
                  const struct settings *before, struct settings **ret);

/* Another owner. Any thread. */
struct settings *settings_share(struct settings *settings);

/* Wipes and frees with the last owner. NULL is fine. Any thread. */
void settings_release(struct settings *settings);

#endif
