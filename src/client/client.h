/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Typed calls on the daemon over one wire: a request, its one answer, as an E_ code. Each call
 * waits for its answer within the deadline, so nothing is ever outstanding. What the daemon said
 * besides stands ready until the next call. For programs that must survive: no exit, no output, no
 * globals. One thread at a time.
 *
 * Every call returns 0 (yes, done); E_DENIED, E_STEPUP, E_AUTH ... as client_result says for the
 * daemon's result code; or, when there was no answer (client_code is -1), what wire_open, wire_send
 * and wire_receive return, or E_PROTO for an answer that makes no sense. After no answer the
 * connection is closed and later calls give E_UNAVAIL. Returned slices stand until the next call.
 */
#ifndef USHER_CLIENT_CLIENT_H
#define USHER_CLIENT_CLIENT_H

#include "client/entry.h"
#include "ldap/exop.h"

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_TEXT_MAX 512 /* bytes kept of a diagnostic, terminated */

struct client;

/* Connects. deadline_ms: of clock_monotonic_ms(), for this and all calls until client_deadline
 * moves it. Errors as wire_open, and E_NOMEM. */
int client_open(const char *uri, int64_t deadline_ms, struct client **ret);

/* The same over a connected unix stream socket, which it takes over. Errors as wire_take, E_NOMEM;
 * fd is then still the caller's. */
int client_take(int fd, int64_t deadline_ms, struct client **ret);

/* Sends an unbind if that can be done at once, closes, wipes. NULL is fine. */
void client_close(struct client *client);

/* Closes without a byte to the daemon: for the child after fork, which shares the connection. */
void client_abandon(struct client *client);

void client_deadline(struct client *client, int64_t deadline_ms);

/* The result code of the last answer; -1 when the last call got none. */
int client_code(const struct client *client);

/* The diagnostic text of the last answer, without control bytes; "" for none. Never NULL. */
const char *client_text(const struct client *client);

/* The E_ code for a result code. A code that the table of errors does not know is E_INTERNAL. */
int client_result(int code);

/* Simple bind. An empty password is E_UNWILLING, unasked (RFC 4513 5.1.2 would make it anonymous).
 * E_CONFIDENTIAL, unasked, when the wire is in clear text off the loopback; so does every call
 * below that carries a secret. */
int client_bind(struct client *client, struct slice name, struct slice password);

/* SASL EXTERNAL: as the peer of the unix socket. */
int client_bind_external(struct client *client);

/* The authorization identity (RFC 4532), "dn:..." or "u:..."; empty for anonymous. */
int client_whoami(struct client *client, struct slice *ret_identity);

/* Compare of any attribute: 0 true, E_DENIED false. */
int client_compare(struct client *client, struct slice dn, struct slice attribute,
                   struct slice value);

/* Whether user may do what query asks in the organization: a Compare of usherPermission on the
 * membership's DN under base. 0 yes, E_DENIED no, E_STEPUP a second factor is needed. */
int client_check(struct client *client, struct slice base, struct slice organization,
                 struct slice user, struct slice query);

/* *ret is set whenever the daemon answered: with what it sent, or with the state REFUSED and
 * nothing else when it sent no value. A success without a value is E_PROTO. */
int client_verify(struct client *client, const struct verify_request *request,
                  struct verify_response *ret);

int client_challenge(struct client *client, const struct challenge_request *request,
                     struct challenge_response *ret);
int client_set_pin(struct client *client, const struct set_pin_request *request);
int client_enroll(struct client *client, const struct enroll_request *request,
                  struct enroll_response *ret);
int client_unlock(struct client *client, const struct unlock_request *request);
int client_password_modify(struct client *client, const struct password_modify_request *request);

/* A fresh set of recovery codes; on_code is told of each. */
int client_recovery(struct client *client, const struct recovery_request *request,
                    int (*on_code)(void *context, struct slice code), void *context);

/* on_line is told of each application password: of the new one with its secret in ret, of all, or
 * of none. */
int client_app_password(struct client *client, const struct app_password_request *request,
                        int (*on_line)(void *context, const struct app_password_line *line),
                        void *context, struct app_password_response *ret);

/* Ends what was handed out to the person, and their connections at this gateway. */
int client_logout(struct client *client, const struct logout_request *request);

/* Has a token mailed with which the person sets a password. No answer tells whether there is such a
 * person, but to the administrator. */
int client_invite(struct client *client, const struct invite_request *request);

/* Sets a password with a mailed token. E_AUTH: it is not good, or not any more; E_UNWILLING: the
 * new password is refused, and the token still good; client_text says why. */
int client_redeem(struct client *client, const struct redeem_request *request,
                  struct redeem_response *ret);

/* E_NOTFOUND: the gateway does not know the key. Sealing a whole store anew takes long: mind the
 * deadline. */
int client_reseal(struct client *client, const struct reseal_request *request,
                  struct reseal_response *ret);

/* on_line and on_defect are told of each item of the answer; anything but 0 ends it and is
 * returned. */
int client_explain(struct client *client, const struct explain_request *request,
                   int (*on_line)(void *context, const struct explain_line *line), void *context,
                   struct explain_response *ret);
int client_doctor(struct client *client,
                  int (*on_defect)(void *context, const struct doctor_defect *defect),
                  void *context, struct doctor_response *ret);

/* Search of a whole subtree, page by page, for entries that have this value (NULL: that have the
 * attribute at all). scope as in RFC 4511: 1 one level, 2 subtree. on_entry is told of each entry
 * before its values; either may end the walk as above, and is told nothing more then. */
struct client_search {
    struct slice base;
    int scope;
    struct slice attribute;
    const struct slice *value;
    const char *const *attributes; /* NULL-terminated */
    int (*on_entry)(void *context, struct slice dn);
    entry_on_value *on_value;
    void *context;
};
int client_find(struct client *client, const struct client_search *search);

/* Base search of one entry; attributes is NULL-terminated. on_value is told of each value.
 * E_NOTFOUND when there is no such entry; E_LIMIT, unasked, for more than 16 attributes. */
int client_read(struct client *client, struct slice dn, const char *const *attributes,
                entry_on_value *on_value, void *context);

/* The age of the daemon's cache and the contextCSN it reflects. E_UNWILLING when the daemon does
 * not say. */
int client_freshness(struct client *client, struct freshness *ret);

/* The first namingContexts value of the root DSE, into buf, terminated. E_NOTFOUND; E_LIMIT. */
int client_base(struct client *client, char *buf, size_t size);

#endif
