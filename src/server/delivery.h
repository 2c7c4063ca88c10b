/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How mails and SMS leave, taken from one configuration and the files that it names: the servers
 * with their secrets, the templates, the bounds of the mail queue. Never changes and is counted, as
 * settings are: what is being sent ends with what it began with. Sends nothing itself.
 */
#ifndef USHER_SERVER_DELIVERY_H
#define USHER_SERVER_DELIVERY_H

#include "base/conf.h"
#include "notify/mail.h"
#include "notify/sms.h"
#include "notify/template.h"
#include "base/mem.h"

#include <stdatomic.h>

struct delivery {
    _Atomic unsigned owners;
    struct conf *conf;               /* holds the strings */
    struct mail_server server;       /* of codes; no url: no mail is sent */
    struct mail_server queue_server; /* the same, with the time that the queue has */
    struct sms_gateway gateway;
    struct secret *password, *token; /* locked memory, or NULL */
    struct templates *templates;
    const char *link; /* mail.link; empty: mails say the token itself */
    bool notices;     /* whether people are told of changes */
    size_t count_max; /* mails that may wait in the queue */
    size_t bytes_max; /* and their bytes in all */
    int64_t retry_first_ms, retry_most_ms;
};

/* Reads mail.* and sms.* of the configuration, which is shared, and the files. An error has been
 * logged. */
int delivery_open(const struct conf *conf, struct delivery **ret);

/* Another owner. Any thread. */
struct delivery *delivery_share(struct delivery *delivery);

/* Wipes and frees with the last owner. NULL is fine. Any thread. */
void delivery_release(struct delivery *delivery);

/* The link with a token in it, for a delivery that has one. ret has size bytes. */
void delivery_link(const struct delivery *delivery, const char *token, char *ret, size_t size);

/* Whether mail is sent at all. */
bool delivery_mails(const struct delivery *delivery);

#endif
