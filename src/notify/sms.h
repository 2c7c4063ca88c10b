/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One text message out, through a command of the administrator's or an HTTP hook: usher speaks no
 * provider's protocol. The number is the only thing that an argument list ever shows; the text goes
 * over standard input or the body. Blocks until it is sent or the time is up: to be called by a
 * worker. Knows no template and no person.
 */
#ifndef USHER_NOTIFY_SMS_H
#define USHER_NOTIFY_SMS_H

#include "base/mem.h"

#include <stdatomic.h>

#define SMS_NUMBER_MAX 17   /* +, fifteen digits (E.164) and the byte 0 */
#define SMS_TEXT_MAX   1024 /* bytes of a text */
#define SMS_WORDS_MAX  32   /* words of a command */
#define SMS_ERROR_MAX  384  /* enough for every error text */

/* How texts are sent. Strings belong to the caller; NULL and "" mean the same. */
struct sms_gateway {
    /* The program, by its absolute path, and its arguments; NULL or count 0: the hook. The number
     * is added as the last argument. Status 0 means sent. It runs in "/", with PATH and LANG alone
     * as its environment, in a process group of its own; its output is thrown away. */
    const char *const *command;
    size_t command_count;
    /* https://..., or http:// on the loopback: POST {"to": number, "text": text}. An answer of 200
     * to 299 means sent; redirects are not followed. */
    const char *url;
    const char *token;   /* "Authorization: Bearer ..." ; empty: none */
    const char *ca_file; /* empty: the system's authorities */
    long timeout_ms;     /* in all; the command's process group is then killed */
};

/* A number as people write it, "+45 12 34-56 78", in the form of E.164, "+4512345678". ret has
 * SMS_NUMBER_MAX bytes. E_SYNTAX, also for one without its country. */
int sms_number(struct slice text, char *ret);

/* Whether a gateway is configured. */
bool sms_configured(const struct sms_gateway *gateway);

/* Whether this configuration can send at all: before there are threads. errbuf says why not.
 *   E_SYNTAX        the command is not an absolute path, or the URL is neither http nor https
 *   E_LIMIT         too many words
 *   E_CONFIDENTIAL  http:// to another host: the code would travel in the clear */
int sms_check(const struct sms_gateway *gateway, char *errbuf, size_t size);

/* Sends. number is one of sms_number. errbuf says why not, without number, text, token and URL.
 * Once *stop is set (NULL: never) it gives up.
 *   E_LIMIT    the text is too long
 *   E_MAIL     refused, or not sent
 *   E_TIMEOUT  nobody can tell
 *   E_CANCELED *stop was set
 *   E_NOMEM */
int sms_send(const struct sms_gateway *gateway, const char *number, const char *text,
             const _Atomic bool *stop, char *errbuf, size_t size);

#endif
