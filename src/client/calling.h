/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the client share: the connection with the request under way, and how a request
 * is sent and its answer taken. Private to them; everybody else sees client/client.h.
 */
#ifndef USHER_CLIENT_CALLING_H
#define USHER_CLIENT_CALLING_H

#include "client/client.h"
#include "client/wire.h"
#include "ldap/message.h"

struct client {
    struct wire wire;
    struct buffer out;   /* the request, wiped once sent */
    struct buffer value; /* the request value of an extended operation, likewise */
    int32_t id;
    int code;
    char text[CLIENT_TEXT_MAX];
};

/* Sends the request under the next id. An error has closed the connection. */
int client_send(struct client *client, struct message *request);

/* Takes bytes for the answer (of this op) to the request sent last; what client_result says of it,
 * or an error that has closed the connection. */
int client_answer(struct client *client, char *bytes, size_t len, enum op op, struct response *ret);

/* Sends the extended operation with client->value, which is wiped; encoded: what encoding that
 * gave. For what carries secrets: E_CONFIDENTIAL, unasked, in clear text off the loopback. */
int client_extended(struct client *client, const char *oid, int encoded, struct response *ret);

/* For an operation whose answer has a value: rc is what the call gave, and stays so, but E_PROTO
 * with the connection closed for a success without one. */
int client_answered(struct client *client, int rc, const struct response *response);

/* What decoding an answer gave: a malformed one (E_PROTO, E_LIMIT) closes the connection. */
int client_decoded(struct client *client, int rc);

/* No answer: closes the connection, since what was said on it can no longer be known. Returns rc.
 */
int client_fail(struct client *client, int rc);

#endif
