/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The extended operations about what stands beside a password: recovery codes and application
 * passwords. Their values only; the rules stand in rules/.
 */
#include "ldap/exop.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/exop_value.h"

static void on_recovered(struct attempt *attempt)
{
    const struct login *login = &attempt->login;
    struct slice codes[RECOVERY_CODES];
    struct recovery_response response = {.codes = codes, .count = RECOVERY_CODES};
    struct buffer value;

    attempt_audit(attempt, "recovery");
    buffer_init(&value);
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        codes[i] = slice_of(login->recovery[i]);
    if (login->err == 0)
        (void)recovery_response_encode(&response, &value);
    attempt_finish(attempt, &value);
}

enum handled exop_recovery(struct request *request, struct result *ret)
{
    struct recovery_request recovery;
    int rc = recovery_request_decode(request->message->extended.value, &recovery);
    struct attempt *attempt = exop_attempt(request, rc, "usherRecovery", on_recovered, ret);

    if (attempt == NULL)
        return REPLY;
    attempt->login.factor = VERIFY_CODE;
    if (exop_take_user(attempt, recovery.user, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_recovery, ret);
}

static void on_app_password(struct attempt *attempt)
{
    static const char *const names[] = {
        [APP_CREATE] = "app-create", [APP_LIST] = "app-list", [APP_REVOKE] = "app-revoke"};
    const struct login *login = &attempt->login;
    const struct app_password *apps = login->apps;
    struct app_password_line lines[APP_PASSWORD_LINES_MAX];
    char times[APP_PASSWORD_LINES_MAX][CLOCK_TEXT_MAX];
    struct app_password_response response = {.lines = lines, .count = login->app_count};
    struct buffer value;

    attempt_audit(attempt, names[login->app_action]);
    buffer_init(&value);
    if (login->app_action == APP_CREATE) {
        apps = &login->app_asked;
        response.password = slice_of(login->app_text);
        response.count = 1;
    }
    if (response.count > APP_PASSWORD_LINES_MAX)
        response.count = APP_PASSWORD_LINES_MAX;
    for (size_t i = 0; i < response.count; i++)
        lines[i] = (struct app_password_line){slice_of(apps[i].id), slice_of(apps[i].organization),
                                              slice_of(apps[i].service), slice_of(apps[i].label),
                                              slice_of(clock_format(apps[i].created_ms, times[i]))};
    if (login->err == 0)
        (void)app_password_response_encode(&response, &value);
    attempt_finish(attempt, &value);
}

enum handled exop_app_password(struct request *request, struct result *ret)
{
    struct app_password_request asked;
    int rc = app_password_request_decode(request->message->extended.value, &asked);
    struct attempt *attempt = exop_attempt(request, rc, "usherAppPassword", on_app_password, ret);
    struct app_password *app;

    if (attempt == NULL)
        return REPLY;
    app = &attempt->login.app_asked;
    attempt->login.factor = VERIFY_PASSWORD;
    attempt->login.app_action = asked.action;
    if (exop_take_user(attempt, asked.user, request, ret) < 0 ||
        exop_take(
            (struct exop_field[]){
                EXOP_FIELD(asked, app, organization),
                EXOP_FIELD(asked, app, service),
                EXOP_FIELD(asked, app, label),
                EXOP_FIELD(asked, app, id),
            },
            4, request, ret) < 0)
        return exop_refuse(attempt, request, ret);
    return attempt_start(attempt, login_app_password, ret);
}
