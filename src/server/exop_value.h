/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the value of an extended operation to the attempt that carries it out: copying of bounded
 * fields, secrets and the person meant, and the answers to values that will not do.
 */
#ifndef USHER_SERVER_EXOP_VALUE_H
#define USHER_SERVER_EXOP_VALUE_H

#include "server/attempt.h"

/* The attempt of an operation of ours with this name; decoded: what decoding its value gave. NULL,
 * with ret filled in, where that is malformed or too much is under way. */
struct attempt *exop_attempt(struct request *request, int decoded, const char *name,
                             void (*answer)(struct attempt *attempt), struct result *ret);

/* A string of a request and where the login keeps it. */
#define EXOP_FIELD(from, to, name)                                                                 \
    {                                                                                              \
        (from).name, (to)->name, sizeof((to)->name), #name                                         \
    }
struct exop_field {
    struct slice value;
    char *to;
    size_t size;
    const char *name;
};

/* Copies the fields; a value that is too long is the client's error: E_LIMIT, ret filled in. */
int exop_take(const struct exop_field *fields, size_t count, struct request *request,
              struct result *ret);

/* Copies a secret. E_LIMIT. */
int exop_take_secret(struct secret *to, bool *ret_has, struct slice value);

/* The person meant: named, or else the one who is bound. E_ACCESS, E_LIMIT with ret filled in. */
int exop_take_user(struct attempt *attempt, struct slice named, struct request *request,
                   struct result *ret);

/* REPLY: the value of this operation is malformed. */
enum handled exop_refuse_value(struct request *request, struct result *ret, const char *name);

/* REPLY: a field was refused (ret says so, or else it was a secret); drops the attempt. */
enum handled exop_refuse(struct attempt *attempt, struct request *request, struct result *ret);

#endif
