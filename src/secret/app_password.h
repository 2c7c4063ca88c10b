/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Application passwords: random ones for programs that bind again and again, each good for one
 * organization and one service alone. What is stored is sealed and holds a digest, so that nobody
 * can show one again; 112 random bits need neither a slow hash nor counting. Knows neither the
 * directory nor what a scope means.
 *
 * Sealed inside: 1 <id> <created ms> <organization> <service> <digest, base64> <label>.
 */
#ifndef USHER_SECRET_APP_PASSWORD_H
#define USHER_SECRET_APP_PASSWORD_H

#include "secret/letters.h"
#include "secret/seal.h"

#define APP_PASSWORD_LETTERS 24
#define APP_PASSWORD_GROUP   6
#define APP_PASSWORD_TEXT_MAX                                                                      \
    LETTERS_SHOWN(APP_PASSWORD_LETTERS,                                                            \
                  APP_PASSWORD_GROUP) /* "abcdef-ghijkl-mnopqr-stuvwx" and the byte 0 */
#define APP_PASSWORD_ID_MAX   9       /* eight hex digits and the byte 0 */
#define APP_PASSWORD_NAME_MAX 65      /* of organization, service and label, with the byte 0 */

struct app_password {
    char id[APP_PASSWORD_ID_MAX];
    char organization[APP_PASSWORD_NAME_MAX];
    char service[APP_PASSWORD_NAME_MAX];
    char label[APP_PASSWORD_NAME_MAX]; /* UTF-8 for people */
    int64_t created_ms;
};

/* Whether a word may be an organization or service here: 1 to 64 of a-z 0-9 . _ - */
bool app_password_name(struct slice name);

/* Makes one for a person (usherId): organization, service, label and created_ms are given, id is
 * filled in. ret_text has APP_PASSWORD_TEXT_MAX bytes, which the caller wipes, ret_sealed SEAL_MAX.
 * E_SYNTAX for a name or a label that is empty or holds a control byte; E_CRYPTO. */
int app_password_new(const struct keys *keys, struct slice person, struct app_password *password,
                     char *ret_text, char *ret_sealed);

/* What a stored value says. E_CRYPTO when it is none of this person's. */
int app_password_open(const struct keys *keys, struct slice person, struct slice sealed,
                      struct app_password *ret);

/* The letters of what was given. E_SYNTAX: it is no application password. */
int app_password_letters(struct slice given, char ret[APP_PASSWORD_LETTERS]);

/* 0 when the letters are those of the stored value; E_AUTH; E_CRYPTO. */
int app_password_check(const struct keys *keys, struct slice person, struct slice sealed,
                       const char letters[APP_PASSWORD_LETTERS], struct app_password *ret);

#endif
