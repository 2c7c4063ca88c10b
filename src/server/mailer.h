/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mails of the daemon. The code of a challenge goes out at once or not at all, on the mail pool, so
 * that a hung mail server holds up nothing but mails; one that cannot be sent takes its challenge
 * back. A code for nobody costs the same conversation, without the mail. What may come later goes
 * through the queue (outbox).
 */
#ifndef USHER_SERVER_MAILER_H
#define USHER_SERVER_MAILER_H

#include "base/conf.h"
#include "server/attempt.h"
#include "server/outbox.h"

struct mailer;

/* Opens the mail queue and what delivery_open reads. An error has been logged. */
int mailer_open(const struct conf *conf, struct mailer **ret);
void mailer_close(struct mailer *mailer);

/* Puts a new way of sending into force, and takes it over: what is sent from here on uses it, what
 * waits in the queue is tried at once. One thread at a time. */
void mailer_adopt(struct mailer *mailer, struct delivery *delivery);

/* What is in force now. The caller releases it. Any thread. */
struct delivery *mailer_delivery(struct mailer *mailer);

/* Sends the attempt's code to its destination, or, where that is empty, asks the mail server
 * whether it could be sent; then attempt_answer is called on the loop. A failure stands in
 * login.err (E_MAIL; E_BUSY when too many mails wait), with the challenge taken back. On the
 * attempt's loop. */
void mailer_send(struct attempt *attempt);

/* For a pool that sends codes: has run and done called for the attempt. When the pool takes no more
 * the challenge is taken back and answered (E_BUSY). On the attempt's loop. */
void mailer_pass(struct attempt *attempt, struct workers *pool, void (*run)(struct job *job),
                 void (*done)(struct job *job));

/* The text of the attempt's code, from the template of this kind. The caller frees both with
 * template_text_free. Errors of template_fill. */
int mailer_code_text(const struct attempt *attempt, const char *kind, char **ret_subject,
                     char **ret_body);

/* Queues the login's notice, unless notices are switched off; a failure has been logged. Waits for
 * the disk: on a pool. */
void mailer_notice(struct mailer *mailer, const struct login_context *context,
                   const struct login *login);

/* Queues the mail with the QR code of login->uri, which is wiped; sets login->err when it cannot.
 */
void mailer_enroll(struct mailer *mailer, const struct login_context *context, struct login *login);

/* Queues the mail with login->mailed_token, which is wiped. When it cannot, the token is taken
 * back; whoever may know of the person is told by login->err. */
void mailer_token(struct mailer *mailer, const struct login_context *context, struct login *login);

/* Whether a mail could be queued now, whoever it is for: 0; E_UNWILLING: no mail is sent here;
 * E_BUSY: too many wait. Any thread. */
int mailer_ready(struct mailer *mailer);

/* Figures of the queue; false when there is none. Any thread. */
bool mailer_status(struct mailer *mailer, struct outbox_status *ret);

#endif
