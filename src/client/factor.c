/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls about factors beside the login itself: recovery codes, application passwords, mailed
 * tokens, sealing anew.
 */
#include "base/err.h"
#include "client/calling.h"
#include "ldap/oid.h"

int client_recovery(struct client *client, const struct recovery_request *request,
                    int (*on_code)(void *context, struct slice code), void *context)
{
    struct recovery_response answer;
    struct response response;
    int rc = client_extended(client, OID_USHER_RECOVERY,
                             recovery_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc
                  : client_decoded(client, recovery_response_decode(response.result.value, on_code,
                                                                    context, &answer));
}

int client_reseal(struct client *client, const struct reseal_request *request,
                  struct reseal_response *ret)
{
    struct response response;
    int rc = client_extended(client, OID_USHER_RESEAL,
                             reseal_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc : client_decoded(client, reseal_response_decode(response.result.value, ret));
}

int client_app_password(struct client *client, const struct app_password_request *request,
                        int (*on_line)(void *context, const struct app_password_line *line),
                        void *context, struct app_password_response *ret)
{
    struct response response;
    int rc = client_extended(client, OID_USHER_APP_PASSWORD,
                             app_password_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc
                  : client_decoded(client, app_password_response_decode(response.result.value,
                                                                        on_line, context, ret));
}

int client_logout(struct client *client, const struct logout_request *request)
{
    struct response response;

    return client_extended(client, OID_USHER_LOGOUT, logout_request_encode(request, &client->value),
                           &response);
}

int client_invite(struct client *client, const struct invite_request *request)
{
    struct response response;

    return client_extended(client, OID_USHER_INVITE, invite_request_encode(request, &client->value),
                           &response);
}

int client_redeem(struct client *client, const struct redeem_request *request,
                  struct redeem_response *ret)
{
    struct response response;
    int rc = client_extended(client, OID_USHER_REDEEM,
                             redeem_request_encode(request, &client->value), &response);

    rc = client_answered(client, rc, &response);
    return rc < 0 ? rc : client_decoded(client, redeem_response_decode(response.result.value, ret));
}
