/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Logins (DESIGN 6): what a secret must satisfy, whichever way it came. Everything is decided on
 * the store's data, read at that moment; attempts are reserved in the ledger before anything is
 * checked. All functions block at the store and belong on a pool thread; attempts of one login.key
 * must run one at a time. What takes a processor for long, hashing, is a step of its own, which the
 * caller has done elsewhere. Knows no sockets and no LDAP messages.
 */
#ifndef USHER_RULES_LOGIN_H
#define USHER_RULES_LOGIN_H

#include "base/mem.h"
#include "ldap/dn.h"
#include "ldap/exop.h"
#include "model/grant.h"
#include "rules/text.h"
#include "secret/app_password.h"
#include "secret/lockout.h"
#include "secret/mailed.h"
#include "secret/recovery.h"
#include "secret/seal.h"
#include "store/password.h"
#include "store/pool.h"

#include <stdint.h>
#include <sys/types.h>

#define LOGIN_NAME_MAX   256 /* of a user as given: DN, uid or mail */
#define LOGIN_TEXT_MAX   256
#define LOGIN_TICKET_MAX 1024
#define LOGIN_EPOCH_MOST 999999999999 /* usherAuthEpoch is raised no further */

/* What all logins of the daemon share. Immutable after start. */
struct login_context {
    struct store *store;
    const struct keys *keys;
    struct slice base; /* normalized */
    const char *rights_path;
    const char *issuer; /* in otpauth URIs */
    struct lockout_policy lockout;
    unsigned pin_cost;               /* log2 of scrypt's N for new PINs */
    int64_t timeout_ms;              /* for one step at the store */
    bool sms;                        /* an SMS can be sent */
    int64_t mailed_ms[MAILED_KINDS]; /* how long a mailed token is good */
};

/* What the person is to be told by mail, because it is news to them if it was not their doing. */
enum notice {
    NOTICE_NONE,
    NOTICE_PASSWORD,
    NOTICE_PIN,
    NOTICE_APP,
    NOTICE_APP_GONE,
    NOTICE_RECOVERY,
    NOTICE_ENROLL,
    NOTICE_TOKEN, /* the token itself */
    NOTICES
};

/* Who asks. */
struct login_peer {
    bool admin;     /* the platform administrator */
    bool trusted;   /* may name any user; its claims are believed for the audit line */
    bool unix_peer; /* uid is known */
    bool local;     /* counts as a local peer: not from the network */
    uid_t uid;
    bool service; /* a bound service */
    char service_organization[65];
    char service_name[65];
    char person[65]; /* uid of the bound person, or empty */
    bool person_enrolling;
    char text[80]; /* binds tickets to the peer: "uid:0", "service:cn=..." */
};

/* A PIN on its way through the steps. */
struct login_pin {
    int err;             /* what came of hashing */
    struct slice sealed; /* to be verified (empty: nobody's), or the new one; in the arena */
    struct slice dn;     /* of the membership; in the arena */
    struct lockout mine; /* what was reserved */
};

/* One question about one person, and what came of it. Allocated by the caller, zeroed; wiped by
 * login_clear. */
struct login {
    /* Asked: */
    struct login_peer peer;
    char user[LOGIN_NAME_MAX];
    char organization[65];
    char permission[GRANT_MAX + 1];
    enum verify_factor factor;
    struct secret secret;
    struct secret new_secret; /* a new PIN or password */
    bool bind;                /* the code follows the password directly */
    bool has_secret, has_new_secret;
    char ticket[LOGIN_TICKET_MAX];
    char service[64], tty[64], rhost[64], language[16];
    enum means means;
    enum enroll_step step;
    enum app_action app_action;
    struct app_password app_asked; /* organization, service and label; or the id */
    bool by_id;                    /* user is a usherId */
    enum mailed_kind mailed_kind;
    char mailed_token[MAILED_TOKEN_SIZE]; /* to be redeemed; or a new one, for the mail alone */

    /* Found: */
    struct arena *arena;
    struct person *person; /* NULL: unknown */
    uint64_t key;          /* attempts of equal key are to run one at a time; 0: side by side */

    /* Under way: */
    void (*hash)(const struct login_context *context, struct login *login);   /* to be done next */
    void (*hashed)(const struct login_context *context, struct login *login); /* and then this */
    void (*proven)(const struct login_context *context, struct login *login); /* once it is answered
                                                                  whether the old secret is right */
    struct login_pin pin;

    /* Answered: */
    int err; /* 0, E_AUTH, E_STEPUP, E_UNWILLING, E_ACCESS, E_UNAVAIL ... */
    enum verify_state state;
    char text[LOGIN_TEXT_MAX];
    char ret_ticket[LOGIN_TICKET_MAX];
    char uid[65];
    char dn[DN_MAX];
    size_t dn_len;
    enum factor done;              /* the second factor of the session */
    enum means due;                /* with E_STEPUP */
    bool enroll_only;              /* a bind: the factor that is due has to be enrolled first */
    bool change_only;              /* a bind: the password has to be changed first */
    struct password_policy policy; /* what the store said of the password, with policy_told */
    bool policy_told;
    bool locked;           /* refused because a lock is in force; for the audit line alone */
    char uri[1100];        /* enroll: otpauth URI; with NOTICE_ENROLL for the mail alone */
    char destination[320]; /* challenge: where to, in full; for the mail job alone */
    char masked[320];      /* challenge */
    char code[16];         /* challenge: for the mail job alone */
    char challenge[1600];  /* challenge: its record in the ledger */
    char mail_name[256], mail_language[16];
    char recovery[RECOVERY_CODES][RECOVERY_TEXT_MAX]; /* a fresh set */
    bool app;                             /* an application password: for organization alone */
    char app_text[APP_PASSWORD_TEXT_MAX]; /* a new one */
    struct app_password *apps;            /* in the arena */
    size_t app_count;
    bool recovery_used;
    unsigned recovery_left;  /* with recovery_used */
    enum notice notice;      /* to be mailed to destination once err is 0, or with recovery_used */
    int64_t mailed_until_ms; /* a new token: good until then, ms since 1970 */
    struct slice mailed_old, mailed_new; /* its record in the ledger, and the one before */
};

/* Has the person told, where they have a verified address. */
void login_notify(struct login *login, enum notice notice);

/* Copies what was asked; E_LIMIT when a value is too long for any person. */
int login_set(char *field, size_t size, struct slice value);
void login_clear(struct login *login);

/* Sets err, state and text (in the login's language). Used by the rules themselves. */
void login_answer(struct login *login, int err, enum verify_state state, enum text text);

/* err with a text of our own, for administrators and programs. */
void login_fail(struct login *login, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The answer to a store that cannot tell: E_UNAVAIL, E_TIMEOUT, E_BUSY. */
void login_unavailable(struct login *login, int err);

/* First, and again when time has passed since: finds the person in the store and sets key. 0 also
 * for an unknown person; E_UNAVAIL, E_TIMEOUT, E_BUSY when the store cannot tell. Sets login->err
 * too. */
int login_find(const struct login_context *context, struct login *login);

/* Afterwards: whether there is such a person, and active; and under which name attempts are
 * counted: the person's id, or, of nobody, the name given, folded. */
bool login_is_somebody(const struct login *login);
struct slice login_limit_key(const struct login *login);

/* Then one of these, by login_step: it goes on with what has been begun, or begins it with first.
 * Afterwards login->hash is NULL, and err, state, text and what belongs to it are set; or something
 * is to be hashed, by login_hash on any thread, before login_step is called again. Instead of that,
 * login_unhashed gives up, with an error for the reason. */
void login_step(const struct login_context *context, struct login *login,
                void (*first)(const struct login_context *context, struct login *login));
void login_hash(const struct login_context *context, struct login *login);
void login_unhashed(struct login *login, int err);

void login_verify(const struct login_context *context, struct login *login);
/* Whether this peer may have a code sent for this person at all: 0, E_ACCESS, E_AUTH. Does not
 * block. */
int login_challenge_access(const struct login_context *context, const struct login *login);
void login_challenge(const struct login_context *context, struct login *login);
/* The SMS of a challenge could not be sent: another code, for a mail, takes the place of its code.
 * 0; E_UNAVAIL ... with login->err set: no mail either, and the challenge is taken back. */
int login_challenge_fallback(const struct login_context *context, struct login *login);
/* The code of a challenge could not be sent: the challenge is taken back. */
void login_challenge_failed(const struct login_context *context, struct login *login);
void login_set_pin(const struct login_context *context, struct login *login);
void login_enroll(const struct login_context *context, struct login *login);
void login_recovery(const struct login_context *context, struct login *login);
void login_app_password(const struct login_context *context, struct login *login);
void login_logout(const struct login_context *context, struct login *login);
void login_unlock(const struct login_context *context, struct login *login);
void login_password_change(const struct login_context *context, struct login *login);
/* Whether this peer may have this kind of token mailed at all: 0, E_ACCESS. Does not block. */
int login_invite_access(const struct login *login);
/* Has a token mailed with which the person sets a password. */
void login_invite(const struct login_context *context, struct login *login);
/* That mail could not be queued: the token before, if there was one, is good again. */
void login_invite_failed(const struct login_context *context, struct login *login);
/* Sets the password of the person whom a mailed token names. */
void login_redeem(const struct login_context *context, struct login *login);

/* A service binds with its DN and password: err, uid (its cn) and organization. */
void login_service(const struct login_context *context, struct login *login);

#endif
