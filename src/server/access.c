/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/access.h"
#include "base/err.h"

static const char reading[] = "directory:read";

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

/* What a decision on directory:read means for who asks. What cannot be told is not a no. */
static int access_of(int result)
{
    switch (result) {
    case E_DENIED:
    case E_STEPUP:
    case E_NOPERM:
    case E_NOTFOUND:
        return E_ACCESS;
    default:
        return result;
    }
}

/* Whether the bound person may read the organization. */
static int access_reader(const struct identity *identity, struct slice organization,
                         struct rights *rights, int64_t now_ms)
{
    struct decision decision;
    struct query query;
    int rc = query_parse(slice_of(reading), &query);

    if (rc < 0)
        return rc;
    query.factor = identity->factor;
    return access_of(
        rights_check(rights, organization, slice_of(identity->name), &query, now_ms, &decision));
}

int access_reader_view(struct view *view, struct slice organization, struct slice reader,
                       enum factor factor, int64_t now_ms)
{
    struct decision decision;
    struct query query;
    int rc = query_parse(slice_of(reading), &query);

    if (rc < 0)
        return rc;
    query.factor = factor;
    return access_of(view_decide(view, organization, reader, &query, now_ms, &decision));
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
            return access_reader(identity, organization, rights, now_ms);
        may = true;
        break;
    }
    return may ? 0 : E_ACCESS;
}
