/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the verbs of usherctl share: the options of the command line, the connection to usherd,
 * secrets read without echo, and the one way in which each answer is printed, in words or as JSON.
 */
#ifndef USHER_CLI_CLI_H
#define USHER_CLI_CLI_H

#include "client/client.h"
#include "ldap/dn.h"

#include <jansson.h>
#include <stdbool.h>

/* Exit statuses, which verbs return. */
enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_ERROR = 2 };

struct cli {
    const char *uri;                /* NULL: not given; cli_connect takes the administrator's */
    const char *bind_dn;            /* NULL: as the peer of the socket */
    const char *bind_password_file; /* NULL: asked for */
    const char *secret_file;        /* --pin-file, --password-file, --code-file; NULL: asked for */
    int64_t timeout_s;
    bool json;
    bool qr, no_qr, mail;  /* code enroll */
    struct client *client; /* NULL until cli_connect */
    char base[DN_MAX];     /* "" until cli_base */
};

/* Connects and binds. 0, or EXIT_ERROR with a message printed. */
int cli_connect(struct cli *cli);

/* Finds the base DN. 0, or EXIT_ERROR with a message printed. */
int cli_base(struct cli *cli);

/* Prints what went wrong with a client call: what the daemon said, or why it said nothing.
 * Returns EXIT_ERROR. */
int cli_fail(const struct cli *cli, int rc);

/* Prints that it is done, or what went wrong: rc is what a client call returned. EXIT_YES;
 * EXIT_NO for a refusal of the secret or code that was given (E_AUTH); EXIT_ERROR. */
int cli_done(struct cli *cli, int rc, const char *done);

/* Prints an error. Returns EXIT_ERROR. */
int cli_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How the answer to a question is told: the words for what a Compare gave, and the exit status;
 * NULL for what is no answer. */
const char *cli_answer(int rc, int *ret_status);

/* Prints text with everything that could move the cursor made harmless. */
void cli_print(struct slice text);

/* Draws a text as a QR code. E_LIMIT: it is too long for one; E_NOMEM. */
int cli_qr(const char *text);

/* Prints and frees an object: {"answer": ...}. */
void cli_json(json_t *object);

/* Prints a value as it is: in words a line of its own, or {key: value}. */
void cli_value(const struct cli *cli, const char *key, struct slice value);

/* Ends a verb that lists, with its exit status, which is returned. list, which is freed, was
 * gathered for JSON, and is printed at EXIT_YES: {key: list}. NULL: all is said in words. */
int cli_list(int status, const char *key, json_t *list);

/* A secret: the first line of the file ("-": of standard input) when a file is given or standard
 * input is no terminal; else typed without echo, twice when repeat is set. Never empty. 0, or
 * EXIT_ERROR with a message printed. The caller clears it. */
int cli_secret(const struct cli *cli, const char *file, const char *prompt, bool repeat,
               struct secret *ret);

/* The verbs. argv has what follows noun and verb; the table in main.c has checked the count. */
int explain_ask(struct cli *cli, int argc, char **argv);
int who_list(struct cli *cli, int argc, char **argv);
int permission_list(struct cli *cli, int argc, char **argv);
int doctor_examine(struct cli *cli, int argc, char **argv);
int status_show(struct cli *cli, int argc, char **argv);
int check_ask(struct cli *cli, int argc, char **argv);
int pin_set(struct cli *cli, int argc, char **argv);
int pin_remove(struct cli *cli, int argc, char **argv);
int code_enroll(struct cli *cli, int argc, char **argv);
int code_confirm(struct cli *cli, int argc, char **argv);
int code_reset(struct cli *cli, int argc, char **argv);
int code_recovery(struct cli *cli, int argc, char **argv);
int password_set(struct cli *cli, int argc, char **argv);
int password_app_create(struct cli *cli, int argc, char **argv);
int password_app_list(struct cli *cli, int argc, char **argv);
int password_app_revoke(struct cli *cli, int argc, char **argv);
int password_forgotten(struct cli *cli, int argc, char **argv);
int password_redeem(struct cli *cli, int argc, char **argv);
int user_invite(struct cli *cli, int argc, char **argv);
int user_logout(struct cli *cli, int argc, char **argv);
int unlock_person(struct cli *cli, int argc, char **argv);
int key_init(struct cli *cli, int argc, char **argv);
int key_add(struct cli *cli, int argc, char **argv);
int key_use(struct cli *cli, int argc, char **argv);
int key_rotate(struct cli *cli, int argc, char **argv);

#endif
