/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls about factors beside the login itself: recovery codes.
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

    if (rc == 0 && !response.result.has_value)
        rc = client_fail(client, E_PROTO);
    if (rc == 0) {
        rc = recovery_response_decode(response.result.value, on_code, context, &answer);
        if (rc == E_PROTO || rc == E_LIMIT)
            rc = client_fail(client, rc);
    }
    return rc;
}
