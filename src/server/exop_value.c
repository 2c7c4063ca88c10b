/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/exop_value.h"
#include "base/err.h"

int exop_take(const struct exop_field *fields, size_t count, struct request *request,
              struct result *ret)
{
    for (size_t i = 0; i < count; i++)
        if (login_set(fields[i].to, fields[i].size, fields[i].value) < 0) {
            request_fail(request, ret, E_LIMIT, "%s is longer than %zu bytes or holds a byte 0",
                         fields[i].name, fields[i].size - 1);
            return E_LIMIT;
        }
    return 0;
}

int exop_take_secret(struct secret *to, bool *ret_has, struct slice value)
{
    *ret_has = value.data != NULL;
    return value.data == NULL ? 0 : secret_set(to, value.data, value.len);
}

enum handled exop_refuse_value(struct request *request, struct result *ret, const char *name)
{
    request_fail(request, ret, E_PROTO, "the value of %s is malformed, see usher-protocol(5)",
                 name);
    return REPLY;
}

struct attempt *exop_attempt(struct request *request, int decoded, const char *name,
                             void (*answer)(struct attempt *attempt), struct result *ret)
{
    if (decoded == 0)
        return attempt_new(request, answer, ret);
    (void)exop_refuse_value(request, ret, name);
    return NULL;
}

enum handled exop_refuse(struct attempt *attempt, struct request *request, struct result *ret)
{
    if (ret->code == 0)
        request_fail(request, ret, E_LIMIT, "a secret is longer than %d bytes", SECRET_MAX);
    attempt_drop(attempt);
    return REPLY;
}

int exop_take_user(struct attempt *attempt, struct slice named, struct request *request,
                   struct result *ret)
{
    struct slice user = named;

    if (named.len == 0)
        user = slice_of(attempt->login.peer.person);
    if (user.len == 0) {
        request_fail(request, ret, E_ACCESS, "name a user, or bind as one");
        return E_ACCESS;
    }
    return exop_take(
        (struct exop_field[]){{user, attempt->login.user, sizeof(attempt->login.user), "user"}}, 1,
        request, ret);
}
