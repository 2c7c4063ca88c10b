/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/restricted.h"
#include "base/err.h"
#include "ldap/oid.h"

enum { ENROLLING = 1, CHANGING = 2, APPLICATION = 4 };
#define ANY (ENROLLING | CHANGING | APPLICATION)

static const struct {
    enum op op;
    const char *oid; /* of an extended operation */
    unsigned allowed;
} rows[] = {
    {OP_BIND, NULL, ANY},
    {OP_UNBIND, NULL, ANY},
    {OP_ABANDON, NULL, ANY},
    {OP_COMPARE, NULL, APPLICATION},
    {OP_EXTENDED, OID_WHOAMI, ANY},
    {OP_EXTENDED, OID_USHER_ENROLL, ENROLLING},
    {OP_EXTENDED, OID_PASSWORD_MODIFY, CHANGING},
};

static unsigned restrictions(const struct identity *identity)
{
    return (identity->enroll_only ? ENROLLING : 0U) | (identity->change_only ? CHANGING : 0U) |
           (identity->app ? APPLICATION : 0U);
}

int restricted(struct request *request, struct result *ret)
{
    unsigned restrictions_now = restrictions(&request->conn->identity);

    if (restrictions_now == 0)
        return 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].op == request->op && (rows[i].allowed & restrictions_now) != 0 &&
            (rows[i].oid == NULL || slice_is(request->message->extended.oid, rows[i].oid)))
            return 0;
    request_fail(request, ret, E_ACCESS, "%s",
                 (restrictions_now & APPLICATION) != 0
                     ? "bound with an application password: permissions in its organization may be "
                       "asked for, and nothing else"
                 : (restrictions_now & CHANGING) != 0
                     ? "the password has to be changed first; nothing else is allowed before"
                     : "a second factor has to be enrolled first; nothing else is allowed before");
    return E_ACCESS;
}
