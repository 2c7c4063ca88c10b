/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One mail out, by SMTP (libcurl), text in UTF-8. Refuses what would add a header or a recipient,
 * and never hands a mail or a password to a server in a way that the configuration did not ask for.
 * Blocks until the server has taken the mail or the time is up: to be called by a worker. Knows no
 * template, no queue and no person.
 */
#ifndef USHER_NOTIFY_MAIL_H
#define USHER_NOTIFY_MAIL_H

#include "base/buffer.h"
#include "notify/letter.h"

#include <stdatomic.h>

#define MAIL_ADDRESS_MAX 254   /* bytes (RFC 5321 4.5.3.1) */
#define MAIL_NAME_MAX    128   /* bytes of a sender's name */
#define MAIL_SUBJECT_MAX 256   /* bytes of a subject */
#define MAIL_BODY_MAX    65536 /* bytes of a body */
#define MAIL_ERROR_MAX   384   /* enough for every error text */

enum mail_tls {
    MAIL_TLS_NONE,  /* in the clear; smtps:// is encrypted all the same */
    MAIL_TLS_TRY,   /* STARTTLS where the server offers it */
    MAIL_TLS_ALWAYS /* STARTTLS, or no mail; the certificate is checked, here and in TRY */
};

/* The server and what is common to all mails. Strings belong to the caller; NULL and "" mean the
 * same. */
struct mail_server {
    const char *url; /* smtp://host:port or smtps://host:port */
    enum mail_tls tls;
    const char *user; /* empty: no AUTH. Else a mail goes out only after the server accepted it */
    const char *password;
    const char *ca_file;   /* empty: the system's authorities */
    const char *from;      /* address of the sender */
    const char *from_name; /* may be empty */
    long timeout_ms;       /* in all; half, in whole seconds, for each answer; 0: 30 s */
};

/* One mail. Lines of the body end in \n. */
struct mail {
    const char *to;
    const char *subject;
    const char *body;
};

/* Initialises libcurl: once, before there are threads. What it frees from then on is wiped. E_MAIL.
 */
int mail_init(void);

/* An address that may stand in a header and an envelope: local@domain, ASCII, no white space,
 * quotes, angle brackets, commas, comments or control bytes. E_SYNTAX. */
int mail_address_check(struct slice address);

/* Whether a mail could go to this server at all. errbuf says why not.
 *   E_SYNTAX        the sender is no address; the URL is another one, or holds a user name
 *   E_CONFIDENTIAL  as mail_deliver */
int mail_check(const struct mail_server *server, char *errbuf, size_t size);

/* Appends the mail, from the sender of this server, as it is to travel; id (letter_id) becomes its
 * Message-ID; png (empty: none) is shown below the text. errbuf says what is wrong.
 *   E_SYNTAX  an address, name, subject or body may not stand where it should
 *   E_LIMIT   one of them is too long
 *   E_NOMEM */
int mail_compose(const struct mail_server *server, const struct mail *mail, struct slice png,
                 const char *id, struct buffer *ret, char *errbuf, size_t size);

/* Delivers what mail_compose wrote to one recipient. Once *stop (NULL: never) is set it gives up,
 * after five seconds if the server has the whole mail and only its answer is missing. *ret_reached
 * (NULL: nobody asks) is set where the conversation began: whether the server was there and let us
 * in, so that a failure is one of the mail.
 * errbuf says why not, without secrets and without the body.
 *   E_SYNTAX        an address or the URL may not stand where it should
 *   E_CONFIDENTIAL  user is set, the host is not the loopback, and neither smtps:// nor
 *                   MAIL_TLS_ALWAYS is configured: the password would travel in the clear
 *   E_UNWILLING     the server refuses this recipient or mail for good (5xx)
 *   E_BUSY          it refuses it for the moment (4xx)
 *   E_MAIL E_NOMEM  the server is away, or takes no mail of ours
 *   E_TIMEOUT       most likely the same; when the whole mail had been sent nobody can tell
 *   E_CANCELED      *stop was set */
int mail_deliver(const struct mail_server *server, const char *to, struct slice message,
                 const _Atomic bool *stop, bool *ret_reached, char *errbuf, size_t size);

/* Composes and delivers, with a Message-ID of its own. Errors of both, E_CRYPTO. */
int mail_send(const struct mail_server *server, const struct mail *mail, bool *ret_reached,
              char *errbuf, size_t size);

/* As far as a mail goes before it is a mail: connects, encrypts and logs in as for one, and says
 * goodbye. Errors of mail_deliver. */
int mail_probe(const struct mail_server *server, char *errbuf, size_t size);

#endif
