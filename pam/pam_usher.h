/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the three modules share: options, the conversation, the question to usherd, the ticket
 * between the modules of one stack, PAM's codes for the daemon's answers, and pam_sm_setcred.
 * Invariant: only an answer that says so in every part gives PAM_SUCCESS; every other one denies.
 * Runs inside a foreign program: no exit, output, signal, thread or global; what was secret is
 * wiped; log lines hold no secret and no user name.
 */
#ifndef USHER_PAM_USHER_H
#define USHER_PAM_USHER_H

#include "ldap/exop.h"

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libpam calls, in a build where everything else is hidden. */
#define PAM_USHER_ENTRY __attribute__((visibility("default")))

#define PAM_USHER_SOCKET USHER_RUNDIR "/ldapi" /* without socket=; the only one of usher-chkpwd */

#define PAM_USHER_USER_MAX     255  /* bytes of a user name, as usherd takes them */
#define PAM_USHER_NAME_MAX     64   /* bytes of an organization's name */
#define PAM_USHER_TICKET_MAX   2048 /* bytes of a ticket */
#define PAM_USHER_TEXT_MAX     512  /* bytes of a text for the user, terminated */
#define PAM_USHER_LANGUAGE_MAX 15   /* that usherd takes; a longer one is no language of mails */

/* Marks English text that pam_usher_text translates later. */
#define N_(text) text

/* One module, as its options and prompts go. */
struct pam_usher_module {
    unsigned kind;             /* PAM_USHER_...: which options it takes */
    enum verify_factor factor; /* what it checks */
    const char *prompt;        /* of auth; these are English, for pam_usher_text */
    const char *old_prompt;    /* of chauthtok, and the next three */
    const char *new_prompt;
    const char *again_prompt;
    const char *differ; /* the new one was not typed the same twice */
    bool needs_organization;
};

enum { PAM_USHER_PASSWORD = 1, PAM_USHER_PIN = 2, PAM_USHER_OTP = 4 };

struct pam_usher_options {
    const char *organization; /* NULL: absent, as the next two */
    const char *permission;
    const char *prompt;
    const char *socket;
    int64_t timeout_s;
    int64_t minimum_uid; /* 0: everybody is asked about */
    bool use_first_pass, try_first_pass;
    bool use_authtok; /* chauthtok: never asks for the new secret */
    bool nullok;      /* changes nothing: an empty secret is never right */
    bool debug;
};

enum pam_usher_stage {
    STAGE_NONE,       /* nothing verified */
    STAGE_FACTOR_DUE, /* the first secret was right; ticket for the second is held */
    STAGE_COMPLETE,
};

/* What the modules of one PAM handle hand on to each other, about one user. */
struct pam_usher_login {
    char user[PAM_USHER_USER_MAX + 1];
    char organization[PAM_USHER_NAME_MAX + 1]; /* that the ticket is for; empty: none */
    enum pam_usher_stage stage;
    enum means means; /* of the factor that is due */
    bool must_change;
    size_t ticket_len;
    char ticket[PAM_USHER_TICKET_MAX];
    int64_t waited_ms; /* for usherd, by the modules that ran just before */
    int64_t rested_ms; /* monotonic time at which that waiting ended */
};

/* One call of a module. */
struct pam_usher {
    pam_handle_t *pamh;
    int flags;
    const struct pam_usher_module *module;
    struct pam_usher_options options;
    const char *user;              /* the login's own copy */
    struct pam_usher_login *login; /* about user */
};

/* What usherd said to one request. */
struct pam_usher_answer {
    int rc;        /* E_ code of the result */
    bool answered; /* else rc tells why not */
    enum verify_state state;
    enum means means;
    size_t ticket_len;
    char ticket[PAM_USHER_TICKET_MAX];
    char text[PAM_USHER_TEXT_MAX]; /* for the user */
};

/* Reads options and the user name, and finds the login. PAM_SUCCESS, or what the module returns:
 * PAM_SERVICE_ERR for a wrong option, PAM_USER_UNKNOWN for a name that is not for us, and so on. */
int pam_usher_begin(pam_handle_t *pamh, int flags, int argc, const char **argv,
                    const struct pam_usher_module *module, struct pam_usher *ret);

/* Whether org= is that of the login, since a ticket is good for one organization. Without org= the
 * code's module takes that of the login. PAM_SUCCESS, or PAM_SERVICE_ERR with the reason logged. */
int pam_usher_agree(struct pam_usher *call);

/* Forgets what earlier modules learnt. */
void pam_usher_forget(struct pam_usher_login *login);

/* Asks usherd to verify the secret (NULL for none) as factor; with the ticket if one is held and
 * the factor is a code or none. *ret is always filled; the caller wipes it. */
void pam_usher_verify(struct pam_usher *call, enum verify_factor factor, const char *secret,
                      struct pam_usher_answer *ret);

/* Asks usherd, without a secret, whether it knows the user at all. PAM_SUCCESS: it does, or does
 * not tell us; PAM_USER_UNKNOWN: it does not, whatever org= and permission= say; else as
 * pam_usher_refuse for no answer. */
int pam_usher_known(struct pam_usher *call);

/* Has the code sent by the means that the login names; ret->text says where it went, masked, when
 * ret->rc is 0, else why not. */
void pam_usher_challenge(struct pam_usher *call, struct pam_usher_answer *ret);

/* Changes the secret that the module checks: the password, or the PIN in the organization of org=.
 */
void pam_usher_change(struct pam_usher *call, const char *old_secret, const char *new_secret,
                      struct pam_usher_answer *ret);

/* The PAM code of an answer that is not the one hoped for; never PAM_SUCCESS or PAM_IGNORE. Shows
 * the user its text and logs what an administrator should know. */
int pam_usher_refuse(struct pam_usher *call, const struct pam_usher_answer *answer);

/* Takes the answer to a secret into the login, and shows what a complete one says, such as how many
 * recovery codes are left. PAM_SUCCESS when it is complete or a factor is due with a ticket;
 * PAM_SYSTEM_ERR when PAM_USER is somebody else by now; else as pam_usher_refuse. */
int pam_usher_accept(struct pam_usher *call, const struct pam_usher_answer *answer);

/* Whether a typed secret can be sent: PAM_SUCCESS, or PAM_AUTH_ERR for an empty one, one longer
 * than SECRET_MAX, and for what sshd types for a user that it does not know. */
int pam_usher_sendable(struct pam_usher *call, const char *secret);

/* Shows text unless the application asked for silence. Empty text shows nothing. */
void pam_usher_show(struct pam_usher *call, int style, const char *text);

/* Reaches usherd through usher-chkpwd(8), for a process that may not open the socket. deadline_ms
 * as for client_open. E_ACCESS when there is no such program or it does not serve this socket; else
 * as client_take. */
struct client;
int pam_usher_helper(const struct pam_usher *call, int64_t deadline_ms, struct client **ret);

/* The text in the language of the session, as pam_usher_language finds it; where there is no
 * translation or the machine has no such locale, as it is. Stands as long as the process. */
const char *pam_usher_text(const struct pam_usher *call, const char *english)
    __attribute__((format_arg(2)));

/* The language, such as "fr-CH" for the locale "fr_CH.UTF-8", in buf; empty when it is not known:
 * of LC_ALL, LC_MESSAGES or LANG in PAM's environment, of the host program's locale, or of its
 * environment. */
struct slice pam_usher_language(const struct pam_usher *call, char buf[PAM_USHER_LANGUAGE_MAX + 1]);

void pam_usher_debug(const struct pam_usher *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole of pam_sm_authenticate, pam_sm_acct_mgmt and pam_sm_chauthtok for a module that asks
 * one secret, a password or a PIN (pam_secret.c). */
int pam_usher_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv,
                           const struct pam_usher_module *module);
int pam_usher_account(pam_handle_t *pamh, int flags, int argc, const char **argv,
                      const struct pam_usher_module *module);
int pam_usher_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv,
                        const struct pam_usher_module *module);

#endif
