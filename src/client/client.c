/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "client/calling.h"
#include "ldap/dn.h"
#include "ldap/message.h"
#include "ldap/oid.h"

#include <stdlib.h>
#include <string.h>

#define UNBIND_WAIT_MS 1 /* an unbind is a courtesy */

static const struct {
    int code;
    int err;
} results[] = {
    {RESULT_SUCCESS, 0},
    {RESULT_COMPARE_TRUE, 0},
    {RESULT_COMPARE_FALSE, E_DENIED},
    {RESULT_STRONGER_AUTH_REQUIRED, E_STEPUP},
    {RESULT_INVALID_CREDENTIALS, E_AUTH},
    {RESULT_INAPPROPRIATE_AUTHENTICATION, E_AUTH},
    {RESULT_INSUFFICIENT_ACCESS, E_ACCESS},
    {RESULT_UNWILLING_TO_PERFORM, E_UNWILLING},
    {19, E_UNWILLING}, /* constraintViolation: a password that the policy refuses */
    {RESULT_INVALID_ATTRIBUTE_SYNTAX, E_SYNTAX},
    {RESULT_INVALID_DN_SYNTAX, E_SYNTAX},
    {RESULT_NO_SUCH_ATTRIBUTE, E_NOPERM},
    {RESULT_NO_SUCH_OBJECT, E_NOTFOUND},
    {68, E_EXISTS}, /* entryAlreadyExists */
    {RESULT_BUSY, E_BUSY},
    {RESULT_UNAVAILABLE, E_UNAVAIL},
    {RESULT_PROTOCOL_ERROR, E_PROTO},
    {RESULT_TIME_LIMIT_EXCEEDED, E_LIMIT},
    {RESULT_SIZE_LIMIT_EXCEEDED, E_LIMIT},
    {RESULT_ADMIN_LIMIT_EXCEEDED, E_LIMIT},
    {RESULT_CONFIDENTIALITY_REQUIRED, E_CONFIDENTIAL},
    {RESULT_CANCELED, E_CANCELED},
};

int client_result(int code)
{
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i].code == code)
            return results[i].err;
    return E_INTERNAL;
}

static struct client *client_new(void)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client != NULL)
        client->code = -1;
    return client;
}

/* Hands over a client whose connection was tried; frees it where that went wrong. */
static int client_opened(struct client *client, int rc, struct client **ret)
{
    if (rc < 0)
        free(client);
    else
        *ret = client;
    return rc;
}

int client_open(const char *uri, int64_t deadline_ms, struct client **ret)
{
    struct client *client = client_new();
    int rc = client != NULL ? wire_open(uri, deadline_ms, &client->wire) : E_NOMEM;

    return client_opened(client, rc, ret);
}

int client_take(int fd, int64_t deadline_ms, struct client **ret)
{
    struct client *client = client_new();
    int rc = client != NULL ? wire_take(fd, deadline_ms, &client->wire) : E_NOMEM;

    return client_opened(client, rc, ret);
}

void client_abandon(struct client *client)
{
    if (client == NULL)
        return;
    wire_close(&client->wire);
    buffer_clear(&client->out);
    buffer_clear(&client->value);
    free(client);
}

void client_close(struct client *client)
{
    struct message unbind = {.op = OP_UNBIND};

    if (client != NULL && client->wire.fd >= 0) {
        unbind.id = client->id < INT32_MAX ? client->id + 1 : 1;
        client->wire.deadline_ms = clock_monotonic_ms() + UNBIND_WAIT_MS;
        if (message_encode_request(&client->out, &unbind) == 0)
            (void)wire_send(&client->wire, client->out.data, client->out.len);
    }
    client_abandon(client);
}

void client_deadline(struct client *client, int64_t deadline_ms)
{
    client->wire.deadline_ms = deadline_ms;
}

int client_code(const struct client *client)
{
    return client->code;
}

const char *client_text(const struct client *client)
{
    return client->text;
}

/* No answer: what was said on this connection can no longer be known. */
int client_fail(struct client *client, int rc)
{
    wire_close(&client->wire);
    client->code = -1;
    return rc;
}

int client_send(struct client *client, struct message *request)
{
    int rc;

    client->code = -1;
    client->text[0] = '\0';
    client->id = client->id < INT32_MAX ? client->id + 1 : 1;
    request->id = client->id;
    rc = message_encode_request(&client->out, request);
    if (rc == 0)
        rc = wire_send(&client->wire, client->out.data, client->out.len);
    buffer_clear(&client->out);
    return rc < 0 ? client_fail(client, rc) : 0;
}

/* A yes or no must be one to the question put: success is no answer to a Compare, compareTrue and
 * compareFalse are none to anything else. */
static bool code_answers(int code, enum op op)
{
    bool compared = code == RESULT_COMPARE_TRUE || code == RESULT_COMPARE_FALSE;

    return op == OP_COMPARE_RESPONSE ? code != RESULT_SUCCESS : !compared;
}

/* Takes bytes for the answer to the request sent last. Message id 0 is a Notice of Disconnection.
 */
int client_answer(struct client *client, char *bytes, size_t len, enum op op, struct response *ret)
{
    int rc = response_decode(bytes, len, NULL, ret);

    if (rc < 0)
        return client_fail(client, rc);
    if (ret->id == 0) {
        utf8_copy(ret->result.text, client->text, sizeof(client->text));
        return client_fail(client, E_UNAVAIL);
    }
    if (ret->id != client->id || ret->op != op)
        return client_fail(client, E_PROTO);
    client->code = ret->result.code;
    utf8_copy(ret->result.text, client->text, sizeof(client->text));
    return code_answers(client->code, op) ? client_result(client->code)
                                          : client_fail(client, E_PROTO);
}

static int client_call(struct client *client, struct message *request, struct response *ret)
{
    char *bytes;
    size_t len;
    int rc = client_send(client, request);

    if (rc == 0) {
        rc = wire_receive(&client->wire, &bytes, &len);
        if (rc == 0)
            return client_answer(client, bytes, len, message_response_op(request->op), ret);
    }
    return client_fail(client, rc);
}

/* Whether a secret may be sent; else no call is made. */
static int client_confidential(struct client *client)
{
    client->code = -1;
    client->text[0] = '\0';
    return client->wire.fd < 0 ? E_UNAVAIL : client->wire.loopback ? 0 : E_CONFIDENTIAL;
}

int client_bind(struct client *client, struct slice name, struct slice password)
{
    struct message request = {.op = OP_BIND,
                              .bind = {.version = 3, .dn = name, .password = password}};
    struct response response;
    int rc = client_confidential(client);

    if (rc == 0 && password.len == 0)
        rc = E_UNWILLING;
    return rc < 0 ? rc : client_call(client, &request, &response);
}

int client_bind_external(struct client *client)
{
    struct message request = {.op = OP_BIND,
                              .bind = {.version = 3,
                                       .sasl = true,
                                       .mechanism = slice_of("EXTERNAL"),
                                       .credentials = slice_of(""),
                                       .has_credentials = true}};
    struct response response;

    return client_call(client, &request, &response);
}

int client_whoami(struct client *client, struct slice *ret_identity)
{
    struct message request = {.op = OP_EXTENDED, .extended = {.oid = slice_of(OID_WHOAMI)}};
    struct response response;
    int rc = client_call(client, &request, &response);

    if (rc == 0)
        *ret_identity = response.result.value;
    return rc;
}

int client_compare(struct client *client, struct slice dn, struct slice attribute,
                   struct slice value)
{
    struct message request = {.op = OP_COMPARE,
                              .compare = {.dn = dn, .attribute = attribute, .value = value}};
    struct response response;

    return client_call(client, &request, &response);
}

/* cn=USER,ou=members,o=ORGANIZATION,BASE */
static int membership_dn(struct slice base, struct slice organization, struct slice user,
                         struct buffer *ret)
{
    static const char members[] = ",ou=members,o=";
    int rc = buffer_append(ret, "cn=", 3);

    if (rc == 0)
        rc = dn_escape(user, ret);
    if (rc == 0)
        rc = buffer_append(ret, members, sizeof(members) - 1);
    if (rc == 0)
        rc = dn_escape(organization, ret);
    if (rc == 0)
        rc = buffer_append(ret, ",", base.len > 0 ? 1 : 0);
    return rc < 0 ? rc : buffer_append(ret, base.data, base.len);
}

int client_check(struct client *client, struct slice base, struct slice organization,
                 struct slice user, struct slice query)
{
    struct buffer dn;
    int rc;

    buffer_init(&dn);
    rc = membership_dn(base, organization, user, &dn);
    if (rc == 0)
        rc = client_compare(client, buffer_slice(&dn), slice_of("usherPermission"), query);
    buffer_clear(&dn);
    return rc;
}

/* Calls with client->value, if there are bytes in it, which is wiped; rc: what came before. */
static int client_call_extended(struct client *client, const char *oid, int rc,
                                struct response *ret)
{
    struct message request = {.op = OP_EXTENDED,
                              .extended = {.oid = slice_of(oid),
                                           .value = buffer_slice(&client->value),
                                           .has_value = client->value.len > 0}};

    if (rc == 0)
        rc = client_call(client, &request, ret);
    buffer_clear(&client->value);
    return rc;
}

int client_extended(struct client *client, const char *oid, int encoded, struct response *ret)
{
    int rc = client_confidential(client);

    return client_call_extended(client, oid, rc < 0 ? rc : encoded, ret);
}

int client_answered(struct client *client, int rc, const struct response *response)
{
    return rc == 0 && !response->result.has_value ? client_fail(client, E_PROTO) : rc;
}

int client_decoded(struct client *client, int rc)
{
    return rc == E_PROTO || rc == E_LIMIT ? client_fail(client, rc) : rc;
}

int client_verify(struct client *client, const struct verify_request *request,
                  struct verify_response *ret)
{
    struct verify_response answer = {.state = VERIFY_STATE_REFUSED};
    struct response response;
    int rc = client_extended(client, OID_USHER_VERIFY,
                             verify_request_encode(request, &client->value), &response);

    if (client->code < 0)
        return rc;
    if (response.result.has_value && verify_response_decode(response.result.value, &answer) < 0)
        return client_fail(client, E_PROTO);
    if (rc == 0 && !response.result.has_value)
        return client_fail(client, E_PROTO);
    *ret = answer;
    return rc;
}

int client_challenge(struct client *client, const struct challenge_request *request,
                     struct challenge_response *ret)
{
    struct response response;
    int rc = client_extended(client, OID_USHER_CHALLENGE,
                             challenge_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc
                  : client_decoded(client, challenge_response_decode(response.result.value, ret));
}

int client_set_pin(struct client *client, const struct set_pin_request *request)
{
    struct response response;

    return client_extended(client, OID_USHER_SET_PIN,
                           set_pin_request_encode(request, &client->value), &response);
}

int client_enroll(struct client *client, const struct enroll_request *request,
                  struct enroll_response *ret)
{
    struct enroll_response answer = {0};
    struct response response;
    int rc = client_extended(client, OID_USHER_ENROLL,
                             enroll_request_encode(request, &client->value), &response);

    if (rc == 0 && response.result.has_value &&
        enroll_response_decode(response.result.value, &answer) < 0)
        rc = client_fail(client, E_PROTO);
    if (rc == 0)
        *ret = answer;
    return rc;
}

int client_unlock(struct client *client, const struct unlock_request *request)
{
    struct response response;

    return client_extended(client, OID_USHER_UNLOCK, unlock_request_encode(request, &client->value),
                           &response);
}

int client_password_modify(struct client *client, const struct password_modify_request *request)
{
    struct response response;

    return client_extended(client, OID_PASSWORD_MODIFY,
                           password_modify_request_encode(request, &client->value), &response);
}

int client_explain(struct client *client, const struct explain_request *request,
                   int (*on_line)(void *context, const struct explain_line *line), void *context,
                   struct explain_response *ret)
{
    struct response response;
    int rc = client_call_extended(client, OID_USHER_EXPLAIN,
                                  explain_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc
                  : client_decoded(client, explain_response_decode(response.result.value, on_line,
                                                                   context, ret));
}

int client_doctor(struct client *client,
                  int (*on_defect)(void *context, const struct doctor_defect *defect),
                  void *context, struct doctor_response *ret)
{
    struct response response;
    int rc = client_call_extended(client, OID_USHER_DOCTOR, 0, &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc
                  : client_decoded(client, doctor_response_decode(response.result.value, on_defect,
                                                                  context, ret));
}
