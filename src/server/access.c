/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/access.h"
#include "base/err.h"
#include "rules/read.h"

bool access_self(const struct request *request, struct slice uid)
{
    const struct identity *identity = &request->conn->identity;

    return identity->kind == IDENTITY_PERSON && slice_is(uid, identity->name);
}

bool access_operator(const struct request *request)
{
    const struct conn *conn = request->conn;

    return conn->peer.trusted && conn->identity.kind != IDENTITY_PERSON;
}

int access_ask(const struct request *request, struct slice organization, struct slice uid,
               struct rights *rights, int64_t now_ms)
{
    const struct identity *identity = &request->conn->identity;
    bool may = false;

    switch (identity->kind) {
    case IDENTITY_NONE:
    case IDENTITY_PEER:
        may = request->conn->peer.trusted;
        break;
    case IDENTITY_SERVICE:
        may = identity->organization[0] == '\0' || slice_is(organization, identity->organization);
        break;
    case IDENTITY_PERSON:
        if (identity->enroll_only ||
            (identity->app && !slice_is(organization, identity->organization)))
            break;
        if (!access_self(request, uid))
            return read_check(rights, organization, slice_of(identity->name), identity->factor,
                              now_ms);
        may = true;
        break;
    }
    return may ? 0 : E_ACCESS;
}
