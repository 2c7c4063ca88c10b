/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam_usher.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "client/client.h"

#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The layout of struct pam_usher_login belongs to the name: modules of two versions can meet in one
 * stack while a package is replaced. */
#define LOGIN_DATA "usher_login_2"

#define TIMEOUT_S        10
#define TIMEOUT_MAX_S    600
#define SOCKET_MAX       107
#define JUNK_DELAY_US    100000 /* about what checking a password takes */
#define EVERY_MODULE     (PAM_USHER_PASSWORD | PAM_USHER_PIN | PAM_USHER_OTP)
#define ONE_SECRET       (PAM_USHER_PASSWORD | PAM_USHER_PIN)
#define OPTION_AT(field) offsetof(struct pam_usher_options, field)

static const struct option {
    const char *name; /* with "=" when it takes a value */
    enum { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG } kind;
    unsigned modules;
    size_t offset;
    int64_t min, max;
} options[] = {
    {"org=", OPTION_TEXT, EVERY_MODULE, OPTION_AT(organization), 1, PAM_USHER_NAME_MAX},
    {"permission=", OPTION_TEXT, EVERY_MODULE, OPTION_AT(permission), 1, 512},
    {"socket=", OPTION_TEXT, EVERY_MODULE, OPTION_AT(socket), 1, SOCKET_MAX},
    {"authtok_prompt=", OPTION_TEXT, EVERY_MODULE, OPTION_AT(prompt), 1, 256},
    {"timeout=", OPTION_NUMBER, EVERY_MODULE, OPTION_AT(timeout_s), 1, TIMEOUT_MAX_S},
    {"minimum_uid=", OPTION_NUMBER, EVERY_MODULE, OPTION_AT(minimum_uid), 0, UINT32_MAX},
    {"use_first_pass", OPTION_FLAG, ONE_SECRET, OPTION_AT(use_first_pass), 0, 0},
    {"try_first_pass", OPTION_FLAG, ONE_SECRET, OPTION_AT(try_first_pass), 0, 0},
    {"use_authtok", OPTION_FLAG, ONE_SECRET, OPTION_AT(use_authtok), 0, 0},
    {"nullok", OPTION_FLAG, EVERY_MODULE, OPTION_AT(nullok), 0, 0},
    {"debug", OPTION_FLAG, EVERY_MODULE, OPTION_AT(debug), 0, 0},
};

static int option_number(const char *text, const struct option *option, int64_t *ret)
{
    char *end;
    long long number;

    if (*text < '0' || *text > '9' || strlen(text) > 12)
        return PAM_SERVICE_ERR;
    number = strtoll(text, &end, 10);
    if (*end != '\0' || number < option->min || number > option->max)
        return PAM_SERVICE_ERR;
    *ret = number;
    return PAM_SUCCESS;
}

static int option_set(const struct option *option, const char *value, void *place)
{
    size_t len = strlen(value);

    switch (option->kind) {
    case OPTION_TEXT:
        if (len < (size_t)option->min || len > (size_t)option->max)
            return PAM_SERVICE_ERR;
        *(const char **)place = value;
        return PAM_SUCCESS;
    case OPTION_NUMBER:
        return option_number(value, option, place);
    case OPTION_FLAG:
        *(bool *)place = true;
        return len == 0 ? PAM_SUCCESS : PAM_SERVICE_ERR;
    }
    return PAM_SERVICE_ERR;
}

static int option_read(struct pam_usher *call, const char *text)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t len = strlen(options[i].name);

        if ((options[i].modules & call->module->kind) != 0 &&
            strncmp(text, options[i].name, len) == 0)
            return option_set(&options[i], text + len, (char *)&call->options + options[i].offset);
    }
    return PAM_SERVICE_ERR;
}

static int options_read(struct pam_usher *call, int argc, const char **argv)
{
    call->options = (struct pam_usher_options){.socket = PAM_USHER_SOCKET, .timeout_s = TIMEOUT_S};
    for (int i = 0; i < argc; i++)
        if (option_read(call, argv[i]) != PAM_SUCCESS) {
            pam_syslog(call->pamh, LOG_ERR, "unknown option or bad value: %s", argv[i]);
            return PAM_SERVICE_ERR;
        }
    if (call->options.socket[0] != '/') {
        pam_syslog(call->pamh, LOG_ERR, "socket= wants an absolute path");
        return PAM_SERVICE_ERR;
    }
    if (call->module->needs_organization && call->options.organization == NULL) {
        pam_syslog(call->pamh, LOG_ERR, "option org= is missing");
        return PAM_SERVICE_ERR;
    }
    return PAM_SUCCESS;
}

static void login_free(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    mem_wipe(data, sizeof(struct pam_usher_login));
    free(data);
}

void pam_usher_forget(struct pam_usher_login *login)
{
    login->stage = STAGE_NONE;
    login->means = MEANS_DEFAULT;
    login->must_change = false;
    login->organization[0] = '\0';
    login->ticket_len = 0;
    mem_wipe(login->ticket, sizeof(login->ticket));
}

/* The login of this handle. What is known about another user than the present one is forgotten. */
static int login_find(struct pam_usher *call)
{
    struct pam_usher_login *login;
    const void *data = NULL;
    int rc;

    if (pam_get_data(call->pamh, LOGIN_DATA, &data) == PAM_SUCCESS && data != NULL) {
        login = (struct pam_usher_login *)data;
    } else {
        login = calloc(1, sizeof(*login));
        if (login == NULL)
            return PAM_BUF_ERR;
        rc = pam_set_data(call->pamh, LOGIN_DATA, login, login_free);
        if (rc != PAM_SUCCESS) {
            free(login);
            return rc;
        }
    }
    if (strcmp(login->user, call->user) != 0) {
        pam_usher_forget(login);
        (void)snprintf(login->user, sizeof(login->user), "%s", call->user);
    }
    call->login = login;
    call->user = login->user; /* PAM's own goes when a conversation sets another */
    return PAM_SUCCESS;
}

static int user_read(struct pam_usher *call)
{
    const char *user = NULL;
    const struct passwd *passwd;
    int rc = pam_get_user(call->pamh, &user, NULL);

    if (rc != PAM_SUCCESS)
        return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : rc;
    if (user == NULL || *user == '\0' || strlen(user) > PAM_USHER_USER_MAX)
        return PAM_USER_UNKNOWN;
    if (call->options.minimum_uid > 0) {
        passwd = pam_modutil_getpwnam(call->pamh, user);
        if (passwd != NULL && (int64_t)passwd->pw_uid < call->options.minimum_uid)
            return PAM_USER_UNKNOWN;
    }
    call->user = user;
    return PAM_SUCCESS;
}

int pam_usher_begin(pam_handle_t *pamh, int flags, int argc, const char **argv,
                    const struct pam_usher_module *module, struct pam_usher *ret)
{
    int rc;

    *ret = (struct pam_usher){.pamh = pamh, .flags = flags, .module = module};
    rc = options_read(ret, argc, argv);
    if (rc == PAM_SUCCESS)
        rc = user_read(ret);
    if (rc == PAM_SUCCESS)
        rc = login_find(ret);
    return rc;
}

int pam_usher_agree(struct pam_usher *call)
{
    const struct pam_usher_login *login = call->login;

    if (login->stage == STAGE_NONE)
        return PAM_SUCCESS;
    if (call->options.organization == NULL && call->module->factor == VERIFY_CODE &&
        login->organization[0] != '\0')
        call->options.organization = login->organization;
    if (slice_equal_fold(slice_of(call->options.organization), slice_of(login->organization)))
        return PAM_SUCCESS;
    pam_syslog(call->pamh, LOG_ERR, "org= differs from that of the module that asked the secret");
    return PAM_SERVICE_ERR;
}

void pam_usher_debug(const struct pam_usher *call, const char *format, ...)
{
    va_list args;

    if (!call->options.debug)
        return;
    va_start(args, format);
    pam_vsyslog(call->pamh, LOG_DEBUG, format, args);
    va_end(args);
}

void pam_usher_show(struct pam_usher *call, int style, const char *text)
{
    if ((call->flags & PAM_SILENT) == 0 && *text != '\0')
        (void)pam_prompt(call->pamh, style, NULL, "%s", text);
}

/* One request to usherd; writes rc and text into the answer. */
typedef int on_client(struct client *client, void *context, struct pam_usher_answer *answer);

/* The modules of a stack share one time limit: what those just before have waited counts. A rest as
 * long as the limit, such as somebody typing or trying again, gives the whole time anew. */
static void usher_ask(struct pam_usher *call, on_client *ask, void *context,
                      struct pam_usher_answer *ret)
{
    struct pam_usher_login *login = call->login;
    int64_t start_ms = clock_monotonic_ms(), timeout_ms = call->options.timeout_s * 1000;
    int64_t deadline_ms;
    struct client *client = NULL;

    *ret = (struct pam_usher_answer){.state = VERIFY_STATE_REFUSED};
    if (start_ms - login->rested_ms > timeout_ms)
        login->waited_ms = 0;
    deadline_ms = start_ms + timeout_ms - login->waited_ms;
    ret->rc = client_open(call->options.socket, deadline_ms, &client);
    if (ret->rc == E_ACCESS)
        ret->rc = pam_usher_helper(call, deadline_ms, &client);
    if (ret->rc == 0) {
        ret->rc = ask(client, context, ret);
        ret->answered = client_code(client) >= 0;
    }
    login->rested_ms = clock_monotonic_ms();
    login->waited_ms += login->rested_ms - start_ms;
    if (!ret->answered)
        pam_syslog(call->pamh, LOG_ERR, "usherd does not answer at %s: %s", call->options.socket,
                   err_text(ret->rc));
    else if (ret->rc != 0)
        pam_usher_debug(call, "usherd says %d, state %d: %s", client_code(client), (int)ret->state,
                        client_text(client));
    client_close(client);
}

static struct slice item_read(pam_handle_t *pamh, int type)
{
    const void *item = NULL;

    if (pam_get_item(pamh, type, &item) != PAM_SUCCESS || item == NULL)
        return (struct slice){0};
    return (struct slice){item, strnlen(item, 256)};
}

static int ask_verify(struct client *client, void *context, struct pam_usher_answer *answer)
{
    struct verify_response response;
    int rc = client_verify(client, context, &response);

    if (client_code(client) < 0)
        return rc;
    answer->state = response.state;
    answer->means = response.means;
    utf8_copy(response.text, answer->text, sizeof(answer->text));
    if (response.ticket.len > sizeof(answer->ticket))
        return E_LIMIT;
    answer->ticket_len = response.ticket.len;
    if (response.ticket.len > 0)
        memcpy(answer->ticket, response.ticket.data, response.ticket.len);
    return rc;
}

void pam_usher_verify(struct pam_usher *call, enum verify_factor factor, const char *secret,
                      struct pam_usher_answer *ret)
{
    char language[PAM_USHER_LANGUAGE_MAX + 1];
    struct verify_request request = {
        .user = slice_of(call->user),
        .organization = slice_of(call->options.organization),
        .permission = slice_of(call->options.permission),
        .factor = factor,
        .secret = slice_of(secret),
        .service = item_read(call->pamh, PAM_SERVICE),
        .tty = item_read(call->pamh, PAM_TTY),
        .rhost = item_read(call->pamh, PAM_RHOST),
        .language = pam_usher_language(call, language),
    };

    if ((factor == VERIFY_CODE || factor == VERIFY_NONE) && call->login->ticket_len > 0)
        request.ticket = (struct slice){call->login->ticket, call->login->ticket_len};
    usher_ask(call, ask_verify, &request, ret);
}

int pam_usher_known(struct pam_usher *call)
{
    struct pam_usher_options kept = call->options;
    struct pam_usher_answer answer;
    int rc = PAM_SUCCESS;

    call->options.organization = NULL; /* a wrong one is noSuchObject too */
    call->options.permission = NULL;
    pam_usher_verify(call, VERIFY_NONE, NULL, &answer);
    call->options = kept;
    if (!answer.answered)
        rc = pam_usher_refuse(call, &answer);
    else if (answer.rc == E_NOTFOUND)
        rc = PAM_USER_UNKNOWN;
    mem_wipe(&answer, sizeof(answer));
    return rc;
}

static int ask_challenge(struct client *client, void *context, struct pam_usher_answer *answer)
{
    struct challenge_response sent;
    int rc = client_challenge(client, context, &sent);

    utf8_copy(rc == 0 ? sent.destination : slice_of(client_text(client)), answer->text,
              sizeof(answer->text));
    return rc;
}

void pam_usher_challenge(struct pam_usher *call, struct pam_usher_answer *ret)
{
    char language[PAM_USHER_LANGUAGE_MAX + 1];
    struct challenge_request request = {
        .user = slice_of(call->user),
        .organization = slice_of(call->options.organization),
        .means = call->login->means,
        .ticket = {call->login->ticket, call->login->ticket_len},
        .language = pam_usher_language(call, language),
    };

    usher_ask(call, ask_challenge, &request, ret);
}

static int ask_set_pin(struct client *client, void *context, struct pam_usher_answer *answer)
{
    int rc = client_set_pin(client, context);

    utf8_copy(slice_of(client_text(client)), answer->text, sizeof(answer->text));
    return rc;
}

static int ask_password(struct client *client, void *context, struct pam_usher_answer *answer)
{
    int rc = client_password_modify(client, context);

    utf8_copy(slice_of(client_text(client)), answer->text, sizeof(answer->text));
    return rc;
}

void pam_usher_change(struct pam_usher *call, const char *old_secret, const char *new_secret,
                      struct pam_usher_answer *ret)
{
    struct password_modify_request password = {.user = slice_of(call->user),
                                               .old_password = slice_of(old_secret),
                                               .new_password = slice_of(new_secret)};
    struct set_pin_request pin = {.organization = slice_of(call->options.organization),
                                  .user = slice_of(call->user),
                                  .new_pin = slice_of(new_secret),
                                  .old_pin = slice_of(old_secret)};

    if (call->module->factor == VERIFY_PIN)
        usher_ask(call, ask_set_pin, &pin, ret);
    else
        usher_ask(call, ask_password, &password, ret);
}

/* Codes for answers that stop the user; what is not named here is err_pam's. noSuchObject is a
 * wrong org= as well as an unknown user, and a stack may ignore PAM_USER_UNKNOWN: so it is not
 * given. */
static const struct {
    int rc;
    int pam;
} refusals[] = {
    {0, PAM_SYSTEM_ERR}, /* a success whose state says something else */
    {E_NOTFOUND, PAM_PERM_DENIED},
    {E_UNWILLING, PAM_PERM_DENIED},
    {E_STEPUP, PAM_PERM_DENIED},
};

int pam_usher_refuse(struct pam_usher *call, const struct pam_usher_answer *answer)
{
    if (!answer->answered)
        return answer->rc == E_NOMEM ? PAM_BUF_ERR : PAM_AUTHINFO_UNAVAIL;
    pam_usher_show(call, PAM_ERROR_MSG, answer->text);
    if (answer->rc == E_ACCESS)
        pam_syslog(call->pamh, LOG_ERR, "usherd does not trust this process to log others in");
    else if (answer->rc != E_AUTH && answer->rc != E_UNWILLING && answer->rc != E_STEPUP &&
             answer->rc != E_SYNTAX)
        pam_syslog(call->pamh, LOG_ERR, "usherd refuses: %s", err_text(answer->rc));
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].rc == answer->rc)
            return refusals[i].pam;
    return err_pam(answer->rc);
}

/* Whether PAM means the user that the login is about, still. */
static bool user_stands(const struct pam_usher *call)
{
    const void *user = NULL;

    return pam_get_item(call->pamh, PAM_USER, &user) == PAM_SUCCESS && user != NULL &&
           strcmp(user, call->user) == 0;
}

int pam_usher_accept(struct pam_usher *call, const struct pam_usher_answer *answer)
{
    const char *named = call->options.organization != NULL ? call->options.organization : "";
    char organization[PAM_USHER_NAME_MAX + 1]; /* named may be the login's own */
    struct pam_usher_login *login = call->login;
    bool complete = answer->rc == 0 && (answer->state == VERIFY_STATE_COMPLETE ||
                                        answer->state == VERIFY_STATE_MUST_CHANGE);
    bool due = answer->rc == E_STEPUP && answer->state == VERIFY_STATE_FACTOR_DUE &&
               answer->ticket_len > 0;

    if (!answer->answered || (!complete && !due))
        return pam_usher_refuse(call, answer);
    if (!user_stands(call)) {
        pam_syslog(call->pamh, LOG_ERR, "the user was changed while a secret was asked for");
        return PAM_SYSTEM_ERR;
    }
    (void)snprintf(organization, sizeof(organization), "%s", named);
    pam_usher_forget(login);
    (void)snprintf(login->organization, sizeof(login->organization), "%s", organization);
    login->stage = complete ? STAGE_COMPLETE : STAGE_FACTOR_DUE;
    login->means = answer->means;
    login->must_change = answer->state == VERIFY_STATE_MUST_CHANGE;
    login->ticket_len = answer->ticket_len;
    memcpy(login->ticket, answer->ticket, answer->ticket_len);
    if (answer->state == VERIFY_STATE_COMPLETE) /* what else there is to say comes with account */
        pam_usher_show(call, PAM_TEXT_INFO, answer->text);
    return PAM_SUCCESS;
}

int pam_usher_sendable(struct pam_usher *call, const char *secret)
{
    static const char junk[] = "\b\n\r\177INCORRECT";
    size_t len = strlen(secret), same = 0;

    if (len > SECRET_MAX) /* usherd takes none */
        return PAM_AUTH_ERR;
    while (same < len && secret[same] == junk[same % (sizeof(junk) - 1)])
        same++;
    if (same < len)
        return PAM_SUCCESS;
    if (len > 0) /* as slow as others, so that it does not tell which names sshd knows */
        (void)pam_fail_delay(call->pamh, JUNK_DELAY_US);
    return PAM_AUTH_ERR;
}

/* Not PAM_IGNORE: a stack of nothing but that fails, and logins with it. */
PAM_USHER_ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
