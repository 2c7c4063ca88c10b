/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mails of the daemon: the code of a challenge, on the mail pool, so that a hung mail server holds
 * up nothing but mails. A mail that cannot be sent takes its challenge back.
 */
#ifndef USHER_SERVER_MAILER_H
#define USHER_SERVER_MAILER_H

#include "base/conf.h"
#include "server/attempt.h"

struct mail_setup;
struct mailer;

/* Reads mail.* of the configuration and the templates. An error has been logged. */
int mailer_open(const struct conf *conf, struct mailer **ret);
void mailer_close(struct mailer *mailer);

/* The mail server, its password and the templates, read anew; an error has been logged. And put
 * into force: mails that are sent from here on use it. Any thread. */
int mail_setup_open(const struct conf *conf, struct mail_setup **ret);
void mailer_adopt(struct mailer *mailer, struct mail_setup *setup);

/* Sends the attempt's code to its destination and then calls answer on the loop; a failure stands
 * in login.err (E_MAIL). E_BUSY, with login.err set and nothing taken, when too many mails wait. */
int mailer_send(struct attempt *attempt, void (*answer)(struct attempt *attempt));

#endif
